//! The authors' perceptual network with reproducible weights against the original.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, detw};
use reelgan_nets::Weights;
use reelgan_nets::perceptual::{Tap, Vgg16};

/// torchvision's index of each convolution in `features`, in order.
const INDICES: [usize; 13] = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
const LAYERS: [usize; 5] = [2, 2, 3, 3, 3];

/// VGG16 with weights that follow from torchvision's key names.
fn network() -> Vgg16 {
    let mut weights = Weights::empty(Vgg16::NETWORK);
    let (mut input, mut index) = (3, INDICES.iter());
    for (block, layers) in LAYERS.into_iter().enumerate() {
        let out = 64 << block.min(3);
        for layer in 1..=layers {
            let k = index.next().expect("thirteen convolutions");
            let bound = (6.0 / (input * 9) as f64).sqrt() as f32;
            let name = format!("conv{}_{layer}", block + 1);
            let kernel = detw(&format!("features.{k}.weight"), out * input * 9, bound);
            weights.insert(&format!("{name}.weight"), vec![out, input, 3, 3], kernel);
            let bias = detw(&format!("features.{k}.bias"), out, 0.1);
            weights.insert(&format!("{name}.bias"), vec![out], bias);
            input = out;
        }
    }
    Vgg16::from_weights(&weights, &Device::flex()).expect("weights of the network")
}

#[test]
fn feature_losses_match_the_original() {
    let golden = Golden::open("vgg_perceptual.safetensors");
    let picture = |name: &str| {
        let shape: [usize; 4] = golden.shape(name).try_into().expect("rank 4");
        Tensor::<4>::from_data(TensorData::new(golden.values(name), shape), &Device::flex())
    };
    let vgg = network();
    let (fx, fy) =
        (vgg.features(picture("x"), &Tap::PAPER), vgg.features(picture("y"), &Tap::PAPER));
    let losses: Vec<f32> = fx
        .into_iter()
        .zip(fy)
        .map(|(a, b)| (a - b).powf_scalar(2.0).mean().into_scalar::<f32>())
        .collect();
    let want = golden.values("layer_mse");
    for (k, (got, want)) in losses.iter().zip(&want).enumerate() {
        assert!((got / want - 1.0).abs() < 1e-3, "tap {k}: {got} instead of {want}");
    }
}
