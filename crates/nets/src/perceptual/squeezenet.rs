//! The convolutional trunk of SqueezeNet 1.1.

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use super::conv::{Conv, Window};
use super::trunk::read_conv;
use crate::{Result, Weights};

/// SqueezeNet 1.1 (Iandola et al. 2016) as torchvision has it, without its classifier.
#[derive(Debug, Clone)]
pub struct SqueezeNet {
    first: Conv,
    fires: Vec<Fire>,
}

/// torchvision's index in `features`, channels squeezed to, channels of each expansion.
const FIRES: [(usize, usize, usize); 8] = [
    (3, 16, 64),
    (4, 16, 64),
    (6, 32, 128),
    (7, 32, 128),
    (9, 48, 192),
    (10, 48, 192),
    (11, 64, 256),
    (12, 64, 256),
];
/// Fires that a pool comes before.
const POOLED: [usize; 3] = [0, 2, 4];
/// Fires after which LPIPS looks, besides the first convolution.
const TAPPED: [usize; 6] = [1, 3, 4, 5, 6, 7];

impl SqueezeNet {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "SqueezeNet 1.1";

    /// Reads `features.0` and `features.{3,4,6,7,9,10,11,12}.{squeeze,expand1x1,expand3x3}`,
    /// each with `.weight` and `.bias`: torchvision's names.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let window = Window::square(3, 2, 0);
        let first = read_conv(weights, "features.0", [64, 3], window, device)?;
        let mut input = first.channels();
        let fires = FIRES.iter().map(|&(index, squeezed, expanded)| {
            let name = format!("features.{index}");
            let fire = Fire::read(weights, &name, [input, squeezed, expanded], device)?;
            input = 2 * expanded;
            Ok(fire)
        });
        Ok(Self { fires: fires.collect::<Result<_>>()?, first })
    }

    /// The seven maps of LPIPS: 64, 128, 256, 384, 384, 512, 512 channels.
    ///
    /// # Shapes
    /// `x [N,3,H,W]` of at least 25 px a side.
    /// # Range
    /// Normalised by the ImageNet statistics.
    pub fn features(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = self.first.forward(x);
        let mut taps = vec![x.clone()];
        for (k, fire) in self.fires.iter().enumerate() {
            if POOLED.contains(&k) {
                x = pool(x);
            }
            x = fire.forward(x);
            if TAPPED.contains(&k) {
                taps.push(x.clone());
            }
        }
        taps
    }
}

/// 3x3 maximum, stride 2; the last window may reach over the edge.
fn pool(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_ceil_mode(true))
}

/// Few channels by 1x1, then many by 1x1 and 3x3 side by side.
#[derive(Debug, Clone)]
struct Fire {
    squeeze: Conv,
    expand1x1: Conv,
    expand3x3: Conv,
}

impl Fire {
    fn read(
        weights: &Weights,
        name: &str,
        [input, squeezed, expanded]: [usize; 3],
        device: &Device,
    ) -> Result<Self> {
        let conv = |part: &str, shape, kernel| {
            let name = format!("{name}.{part}");
            read_conv(weights, &name, shape, Window::same(kernel, kernel), device)
        };
        Ok(Self {
            squeeze: conv("squeeze", [squeezed, input], 1)?,
            expand1x1: conv("expand1x1", [expanded, squeezed], 1)?,
            expand3x3: conv("expand3x3", [expanded, squeezed], 3)?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.squeeze.forward(x);
        Tensor::cat(vec![self.expand1x1.forward(x.clone()), self.expand3x3.forward(x)], 1)
    }
}
