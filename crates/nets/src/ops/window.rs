//! The frozen convolution of any window as one operator, forward only.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::window::{Part, WindowPlan};
use super::frozen::{FrozenOp, View, apply1, apply2, apply3, has_kernels};
use super::reference;

/// What a [`Window`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    /// A convolution, weight `[O,C,side,side]`, zero padding `(side - 1) / 2`.
    Convolution {
        /// Side of the window, odd.
        side: usize,
        /// 1 or more.
        stride: usize,
    },
    /// A transposed convolution, weight `[C,O,4,4]`, stride 2, padding 1: twice the size.
    Doubling,
}

/// A convolution with frozen weights, bias and leaky activation, forward only.
///
/// # Shapes
/// One to three parts `[N,C_i,H,W]` that lie one behind the other on the channel axis, `C` channels in
/// all; result `[N,O,H',W']`. No gradient flows through it.
#[derive(Debug, Clone)]
pub struct Window {
    engine: Engine,
    channels: [usize; 2],
}

/// The weights in the one form that the device needs: of a large network there is no room for two.
#[derive(Debug, Clone)]
enum Engine {
    Kernel(Arc<WindowPlan>),
    Stock(Box<Stock>),
}

/// What the stock operators are given.
#[derive(Debug, Clone)]
struct Stock {
    weight: Tensor<4>,
    bias: Tensor<1>,
    kind: WindowKind,
    slope: f64,
}

impl Window {
    /// Takes `weight` and `bias [O]` for `channels = [O,C]`; negative results are multiplied by
    /// `slope` (1 for none).
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn new(
        kind: WindowKind,
        weight: Vec<f32>,
        bias: Vec<f32>,
        channels: [usize; 2],
        slope: f32,
        device: &Device,
    ) -> Self {
        if !has_kernels(device) {
            return Self::stock(kind, weight, bias, channels, slope, device);
        }
        let [out, input] = channels;
        let plan = match kind {
            WindowKind::Convolution { side, stride } => {
                WindowPlan::convolution(&weight, &bias, [out, input, side], stride, slope)
            }
            WindowKind::Doubling => WindowPlan::doubling(&weight, &bias, channels, slope),
        };
        Self { engine: Engine::Kernel(Arc::new(plan)), channels }
    }

    /// The same out of stock operators, on any device.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn stock(
        kind: WindowKind,
        weight: Vec<f32>,
        bias: Vec<f32>,
        channels: [usize; 2],
        slope: f32,
        device: &Device,
    ) -> Self {
        let [out, input] = channels;
        let shape = match kind {
            WindowKind::Convolution { side, .. } => [out, input, side, side],
            WindowKind::Doubling => [input, out, 4, 4],
        };
        let weight = Tensor::from_data(TensorData::new(weight, shape), device);
        let bias = Tensor::from_data(TensorData::new(bias, [out]), device);
        let stock = Stock { weight, bias, kind, slope: slope.into() };
        Self { engine: Engine::Stock(Box::new(stock)), channels }
    }

    /// Channels of the result.
    pub fn c_out(&self) -> usize {
        self.channels[0]
    }

    /// Channels of all parts together.
    pub fn c_in(&self) -> usize {
        self.channels[1]
    }

    /// Forward pass.
    ///
    /// # Panics
    /// If there are no parts or more than three, or their channels do not add up.
    pub fn forward<const P: usize>(&self, parts: [Tensor<4>; P]) -> Tensor<4> {
        let parts = parts.map(Tensor::inner);
        let plan = match &self.engine {
            Engine::Kernel(plan) => plan.clone(),
            Engine::Stock(stock) => {
                let x = Tensor::cat(parts.into(), 1);
                let Stock { weight, bias, kind, slope } = stock.as_ref().clone();
                return reference::window(x, weight, bias, kind, slope);
            }
        };
        let op = Arc::new(WindowOp(plan));
        let mut parts = parts.into_iter();
        match [(); 4].map(|()| parts.next()) {
            [Some(a), None, None, None] => apply1(a, op),
            [Some(a), Some(b), None, None] => apply2(a, b, op),
            [Some(a), Some(b), Some(c), None] => apply3(a, b, c, op),
            _ => panic!("a convolution takes one to three parts, not {P}"),
        }
    }
}

#[derive(Debug)]
struct WindowOp(Arc<WindowPlan>);

impl FrozenOp for WindowOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, _, h, w] = inputs[0].nchw();
        let parts: Vec<Part<'_>> =
            inputs.iter().map(|x| Part { channels: x.nchw()[1], values: x.data }).collect();
        let [rows, columns] = self.0.output_size([h, w]);
        (self.0.forward(&parts, n, [h, w]), vec![n, self.0.c_out(), rows, columns])
    }

    fn backward(
        &self,
        _inputs: &[View],
        _output: View,
        _grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        unreachable!("the inputs were taken out of the graph")
    }
}
