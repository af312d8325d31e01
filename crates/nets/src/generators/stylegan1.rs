//! StyleGAN1: the generator of the paper, in the layout its authors load.

use burn::tensor::activation::leaky_relu;
use burn::tensor::module::{conv2d, interpolate};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Affine, Mapping};
use crate::ops::reference::LEAKY_SLOPE;
use crate::ops::{Conv3x3, Pointwise};
use crate::{Result, Weights};

/// The StyleGAN1 generator (Karras et al. 2019); resolution, widths and rows come
/// from the arrays, which are named and scaled as in a converted state dict
/// (`g_mapping.*`, `g_synthesis.*`). [`super::layout`] brings every published layout
/// to these names.
///
/// # Source
/// lernapparat/lernapparat `style_gan/pytorch_style_gan.ipynb`, which the paper's
/// code uses; [`Arithmetic`] says where others differ.
#[derive(Debug, Clone)]
pub struct StyleGan1 {
    mapping: Mapping,
    constant: Tensor<4>,
    blocks: Vec<Block>,
    to_rgb: Pointwise,
    to_rgb_channels: usize,
    dim: usize,
    arithmetic: Arithmetic,
    w_avg: Option<Vec<f32>>,
    noise: Option<Vec<Tensor<4>>>,
}

/// Where published code for StyleGAN1 computes differently; the default is what the
/// paper's authors use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arithmetic {
    /// Epsilon of the instance norm.
    pub norm_epsilon: f32,
    /// Whether the bias of an upsampling convolution comes before the blur. With
    /// zero padding that darkens or lightens the border.
    pub bias_before_blur: bool,
    /// Whether both layers of a resolution read one noise map.
    pub shared_noise: bool,
    /// Whether the image ends in a hyperbolic tangent.
    pub tanh: bool,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Self { norm_epsilon: 1e-5, bias_before_blur: false, shared_noise: false, tanh: false }
    }
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
    norm_epsilon: f32,
}

impl StyleGan1 {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "StyleGAN1 generator";

