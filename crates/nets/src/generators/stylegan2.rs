//! StyleGAN2: modulated convolutions and skips to the image.

use burn::tensor::{Device, Tensor, TensorData};

use super::stylegan1::stored_noise;
use super::{Affine, Mapping};
use crate::ops::{Conv3x3, ModulatedEpilogue, Pointwise, fir_double};
use crate::{Error, Result, Weights};

/// The StyleGAN2 generator (Karras et al. 2020); resolution, widths and rows come from
/// the arrays, which are named as by rosinality. [`super::layout`] brings the other
/// published layouts to these names.
///
/// Code rows: row 0 feeds the 4x4 layer and row 1 its image layer; of the block `j`
/// that follows, row `2j + 1` feeds the layer that doubles the resolution, row `2j + 2`
/// the other one, row `2j + 3` the image layer (and the first layer of the next block).
///
/// A style multiplies the input of its convolution and not, as published, the kernel;
/// the length of the modulated kernel divides the output. Both come to the same, and
/// the kernel stays constant.
///
/// # Source
/// rosinality/stylegan2-pytorch `model.py`
#[derive(Debug, Clone)]
pub struct StyleGan2 {
    mapping: Mapping,
    constant: Tensor<4>,
    first: Layer,
    first_rgb: ToRgb,
    blocks: Vec<Block>,
    dim: usize,
    clamp: Option<f32>,
    w_avg: Option<Vec<f32>>,
    noise: Option<Vec<Tensor<4>>>,
}

/// The style space S: what every layer's input channels are multiplied by, `[N,C]` for
/// each, coarse to fine. C is the number of input channels of the layer.
///
/// # Source
/// StyleSpace Analysis (Wu et al. 2021)
#[derive(Debug, Clone)]
pub struct Styles {
    /// Of the convolutions: `2 * blocks + 1`.
    pub conv: Vec<Tensor<2>>,
    /// Of the image layers: `blocks + 1`.
    pub rgb: Vec<Tensor<2>>,
}

#[derive(Debug, Clone)]
struct Block {
    up: Layer,
    conv: Layer,
    rgb: ToRgb,
}

/// A modulated 3x3 convolution with everything that follows it.
#[derive(Debug, Clone)]
struct Layer {
    style: Affine,
    conv: Conv3x3,
    /// Squared lengths of the kernels, `[in,out]`.
    power: Tensor<2>,
    epilogue: ModulatedEpilogue,
    channels: usize,
    doubles: bool,
}

/// A modulated 1x1 convolution to the image, not demodulated.
#[derive(Debug, Clone)]
struct ToRgb {
    style: Affine,
    conv: Pointwise,
}

/// Added to the squared length of a modulated kernel.
const LENGTH_EPSILON: f32 = 1e-8;

impl StyleGan2 {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "StyleGAN2 generator";

    /// Builds the network; `clamp` bounds the output of every layer to `-clamp..clamp`.
    /// Beside the layers there may be the mean code `w_avg [D]` and the noise maps
    /// `noise.0`, `noise.1`, ... `[1,1,H,W]`, all or none.
    ///
    /// # Errors
    /// A missing or misshapen array, or one that does not fit the others.
    pub fn from_weights(weights: &Weights, clamp: Option<f32>, device: &Device) -> Result<Self> {
        let mapping_lr = 0.01;
        let mapping = Mapping::from_weights(
            weights,
            |i| format!("style.{}", i + 1),
            std::f32::consts::SQRT_2,
            |fan_in| mapping_lr / (fan_in as f32).sqrt(),
            mapping_lr,
            device,
        )?;
        let dim = mapping.outputs();
        let four = Some(4);
        let [_, channels, _, _] = weights.sizes("input.input", [Some(1), None, four, four])?;
        let reader = Reader { weights, dim, clamp, device };
        let first = reader.layer("conv1", channels, false)?;
        let first_rgb = reader.to_rgb("to_rgb1", first.channels)?;
        let (mut blocks, mut width): (Vec<Block>, _) = (Vec::new(), first.channels);
        while weights.contains(&format!("convs.{}.conv.weight", 2 * blocks.len())) {
            let j = blocks.len();
            let up = reader.layer(&format!("convs.{}", 2 * j), width, true)?;
            let conv = reader.layer(&format!("convs.{}", 2 * j + 1), up.channels, false)?;
            width = conv.channels;
            blocks.push(Block { up, conv, rgb: reader.to_rgb(&format!("to_rgbs.{j}"), width)? });
        }
        if blocks.is_empty() {
            return Err(Error::MissingTensor {
                network: Self::NETWORK,
                name: "convs.0.conv.weight".into(),
            });
        }
        let mut net = Self {
            mapping,
            constant: weights.tensor("input.input", [1, channels, 4, 4], device)?,
            first,
            first_rgb,
            blocks,
            dim,
            clamp,
            w_avg: None,
            noise: None,
        };
        if weights.contains("w_avg") {
            net.w_avg = Some(weights.values("w_avg", &[dim])?.to_vec());
        }
        net.noise = stored_noise(weights, &net.noise_shapes(), device)?;
        Ok(net)
    }

