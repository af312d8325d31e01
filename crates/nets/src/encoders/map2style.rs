//! The heads of pSp and e4e: from a feature map to one row of a code.

use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

use super::layers::{Conv, ConvShape, channels, misshapen};
use crate::{Error, Result, Weights};

/// torch's default slope, which the heads use (not StyleGAN's 0.2).
const SLOPE: f64 = 0.01;
/// More halvings than any image has.
const MAX_CONVS: usize = 16;

/// Convolutions that halve a map until one pixel is left, then a linear layer.
///
/// # Source
/// Richardson et al. 2021; eladrich/pixel2style2pixel `GradualStyleBlock`. The linear
/// layer is stored without its factor `1/sqrt(fan in)` (equalised learning rate).
#[derive(Debug, Clone)]
pub struct Map2Style {
    convs: Vec<Conv>,
    /// `[C,D]`, transposed and scaled once.
    weight: Tensor<2>,
    bias: Tensor<2>,
    dim: usize,
}

impl Map2Style {
    /// Takes `NAME.convs.{0,2,4,...}` and `NAME.linear` out of `weights`; how many
    /// convolutions there are is up to the file.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn take(weights: &mut Weights, name: &str, input: usize, device: &Device) -> Result<Self> {
        let (mut convs, mut width) = (Vec::new(), input);
        // The odd numbers are activations.
        for k in (0..).step_by(2) {
            let (weight, bias) =
                (format!("{name}.convs.{k}.weight"), format!("{name}.convs.{k}.bias"));
            if k > 0 && !weights.contains(&weight) {
                break;
            }
            let [output, _] = channels(weights, &weight, 3)?;
            let shape = ConvShape { input: width, output, kernel: 3, stride: 2 };
            convs.push(Conv::take(weights, (&weight, Some(&bias)), shape, None, device)?);
            width = output;
        }
        if convs.len() > MAX_CONVS {
            let last = format!("{name}.convs.{}.weight", 2 * (convs.len() - 1));
            return Err(Error::Undecided {
                network: weights.network(),
                problem: format!("`{last}` would halve the image {} times", convs.len()),
            });
        }
        let linear = format!("{name}.linear.weight");
        let &[dim @ 1..=usize::MAX, _] = weights.shape(&linear)? else {
            return Err(misshapen(weights, &linear, "[code width, channels]"));
        };
        let scale = 1.0 / (width as f32).sqrt();
        let weight = weights.take_tensor(&linear, [dim, width], device)?.transpose() * scale;
        let bias = weights.take_tensor(&format!("{name}.linear.bias"), [1, dim], device)?;
        Ok(Self { convs, weight, bias, dim })
    }

    /// Side of the square map it reads.
    pub fn side(&self) -> usize {
        1 << self.convs.len()
    }

    /// Width of the code row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// `x [N,C,S,S]` with `S` of [`Map2Style::side`] to `[N,D]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.convs.iter().fold(x, |x, conv| leaky_relu(conv.forward(x), SLOPE));
        let [n, c, _, _] = x.dims();
        x.reshape([n, c]).matmul(self.weight.clone()) + self.bias.clone()
    }
}
