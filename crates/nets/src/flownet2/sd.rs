//! FlowNetSD: small windows and a convolution before each prediction, for small displacements.

use burn::tensor::Tensor;

use super::layers::Reader;
use super::refinement::{Refinement, Style};
use crate::Result;
use crate::ops::Window;

#[derive(Debug)]
pub struct FlowNetSd {
    conv0: Window,
    /// Levels 1 to 6: a convolution that halves the size, and one that keeps it.
    levels: Vec<[Window; 2]>,
    refinement: Refinement,
}

impl FlowNetSd {
    /// # Errors
    /// A missing or misshapen array.
    pub fn read(read: &mut Reader<'_>) -> Result<Self> {
        let conv0 = read.conv("conv0", 6, 3, 1)?;
        let mut levels: Vec<[Window; 2]> = Vec::new();
        let mut width = conv0.c_out();
        for k in 1..=6 {
            let half = read.conv(&format!("conv{k}"), width, 3, 2)?;
            let keep = read.conv(&format!("conv{k}_1"), half.c_out(), 3, 1)?;
            width = keep.c_out();
            levels.push([half, keep]);
        }
        let widths = [6, 5, 4, 3, 2].map(|k| levels[k - 1][1].c_out());
        let style = Style { up_bias: true, inter: true };
        let refinement = Refinement::read(read, widths, style)?;
        Ok(Self { conv0, levels, refinement })
    }

    /// Both images, `[N,6,H,W]`, to a flow `[N,2,H/4,W/4]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut x = self.conv0.forward([x]);
        let mut features = Vec::new();
        for (k, [half, keep]) in self.levels.iter().enumerate() {
            x = keep.forward([half.forward([x])]);
            // The decoder ends at level 2.
            if k > 0 {
                features.push(x.clone());
            }
        }
        let features: [Tensor<4>; 5] = features.try_into().expect("levels 2 to 6");
        let [x2, x3, x4, x5, x6] = features;
        self.refinement.forward(x6, [x5, x4, x3, x2])
    }
}
