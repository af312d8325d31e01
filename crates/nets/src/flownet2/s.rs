//! FlowNetS, as FlowNet2 stacks it: what a flow got right and wrong, to a better flow.

use burn::tensor::Tensor;

use super::layers::Reader;
use super::refinement::{Refinement, Style};
use crate::Result;
use crate::ops::Window;

/// Channels of the input: two images, the second one warped, the flow, the error.
const INPUT: usize = 12;

#[derive(Debug)]
pub struct FlowNetS {
    conv1: Window,
    conv2: Window,
    conv3: Window,
    deep: Deep,
    refinement: Refinement,
}

/// The encoder from level 3 on, which FlowNetC and FlowNetS share.
#[derive(Debug)]
pub struct Deep {
    conv3_1: Window,
    conv4: Window,
    conv4_1: Window,
    conv5: Window,
    conv5_1: Window,
    conv6: Window,
    conv6_1: Window,
}

impl Deep {
    /// Reads `conv3_1` to `conv6_1`; `input`: channels of all that `conv3_1` sees.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn read(read: &mut Reader<'_>, input: usize) -> Result<Self> {
        let conv3_1 = read.conv("conv3_1", input, 3, 1)?;
        let conv4 = read.conv("conv4", conv3_1.c_out(), 3, 2)?;
        let conv4_1 = read.conv("conv4_1", conv4.c_out(), 3, 1)?;
        let conv5 = read.conv("conv5", conv4_1.c_out(), 3, 2)?;
        let conv5_1 = read.conv("conv5_1", conv5.c_out(), 3, 1)?;
        let conv6 = read.conv("conv6", conv5_1.c_out(), 3, 2)?;
        let conv6_1 = read.conv("conv6_1", conv6.c_out(), 3, 1)?;
        Ok(Self { conv3_1, conv4, conv4_1, conv5, conv5_1, conv6, conv6_1 })
    }

    /// Channels of levels 6, 5, 4, 3.
    pub fn widths(&self) -> [usize; 4] {
        [&self.conv6_1, &self.conv5_1, &self.conv4_1, &self.conv3_1].map(Window::c_out)
    }

    /// Features of levels 6, 5, 4, 3.
    pub fn forward<const P: usize>(&self, parts: [Tensor<4>; P]) -> [Tensor<4>; 4] {
        let x3 = self.conv3_1.forward(parts);
        let x4 = self.conv4_1.forward([self.conv4.forward([x3.clone()])]);
        let x5 = self.conv5_1.forward([self.conv5.forward([x4.clone()])]);
        let x6 = self.conv6_1.forward([self.conv6.forward([x5.clone()])]);
        [x6, x5, x4, x3]
    }
}

impl FlowNetS {
    /// # Errors
    /// A missing or misshapen array.
    pub fn read(read: &mut Reader<'_>) -> Result<Self> {
        let conv1 = read.conv("conv1", INPUT, 7, 2)?;
        let conv2 = read.conv("conv2", conv1.c_out(), 5, 2)?;
        let conv3 = read.conv("conv3", conv2.c_out(), 5, 2)?;
        let deep = Deep::read(read, conv3.c_out())?;
        let [w6, w5, w4, w3] = deep.widths();
        let style = Style { up_bias: false, inter: false };
        let refinement = Refinement::read(read, [w6, w5, w4, w3, conv2.c_out()], style)?;
        Ok(Self { conv1, conv2, conv3, deep, refinement })
    }

    /// `[N,12,H,W]` to a flow `[N,2,H/4,W/4]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x2 = self.conv2.forward([self.conv1.forward([x])]);
        let [x6, x5, x4, x3] = self.deep.forward([self.conv3.forward([x2.clone()])]);
        self.refinement.forward(x6, [x5, x4, x3, x2])
    }
}
