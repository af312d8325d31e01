//! VGG16, LPIPS and the network of FID with real weights against the packages they
//! come from.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, max_abs, path};
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::perceptual::{AlexNet, FidInput, Inception, Lpips, Tap, Vgg16};

fn weights_of(name: &str, network: &'static str) -> Weights {
    let store = Store::standard().expect("a cache folder");
    let path = store.path_as(name, Kind::Perceptual).unwrap_or_else(|e| panic!("{e}"));
    Weights::open(network, &path).expect("readable weights")
}

fn weights() -> Weights {
    weights_of("vgg16", Vgg16::NETWORK)
}

/// A reference picture, `[1,3,H,W]`, bytes as numbers, through one of the
/// transforms of the reference data.
fn picture(name: &str, transform: &str) -> Tensor<4> {
    let image =
        image::open(path(&format!("images/{name}"))).expect("a reference picture").to_rgb8();
    let (w, h) = (image.width() as usize, image.height() as usize);
    let rows = if transform == "crop100x90" { 20..120 } else { 0..h };
    let columns = if transform == "crop100x90" { 30..120 } else { 0..w };
    let mut data = Vec::new();
    for c in 0..3 {
        for y in rows.clone() {
            for x in columns.clone() {
                // "shift4": rolled four columns to the right, wrapping around.
                let from = if transform == "shift4" { (x + w - 4) % w } else { x };
                data.push(f32::from(image.get_pixel(from as u32, y as u32).0[c]));
            }
        }
    }
    let shape = [1, 3, rows.len(), columns.len()];
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

#[test]
fn heavy_lpips_matches_its_package() {
    let weights = weights();
    let device = Device::flex();
    let trunk = Vgg16::from_weights(&weights, &device).expect("weights of the network");
    check_lpips("vgg16", &Lpips::from_weights(trunk, &weights, &device).expect("heads"));
}

#[test]
fn heavy_lpips_on_alexnet_matches_its_package() {
    let weights = weights_of("alexnet", AlexNet::NETWORK);
    let device = Device::flex();
    let trunk = AlexNet::from_weights(&weights, &device).expect("weights of the network");
    check_lpips("alexnet", &Lpips::from_weights(trunk, &weights, &device).expect("heads"));
}

fn check_lpips(name: &str, lpips: &Lpips) {
    let golden = Golden::open("lpips.safetensors");
    let pairs = [
        (("face_0_256.png", ""), ("face_1_256.png", "")),
        (("face_2_256.png", ""), ("face_2_256.png", "shift4")),
        (("face_3_256.png", ""), ("astronaut_256.png", "")),
        (("face_0_256.png", "crop100x90"), ("face_3_256.png", "crop100x90")),
    ];
    for (k, (a, b)) in pairs.into_iter().enumerate() {
        let unit = |(name, how)| picture(name, how).div_scalar(255.0);
        let (total, layers) = lpips.distance(unit(a), unit(b));
        let total = max_abs(&values(total), &golden.values(&format!("lpips.{name}.{k}")));
        assert!(total < 2e-5, "{name}, pair {k}: differs by {total}");
        let layers: Vec<f32> = layers.into_iter().flat_map(values).collect();
        let worst = max_abs(&layers, &golden.values(&format!("lpips.{name}.{k}.per_layer")));
        assert!(worst < 1e-5, "{name}, pair {k}: a layer differs by {worst}");
    }
}

#[test]
fn heavy_fid_features_match_their_package() {
    let golden = Golden::open("inception.safetensors");
    let weights = weights_of("inception-fid-2015", Inception::NETWORK);
    let net = Inception::from_weights(&weights, &Device::flex()).expect("weights of the network");
    for name in ["face_0_256.png", "astronaut_256.png"] {
        let x = picture(name, "").div_scalar(255.0);
        // Rows and columns 100 to 115 of the resized picture, in levels, colours last.
        let resized = FidInput::TensorFlow.prepare(x.clone()).mul_scalar(128.0).add_scalar(128.0);
        let slice = resized.slice([0..1, 0..3, 100..116, 100..116]).permute([0, 2, 3, 1]);
        let want = golden.values(&format!("inception.{name}.resized_slice"));
        let worst = max_abs(&values(slice), &want);
        assert!(worst < 5e-3, "{name}: resized picture differs by {worst}");
        let features = values(net.features(x, FidInput::TensorFlow));
        let worst = max_abs(&features, &golden.values(&format!("inception.{name}.features")));
        assert!(worst < 1e-4, "{name}: features differ by {worst}");
    }
}

#[test]
fn heavy_vgg16_features_match_the_reference() {
    let golden = Golden::open("vgg_features.safetensors");
    let vgg = Vgg16::from_weights(&weights(), &Device::flex()).expect("weights of the network");
    for name in ["face_0_256.png", "face_1_256.png"] {
        for (input, x) in [
            ("unit", picture(name, "").div_scalar(255.0)),
            ("lpipsnorm", normalised(picture(name, ""))),
        ] {
            for (tap, map) in Tap::PAPER.iter().zip(vgg.features(x, &Tap::PAPER)) {
                let prefix = format!("vgg.{name}.{input}.relu{}_{}", tap.block, tap.layer);
                check_map(&golden, &prefix, map);
            }
        }
    }
}

/// `(v/127.5 - 1 - shift) / scale` of LPIPS, from bytes.
fn normalised(x: Tensor<4>) -> Tensor<4> {
    let constant = |v: [f32; 3]| {
        Tensor::<4>::from_data(TensorData::new(v.to_vec(), [1, 3, 1, 1]), &Device::flex())
    };
    (x.div_scalar(127.5).sub_scalar(1.0) - constant([-0.030, -0.088, -0.188]))
        / constant([0.458, 0.448, 0.450])
}

fn check_map(golden: &Golden, prefix: &str, map: Tensor<4>) {
    let all = values(map.clone());
    let n = all.len() as f64;
    let mean = all.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let std = (all.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
    let want = golden.values(&format!("{prefix}.mean_std"));
    for (got, want) in [(mean, want[0]), (std, want[1])] {
        let error = (got / f64::from(want) - 1.0).abs();
        assert!(error < 1e-5, "{prefix}: {got} instead of {want}");
    }
    let slice = map.clone().slice([0..1, 0..8, 10..18, 10..18]);
    let worst = max_abs(&values(slice), &golden.values(&format!("{prefix}.slice")));
    assert!(worst < 1e-3, "{prefix}: slice differs by {worst}");
    let channels = values(map.mean_dim(3).mean_dim(2));
    let worst = max_abs(&channels, &golden.values(&format!("{prefix}.channel_mean")));
    assert!(worst < 1e-4, "{prefix}: channel means differ by {worst}");
}
