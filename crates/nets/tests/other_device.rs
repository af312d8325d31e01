//! The networks on a device that is not the CPU's own, at small size, against the
//! references and against the CPU.
//!
//! `REELGAN_TEST_DEVICE` names the device; without it a software driver is asked for.
//! `cargo test --release --features vulkan --test other_device`
#![cfg(feature = "wgpu")]

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, max_abs, path, relative};
use reelgan_nets::generators::StyleGan1;
use reelgan_nets::ops::{Warp, haar_up, max_pool2, resize_bilinear};
use reelgan_nets::{DeviceName, Weights};

fn device() -> Device {
    let name = std::env::var("REELGAN_TEST_DEVICE").unwrap_or_else(|_| "wgpu:cpu".into());
    let name: DeviceName = name.parse().expect("a device of this build");
    name.open().expect("a device of this machine")
}

fn tensor<const D: usize>(golden: &Golden, name: &str, device: &Device) -> Tensor<D> {
    let shape: [usize; D] = golden.shape(name).try_into().expect("the rank of the reference");
    Tensor::from_data(TensorData::new(golden.values(name), shape), device)
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

#[test]
fn generator_and_its_gradient_match_the_reference() {
    let device = device();
    let file = path("karras2019stylegan-ffhq-64x64.for_g_all.pt");
    let weights = Weights::open(StyleGan1::NETWORK, &file).expect("readable weights");
    let net = StyleGan1::from_weights(&weights, &device).expect("weights of the network");
    let golden = Golden::open("sg1_lernapparat_64.safetensors");
    let noise: Vec<Tensor<4>> =
        (0..net.rows()).map(|k| tensor(&golden, &format!("noise{k}"), &device)).collect();

    let codes = tensor::<3>(&golden, "wp", &device).autodiff().require_grad();
    let image = net.synthesize(codes.clone(), &noise);
    let difference = max_abs(&values(image.clone().inner()), &golden.values("img_from_wp"));
    assert!(difference < 2e-4, "image differs by {difference}");

    let image = image.add_scalar(1.0).div_scalar(2.0);
    let loss = (image - tensor(&golden, "target01", &device)).powf_scalar(2.0).mean();
    let mut grads = loss.backward();
    let gradient = values(codes.grad_remove(&mut grads).expect("a gradient"));
    let error = relative(&gradient, &golden.values("grad_wp"));
    assert!(error < 1e-3, "gradient differs by {error}");
}

/// The same work on both devices: image and gradient to the input.
fn on_both(shape: [usize; 4], work: impl Fn(Tensor<4>, &Device) -> Tensor<4>) {
    let n = shape.iter().product::<usize>();
    let data: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1000) as f32 / 1000.0).collect();
    let run = |device: &Device| {
        let data = TensorData::new(data.clone(), shape);
        let x = Tensor::<4>::from_data(data, device).autodiff().require_grad();
        let y = work(x.clone(), device);
        // Squared, so that the gradient of each output differs.
        let mut grads = y.clone().powf_scalar(2.0).sum().backward();
        (values(y.inner()), values(x.grad_remove(&mut grads).expect("a gradient")))
    };
    let (here, there) = (run(&Device::flex()), run(&device()));
    for (what, a, b) in [("result", &here.0, &there.0), ("gradient", &here.1, &there.1)] {
        let error = relative(b, a);
        assert!(error < 1e-5, "{what} differs by {error}");
    }
}

#[test]
fn resampling_matches_the_cpu() {
    on_both([2, 3, 33, 29], |x, _| resize_bilinear(x, [16, 12]));
    on_both([1, 5, 18, 14], |x, _| max_pool2(x));
    on_both([2, 8, 9, 7], |x, _| haar_up(x, None));
    let flow: Vec<f32> = (0..2 * 20 * 24).map(|i| ((i * 31) % 17) as f32 / 4.0 - 2.0).collect();
    on_both([1, 3, 20, 24], |x, device| Warp::new(&flow, [1, 20, 24], device).forward(x));
}
