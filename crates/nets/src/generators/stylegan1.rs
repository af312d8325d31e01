//! StyleGAN1: the generator of the paper, in the layout its authors load.

use burn::tensor::activation::leaky_relu;
use burn::tensor::module::{conv2d, interpolate};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Affine, Mapping};
use crate::ops::reference::LEAKY_SLOPE;
use crate::ops::{Conv3x3, Pointwise};
use crate::{Result, Weights};

/// The StyleGAN1 generator (Karras et al. 2019) from a converted state dict
/// (`g_mapping.*`, `g_synthesis.*`); resolution, widths and rows come from the file.
///
/// # Source
/// lernapparat/lernapparat `style_gan/pytorch_style_gan.ipynb`, which the paper's
/// code uses: instance norm with epsilon 1e-5, fresh noise in every layer.
#[derive(Debug, Clone)]
pub struct StyleGan1 {
    mapping: Mapping,
    constant: Tensor<4>,
    blocks: Vec<Block>,
    to_rgb: Pointwise,
    to_rgb_channels: usize,
    dim: usize,
}

#[derive(Debug, Clone)]
struct Block {
    /// `None` in the 4x4 block, which starts from the learned constant.
    up: Option<Conv3x3>,
    epilogue1: Epilogue,
    conv: Conv3x3,
    epilogue2: Epilogue,
}

/// Noise, bias, activation, normalisation and style of one layer.
#[derive(Debug, Clone)]
struct Epilogue {
    bias: Tensor<4>,
    noise_strength: Tensor<4>,
    style: Affine,
    channels: usize,
}

/// Epsilon of the instance norm in the authors' code.
const NORM_EPS: f32 = 1e-5;

impl StyleGan1 {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "StyleGAN1 generator";

    /// Builds the network.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        // Equalised learning rate: stored weights are unit normal.
        let mapping_lr = 0.01;
        let mapping = Mapping::from_weights(
            weights,
            |i| format!("g_mapping.dense{i}"),
            1.0,
            |fan_in| (2.0 / fan_in as f32).sqrt() * mapping_lr,
            mapping_lr,
            device,
        )?;
        let constant = "g_synthesis.blocks.4x4.const";
        let &[1, channels, 4, 4] = weights.shape(constant)? else {
            return Err(weights.unexpected(constant, "[1, channels, 4, 4]"));
        };
        let mut blocks = Vec::new();
        for size in (2..).map(|k| 1usize << k) {
            if !weights.contains(&format!("g_synthesis.blocks.{size}x{size}.conv1.weight"))
                && size > 4
            {
                break;
            }
            blocks.push(Block::from_weights(weights, size, device)?);
        }
        let &[3, rgb_in, 1, 1] = weights.shape("g_synthesis.torgb.weight")? else {
            return Err(weights.unexpected("g_synthesis.torgb.weight", "[3, channels, 1, 1]"));
        };
        let gain = 1.0 / (rgb_in as f32).sqrt();
        let rgb: Vec<f32> = weights
            .values("g_synthesis.torgb.weight", &[3, rgb_in])?
            .iter()
            .map(|v| v * gain)
            .collect();
        Ok(Self {
            dim: mapping.width(),
            mapping,
            constant: weights.tensor(constant, [1, channels, 4, 4], device)?,
            blocks,
            to_rgb: Pointwise::new(&rgb, weights.values("g_synthesis.torgb.bias", &[3])?, device),
            to_rgb_channels: rgb_in,
        })
    }

    /// Number of code rows, two a resolution.
    pub fn rows(&self) -> usize {
        2 * self.blocks.len()
    }

    /// Width of a code row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Side of the image in pixels.
    pub fn resolution(&self) -> usize {
        2 << self.blocks.len()
    }

    /// Shape `[height, width]` of the noise map of every layer, coarse to fine.
    pub fn noise_shapes(&self) -> Vec<[usize; 2]> {
        (0..self.rows()).map(|row| [4 << (row / 2); 2]).collect()
    }

    /// `z [N,D]` to `w [N,D]`.
    pub fn map(&self, z: Tensor<2>) -> Tensor<2> {
        self.mapping.forward(z)
    }

    /// `codes [N,rows,D]` to raw images `[N,3,R,R]`, RGB, nominally -1..1, not clamped.
    ///
    /// `noise`: one map `[1 or N,1,H,W]` a layer, unit variance.
    ///
    /// # Panics
    /// If `codes` or `noise` do not fit the network.
    pub fn synthesize(&self, codes: Tensor<3>, noise: &[Tensor<4>]) -> Tensor<4> {
        let [n, rows, dim] = codes.dims();
        assert_eq!((rows, dim), (self.rows(), self.dim), "codes must be [N, rows, width]");
        assert_eq!(noise.len(), rows, "one noise map a layer");
        let row = |i: usize| codes.clone().slice([0..n, i..i + 1]).reshape([n, dim]);
        let [_, c, h, w] = self.constant.dims();
        let mut x = self.constant.clone().expand([n, c, h, w]);
        for (k, block) in self.blocks.iter().enumerate() {
            if let Some(up) = &block.up {
                x = blur(up.forward(nearest_double(x)));
            }
            x = block.epilogue1.forward(x, row(2 * k), noise[2 * k].clone());
            x = block.conv.forward(x);
            x = block.epilogue2.forward(x, row(2 * k + 1), noise[2 * k + 1].clone());
        }
        let ones = Tensor::ones([n, self.to_rgb_channels], &x.device().inner());
        self.to_rgb.forward(x, ones)
    }
}

