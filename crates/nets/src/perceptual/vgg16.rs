//! The convolutional trunk of VGG16 with named taps after its activations.

use burn::tensor::{Device, Tensor};

use crate::ops::cpu::conv3x3::Algorithm;
use crate::ops::{Conv3x3, max_pool2, reference};
use crate::{Result, Weights};

/// A point in the trunk, after the ReLU of that convolution.
///
/// `Tap { block: 1, layer: 1 }` is `relu1_1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tap {
    /// 1 to 5.
    pub block: usize,
    /// 1 to 2 (blocks 1 and 2) or 1 to 3.
    pub layer: usize,
}

impl Tap {
    /// `relu1_1, relu1_2, relu3_2, relu4_2`: the taps of the paper's eq. 10.
    pub const PAPER: [Tap; 4] = [tap(1, 1), tap(1, 2), tap(3, 2), tap(4, 2)];
    /// `relu1_2, relu2_2, relu3_3, relu4_3, relu5_3`: the taps of LPIPS.
    pub const LPIPS: [Tap; 5] = [tap(1, 2), tap(2, 2), tap(3, 3), tap(4, 3), tap(5, 3)];
}

const fn tap(block: usize, layer: usize) -> Tap {
    Tap { block, layer }
}

/// Layers of each block.
const LAYERS: [usize; 5] = [2, 2, 3, 3, 3];

/// VGG16 (Simonyan and Zisserman 2014), convolutions only.
#[derive(Debug, Clone)]
pub struct Vgg16 {
    convs: Vec<(Tap, Conv3x3)>,
}

impl Vgg16 {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "VGG16";

    /// Reads `conv1_1.weight [64,3,3,3]`, `conv1_1.bias`, ..., `conv5_3.bias`, or the
    /// same under torchvision's names, `features.{0,2,5,..,28}.{weight,bias}`.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let mut convs = Vec::new();
        let theirs = weights.contains("features.0.weight");
        // torchvision counts activations and pools as well.
        let mut index = 0;
        let mut input = 3;
        for (block, &layers) in LAYERS.iter().enumerate() {
            let out = 64 << block.min(3);
            for layer in 1..=layers {
                let name = match theirs {
                    true => format!("features.{index}"),
                    false => format!("conv{}_{layer}", block + 1),
                };
                let weight = weights.values(&format!("{name}.weight"), &[out, input, 3, 3])?;
                let bias = weights.values(&format!("{name}.bias"), &[out])?;
                let conv = Conv3x3::new(weight, Some(bias), [out, input], true, device);
                convs.push((tap(block + 1, layer), conv));
                (input, index) = (out, index + 2);
            }
            index += 1;
        }
        Ok(Self { convs })
    }

    /// Always convolves with the given algorithm instead of the fastest; for a network just read.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        let convs = self.convs.into_iter();
        Self { convs: convs.map(|(tap, conv)| (tap, conv.with_algorithm(algorithm))).collect() }
    }

    /// Feature maps at `taps` (ascending); nothing past the last tap is computed.
    ///
    /// # Shapes
    /// `x [N,3,H,W]`; a tap of block b is `[N,C,H/2^(b-1),W/2^(b-1)]`.
    /// # Range
    /// Whatever the caller's protocol says: plain `[0,1]` (the paper's code) or
    /// normalised by the ImageNet statistics (LPIPS).
    pub fn features(&self, x: Tensor<4>, taps: &[Tap]) -> Vec<Tensor<4>> {
        self.pass(x, taps, Conv3x3::forward, max_pool2)
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>, taps: &[Tap]) -> Vec<Tensor<4>> {
        self.pass(x, taps, Conv3x3::reference, reference::max_pool2)
    }

    fn pass(
        &self,
        x: Tensor<4>,
        taps: &[Tap],
        convolve: fn(&Conv3x3, Tensor<4>) -> Tensor<4>,
        pool: fn(Tensor<4>) -> Tensor<4>,
    ) -> Vec<Tensor<4>> {
        let Some(&last) = taps.last() else { return Vec::new() };
        let mut x = x;
        let mut out = Vec::with_capacity(taps.len());
        for (place, conv) in &self.convs {
            if place.block > 1 && place.layer == 1 {
                x = pool(x);
            }
            x = convolve(conv, x);
            if taps.contains(place) {
                out.push(x.clone());
            }
            if *place == last {
                break;
            }
        }
        out
    }
}
