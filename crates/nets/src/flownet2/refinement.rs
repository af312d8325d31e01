//! From features at 1/64 to a flow at 1/4: the decoder that FlowNetC, FlowNetS and FlowNetSD share.

use burn::tensor::Tensor;

use super::layers::{FLOW, Reader};
use crate::Result;
use crate::ops::Window;

/// Coarse to fine: a flow is predicted, enlarged, and joined with the encoder's features of the next
/// level.
#[derive(Debug)]
pub struct Refinement {
    /// Flow at 1/64.
    coarsest: Window,
    /// Levels 5 to 2.
    levels: Vec<Level>,
}

/// From level `k + 1` (half the size) to level `k`.
#[derive(Debug)]
struct Level {
    deconv: Window,
    up: Window,
    /// FlowNetSD's convolution before the prediction.
    inter: Option<Window>,
    predict: Window,
}

/// How a network's decoder differs from the others.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether a flow's enlargement has a bias.
    pub up_bias: bool,
    /// Whether a convolution comes before each prediction.
    pub inter: bool,
}

impl Refinement {
    /// Reads `predict_flow6`, and for `k` from 5 to 2 `deconv{k}`, `upsampled_flow{k+1}_to_{k}`,
    /// `inter_conv{k}` and `predict_flow{k}`.
    ///
    /// `widths`: channels of the encoder at level 6, then of its features at 5, 4, 3, 2.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn read(read: &mut Reader<'_>, widths: [usize; 5], style: Style) -> Result<Self> {
        let [top, skips @ ..] = widths;
        let coarsest = read.predict_flow("predict_flow6", top)?;
        let mut width = top;
        let mut levels = Vec::new();
        for (skip, k) in skips.into_iter().zip((2..=5).rev()) {
            let deconv = read.deconv(&format!("deconv{k}"), width)?;
            let up = format!("upsampled_flow{}_to_{k}", k + 1);
            let up = read.upsampled_flow(&up, style.up_bias)?;
            width = skip + deconv.c_out() + FLOW;
            let inter = match style.inter {
                true => Some(read.inter_conv(&format!("inter_conv{k}"), width)?),
                false => None,
            };
            let seen = inter.as_ref().map_or(width, Window::c_out);
            let predict = read.predict_flow(&format!("predict_flow{k}"), seen)?;
            levels.push(Level { deconv, up, inter, predict });
        }
        Ok(Self { coarsest, levels })
    }

    /// `top [N,C,H/64,W/64]` and the features of levels 5 to 2 to a flow `[N,2,H/4,W/4]`.
    pub fn forward(&self, top: Tensor<4>, skips: [Tensor<4>; 4]) -> Tensor<4> {
        let mut flow = self.coarsest.forward([top.clone()]);
        let mut features = vec![top];
        for (level, skip) in self.levels.iter().zip(skips) {
            let finer = joined(&level.deconv, features);
            let parts = [skip, finer, level.up.forward([flow])];
            flow = match &level.inter {
                Some(inter) => level.predict.forward([inter.forward(parts.clone())]),
                None => level.predict.forward(parts.clone()),
            };
            features = parts.into();
        }
        flow
    }
}

/// A layer on one part (the top) or three (all levels below it).
fn joined(layer: &Window, parts: Vec<Tensor<4>>) -> Tensor<4> {
    match <[Tensor<4>; 3]>::try_from(parts) {
        Ok(three) => layer.forward(three),
        Err(parts) => {
            let one: [Tensor<4>; 1] = parts.try_into().expect("one part or three");
            layer.forward(one)
        }
    }
}
