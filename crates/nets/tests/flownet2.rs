//! FlowNet2 against its definition in PyTorch: reduced widths from a file as the original's are
//! written, and full widths with weights that follow from their names.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_checkpoint::{Array, DType, NamedArrays};
use reelgan_golden::{Golden, detw, path};
use reelgan_nets::flownet2::FlowNet2;
use reelgan_nets::{Error, Weights};

const CHECKPOINT: &str = "FlowNet2_checkpoint.pth.tar";

/// Every network's result within `tolerance`, absolute plus relative.
fn matches(net: &FlowNet2, name: &str, tolerance: f32) {
    let golden = Golden::open(name);
    let image = |name: &str| {
        let shape: [usize; 4] = golden.shape(name).try_into().expect("rank 4");
        Tensor::<4>::from_data(TensorData::new(golden.values(name), shape), &Device::flex())
    };
    let stages = net.stages(image("img1"), image("img2"));
    for (part, got) in [
        ("flownetc_out", stages.c),
        ("flownets_1_out", stages.s1),
        ("flownets_2_out", stages.s2),
        ("flownets_d_out", stages.sd),
        ("flownetfusion_out", stages.flow.clone()),
        ("flow", stages.flow),
    ] {
        assert_eq!(got.dims().to_vec(), golden.shape(part), "{part}");
        let got = got.into_data().try_into_vec::<f32>().expect("f32");
        let mut worst = 0.0f32;
        for (got, want) in got.iter().zip(golden.values(part)) {
            let error = (got - want).abs() / (1.0 + want.abs());
            assert!(error <= tolerance, "{part}: {got} instead of {want}");
            worst = worst.max(error);
        }
        println!("{name} {part}: {worst:.1e}");
    }
}

fn small() -> NamedArrays {
    reelgan_checkpoint::open(&path(CHECKPOINT)).expect("a readable checkpoint").arrays
}

#[test]
fn the_file_of_the_original_gives_its_flows() {
    let net = FlowNet2::open(&path(CHECKPOINT), &Device::flex()).expect("weights of the network");
    // The reference allows 1e-3; both sides are f32, and 7e-7 was reached.
    matches(&net, "flownet2_small_64.safetensors", 1e-5);
    matches(&net, "flownet2_small_128.safetensors", 1e-5);
}

#[test]
fn names_may_have_either_prefix_or_none() {
    for prefix in ["", "module.", "state_dict.module."] {
        let arrays = small().into_iter().map(|(name, array)| {
            let bare = name.strip_prefix("state_dict.").expect("a training state");
            (format!("{prefix}{bare}"), array)
        });
        FlowNet2::from_arrays(arrays.collect(), &Device::flex()).expect(prefix);
    }
}

#[test]
fn other_weights_are_refused_by_name() {
    let refused = |change: &dyn Fn(&mut NamedArrays)| {
        let mut arrays = small();
        change(&mut arrays);
        FlowNet2::from_arrays(arrays, &Device::flex()).unwrap_err()
    };
    let key = "state_dict.flownets_1.conv4.0.weight";
    let error = refused(&|arrays| drop(arrays.remove(key)));
    assert!(
        matches!(&error, Error::MissingTensor { name, .. } if name == "flownets_1.conv4.0.weight"),
        "{error}"
    );
    let error = refused(&|arrays| arrays.get_mut(key).expect("there").shape.swap(0, 1));
    assert!(
        matches!(&error, Error::Shape { expected, .. } if expected == "[channels, 16, 3, 3]"),
        "{error}"
    );
    let error = refused(&|arrays| {
        let bias = Array::new(vec![2], DType::F32, vec![0; 8]).expect("an array");
        arrays.insert("state_dict.flownets_1.upsampled_flow6_to_5.bias".into(), bias);
    });
    assert!(
        matches!(&error, Error::ExtraTensors { others: 0, name, .. } if name == "flownets_1.upsampled_flow6_to_5.bias"),
        "{error}"
    );
    let error = refused(&|arrays| {
        let array = arrays.get_mut(key).expect("there");
        array.bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    let nothing = FlowNet2::from_arrays(NamedArrays::new(), &Device::flex()).unwrap_err();
    assert!(matches!(nothing, Error::MissingTensor { .. }), "{nothing}");
}

/// The largest magnitude of a full-width weight: He's rule, smaller where flows are made.
fn bound(name: &str, shape: &[usize]) -> f32 {
    if name.ends_with("bias") {
        return 0.02;
    }
    let transposed = name.contains(".deconv") || name.contains(".upsampled_flow");
    let fan = if transposed { shape[0] * 4 } else { shape[1..].iter().product() };
    let gain = match name {
        name if name.contains("predict_flow") => 0.2,
        name if name.contains("upsampled_flow") => 0.5,
        _ => 1.0,
    };
    (gain * (6.0 / fan as f64).sqrt()) as f32
}

/// Names and shapes of the original's weights.
fn keys() -> Vec<(String, Vec<usize>)> {
    let table = std::fs::read_to_string(path("flownet2_keys.tsv")).expect("the key table");
    let row = |line: &str| {
        let [name, _, shape]: [&str; 3] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
        (name.to_string(), shape.split('x').map(|n| n.parse().expect("a size")).collect())
    };
    table.lines().map(row).collect()
}

#[test]
fn heavy_full_widths_match_the_reference() {
    let mut weights = Weights::empty(FlowNet2::NETWORK);
    let keys = keys();
    let numbers: usize = keys.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!((keys.len(), numbers), (220, 162_518_834));
    for (name, shape) in keys {
        let data = detw(&name, shape.iter().product(), bound(&name, &shape));
        weights.insert(&name, shape, data);
    }
    // Every key of the table finds its place, and none is left: reading would fail.
    let net = FlowNet2::from_weights(weights, &Device::flex()).expect("weights of the network");
    matches(&net, "flownet2_full_detw_64.safetensors", 2e-3);
    matches(&net, "flownet2_full_detw_128.safetensors", 2e-3);
}
