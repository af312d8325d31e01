//! The network that guesses which way a picture was moved, and how far.

use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Side of the pictures it looks at.
pub(super) const SIDE: usize = 32;
/// Channels of its two convolutions.
const CHANNELS: [usize; 2] = [16, 32];
/// Their kernels.
const KERNEL: usize = 5;

/// Two strided convolutions and a linear layer, as plain numbers.
///
/// # Source   Voynov and Babenko 2020 take a LeNet for small pictures
#[derive(Debug, Clone)]
pub(super) struct Reconstructor {
    outputs: usize,
    /// Weights and biases, layer after layer.
    pub values: Vec<f32>,
}

/// Its layers as tensors of a graph.
pub(super) struct Layers {
    parts: [Tensor<1>; 6],
}

impl Reconstructor {
    /// Random weights (He et al. 2015) for `directions` directions.
    pub fn new(directions: usize, rng: &mut Pcg64Mcg) -> Self {
        let outputs = directions + 1;
        let mut values = Vec::new();
        for (shape, inputs) in shapes(outputs) {
            let gain = if inputs == 0 { 0.0 } else { (2.0 / inputs as f32).sqrt() };
            values.extend((0..shape).map(|_| {
                let v: f32 = StandardNormal.sample(rng);
                gain * v
            }));
        }
        Self { outputs, values }
    }

    /// The layers, with gradients.
    pub fn layers(&self, device: &Device) -> Layers {
        let mut rest = self.values.as_slice();
        let parts = shapes(self.outputs).map(|(len, _)| {
            let (own, others) = rest.split_at(len);
            rest = others;
            let data = TensorData::new(own.to_vec(), [len]);
            Tensor::<1>::from_data(data, device).autodiff().require_grad()
        });
        Layers { parts }
    }

    /// Pictures before and after, `[N,6,32,32]`, to a score of every direction, `[N,K]`, and
    /// the size of the step, `[N]`.
    pub fn forward(&self, layers: &Layers, pairs: Tensor<4>) -> (Tensor<2>, Tensor<1>) {
        let [w1, b1, w2, b2, w3, b3] = layers.parts.clone();
        let n = pairs.dims()[0];
        let options = || ConvOptions::new([2, 2], [2, 2], [1, 1], 1);
        let [c1, c2] = CHANNELS;
        let x = relu(conv2d(pairs, w1.reshape([c1, 6, KERNEL, KERNEL]), Some(b1), options()));
        let x = relu(conv2d(x, w2.reshape([c2, c1, KERNEL, KERNEL]), Some(b2), options()));
        let x = x.reshape([n, flat()]);
        let out = x.matmul(w3.reshape([flat(), self.outputs])) + b3.reshape([1, self.outputs]);
        let scores = out.clone().slice([0..n, 0..self.outputs - 1]);
        let size = out.slice([0..n, self.outputs - 1..self.outputs]).reshape([n]);
        (scores, size)
    }
}

impl Layers {
    /// Gradients in the order of [`Reconstructor::values`].
    pub fn gradient(&self, grads: &mut Gradients) -> Vec<f32> {
        let one = |part: &Tensor<1>| {
            let gradient = part.grad_remove(grads).expect("every layer is used");
            gradient.into_data().try_into_vec::<f32>().expect("f32")
        };
        self.parts.iter().flat_map(one).collect()
    }
}

/// Numbers in the map behind the convolutions.
fn flat() -> usize {
    CHANNELS[1] * (SIDE / 4) * (SIDE / 4)
}

/// Numbers of each layer, and the inputs of one of its outputs (0: a bias).
fn shapes(outputs: usize) -> [(usize, usize); 6] {
    let window = KERNEL * KERNEL;
    let [c1, c2] = CHANNELS;
    [
        (c1 * 6 * window, 6 * window),
        (c1, 0),
        (c2 * c1 * window, c1 * window),
        (c2, 0),
        (flat() * outputs, flat()),
        (outputs, 0),
    ]
}
