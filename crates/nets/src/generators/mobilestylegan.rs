//! MobileStyleGAN: a light student of StyleGAN2 FFHQ, 16 code rows, 1024 px.

use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

use super::{Affine, Mapping};
use crate::ops::{Conv3x3, Pointwise, Rescale, Separable, haar_up, haar_up_rescaled, reference};
use crate::{Result, Weights};

/// The generator of Belousov, "MobileStyleGAN" (2021), in its exported form:
/// demodulation is folded into the weights and each layer has one fixed noise plane.
///
/// Code rows: row 0 feeds the 4x4 layer, rows `1+2i` and `2+2i` block `i`
/// (upsampling and first layer, second layer), the last row the image layer.
#[derive(Debug, Clone)]
pub struct MobileStyleGan {
    mapping: Mapping,
    w_avg: Vec<f32>,
    input: Tensor<4>,
    head: Head,
    blocks: Vec<Block>,
    to_image: Pointwise,
    to_image_style: Affine,
    noise: Vec<Tensor<4>>,
}

/// The 4x4 layer: a full convolution.
#[derive(Debug, Clone)]
struct Head {
    style: Affine,
    conv: Conv3x3,
}

/// One doubling of the resolution.
#[derive(Debug, Clone)]
struct Block {
    up_style: Affine,
    style1: Affine,
    conv1: Separable,
    style2: Affine,
    conv2: Separable,
}

const NAME: &str = "MobileStyleGAN generator";

impl MobileStyleGan {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = NAME;

