//! FlowNetC: features of both images by the same layers, compared by correlation.

use burn::tensor::Tensor;
use burn::tensor::activation::leaky_relu;

use super::layers::Reader;
use super::refinement::{Refinement, Style};
use super::s::Deep;
use crate::Result;
use crate::ops::{Window, correlation};

/// Slope of the negative side of the correlation's activation.
const SLOPE: f64 = 0.1;
/// Channels of the correlation.
const DISPLACEMENTS: usize = 21 * 21;

#[derive(Debug)]
pub struct FlowNetC {
    conv1: Window,
    conv2: Window,
    conv3: Window,
    conv_redir: Window,
    deep: Deep,
    refinement: Refinement,
}

impl FlowNetC {
    /// # Errors
    /// A missing or misshapen array.
    pub fn read(read: &mut Reader<'_>) -> Result<Self> {
        let conv1 = read.conv("conv1", 3, 7, 2)?;
        let conv2 = read.conv("conv2", conv1.c_out(), 5, 2)?;
        let conv3 = read.conv("conv3", conv2.c_out(), 5, 2)?;
        let conv_redir = read.conv("conv_redir", conv3.c_out(), 1, 1)?;
        let deep = Deep::read(read, conv_redir.c_out() + DISPLACEMENTS)?;
        let [w6, w5, w4, w3] = deep.widths();
        let style = Style { up_bias: true, inter: false };
        let refinement = Refinement::read(read, [w6, w5, w4, w3, conv2.c_out()], style)?;
        Ok(Self { conv1, conv2, conv3, conv_redir, deep, refinement })
    }

    /// `a`, `b` `[N,3,H,W]` to a flow `[N,2,H/4,W/4]`.
    pub fn forward(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
        let level2 = |x| self.conv2.forward([self.conv1.forward([x])]);
        let a2 = level2(a);
        let a3 = self.conv3.forward([a2.clone()]);
        let b3 = self.conv3.forward([level2(b)]);
        let redir = self.conv_redir.forward([a3.clone()]);
        let alike = leaky_relu(correlation(a3, b3), SLOPE);
        let [x6, x5, x4, x3] = self.deep.forward([redir, alike]);
        self.refinement.forward(x6, [x5, x4, x3, a2])
    }
}
