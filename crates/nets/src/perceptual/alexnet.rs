//! The convolutional trunk of AlexNet.

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use super::conv::{Conv, Window};
use super::trunk::read_conv;
use crate::{Result, Weights};

/// AlexNet as torchvision has it (Krizhevsky 2014, "One weird trick"), convolutions only.
#[derive(Debug, Clone)]
pub struct AlexNet {
    convs: Vec<Conv>,
}

/// torchvision's index in `features`, output channels, window.
const LAYERS: [(usize, usize, Window); 5] = [
    (0, 64, Window::square(11, 4, 2)),
    (3, 192, Window::square(5, 1, 2)),
    (6, 384, Window::square(3, 1, 1)),
    (8, 256, Window::square(3, 1, 1)),
    (10, 256, Window::square(3, 1, 1)),
];
/// Layers that a pool comes before.
const POOLED: [usize; 2] = [1, 2];

impl AlexNet {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "AlexNet";

    /// Reads `features.{0,3,6,8,10}.{weight,bias}`, torchvision's names.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let mut input = 3;
        let convs = LAYERS.iter().map(|&(index, out, window)| {
            let name = format!("features.{index}");
            let conv = read_conv(weights, &name, [out, input], window, device)?;
            input = out;
            Ok(conv)
        });
        Ok(Self { convs: convs.collect::<Result<_>>()? })
    }

    /// The five activations: 64, 192, 384, 256, 256 channels.
    ///
    /// # Shapes
    /// `x [N,3,H,W]` of at least 31 px a side.
    /// # Range
    /// Normalised by the ImageNet statistics.
    pub fn features(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = x;
        let mut taps = Vec::with_capacity(self.convs.len());
        for (k, conv) in self.convs.iter().enumerate() {
            if POOLED.contains(&k) {
                x = max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]));
            }
            x = conv.forward(x);
            taps.push(x.clone());
        }
        taps
    }
}