    /// Builds the network with the authors' arithmetic.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        Self::with_arithmetic(weights, Arithmetic::default(), device)
    }

    /// Builds the network. Beside the layers there may be the mean code `w_avg [D]`
    /// and the noise maps `noise.0`, `noise.1`, ... `[1,1,H,W]`, all or none.
    ///
    /// # Errors
    /// A missing or misshapen array, or one that does not fit the others.
    pub fn with_arithmetic(
        weights: &Weights,
        arithmetic: Arithmetic,
        device: &Device,
    ) -> Result<Self> {
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
        let [_, first, _, _] = weights.sizes(constant, [Some(1), None, Some(4), Some(4)])?;
        let first_style = "g_synthesis.blocks.4x4.epi1.style_mod.lin.weight";
        let [_, dim] = weights.sizes(first_style, [None, None])?;
        let (mut blocks, mut channels) = (Vec::new(), first);
        for size in (2..).map(|k| 1usize << k) {
            if !weights.contains(&format!("g_synthesis.blocks.{size}x{size}.conv1.weight"))
                && size > 4
            {
                break;
            }
            let block = Block::from_weights(weights, size, [channels, dim], &arithmetic, device)?;
            channels = block.epilogue2.channels;
            blocks.push(block);
        }
        let one = Some(1);
        weights.sizes("g_synthesis.torgb.weight", [Some(3), Some(channels), one, one])?;
        let gain = 1.0 / (channels as f32).sqrt();
        let rgb: Vec<f32> = weights
            .values("g_synthesis.torgb.weight", &[3, channels])?
            .iter()
            .map(|v| v * gain)
            .collect();
        let mut net = Self {
            dim,
            mapping,
            constant: weights.tensor(constant, [1, first, 4, 4], device)?,
            blocks,
            to_rgb: Pointwise::new(&rgb, weights.values("g_synthesis.torgb.bias", &[3])?, device),
            to_rgb_channels: channels,
            arithmetic,
            w_avg: None,
            noise: None,
        };
        if ![dim, net.rows() * dim].contains(&net.mapping.outputs()) {
            return Err(crate::Error::Generator {
                network: Self::NETWORK,
                problem: format!(
                    "its mapping gives {} numbers, but a code has {} rows of {dim}; the file mixes \
                     two networks",
                    net.mapping.outputs(),
                    net.rows()
                ),
            });
        }
        if weights.contains("w_avg") {
            net.w_avg = Some(weights.values("w_avg", &[dim])?.to_vec());
        }
        net.noise = stored_noise(weights, &net.noise_shapes(), device)?;
        Ok(net)
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

    /// Width of z.
    pub fn z_dim(&self) -> usize {
        self.mapping.width()
    }

    /// The mean of w, `[D]`, if the file has it.
    pub fn w_avg(&self) -> Option<&[f32]> {
        self.w_avg.as_deref()
    }

    /// The noise maps, `[1,1,H,W]`, if the file has them.
    pub fn noise(&self) -> Option<&[Tensor<4>]> {
        self.noise.as_deref()
    }

    /// Shape `[height, width]` of every noise map, coarse to fine: one a layer, or one
    /// a resolution where its layers share it.
    pub fn noise_shapes(&self) -> Vec<[usize; 2]> {
        let maps = if self.arithmetic.shared_noise { 1 } else { 2 };
        (0..maps * self.blocks.len()).map(|map| [4 << (map / maps); 2]).collect()
    }

    /// Whether the mapping gives every row of a code its own vector.
    pub fn maps_to_rows(&self) -> bool {
        self.mapping.outputs() != self.dim
    }

    /// `z [N,Z]` to `w [N,D]`; for a mapping that gives every row its own vector, the
    /// mean of the rows.
    pub fn map(&self, z: Tensor<2>) -> Tensor<2> {
        let n = z.dims()[0];
        if self.maps_to_rows() {
            return self.map_to_rows(z).mean_dim(1).reshape([n, self.dim]);
        }
        self.mapping.forward(z)
    }

    /// `z [N,Z]` to codes `[N,rows,D]`.
    pub fn map_to_rows(&self, z: Tensor<2>) -> Tensor<3> {
        let (n, rows) = (z.dims()[0], self.rows());
        let w = self.mapping.forward(z);
        if self.maps_to_rows() {
            return w.reshape([n, rows, self.dim]);
        }
        w.reshape([n, 1, self.dim]).expand([n, rows, self.dim])
    }

    /// `codes [N,rows,D]` to raw images `[N,3,R,R]`, RGB, nominally -1..1, not clamped.
    ///
    /// `noise`: maps `[1 or N,1,H,W]` as [`StyleGan1::noise_shapes`] says, unit variance.
    ///
    /// # Panics
    /// If `codes` or `noise` do not fit the network.
    pub fn synthesize(&self, codes: Tensor<3>, noise: &[Tensor<4>]) -> Tensor<4> {
        let [n, rows, dim] = codes.dims();
        assert_eq!((rows, dim), (self.rows(), self.dim), "codes must be [N, rows, width]");
        assert_eq!(noise.len(), self.noise_shapes().len(), "as many noise maps as the network has");
        let map = |layer: usize| noise[layer * noise.len() / rows].clone();
        let row = |i: usize| codes.clone().slice([0..n, i..i + 1]).reshape([n, dim]);
        let [_, c, h, w] = self.constant.dims();
        let mut x = self.constant.clone().expand([n, c, h, w]);
        for (k, block) in self.blocks.iter().enumerate() {
            if let Some(up) = &block.up {
                x = blur(up.forward(nearest_double(x)));
            }
            x = block.epilogue1.forward(x, row(2 * k), map(2 * k));
            x = block.conv.forward(x);
            x = block.epilogue2.forward(x, row(2 * k + 1), map(2 * k + 1));
        }
        let ones = Tensor::ones([n, self.to_rgb_channels], &x.device().inner());
        let image = self.to_rgb.forward(x, ones);
        if self.arithmetic.tanh { image.tanh() } else { image }
    }
}

/// The maps `noise.0`, `noise.1`, ... of these shapes, if the first is there.
pub(super) fn stored_noise(
    weights: &Weights,
    shapes: &[[usize; 2]],
    device: &Device,
) -> Result<Option<Vec<Tensor<4>>>> {
    if !weights.contains("noise.0") {
        return Ok(None);
    }
    let map = |(k, &[h, w]): (usize, &[usize; 2])| {
        weights.tensor(&format!("noise.{k}"), [1, 1, h, w], device)
    };
    shapes.iter().enumerate().map(map).collect::<Result<_>>().map(Some)
}

