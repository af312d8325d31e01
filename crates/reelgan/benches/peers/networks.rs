//! The networks with real weights: VGG16 to its input, MobileStyleGAN to its codes.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::generators::MobileStyleGan;
use reelgan_nets::ops::SquaredDistance;
use reelgan_nets::perceptual::{Tap, Vgg16};

use crate::exchange::{Exchange, Results};
use crate::stylegan1::{Random, values};

/// The file of a model of the cache.
pub fn model(name: &str, kind: Kind) -> PathBuf {
    let store = Store::standard().expect("a cache folder");
    store.path_as(name, kind).expect("fetched before (`reelgan models fetch`)")
}

/// VGG16 to relu4_2 on five pictures of 256 px, forward and backward to the pictures.
pub fn vgg16(exchange: &Exchange) {
    const SHAPE: [usize; 4] = [5, 3, 256, 256];
    let device = Device::flex();
    let path = model("vgg16", Kind::Perceptual);
    let weights = Weights::open(Vgg16::NETWORK, &path).expect("readable weights");
    let net = Vgg16::from_weights(&weights, &device).expect("whole weights");
    let len = SHAPE.iter().product();
    let pixels: Vec<f32> =
        Random::new().normal(len, 0.2).iter().map(|v| (v + 0.5).clamp(0.0, 1.0)).collect();
    let inputs = vec![("images".to_string(), SHAPE.to_vec(), pixels.clone())];
    exchange.write_inputs(inputs, &[("vgg16", path)]);
    let images = Tensor::<4>::from_data(TensorData::new(pixels, SHAPE), &device);
    let tap = [Tap { block: 4, layer: 2 }];
    let zeros = Tensor::zeros([5, 512, 32, 32], &device);
    let distance = SquaredDistance::new(zeros);
    exchange.serve(|| {
        let x = images.clone().autodiff().require_grad();
        let features = net.features(x.clone(), &tap).remove(0);
        let mut grads = distance.forward(features.clone()).backward();
        let gradient = x.grad_remove(&mut grads).expect("a gradient");
        Results { value: values(features.inner()), gradient: values(gradient) }
    });
}

/// MobileStyleGAN at 1024 px with `n` codes, forward and backward to them.
///
/// The images are made one after the other, as the method does: memory does not grow with
/// their number.
pub fn mobilestylegan(exchange: &Exchange, n: usize) {
    let device = Device::flex();
    let path = model("mobilestylegan-ffhq-1024", Kind::Generator);
    let weights = Weights::open(MobileStyleGan::NETWORK, &path).expect("readable weights");
    let net = MobileStyleGan::from_weights(&weights, &device).expect("whole weights");
    let (rows, dim, side) = (net.rows(), net.dim(), net.resolution());
    let z = TensorData::new(Random::new().normal(n * dim, 1.0), [n, dim]);
    let w = net.map(Tensor::from_data(z, &device)).reshape([n, 1, dim]).expand([n, rows, dim]);
    let codes = values(w);
    let inputs = vec![("codes".to_string(), vec![n, rows, dim], codes.clone())];
    exchange.write_inputs(inputs, &[("generator", path)]);
    let distance = SquaredDistance::new(Tensor::zeros([1, 3, side, side], &device));
    exchange.serve(|| {
        let mut results = Results { value: Vec::new(), gradient: Vec::new() };
        for code in codes.chunks_exact(rows * dim) {
            let data = TensorData::new(code.to_vec(), [1, rows, dim]);
            let code = Tensor::<3>::from_data(data, &device).autodiff().require_grad();
            let image = net.synthesize(code.clone(), net.noise());
            // A mean over all images, as on the other side.
            let loss = distance.forward(image.clone()).mul_scalar(1.0 / n as f32);
            let mut grads = loss.backward();
            let gradient = code.grad_remove(&mut grads).expect("a gradient");
            results.value.extend(values(image.inner()));
            results.gradient.extend(values(gradient));
        }
        results
    });
}
