//! StyleGAN1: the generator of the paper, in the layout its authors load.

use burn::tensor::{Device, Tensor};

use super::{Affine, Mapping};
use crate::ops::{Conv3x3, DoubledConv3x3, LayerEpilogue, Pointwise};
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
    up: Option<DoubledConv3x3>,
    epilogue1: Epilogue,
    conv: Conv3x3,
    epilogue2: Epilogue,
}

/// Blur (behind an upsampling), noise, bias, activation, normalisation and style of one layer.
#[derive(Debug, Clone)]
struct Epilogue {
    style: Affine,
    rest: LayerEpilogue,
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
                x = up.forward(x);
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
            let (mut up, channels) = kernel(weights, &name("conv0_up"))?;
            if size >= 128 {
                up.chunks_exact_mut(9).for_each(<[f32]>::reverse);
            }
            let up = DoubledConv3x3::new(&up, channels, device);
            (Some(up), name("conv0_up.bias"), "conv1")
        };
        // Biases are added in the epilogue.
        let (plain, channels) = kernel(weights, &name(conv))?;
        Ok(Self {
            up,
            epilogue1: Epilogue::from_weights(weights, &name("epi1"), &bias1, !first, device)?,
            conv: Conv3x3::new(&plain, None, channels, false, device),
            epilogue2: Epilogue::from_weights(
                weights,
                &name("epi2"),
                &name(&format!("{conv}.bias")),
                false,
                device,
            )?,
        })
    }
}

/// A 3x3 kernel with the He gain of the equalised learning rate, and its channels `[out, in]`.
fn kernel(weights: &Weights, layer: &str) -> Result<(Vec<f32>, [usize; 2])> {
    let name = format!("{layer}.weight");
    let &[out, input, 3, 3] = weights.shape(&name)? else {
        return Err(weights.unexpected(&name, "[out, in, 3, 3]"));
    };
    let gain = (2.0 / (input as f32 * 9.0)).sqrt();
    let kernel = weights.values(&name, &[out, input, 3, 3])?.iter().map(|v| v * gain).collect();
    Ok((kernel, [out, input]))
}

impl Epilogue {
    fn from_weights(
        weights: &Weights,
        layer: &str,
        bias: &str,
        blur: bool,
        device: &Device,
    ) -> Result<Self> {
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
            style: Affine::new(&scaled, offset, 1.0, device),
            rest: LayerEpilogue::new(
                weights.values(bias, &[channels])?,
                weights.values(&strength, &[channels])?,
                blur,
                NORM_EPS,
                device,
            ),
        })
    }

    /// `w [N,D]`: the layer's row of the codes.
    fn forward(&self, x: Tensor<4>, w: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        self.rest.forward(x, self.style.forward(w), noise)
    }
}
