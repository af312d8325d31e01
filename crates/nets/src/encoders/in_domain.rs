//! The in-domain encoder: image to the code a generator's own domain has for it.

use burn::tensor::{Device, Tensor, TensorData};

use super::layers::{BatchNorm, Conv, ConvShape, channels, is_counter, leaky, misshapen};
use crate::{Error, Result, Weights};

/// Side of the map that the last layer reads.
const LAST_SIDE: usize = 4;

/// The encoder of in-domain inversion, for StyleGAN1: a residual network of average
/// pools and 3x3 convolutions, then one linear layer to all rows of the code.
///
/// # Source
/// Zhu et al. 2020; genforce/idinvert_pytorch `models/stylegan_encoder_network.py`.
/// Resolution, widths and code size come from the weights.
#[derive(Debug, Clone)]
pub struct InDomainEncoder {
    input: Conv,
    blocks: Vec<Block>,
    /// `[C*4*4, L*D]`, transposed, scaled, its batch norm folded in.
    weight: Tensor<2>,
    bias: Tensor<2>,
    rows: usize,
    dim: usize,
}

#[derive(Debug, Clone)]
struct Block {
    /// `None`: the channels stay.
    shortcut: Option<Conv>,
    conv1: Conv,
    conv2: Conv,
}

impl InDomainEncoder {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "in-domain encoder";

    /// Builds the network from a bare state dict (`block0.*`, `block1.*`, ...).
    ///
    /// # Errors
    /// A missing, misshapen or unknown array.
    pub fn from_weights(mut weights: Weights, device: &Device) -> Result<Self> {
        let [stem, _] = channels(&weights, "block0.conv.weight", 3)?;
        let norm = BatchNorm::take(&mut weights, "block0.bn.bn", stem)?;
        let shape = ConvShape { input: 3, output: stem, kernel: 3, stride: 1 };
        let names = ("block0.conv.weight", None);
        let input = Conv::take(&mut weights, names, shape, Some(&norm), device)?;
        let (mut blocks, mut width) = (Vec::new(), stem);
        while weights.contains(&format!("block{}.conv1.weight", blocks.len() + 1)) {
            let (block, output) = Block::take(&mut weights, blocks.len() + 1, width, device)?;
            blocks.push(block);
            width = output;
        }
        let rows = code_rows(&weights, blocks.len())?;
        let (weight, bias, values) = last(&mut weights, blocks.len() + 1, width, rows, device)?;
        weights.finish(is_counter)?;
        Ok(Self { input, blocks, weight, bias, rows, dim: values / rows })
    }

    /// Side of the images it reads, in pixels.
    pub fn side(&self) -> usize {
        LAST_SIDE << self.blocks.len()
    }

    /// Rows of a code.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width of a code row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Images to codes `[N,L,D]`; differentiable in the images.
    ///
    /// # Shapes   `images [N,3,S,S]` with `S` of [`InDomainEncoder::side`]
    /// # Range    RGB, `[0,1]`
    /// # Panics
    /// If the images have another size.
    pub fn encode(&self, images: Tensor<4>) -> Tensor<3> {
        let [n, _, h, w] = images.dims();
        assert_eq!([h, w], [self.side(); 2], "images must have the side of the encoder");
        let x = leaky(self.input.forward(images.mul_scalar(2.0).sub_scalar(1.0)));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let [_, c, h, w] = x.dims();
        let codes = x.reshape([n, c * h * w]).matmul(self.weight.clone()) + self.bias.clone();
        codes.reshape([n, self.rows, self.dim])
    }
}

impl Block {
    /// Block `index` and the channels it puts out.
    fn take(
        weights: &mut Weights,
        index: usize,
        input: usize,
        device: &Device,
    ) -> Result<(Self, usize)> {
        let name = |part: &str| format!("block{index}.{part}");
        let [output, _] = channels(weights, &name("conv2.weight"), 3)?;
        let inner = input.min(output);
        let shape = |kernel, input, output| ConvShape { input, output, kernel, stride: 1 };
        let shortcut = if input == output {
            None
        } else {
            let norm = BatchNorm::take(weights, &name("bn.bn"), output)?;
            let names = (name("conv.weight"), shape(1, input, output));
            Some(Conv::take(weights, (&names.0, None), names.1, Some(&norm), device)?)
        };
        let mut main = |k: usize, shape: ConvShape| {
            let norm = BatchNorm::take(weights, &name(&format!("bn{k}.bn")), shape.output)?;
            let (kernel, bias) =
                (name(&format!("conv{k}.weight")), name(&format!("wscale{k}.bias")));
            Conv::take(weights, (&kernel, Some(&bias)), shape, Some(&norm), device)
        };
        let conv1 = main(1, shape(3, input, inner))?;
        let conv2 = main(2, shape(3, inner, output))?;
        Ok((Self { shortcut, conv1, conv2 }, output))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = halved(x);
        let y = leaky(self.conv1.forward(x.clone()));
        let y = leaky(self.conv2.forward(y));
        match &self.shortcut {
            Some(conv) => y + leaky(conv.forward(x)),
            None => y + x,
        }
    }
}

/// Rows of the code of a generator as large as the images: two a resolution from 4 px on.
fn code_rows(weights: &Weights, blocks: usize) -> Result<usize> {
    // Beyond this no image could be held; the file is damaged or made up.
    if (1..=16).contains(&blocks) {
        return Ok(2 * (blocks + 1));
    }
    Err(Error::Undecided {
        network: weights.network(),
        problem: format!("it has {blocks} residual blocks, expected 1 to 16"),
    })
}

/// The last layer: weight `[C*4*4, values]`, bias, and how many values.
fn last(
    weights: &mut Weights,
    block: usize,
    channels: usize,
    rows: usize,
    device: &Device,
) -> Result<(Tensor<2>, Tensor<2>, usize)> {
    let name = format!("block{block}.fc.weight");
    let input = channels * LAST_SIDE * LAST_SIDE;
    let &[values, _] = weights.shape(&name)? else {
        return Err(misshapen(weights, &name, "[rows x code width, channels x 16]"));
    };
    if values == 0 || !values.is_multiple_of(rows) {
        return Err(misshapen(weights, &name, &format!("[{rows} x code width, {input}]")));
    }
    let norm = BatchNorm::take(weights, &format!("block{block}.bn.bn"), values)?;
    let mut weight = weights.take(&name, &[values, input])?;
    // Equalised learning rate: the weight is stored without its factor.
    let gain = 1.0 / (input as f32).sqrt();
    for (row, scale) in weight.chunks_exact_mut(input).zip(&norm.scale) {
        row.iter_mut().for_each(|v| *v *= gain * scale);
    }
    let weight = Tensor::<2>::from_data(TensorData::new(weight, [values, input]), device);
    let bias = Tensor::from_data(TensorData::new(norm.shift, [1, values]), device);
    Ok((weight.transpose(), bias, values))
}

/// The mean of each 2x2 block.
fn halved(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n * c, h / 2, 2, w / 2, 2]).mean_dim(4).mean_dim(2).reshape([n, c, h / 2, w / 2])
}