    /// Builds the network; the number of blocks and all widths come from the file.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let gain = weights.scalar("mapping.0.gain")?;
        let prefix = |i: usize| format!("mapping.{i}");
        let mapping = Mapping::from_weights(weights, prefix, gain, |_| 1.0, 1.0, device)?;
        let w_avg = weights.values("w_avg", &[mapping.width()])?.to_vec();
        let &[_, width, 4, 4] = weights.shape("synthesis.input")? else {
            return Err(weights.unexpected("synthesis.input", "[1, channels, 4, 4]"));
        };
        let count = (0..).take_while(|i| weights.contains(&block_name(*i, "conv1.bias"))).count();
        let mut noise = vec![noise_plane(weights, "synthesis.conv1.noise", device)?];
        let mut blocks = Vec::new();
        for i in 0..count {
            blocks.push(Block::from_weights(weights, i, device)?);
            noise.push(noise_plane(weights, &block_name(i, "conv1.noise"), device)?);
            noise.push(noise_plane(weights, &block_name(i, "conv2.noise"), device)?);
        }
        let last = block_name(count.saturating_sub(1), "to_img");
        let (weight, bias) = (format!("{last}.conv.weight"), format!("{last}.bias"));
        let &[out, channels, 1, 1] = weights.shape(&weight)? else {
            return Err(weights.unexpected(&weight, "[12, channels, 1, 1]"));
        };
        let to_image = Pointwise::new(
            weights.values(&weight, &[out, channels])?,
            weights.values(&bias, &[out])?,
            device,
        );
        Ok(Self {
            mapping,
            w_avg,
            input: weights.tensor("synthesis.input", [1, width, 4, 4], device)?,
            head: Head::from_weights(weights, width, device)?,
            blocks,
            to_image,
            to_image_style: modulation(weights, &format!("{last}.conv"), true, device)?,
            noise,
        })
    }

    /// The same network whose separable layers, nearly all it computes, give their gradients by
    /// products in bf16 ([`Separable::with_bf16_gradients`]).
    pub fn with_bf16_gradients(&self) -> Self {
        let block = |block: &Block| Block {
            conv1: block.conv1.with_bf16_gradients(),
            conv2: block.conv2.with_bf16_gradients(),
            ..block.clone()
        };
        Self { blocks: self.blocks.iter().map(block).collect(), ..self.clone() }
    }

    /// Number of code rows.
    pub fn rows(&self) -> usize {
        2 * self.blocks.len() + 2
    }

    /// Width of a code row (and of z).
    pub fn dim(&self) -> usize {
        self.mapping.width()
    }

    /// Side of the image in pixels.
    pub fn resolution(&self) -> usize {
        8 << self.blocks.len()
    }

    /// The mean of w, `[D]`.
    pub fn w_avg(&self) -> &[f32] {
        &self.w_avg
    }

    /// The fixed noise planes, `[1,1,H,W]`, coarse to fine, strength included.
    pub fn noise(&self) -> &[Tensor<4>] {
        &self.noise
    }

    /// The matrices `[D,C]` from a code row to the styles that it feeds; none for a row that
    /// is not there.
    pub fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        if row == 0 {
            return vec![self.head.style.weight()];
        }
        match self.blocks.get((row - 1) / 2) {
            Some(block) if row % 2 == 1 => vec![block.up_style.weight(), block.style1.weight()],
            Some(block) => vec![block.style2.weight()],
            None if row + 1 == self.rows() => vec![self.to_image_style.weight()],
            None => Vec::new(),
        }
    }

    /// `z [N,D]` to `w [N,D]`.
    pub fn map(&self, z: Tensor<2>) -> Tensor<2> {
        self.mapping.forward(z)
    }

    /// `codes [N,rows,D]` to raw images `[N,3,R,R]`, RGB, nominally -1..1, not clamped.
    ///
    /// `noise` replaces the fixed planes, in the order of [`MobileStyleGan::noise`].
    pub fn synthesize(&self, codes: Tensor<3>, noise: &[Tensor<4>]) -> Tensor<4> {
        self.synthesize_tapped(codes, noise, Rescale::NONE, &mut |_, _| {})
    }

    /// As [`MobileStyleGan::synthesize`], the image rescaled by its last operator.
    pub fn synthesize_rescaled(
        &self,
        codes: Tensor<3>,
        noise: &[Tensor<4>],
        rescale: Rescale,
    ) -> Tensor<4> {
        self.synthesize_tapped(codes, noise, rescale, &mut |_, _| {})
    }

    /// As [`MobileStyleGan::synthesize_rescaled`], showing every feature map to `tap` by
    /// its name (`conv1`, `layers.0.up`, `layers.0.conv1`, ..., `to_img`).
    ///
    /// # Panics
    /// If `codes` or `noise` have another number of rows or planes than the network.
    pub fn synthesize_tapped(
        &self,
        codes: Tensor<3>,
        noise: &[Tensor<4>],
        rescale: Rescale,
        tap: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Tensor<4> {
        let [n, rows, dim] = codes.dims();
        assert_eq!((rows, dim), (self.rows(), self.dim()), "codes must be [N, rows, width]");
        assert_eq!(noise.len(), self.noise.len(), "one noise plane a layer");
        let row = |i: usize| codes.clone().slice([0..n, i..i + 1]).reshape([n, dim]);

        let [_, c, h, w] = self.input.dims();
        let x = self.input.clone().expand([n, c, h, w]);
        let mut x = self.head.pass(x, row(0), noise[0].clone(), Conv3x3::forward);
        tap("conv1", &x);
        for (i, block) in self.blocks.iter().enumerate() {
            let (first, second) = (row(1 + 2 * i), row(2 + 2 * i));
            x = haar_up(x, Some(block.up_style.forward(first.clone())));
            tap(&format!("layers.{i}.up"), &x);
            x = block.conv1.forward(x, block.style1.forward(first), noise[1 + 2 * i].clone());
            tap(&format!("layers.{i}.conv1"), &x);
            x = block.conv2.forward(x, block.style2.forward(second), noise[2 + 2 * i].clone());
            tap(&format!("layers.{i}.conv2"), &x);
        }
        let y = self.to_image.forward(x, self.to_image_style.forward(row(rows - 1)));
        tap("to_img", &y);
        haar_up_rescaled(y, rescale)
    }

    /// As [`MobileStyleGan::synthesize`] out of stock operators: slow, and obviously right.
    pub fn reference(&self, codes: Tensor<3>, noise: &[Tensor<4>]) -> Tensor<4> {
        let [n, rows, dim] = codes.dims();
        let row = |i: usize| codes.clone().slice([0..n, i..i + 1]).reshape([n, dim]);
        let [_, c, h, w] = self.input.dims();
        let x = self.input.clone().expand([n, c, h, w]);
        let mut x = self.head.pass(x, row(0), noise[0].clone(), Conv3x3::reference);
        for (i, block) in self.blocks.iter().enumerate() {
            let (first, second) = (row(1 + 2 * i), row(2 + 2 * i));
            x = reference::haar_up(x, Some(block.up_style.forward(first.clone())));
            x = block.conv1.reference(x, block.style1.forward(first), noise[1 + 2 * i].clone());
            x = block.conv2.reference(x, block.style2.forward(second), noise[2 + 2 * i].clone());
        }
        let y = self.to_image.reference(x, self.to_image_style.forward(row(rows - 1)));
        reference::haar_up(y, None)
    }
}

