//! The trunks that LPIPS can stand on, and how their weights are named.

use burn::tensor::{Device, Tensor};

use super::conv::{Conv, Window};
use super::{AlexNet, SqueezeNet, Tap, Vgg16};
use crate::{Result, Weights};

/// A convolutional network whose maps LPIPS compares.
#[derive(Debug, Clone)]
pub enum Trunk {
    /// Five taps of VGG16.
    Vgg16(Vgg16),
    /// Five taps of AlexNet.
    AlexNet(AlexNet),
    /// Seven taps of SqueezeNet 1.1.
    SqueezeNet(Box<SqueezeNet>),
}

impl Trunk {
    /// Channels of each tap.
    pub fn widths(&self) -> &'static [usize] {
        match self {
            Self::Vgg16(_) => &[64, 128, 256, 512, 512],
            Self::AlexNet(_) => &[64, 192, 384, 256, 256],
            Self::SqueezeNet(_) => &[64, 128, 256, 384, 384, 512, 512],
        }
    }

    /// Sides below this leave a tap without a pixel.
    pub fn smallest_side(&self) -> usize {
        match self {
            // Four halvings.
            Self::Vgg16(_) => 16,
            // 31 -> 7 (stride 4) -> 3 -> 1.
            Self::AlexNet(_) => 31,
            // 25 -> 12 -> 6 -> 3 -> 1, with windows that may reach over the edge.
            Self::SqueezeNet(_) => 25,
        }
    }

    /// The maps of `x [N,3,H,W]`, normalised by the ImageNet statistics, one a tap.
    pub fn features(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        match self {
            Self::Vgg16(net) => net.features(x, &Tap::LPIPS),
            Self::AlexNet(net) => net.features(x),
            Self::SqueezeNet(net) => net.features(x),
        }
    }
}

impl From<Vgg16> for Trunk {
    fn from(net: Vgg16) -> Self {
        Self::Vgg16(net)
    }
}

impl From<AlexNet> for Trunk {
    fn from(net: AlexNet) -> Self {
        Self::AlexNet(net)
    }
}

impl From<SqueezeNet> for Trunk {
    fn from(net: SqueezeNet) -> Self {
        Self::SqueezeNet(Box::new(net))
    }
}

/// Reads `NAME.weight [O,C,h,w]` and `NAME.bias [O]`.
pub(super) fn read_conv(
    weights: &Weights,
    name: &str,
    shape: [usize; 2],
    window: Window,
    device: &Device,
) -> Result<Conv> {
    let ([out, input], [rows, columns]) = (shape, window.kernel);
    let weight = weights.values(&format!("{name}.weight"), &[out, input, rows, columns])?;
    let bias = weights.values(&format!("{name}.bias"), &[out])?;
    Ok(Conv::new(weight, bias, shape, window, device))
}
