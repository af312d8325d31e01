//! The layers that encoders are made of.

use burn::tensor::activation::{leaky_relu, relu, sigmoid};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use crate::ops::Conv3x3;
use crate::{Error, Result, Weights};

/// Epsilon of every batch norm here, torch's default.
const NORM_EPS: f32 = 1e-5;

/// `y = x * scale + shift` for each channel: a batch norm in evaluation mode.
#[derive(Debug, Clone)]
pub(super) struct BatchNorm {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

impl BatchNorm {
    /// Takes `NAME.weight`, `.bias`, `.running_mean`, `.running_var`, each `[channels]`.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub(super) fn take(weights: &mut Weights, name: &str, channels: usize) -> Result<Self> {
        let mut part = |part: &str| weights.take(&format!("{name}.{part}"), &[channels]);
        let (gain, bias) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let scale: Vec<f32> =
            gain.iter().zip(&variance).map(|(g, v)| g / (v + NORM_EPS).sqrt()).collect();
        let shift = bias.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        Ok(Self { scale, shift })
    }

    /// As a layer of its own.
    pub(super) fn layer(&self, device: &Device) -> ChannelAffine {
        ChannelAffine {
            scale: per_channel(self.scale.clone(), device),
            shift: per_channel(self.shift.clone(), device),
        }
    }
}

/// A batch norm that stands alone, before a convolution with zero padding, where
/// folding it into the kernel would change the border.
#[derive(Debug, Clone)]
pub(super) struct ChannelAffine {
    scale: Tensor<4>,
    shift: Tensor<4>,
}

impl ChannelAffine {
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        x * self.scale.clone() + self.shift.clone()
    }
}

/// What a convolution is, apart from its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvShape {
    pub(super) input: usize,
    pub(super) output: usize,
    /// 1 or 3; padded so that stride 1 keeps the size.
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// A frozen convolution with the bias and batch norm that follow it folded in.
#[derive(Debug, Clone)]
pub(super) enum Conv {
    /// 3x3 at stride 1, by our kernels where there are any.
    Same(Conv3x3),
    /// Any other, by stock operators.
    Stock { weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize },
}

impl Conv {
    /// Takes the kernel `weight [O,I,k,k]`, the bias `[O]` if it is named, and folds in `norm`.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub(super) fn take(
        weights: &mut Weights,
        (weight, bias): (&str, Option<&str>),
        shape: ConvShape,
        norm: Option<&BatchNorm>,
        device: &Device,
    ) -> Result<Self> {
        let ConvShape { input, output, kernel: k, stride } = shape;
        let mut kernel = weights.take(weight, &[output, input, k, k])?;
        let mut offset = bias.map(|bias| weights.take(bias, &[output])).transpose()?;
        if let Some(BatchNorm { scale, shift }) = norm {
            for (filter, scale) in kernel.chunks_exact_mut(input * k * k).zip(scale) {
                filter.iter_mut().for_each(|v| *v *= scale);
            }
            let before = offset.unwrap_or_else(|| vec![0.0; output]);
            let folded = before.iter().zip(scale).zip(shift).map(|((b, s), t)| b * s + t);
            offset = Some(folded.collect());
        }
        if (k, stride) == (3, 1) {
            let conv = Conv3x3::new(&kernel, offset.as_deref(), [output, input], false, device);
            return Ok(Self::Same(conv));
        }
        let bias = offset.map(|b| Tensor::from_data(TensorData::new(b, [output]), device));
        let kernel = TensorData::new(kernel, [output, input, k, k]);
        Ok(Self::Stock { weight: Tensor::from_data(kernel, device), bias, stride })
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Same(conv) => conv.forward(x),
            Self::Stock { weight, bias, stride } => {
                let pad = weight.dims()[2] / 2;
                let options = ConvOptions::new([*stride; 2], [pad; 2], [1, 1], 1);
                conv2d(x, weight.clone(), bias.clone(), options)
            }
        }
    }
}

/// Output channels and input channels of a convolution that is in the file.
///
/// # Errors
/// No such array, or none of `kernel x kernel`.
pub(super) fn channels(weights: &Weights, weight: &str, kernel: usize) -> Result<[usize; 2]> {
    match *weights.shape(weight)? {
        [output, input, h, w] if h == kernel && w == kernel && output > 0 && input > 0 => {
            Ok([output, input])
        }
        _ => Err(misshapen(weights, weight, &format!("[out, in, {kernel}, {kernel}]"))),
    }
}

/// The error for an array of the wrong shape.
pub(super) fn misshapen(weights: &Weights, name: &str, expected: &str) -> Error {
    weights.unexpected(name, expected)
}

/// `max(0,x) + slope * min(0,x)`, one slope a channel.
#[derive(Debug, Clone)]
pub(super) struct PRelu {
    slope: Tensor<4>,
}

impl PRelu {
    /// Takes `NAME.weight [channels]`.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub(super) fn take(
        weights: &mut Weights,
        name: &str,
        channels: usize,
        device: &Device,
    ) -> Result<Self> {
        let slope = weights.take(&format!("{name}.weight"), &[channels])?;
        Ok(Self { slope: per_channel(slope, device) })
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let up = relu(x.clone());
        let down = x - up.clone();
        up + down * self.slope.clone()
    }
}

/// Squeeze and excitation: channels weighted by what their means say.
///
/// # Source
/// Hu et al. 2018; reduction and missing biases from the weights.
#[derive(Debug, Clone)]
pub(super) struct SqueezeExcite {
    /// `[C, C/r]` and `[C/r, C]`, transposed once.
    fc1: Tensor<2>,
    fc2: Tensor<2>,
}

impl SqueezeExcite {
    /// Takes `NAME.fc1.weight [C/r,C,1,1]` and `NAME.fc2.weight [C,C/r,1,1]`.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub(super) fn take(
        weights: &mut Weights,
        name: &str,
        channels: usize,
        device: &Device,
    ) -> Result<Self> {
        let (fc1, fc2) = (format!("{name}.fc1.weight"), format!("{name}.fc2.weight"));
        let [narrow, _] = self::channels(weights, &fc1, 1)?;
        let fc1 = weights.take_tensor(&fc1, [narrow, channels], device)?;
        let fc2 = weights.take_tensor(&fc2, [channels, narrow], device)?;
        Ok(Self { fc1: fc1.transpose(), fc2: fc2.transpose() })
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, _, _] = x.dims();
        let means = x.clone().mean_dim(3).mean_dim(2).reshape([n, c]);
        let hidden = relu(means.matmul(self.fc1.clone()));
        let weight = sigmoid(hidden.matmul(self.fc2.clone()));
        x * weight.reshape([n, c, 1, 1])
    }
}

/// LeakyReLU of slope 0.2.
pub(super) fn leaky(x: Tensor<4>) -> Tensor<4> {
    leaky_relu(x, crate::ops::reference::LEAKY_SLOPE)
}

/// One number a channel, ready to be broadcast over `[N,C,H,W]`.
fn per_channel(values: Vec<f32>, device: &Device) -> Tensor<4> {
    let channels = values.len();
    Tensor::from_data(TensorData::new(values, [1, channels, 1, 1]), device)
}

/// Names that training leaves in a file and no result depends on.
pub(super) fn is_counter(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
}