impl Head {
    fn from_weights(weights: &Weights, width: usize, device: &Device) -> Result<Self> {
        let weight = weights.values("synthesis.conv1.conv.weight", &[width, width, 3, 3])?;
        let bias = weights.values("synthesis.conv1.bias", &[width])?;
        Ok(Self {
            style: modulation(weights, "synthesis.conv1.conv", true, device)?,
            conv: Conv3x3::new(weight, Some(bias), [width, width], false, device),
        })
    }

    fn pass(
        &self,
        x: Tensor<4>,
        w: Tensor<2>,
        noise: Tensor<4>,
        convolve: fn(&Conv3x3, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let style = self.style.forward(w);
        let [n, c] = style.dims();
        let x = x * style.reshape([n, c, 1, 1]);
        leaky_relu(convolve(&self.conv, x) + noise, reference::LEAKY_SLOPE)
    }
}

impl Block {
    fn from_weights(weights: &Weights, i: usize, device: &Device) -> Result<Self> {
        let style =
            |layer: &str, scaled| modulation(weights, &block_name(i, layer), scaled, device);
        let conv = |layer: &str| separable(weights, &block_name(i, layer), device);
        Ok(Self {
            up_style: style("up", false)?,
            style1: style("conv1.conv", true)?,
            conv1: conv("conv1")?,
            style2: style("conv2.conv", true)?,
            conv2: conv("conv2")?,
        })
    }
}

fn block_name(i: usize, rest: &str) -> String {
    format!("synthesis.layers.{i}.{rest}")
}

fn modulation(weights: &Weights, layer: &str, scaled: bool, device: &Device) -> Result<Affine> {
    let scale = if scaled { weights.scalar(&format!("{layer}.modulation.scale"))? } else { 1.0 };
    let name = |part: &str| format!("{layer}.modulation.{part}");
    Affine::from_weights(weights, &name("weight"), &name("bias"), scale, device)
}

fn separable(weights: &Weights, layer: &str, device: &Device) -> Result<Separable> {
    let pw_name = format!("{layer}.conv.weight_pw");
    let &[out, channels, 1, 1] = weights.shape(&pw_name)? else {
        return Err(weights.unexpected(&pw_name, "[out, in, 1, 1]"));
    };
    let dw = weights.values(&format!("{layer}.conv.weight_dw"), &[channels, 3, 3])?;
    let pw = weights.values(&pw_name, &[out, channels])?;
    let bias = weights.values(&format!("{layer}.bias"), &[out])?;
    Ok(Separable::new(dw, pw, bias, device))
}

fn noise_plane(weights: &Weights, name: &str, device: &Device) -> Result<Tensor<4>> {
    let &[1, 1, h, w] = weights.shape(name)? else {
        return Err(weights.unexpected(name, "[1, 1, height, width]"));
    };
    weights.tensor(name, [1, 1, h, w], device)
}
