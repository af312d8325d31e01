//! A convolution of a frozen trunk with its ReLU.

use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use crate::ops::Conv3x3;

/// Kernel size, stride and zero padding, each `[rows, columns]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: [usize; 2],
}

impl Window {
    /// A square window.
    pub const fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: [kernel; 2], stride, padding: [padding; 2] }
    }

    /// A window of stride 1 that keeps the size; both sides of the kernel are odd.
    pub const fn same(rows: usize, columns: usize) -> Self {
        Self { kernel: [rows, columns], stride: 1, padding: [rows / 2, columns / 2] }
    }
}

/// `relu(W x + b)`, frozen; differentiable in `x`.
#[derive(Debug, Clone)]
pub(super) struct Conv {
    way: Way,
    channels: usize,
}

/// Our own kernel where there is one, else the stock operator.
#[derive(Debug, Clone)]
enum Way {
    Own(Conv3x3),
    /// Our kernel pads; without padding, its outermost pixels are cut off again.
    OwnCut(Conv3x3),
    Stock {
        weight: Tensor<4>,
        bias: Tensor<1>,
        window: Window,
    },
}

impl Conv {
    /// `weight [O,C,h,w]` row-major, `bias [O]`, `shape = [O,C]`.
    pub fn new(
        weight: &[f32],
        bias: &[f32],
        shape: [usize; 2],
        window: Window,
        device: &Device,
    ) -> Self {
        let own = || Conv3x3::new(weight, Some(bias), shape, true, device);
        let way = match window {
            Window { kernel: [3, 3], stride: 1, padding: [1, 1] } => Way::Own(own()),
            Window { kernel: [3, 3], stride: 1, padding: [0, 0] } => Way::OwnCut(own()),
            _ => {
                let [rows, columns] = window.kernel;
                let data = TensorData::new(weight.to_vec(), [shape[0], shape[1], rows, columns]);
                let weight = Tensor::from_data(data, device);
                let bias = TensorData::new(bias.to_vec(), [shape[0]]);
                Way::Stock { weight, bias: Tensor::from_data(bias, device), window }
            }
        };
        Self { way, channels: shape[0] }
    }

    /// Channels of the result.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `x [N,C,H,W]`, result `[N,O,..]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.way {
            Way::Own(conv) => conv.forward(x),
            Way::OwnCut(conv) => {
                let [n, _, h, w] = x.dims();
                conv.forward(x).slice([0..n, 0..self.channels, 1..h - 1, 1..w - 1])
            }
            Way::Stock { weight, bias, window } => {
                let stride = [window.stride; 2];
                let options = ConvOptions::new(stride, window.padding, [1, 1], 1);
                relu(conv2d(x, weight.clone(), Some(bias.clone()), options))
            }
        }
    }
}
