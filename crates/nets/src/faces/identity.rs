//! A descriptor of who a face is: dlib's residual network.

use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Device, Tensor, TensorData};

use super::input::Input;
use super::layers::{Part, global_mean};
use crate::ops::Conv3x3;
use crate::{Result, Weights};

/// The network of the identity descriptor.
///
/// Descriptors of one person are near: dlib and face-api.js take a Euclidean
/// distance below 0.6 for the same person.
#[derive(Debug, Clone)]
pub struct Identity {
    input: Input,
    first: StridedConv,
    blocks: Vec<Block>,
    /// `[256,128]`.
    last: Tensor<2>,
}

/// Blocks in order: name, and output channels where the size is halved.
const BLOCKS: [(&str, Option<usize>); 14] = [
    ("conv32_1", None),
    ("conv32_2", None),
    ("conv32_3", None),
    ("conv64_down", Some(64)),
    ("conv64_1", None),
    ("conv64_2", None),
    ("conv64_3", None),
    ("conv128_down", Some(128)),
    ("conv128_1", None),
    ("conv128_2", None),
    ("conv256_down", Some(256)),
    ("conv256_1", None),
    ("conv256_2", None),
    ("conv256_down_out", Some(256)),
];

impl Identity {
    /// Length of a descriptor.
    pub const LENGTH: usize = 128;

    /// Reads `identity.*`.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let part = Part::new(weights, "identity", device);
        let first = StridedConv::read(&part, "conv32_down", [3, 32, 7])?;
        let mut channels = 32;
        let mut blocks = Vec::new();
        for (name, halved) in BLOCKS {
            let out = halved.unwrap_or(channels);
            blocks.push(Block::read(&part, name, [channels, out], halved.is_some())?);
            channels = out;
        }
        let last = part.tensor("fc", [channels, Self::LENGTH])?;
        part.finish()?;
        Ok(Self { input: Input::of_crop(150, device), first, blocks, last })
    }

    /// Descriptors, `[N,128]`, not normalised. Differentiable in `crop`.
    ///
    /// # Shapes `crop [N,3,H,W]`
    /// # Range  crop `[0,1]`
    pub fn forward(&self, crop: Tensor<4>) -> Tensor<2> {
        let x = relu(self.first.forward(self.input.prepare(crop)));
        let x = max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        global_mean(x).matmul(self.last.clone())
    }
}

/// Kernel and bias of `scale * (conv + bias) + shift`, with the scale folded in.
struct Folded {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Folded {
    /// Reads `NAME.conv.{filters,bias}` and `NAME.scale.{weights,biases}`.
    fn read(part: &Part, name: &str, [input, out, side]: [usize; 3]) -> Result<Self> {
        let values = |what: &str, shape: &[usize]| part.values(&format!("{name}.{what}"), shape);
        let mut weight = values("conv.filters", &[out, input, side, side])?.to_vec();
        let mut bias = values("conv.bias", &[out])?.to_vec();
        let (scale, shift) = (values("scale.weights", &[out])?, values("scale.biases", &[out])?);
        for (k, kernel) in weight.chunks_exact_mut(input * side * side).enumerate() {
            kernel.iter_mut().for_each(|v| *v *= scale[k]);
            bias[k] = bias[k] * scale[k] + shift[k];
        }
        Ok(Self { weight, bias })
    }
}

/// A convolution of stride 2 without padding.
#[derive(Debug, Clone)]
struct StridedConv {
    weight: Tensor<4>,
    bias: Tensor<1>,
}

impl StridedConv {
    fn read(part: &Part, name: &str, [input, out, side]: [usize; 3]) -> Result<Self> {
        let Folded { weight, bias } = Folded::read(part, name, [input, out, side])?;
        let weight = TensorData::new(weight, [out, input, side, side]);
        Ok(Self {
            weight: Tensor::from_data(weight, part.device),
            bias: Tensor::from_data(TensorData::new(bias, [out]), part.device),
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([2, 2], [0, 0], [1, 1], 1);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

/// `relu(conv2(relu(conv1(x))) + x)`; halving blocks pool what they add.
#[derive(Debug, Clone)]
struct Block {
    conv1: First,
    conv2: Conv3x3,
}

#[derive(Debug, Clone)]
enum First {
    Same(Conv3x3),
    Halving(StridedConv),
}

impl Block {
    fn read(part: &Part, name: &str, [input, out]: [usize; 2], halving: bool) -> Result<Self> {
        let same = |name: String, input: usize, rectify: bool| -> Result<Conv3x3> {
            let Folded { weight, bias } = Folded::read(part, &name, [input, out, 3])?;
            Ok(Conv3x3::new(&weight, Some(&bias), [out, input], rectify, part.device))
        };
        let conv1 = if halving {
            First::Halving(StridedConv::read(part, &format!("{name}.conv1"), [input, out, 3])?)
        } else {
            First::Same(same(format!("{name}.conv1"), input, true)?)
        };
        Ok(Self { conv1, conv2: same(format!("{name}.conv2"), out, false)? })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.conv1 {
            First::Same(conv1) => relu(self.conv2.forward(conv1.forward(x.clone())) + x),
            First::Halving(conv1) => {
                let inner = self.conv2.forward(relu(conv1.forward(x.clone())));
                let pooled = avg_pool2d(x, AvgPoolOptions::new([2, 2]).with_stride([2, 2]));
                add_larger(inner, pooled)
            }
        }
    }
}

/// `relu(inner + pooled)`: zeros give `inner` the larger size (one row below, one
/// column to the right) and `pooled` the larger number of channels.
fn add_larger(inner: Tensor<4>, pooled: Tensor<4>) -> Tensor<4> {
    let ([_, out, h, w], [_, input, ph, pw]) = (inner.dims(), pooled.dims());
    let inner = match (ph - h, pw - w) {
        (0, 0) => inner,
        (down, right) => inner.pad((0, right, 0, down), PadMode::Constant(0.0)),
    };
    let pooled = if out > input {
        let [n, _, h, w] = pooled.dims();
        let zeros = Tensor::zeros([n, out - input, h, w], &pooled.device());
        Tensor::cat(vec![pooled, zeros], 1)
    } else {
        pooled
    };
    relu(inner + pooled)
}