impl Block {
    fn from_weights(weights: &Weights, size: usize, device: &Device) -> Result<Self> {
        let name = |part: &str| format!("g_synthesis.blocks.{size}x{size}.{part}");
        let first = size == 4;
        let (up, bias1, conv) = if first {
            (None, name("bias"), "conv")
        } else {
            // From 128 px up the original fuses doubling and convolution into a
            // transposed convolution, which equals nearest doubling and the
            // kernel turned by 180 degrees.
            let rotate = size >= 128;
            let up = convolution(weights, &name("conv0_up"), rotate, device)?;
            (Some(up), name("conv0_up.bias"), "conv1")
        };
        Ok(Self {
            up,
            epilogue1: Epilogue::from_weights(weights, &name("epi1"), &bias1, device)?,
            conv: convolution(weights, &name(conv), false, device)?,
            epilogue2: Epilogue::from_weights(
                weights,
                &name("epi2"),
                &name(&format!("{conv}.bias")),
                device,
            )?,
        })
    }
}

/// A 3x3 convolution with the He gain of the equalised learning rate, no bias
/// (biases are added in the epilogue, after the blur).
fn convolution(weights: &Weights, layer: &str, rotate: bool, device: &Device) -> Result<Conv3x3> {
    let name = format!("{layer}.weight");
    let &[out, input, 3, 3] = weights.shape(&name)? else {
        return Err(weights.unexpected(&name, "[out, in, 3, 3]"));
    };
    let gain = (2.0 / (input as f32 * 9.0)).sqrt();
    let mut kernel: Vec<f32> =
        weights.values(&name, &[out, input, 3, 3])?.iter().map(|v| v * gain).collect();
    if rotate {
        kernel.chunks_exact_mut(9).for_each(<[f32]>::reverse);
    }
    Ok(Conv3x3::new(&kernel, None, [out, input], false, device))
}

impl Epilogue {
    fn from_weights(weights: &Weights, layer: &str, bias: &str, device: &Device) -> Result<Self> {
        let strength = format!("{layer}.top_epi.noise.weight");
        let &[channels] = weights.shape(&strength)? else {
            return Err(weights.unexpected(&strength, "[channels]"));
        };
        let (weight, offset) =
            (format!("{layer}.style_mod.lin.weight"), format!("{layer}.style_mod.lin.bias"));
        let &[two_c, dim] = weights.shape(&weight)? else {
            return Err(weights.unexpected(&weight, "[2 x channels, code width]"));
        };
        // Gain 1 for the style affine: the weight is scaled, the bias is not.
        let gain = 1.0 / (dim as f32).sqrt();
        let scaled: Vec<f32> =
            weights.values(&weight, &[two_c, dim])?.iter().map(|v| v * gain).collect();
        let offset = weights.values(&offset, &[two_c])?;
        Ok(Self {
            bias: weights.tensor(bias, [1, channels, 1, 1], device)?,
            noise_strength: weights.tensor(&strength, [1, channels, 1, 1], device)?,
            style: Affine::new(&scaled, offset, 1.0, device),
            channels,
        })
    }

    /// `IN(lrelu(x + bias + strength * noise)) * (s0 + 1) + s1`.
    fn forward(&self, x: Tensor<4>, w: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        let n = x.dims()[0];
        let c = self.channels;
        let x =
            leaky_relu(x + self.bias.clone() + noise * self.noise_strength.clone(), LEAKY_SLOPE);
        let style = self.style.forward(w);
        let part = |k: usize| style.clone().slice([0..n, k * c..(k + 1) * c]).reshape([n, c, 1, 1]);
        instance_norm(x) * (part(0) + 1.0) + part(1)
    }
}

fn instance_norm(x: Tensor<4>) -> Tensor<4> {
    let centred = x.clone() - x.mean_dim(3).mean_dim(2);
    let variance = centred.clone().powf_scalar(2.0).mean_dim(3).mean_dim(2);
    centred / (variance + NORM_EPS).sqrt()
}

fn nearest_double(x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let options =
        InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * h, 2 * w]);
    interpolate(x, options)
}

/// Depthwise `[1,2,1] x [1,2,1] / 16`, zero padding 1.
fn blur(x: Tensor<4>) -> Tensor<4> {
    let c = x.dims()[1];
    let taps = [1.0f32, 2.0, 1.0];
    let kernel: Vec<f32> =
        taps.iter().flat_map(|a| taps.iter().map(move |b| a * b / 16.0)).collect();
    let device = x.device().inner();
    let kernel = Tensor::<4>::from_data(TensorData::new(kernel, [1, 1, 3, 3]), &device);
    conv2d(x, kernel.expand([c, 1, 3, 3]), None, ConvOptions::new([1, 1], [1, 1], [1, 1], c))
}