impl Block {
    /// `channels` and `dim`: of the map before, and of a code row.
    fn from_weights(
        weights: &Weights,
        size: usize,
        [channels, dim]: [usize; 2],
        arithmetic: &Arithmetic,
        device: &Device,
    ) -> Result<Self> {
        let name = |part: &str| format!("g_synthesis.blocks.{size}x{size}.{part}");
        let (mut up, mut bias1, mut conv, mut width) = (None, Some(name("bias")), "conv", channels);
        if size > 4 {
            let layer = name("conv0_up");
            let kernel = Kernel {
                // From 128 px up the original fuses doubling and convolution into a
                // transposed convolution, which equals nearest doubling and the
                // kernel turned by 180 degrees.
                rotate: size >= 128,
                with_bias: arithmetic.bias_before_blur,
            };
            let (layer, outputs) = convolution(weights, &layer, channels, kernel, device)?;
            (up, conv, width) = (Some(layer), "conv1", outputs);
            bias1 = (!arithmetic.bias_before_blur).then(|| name("conv0_up.bias"));
        }
        let (layer, outputs) = convolution(weights, &name(conv), width, Kernel::PLAIN, device)?;
        let epilogue = |part: &str, bias: Option<&str>, channels| {
            let epsilon = arithmetic.norm_epsilon;
            Epilogue::from_weights(weights, &name(part), bias, [channels, dim], epsilon, device)
        };
        Ok(Self {
            up,
            epilogue1: epilogue("epi1", bias1.as_deref(), width)?,
            conv: layer,
            epilogue2: epilogue("epi2", Some(&name(&format!("{conv}.bias"))), outputs)?,
        })
    }
}

/// How a stored kernel is used.
struct Kernel {
    rotate: bool,
    with_bias: bool,
}

impl Kernel {
    /// As it is; biases are added in the epilogue, after the blur.
    const PLAIN: Kernel = Kernel { rotate: false, with_bias: false };
}

/// A 3x3 convolution with the He gain of the equalised learning rate, and its number
/// of output channels.
fn convolution(
    weights: &Weights,
    layer: &str,
    input: usize,
    kernel: Kernel,
    device: &Device,
) -> Result<(Conv3x3, usize)> {
    let name = format!("{layer}.weight");
    let [out, ..] = weights.sizes(&name, [None, Some(input), Some(3), Some(3)])?;
    let gain = (2.0 / (input as f32 * 9.0)).sqrt();
    let mut taps: Vec<f32> =
        weights.values(&name, &[out, input, 3, 3])?.iter().map(|v| v * gain).collect();
    if kernel.rotate {
        taps.chunks_exact_mut(9).for_each(<[f32]>::reverse);
    }
    let bias = format!("{layer}.bias");
    let bias = if kernel.with_bias { Some(weights.values(&bias, &[out])?) } else { None };
    Ok((Conv3x3::new(&taps, bias, [out, input], false, device), out))
}

impl Epilogue {
    /// `bias` of `None` stands for zeros.
    fn from_weights(
        weights: &Weights,
        layer: &str,
        bias: Option<&str>,
        [channels, dim]: [usize; 2],
        norm_epsilon: f32,
        device: &Device,
    ) -> Result<Self> {
        let strength = format!("{layer}.top_epi.noise.weight");
        weights.sizes(&strength, [Some(channels)])?;
        let (weight, offset) =
            (format!("{layer}.style_mod.lin.weight"), format!("{layer}.style_mod.lin.bias"));
        let [two_c, dim] = weights.sizes(&weight, [Some(2 * channels), Some(dim)])?;
        // Gain 1 for the style affine: the weight is scaled, the bias is not.
        let gain = 1.0 / (dim as f32).sqrt();
        let scaled: Vec<f32> =
            weights.values(&weight, &[two_c, dim])?.iter().map(|v| v * gain).collect();
        let offset = weights.values(&offset, &[two_c])?;
        let shape = [1, channels, 1, 1];
        Ok(Self {
            bias: match bias {
                Some(name) => weights.tensor(name, shape, device)?,
                None => Tensor::zeros(shape, device),
            },
            noise_strength: weights.tensor(&strength, shape, device)?,
            style: Affine::new(&scaled, offset, 1.0, device),
            channels,
            norm_epsilon,
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
        instance_norm(x, self.norm_epsilon) * (part(0) + 1.0) + part(1)
    }
}

fn instance_norm(x: Tensor<4>, epsilon: f32) -> Tensor<4> {
    let centred = x.clone() - x.mean_dim(3).mean_dim(2);
    let variance = centred.clone().powf_scalar(2.0).mean_dim(3).mean_dim(2);
    centred / (variance + epsilon).sqrt()
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
