//! StyleGAN1: the generator of the paper, in the layout its authors load.

use burn::tensor::{Device, Tensor};

use super::{Affine, Mapping};
use crate::ops::{Conv3x3, DoubledConv3x3, LayerEpilogue, Pointwise};
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
    up: Option<Up>,
    epilogue1: Epilogue,
    conv: Conv3x3,
    epilogue2: Epilogue,
}

/// The convolution of a doubled map, and a bias before the blur where there is one.
#[derive(Debug, Clone)]
struct Up {
    conv: DoubledConv3x3,
    bias: Option<Tensor<4>>,
}

/// Blur (behind an upsampling), noise, bias, activation, normalisation and style of one layer.
#[derive(Debug, Clone)]
struct Epilogue {
    style: Affine,
    rest: LayerEpilogue,
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
            let (block, outputs) =
                Block::from_weights(weights, size, [channels, dim], &arithmetic, device)?;
            channels = outputs;
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

    /// The matrix `[D,2C]` from a code row to factors and summands of its layer; none for a
    /// row that is not there.
    pub fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        let Some(block) = self.blocks.get(row / 2) else { return Vec::new() };
        let epilogue = if row.is_multiple_of(2) { &block.epilogue1 } else { &block.epilogue2 };
        vec![epilogue.style.weight()]
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
                x = up.forward(x);
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

impl Up {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(x);
        match &self.bias {
            Some(bias) => x + bias.clone(),
            None => x,
        }
    }
}

impl Block {
    /// The block and its number of channels; `channels` and `dim` are those of the map
    /// before, and of a code row.
    fn from_weights(
        weights: &Weights,
        size: usize,
        [channels, dim]: [usize; 2],
        arithmetic: &Arithmetic,
        device: &Device,
    ) -> Result<(Self, usize)> {
        let name = |part: &str| format!("g_synthesis.blocks.{size}x{size}.{part}");
        let (mut up, mut width, mut conv) = (None, channels, "conv");
        let mut bias = weights.values(&name("bias"), &[channels]);
        if size > 4 {
            let (mut taps, outputs) = kernel(weights, &name("conv0_up"), channels)?;
            // From 128 px up the original fuses doubling and convolution into a
            // transposed convolution, which equals nearest doubling and the kernel
            // turned by 180 degrees.
            if size >= 128 {
                taps.chunks_exact_mut(9).for_each(<[f32]>::reverse);
            }
            let layer = DoubledConv3x3::new(&taps, [outputs, channels], device);
            let own = name("conv0_up.bias");
            let before = arithmetic.bias_before_blur;
            up = Some(Up {
                conv: layer,
                bias: before
                    .then(|| weights.tensor(&own, [1, outputs, 1, 1], device))
                    .transpose()?,
            });
            bias = if before { Ok(&[]) } else { weights.values(&own, &[outputs]) };
            (width, conv) = (outputs, "conv1");
        }
        // Biases are added in the epilogue.
        let (taps, outputs) = kernel(weights, &name(conv), width)?;
        let epilogue = |part: &str, bias: &[f32], channels, blur| {
            let style = Epilogue::style(weights, &name(part), [channels, dim], device)?;
            let strength =
                weights.values(&name(&format!("{part}.top_epi.noise.weight")), &[channels])?;
            let zeros = vec![0.0; channels];
            let bias: &[f32] = if bias.is_empty() { &zeros } else { bias };
            let epsilon = arithmetic.norm_epsilon;
            let rest = LayerEpilogue::new(bias, strength, blur, epsilon, device);
            Ok::<_, crate::Error>(Epilogue { style, rest })
        };
        let block = Self {
            epilogue1: epilogue("epi1", bias?, width, up.is_some())?,
            up,
            conv: Conv3x3::new(&taps, None, [outputs, width], false, device),
            epilogue2: epilogue(
                "epi2",
                weights.values(&name(&format!("{conv}.bias")), &[outputs])?,
                outputs,
                false,
            )?,
        };
        Ok((block, outputs))
    }
}

/// A 3x3 kernel with the He gain of the equalised learning rate, and its number of
/// output channels.
fn kernel(weights: &Weights, layer: &str, input: usize) -> Result<(Vec<f32>, usize)> {
    let name = format!("{layer}.weight");
    let [out, ..] = weights.sizes(&name, [None, Some(input), Some(3), Some(3)])?;
    let gain = (2.0 / (input as f32 * 9.0)).sqrt();
    let taps = weights.values(&name, &[out, input, 3, 3])?.iter().map(|v| v * gain).collect();
    Ok((taps, out))
}

impl Epilogue {
    /// The map from a code row of width `dim` to factors and summands.
    fn style(
        weights: &Weights,
        layer: &str,
        [channels, dim]: [usize; 2],
        device: &Device,
    ) -> Result<Affine> {
        let (weight, offset) =
            (format!("{layer}.style_mod.lin.weight"), format!("{layer}.style_mod.lin.bias"));
        weights.sizes(&weight, [Some(2 * channels), Some(dim)])?;
        // Gain 1 for the style affine: the weight is scaled, the bias is not.
        let gain = 1.0 / (dim as f32).sqrt();
        let scaled: Vec<f32> =
            weights.values(&weight, &[2 * channels, dim])?.iter().map(|v| v * gain).collect();
        Ok(Affine::new(&scaled, weights.values(&offset, &[2 * channels])?, 1.0, device))
    }

    /// `w [N,D]`: the layer's row of the codes.
    fn forward(&self, x: Tensor<4>, w: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        self.rest.forward(x, self.style.forward(w), noise)
    }
}
