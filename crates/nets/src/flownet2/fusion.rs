//! FlowNetFusion: two flows and how well each explains the images, to one flow at full resolution.

use burn::tensor::Tensor;

use super::layers::{FLOW, Reader};
use crate::Result;
use crate::ops::Window;

/// Channels of the input: an image, two flows, their lengths, their errors.
const INPUT: usize = 11;

#[derive(Debug)]
pub struct FlowNetFusion {
    conv0: Window,
    conv1: Window,
    conv1_1: Window,
    conv2: Window,
    conv2_1: Window,
    predict2: Window,
    /// From level 2 to 1, and from 1 to 0.
    finer: [Finer; 2],
}

#[derive(Debug)]
struct Finer {
    deconv: Window,
    up: Window,
    inter: Window,
    predict: Window,
}

impl FlowNetFusion {
    /// # Errors
    /// A missing or misshapen array.
    pub fn read(read: &mut Reader<'_>) -> Result<Self> {
        let conv0 = read.conv("conv0", INPUT, 3, 1)?;
        let conv1 = read.conv("conv1", conv0.c_out(), 3, 2)?;
        let conv1_1 = read.conv("conv1_1", conv1.c_out(), 3, 1)?;
        let conv2 = read.conv("conv2", conv1_1.c_out(), 3, 2)?;
        let conv2_1 = read.conv("conv2_1", conv2.c_out(), 3, 1)?;
        let predict2 = read.predict_flow("predict_flow2", conv2_1.c_out())?;
        let (to1, width) = Finer::read(read, 1, conv2_1.c_out(), conv1_1.c_out())?;
        let (to0, _) = Finer::read(read, 0, width, conv0.c_out())?;
        Ok(Self { conv0, conv1, conv1_1, conv2, conv2_1, predict2, finer: [to1, to0] })
    }

    /// `[N,11,H,W]` to a flow `[N,2,H,W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x0 = self.conv0.forward([x]);
        let x1 = self.conv1_1.forward([self.conv1.forward([x0.clone()])]);
        let x2 = self.conv2_1.forward([self.conv2.forward([x1.clone()])]);
        let flow = self.predict2.forward([x2.clone()]);
        let [to1, to0] = &self.finer;
        let parts = to1.joined([x2], x1, flow);
        let flow = to1.flow(parts.clone());
        to0.flow(to0.joined(parts, x0, flow))
    }
}

impl Finer {
    /// Reads the layers to level `k` from a level of `input` channels; also the channels of what is
    /// joined there with the encoder's `skip`.
    fn read(read: &mut Reader<'_>, k: usize, input: usize, skip: usize) -> Result<(Self, usize)> {
        let deconv = read.deconv(&format!("deconv{k}"), input)?;
        let up = read.upsampled_flow(&format!("upsampled_flow{}_to_{k}", k + 1), true)?;
        let width = skip + deconv.c_out() + FLOW;
        let inter = read.inter_conv(&format!("inter_conv{k}"), width)?;
        let predict = read.predict_flow(&format!("predict_flow{k}"), inter.c_out())?;
        Ok((Self { deconv, up, inter, predict }, width))
    }

    /// The features of this level: the encoder's, the coarser level's, its flow.
    fn joined<const P: usize>(
        &self,
        coarser: [Tensor<4>; P],
        skip: Tensor<4>,
        flow: Tensor<4>,
    ) -> [Tensor<4>; 3] {
        [skip, self.deconv.forward(coarser), self.up.forward([flow])]
    }

    fn flow(&self, parts: [Tensor<4>; 3]) -> Tensor<4> {
        self.predict.forward([self.inter.forward(parts)])
    }
}