    /// Number of code rows.
    pub fn rows(&self) -> usize {
        2 * self.blocks.len() + 2
    }

    /// Width of a code row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Width of z.
    pub fn z_dim(&self) -> usize {
        self.mapping.width()
    }

    /// Side of the image in pixels.
    pub fn resolution(&self) -> usize {
        4 << self.blocks.len()
    }

    /// The mean of w, `[D]`, if the file has it.
    pub fn w_avg(&self) -> Option<&[f32]> {
        self.w_avg.as_deref()
    }

    /// The noise maps, `[1,1,H,W]`, if the file has them.
    pub fn noise(&self) -> Option<&[Tensor<4>]> {
        self.noise.as_deref()
    }

    /// Shape `[height, width]` of the noise map of every convolution, coarse to fine.
    pub fn noise_shapes(&self) -> Vec<[usize; 2]> {
        (0..2 * self.blocks.len() + 1).map(|map| [4 << map.div_ceil(2); 2]).collect()
    }

    /// The matrices `[D,C]` from a code row to the styles of the convolutions that it feeds
    /// (image layers only where it feeds nothing else); none for a row that is not there.
    pub fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        if row == 0 {
            return vec![self.first.style.weight()];
        }
        match self.blocks.get((row - 1) / 2) {
            Some(block) if row % 2 == 1 => vec![block.up.style.weight()],
            Some(block) => vec![block.conv.style.weight()],
            None if row + 1 == self.rows() => {
                self.blocks.last().map(|block| block.rgb.style.weight()).into_iter().collect()
            }
            None => Vec::new(),
        }
    }

    /// `z [N,Z]` to `w [N,D]`.
    pub fn map(&self, z: Tensor<2>) -> Tensor<2> {
        self.mapping.forward(z)
    }

    /// `codes [N,rows,D]` to raw images `[N,3,R,R]`, RGB, nominally -1..1, not clamped.
    ///
    /// `noise`: maps `[1 or N,1,H,W]` as [`StyleGan2::noise_shapes`] says, unit variance.
    ///
    /// # Panics
    /// If `codes` or `noise` do not fit the network.
    pub fn synthesize(&self, codes: Tensor<3>, noise: &[Tensor<4>]) -> Tensor<4> {
        self.synthesize_styles(&self.styles(codes), noise)
    }

    /// `codes [N,rows,D]` to the style space.
    ///
    /// # Panics
    /// If `codes` do not fit the network.
    pub fn styles(&self, codes: Tensor<3>) -> Styles {
        let [n, rows, dim] = codes.dims();
        assert_eq!((rows, dim), (self.rows(), self.dim), "codes must be [N, rows, width]");
        let row = |i: usize| codes.clone().slice([0..n, i..i + 1]).reshape([n, dim]);
        let mut styles = Styles {
            conv: vec![self.first.style.forward(row(0))],
            rgb: vec![self.first_rgb.style.forward(row(1))],
        };
        for (j, block) in self.blocks.iter().enumerate() {
            styles.conv.push(block.up.style.forward(row(2 * j + 1)));
            styles.conv.push(block.conv.style.forward(row(2 * j + 2)));
            styles.rgb.push(block.rgb.style.forward(row(2 * j + 3)));
        }
        styles
    }

    /// Styles to raw images, as [`StyleGan2::synthesize`]; differentiable in styles and
    /// noise.
    ///
    /// # Panics
    /// If `styles` or `noise` do not fit the network.
    pub fn synthesize_styles(&self, styles: &Styles, noise: &[Tensor<4>]) -> Tensor<4> {
        assert_eq!(styles.conv.len(), 2 * self.blocks.len() + 1, "a style for every convolution");
        assert_eq!(styles.rgb.len(), self.blocks.len() + 1, "a style for every image layer");
        assert_eq!(noise.len(), styles.conv.len(), "a noise map for every convolution");
        let (style, rgb) = (|k: usize| styles.conv[k].clone(), |k: usize| styles.rgb[k].clone());
        let map = |k: usize| noise[k].clone();
        let [_, c, h, w] = self.constant.dims();
        let x = self.constant.clone().expand([styles.conv[0].dims()[0], c, h, w]);
        let mut x = self.first.forward(x, style(0), map(0));
        let mut image = self.first_rgb.forward(x.clone(), rgb(0), self.clamp);
        for (j, block) in self.blocks.iter().enumerate() {
            let (up, conv) = (2 * j + 1, 2 * j + 2);
            x = block.up.forward(x, style(up), map(up));
            x = block.conv.forward(x, style(conv), map(conv));
            image = fir_double(image, 0) + block.rgb.forward(x.clone(), rgb(j + 1), self.clamp);
        }
        image
    }
}

