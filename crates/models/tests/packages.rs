//! The published packages, converted by this crate and read by another.
//!
//! The packages come from the folder in `REELGAN_PACKAGES`, else from the
//! cache, where `reelgan models fetch` puts them.

use std::path::{Path, PathBuf};

use reelgan_models::catalog::{
    ALEXNET, CARPHONE, FACE_NETS, FFMPEG, INCEPTION, MOBILESTYLEGAN, VGG16,
};
use reelgan_models::{Cache, Entry, Kind, Store};
use safetensors::SafeTensors;

fn archive(entry: &Entry) -> PathBuf {
    let path = match std::env::var_os("REELGAN_PACKAGES") {
        Some(folder) => Path::new(&folder).join(entry.package.archive),
        None => Cache::locate().unwrap().archive(&entry.package),
    };
    assert!(
        path.is_file(),
        "{} is not there: run `reelgan models fetch {}`, or set REELGAN_PACKAGES to a folder that \
         has it",
        path.display(),
        entry.name
    );
    path
}

/// Converts a package in a cache of its own; returns the file's bytes.
fn convert(entry: &Entry) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Cache::at(folder.path()).unwrap());
    // One package may hold several models.
    let ready = store.add(&archive(entry), &mut |_| {}).unwrap();
    assert!(ready.contains(&entry.name), "{ready:?}");
    store.verify(entry.name).unwrap();
    let file = store.path_as(entry.name, entry.kind).unwrap();
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let record = store.cache().record(entry).unwrap().unwrap();
        assert_eq!(Some(record.sha256.as_str()), entry.converted_sha256, "{}", entry.name);
    }
    std::fs::read(file).unwrap()
}

fn floats(file: &SafeTensors, name: &str, shape: &[usize]) -> Vec<f32> {
    let view = file.tensor(name).unwrap();
    assert_eq!((view.dtype(), view.shape()), (safetensors::Dtype::F32, shape), "{name}");
    view.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let square = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, square.sqrt())
}

fn assert_moments(values: &[f32], mean: f64, deviation: f64) {
    let got = moments(values);
    // The expected values have nine digits.
    let near = |a: f64, b: f64| (a - b).abs() <= 2e-7 * b.abs().max(1e-2);
    assert!(near(got.0, mean) && near(got.1, deviation), "{got:?}, expected {mean}, {deviation}");
}

#[test]
fn vgg16_has_the_numbers_of_its_package() {
    let bytes = convert(&VGG16);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 31);
    // Moments by numpy over the arrays that pickle itself loads.
    let first = floats(&file, "conv1_1.weight", &[64, 3, 3, 3]);
    assert_moments(&first, -0.001_876_695_34, 0.250_830_817);
    assert_moments(&floats(&file, "conv1_1.bias", &[64]), -0.065_004_723_3, 0.514_862_853);
    let middle = floats(&file, "conv3_1.weight", &[256, 128, 3, 3]);
    assert_moments(&middle, -0.001_329_741_65, 0.031_777_812);
    let last = floats(&file, "conv5_3.weight", &[512, 512, 3, 3]);
    assert_moments(&last, -0.002_206_629_72, 0.015_936_683_7);
    assert_moments(&floats(&file, "conv5_3.bias", &[512]), 0.072_648_211_4, 0.137_779_516);
    assert_moments(&floats(&file, "lpips.head0", &[64]), 0.108_218_62, 0.178_838_942);
    assert_moments(&floats(&file, "lpips.head4", &[512]), 0.091_864_948_7, 0.050_305_857_5);
}

#[test]
fn alexnet_has_the_numbers_of_its_package() {
    let bytes = convert(&ALEXNET);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 15);
    // Moments by numpy over the arrays that pickle itself loads.
    assert_moments(
        &floats(&file, "features.0.weight", &[64, 3, 11, 11]),
        -7.93163166e-05,
        0.116980553,
    );
    assert_moments(&floats(&file, "features.3.bias", &[192]), 0.00209111723, 0.176131318);
    assert_moments(
        &floats(&file, "features.10.weight", &[256, 256, 3, 3]),
        -0.00410590007,
        0.0263790848,
    );
    assert_moments(&floats(&file, "lpips.head0", &[64]), 0.0367114424, 0.0927197197);
    assert_moments(&floats(&file, "lpips.head4", &[256]), 0.079363973, 0.0867169707);
}