impl Layer {
    fn forward(&self, x: Tensor<4>, s: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        let [n, c] = s.dims();
        // One over the length of each kernel, were it multiplied by the style.
        let squared = s.clone().powf_scalar(2.0).matmul(self.power.clone());
        let d = (squared + LENGTH_EPSILON).sqrt().recip();
        let x = x * s.reshape([n, c, 1, 1]);
        let x = if self.doubles { fir_double(x, 1) } else { x };
        self.epilogue.forward(self.conv.forward(x), d, noise)
    }
}

impl ToRgb {
    fn forward(&self, x: Tensor<4>, s: Tensor<2>, clamp: Option<f32>) -> Tensor<4> {
        let image = self.conv.forward(x, s);
        match clamp {
            Some(bound) => image.clamp(-bound, bound),
            None => image,
        }
    }
}

/// What all layers are read with.
struct Reader<'a> {
    weights: &'a Weights,
    dim: usize,
    clamp: Option<f32>,
    device: &'a Device,
}

impl Reader<'_> {
    /// The modulated convolution `name` of a map with `input` channels.
    fn layer(&self, name: &str, input: usize, doubles: bool) -> Result<Layer> {
        let Reader { weights, clamp, device, .. } = *self;
        let kernel = format!("{name}.conv.weight");
        let [out, ..] = weights.sizes(&kernel, [None, Some(input), Some(3), Some(3)])?;
        let gain = 1.0 / (9.0 * input as f32).sqrt();
        let mut taps: Vec<f32> =
            weights.values(&kernel, &[out, input, 3, 3])?.iter().map(|v| v * gain).collect();
        let mut power = vec![0.0; input * out];
        for (k, taps) in taps.chunks_exact(9).enumerate() {
            let squared: f64 = taps.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            power[k % input * out + k / input] = squared as f32;
        }
        if doubles {
            // Doubling, kernel and filter commute: a transposed convolution followed by
            // the filter is the filtered doubling followed by the kernel turned around.
            taps.chunks_exact_mut(9).for_each(<[f32]>::reverse);
        }
        let bias = weights.values(&format!("{name}.activate.bias"), &[out])?;
        let strength = weights.scalar(&format!("{name}.noise.weight"))?;
        Ok(Layer {
            style: self.style(name, input)?,
            conv: Conv3x3::new(&taps, None, [out, input], false, device),
            power: Tensor::from_data(TensorData::new(power, [input, out]), device),
            epilogue: ModulatedEpilogue::new(bias, strength, clamp, device),
            channels: out,
            doubles,
        })
    }

    fn to_rgb(&self, name: &str, input: usize) -> Result<ToRgb> {
        let Reader { weights, device, .. } = *self;
        let kernel = format!("{name}.conv.weight");
        weights.sizes(&kernel, [Some(3), Some(input), Some(1), Some(1)])?;
        let gain = 1.0 / (input as f32).sqrt();
        let taps: Vec<f32> =
            weights.values(&kernel, &[3, input])?.iter().map(|v| v * gain).collect();
        let bias = weights.values(&format!("{name}.bias"), &[3])?;
        Ok(ToRgb { style: self.style(name, input)?, conv: Pointwise::new(&taps, bias, device) })
    }

    /// The map from a code row to the style of a layer.
    fn style(&self, name: &str, channels: usize) -> Result<Affine> {
        let part = |part: &str| format!("{name}.conv.modulation.{part}");
        self.weights.sizes(&part("weight"), [Some(channels), Some(self.dim)])?;
        let gain = 1.0 / (self.dim as f32).sqrt();
        let weight: Vec<f32> = self
            .weights
            .values(&part("weight"), &[channels, self.dim])?
            .iter()
            .map(|v| v * gain)
            .collect();
        let bias = self.weights.values(&part("bias"), &[channels])?;
        Ok(Affine::new(&weight, bias, 1.0, self.device))
    }
}