#[test]
fn inception_has_the_numbers_of_its_package() {
    let bytes = convert(&INCEPTION);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 376);
    // Moments by numpy over the bytes at the offsets that the archive's index states.
    assert_moments(
        &floats(&file, "net.layers.conv.weight", &[32, 3, 3, 3]),
        -0.000473686059,
        0.234590732,
    );
    assert_moments(&floats(&file, "net.layers.conv.beta", &[32]), 0.723849912, 1.42474476);
    assert_moments(
        &floats(&file, "net.layers.mixed_4.tower.conv_1.weight", &[128, 128, 1, 7]),
        -0.00157555302,
        0.0319559537,
    );
    assert_moments(
        &floats(&file, "net.layers.mixed_10.tower_1_mixed_conv.var", &[384]),
        0.0211089153,
        0.00121200501,
    );
}

#[test]
fn the_generator_has_the_numbers_of_its_package() {
    let bytes = convert(&MOBILESTYLEGAN);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    // Moments by numpy over the bytes at the offsets that the graph states.
    let first = floats(&file, "mapping.0.weight", &[512, 512]);
    assert_moments(&first, -3.032_542_06e-5, 0.044_281_776);
    let third = floats(&file, "mapping.2.bias", &[512]);
    assert_moments(&third, -0.004_701_271_24, 0.015_973_557_1);
    assert_mean_code(&floats(&file, "w_avg", &[512]));
}

#[test]
fn the_face_networks_have_the_numbers_of_their_package() {
    let bytes = convert(&FACE_NETS);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 285);
    // Moments by numpy over the bytes at their offsets.
    for (name, shape, mean, deviation) in [
        ("detector.conv0.filters", &[16, 3, 3, 3][..], -0.011_925_994_8, 0.442_525_354),
        ("detector.conv8.bias", &[25], -0.065_050_083_5, 0.136_439_482),
        (
            "landmarks.dense2.conv1.depthwise_filter",
            &[128, 1, 3, 3],
            -0.013_945_940_9,
            0.199_999_039,
        ),
        (
            "identity.conv64_1.conv1.conv.filters",
            &[64, 64, 3, 3],
            -0.000_581_839_007,
            0.006_300_239_18,
        ),
        ("identity.fc", &[256, 128], -2.805_349_63e-6, 0.010_193_001),
        ("age_gender.entry_flow.conv_in.bias", &[32], -0.181_436_185, 0.269_887_174),
        ("age_gender.fc.age.weights", &[512, 1], 0.030_393_075_2, 0.349_518_574),
        ("expression.fc.weights", &[256, 7], -0.059_147_050_1, 0.183_634_632),
    ] {
        assert_moments(&floats(&file, name, shape), mean, deviation);
    }
}

/// Two means over independent samples differ by their sampling errors: the
/// variances of w add up to 99.1 (numpy, 8192 samples), so the expected
/// distance is sqrt(99.1 * (1/16384 + 1/65536)) = 0.087.
fn assert_mean_code(mean: &[f32]) {
    let other = include_bytes!("data/mean_code_65536.f32");
    let other = other.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
    assert_eq!(other.len(), mean.len());
    let square: f64 = mean.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let distance = square.sqrt();
    assert!((0.5 * 0.087..1.5 * 0.087).contains(&distance), "distance {distance}");
}

#[test]
fn the_clip_is_an_mp4_and_ffmpeg_runs() {
    assert_eq!(&convert(&CARPHONE)[4..8], b"ftyp");
    if FFMPEG.platform.is_some_and(|p| p.is_here()) {
        let store = Store::standard().unwrap();
        let program = store.path_as("ffmpeg", Kind::Tool).unwrap_or_else(|e| panic!("{e}"));
        let out = std::process::Command::new(program).arg("-version").output().unwrap();
        assert!(String::from_utf8_lossy(&out.stdout).starts_with("ffmpeg version"));
    }
}
