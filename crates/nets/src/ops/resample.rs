//! Operators that move pixels: pooling, resizing and warping by a flow.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu;
use super::cpu::warp::WarpPlan;
use super::frozen::{FrozenOp, View, apply1, has_kernels};
use super::reference;

/// 2x2 maximum, stride 2; an odd last row or column is dropped. `[N,C,H,W]` to `[N,C,H/2,W/2]`.
pub fn max_pool2(x: Tensor<4>) -> Tensor<4> {
    if has_kernels(&x.device()) { apply1(x, Arc::new(MaxPool2)) } else { reference::max_pool2(x) }
}

/// Bilinear resize to `size = [H,W]`: half-pixel centres, clamped at 0, no antialiasing.
///
/// # Source
/// PyTorch's `interpolate(mode="bilinear", align_corners=False)`, which the
/// paper's code uses to bring 1024 px to 256 px before VGG16.
pub fn resize_bilinear(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    if [h, w] == size {
        x
    } else if has_kernels(&x.device()) {
        apply1(x, Arc::new(Resize { size }))
    } else {
        reference::resize_bilinear(x, size)
    }
}

/// `out(p) = x(p + flow(p))`, bilinear, border replicated, for one constant flow.
///
/// Differentiable in `x` only: flows come from the inputs and are constants, so
/// the sampling positions are worked out once, here.
///
/// # Shapes
/// `flow [N,2,H,W]` in pixels, channel 0 = dx, 1 = dy; `x [N,C,H,W]`.
/// # Source
/// `Resample2d` of NVIDIA's FlowNet2 (kernel size 1).
#[derive(Debug, Clone)]
pub struct Warp {
    flow: Tensor<4>,
    plan: Arc<WarpPlan>,
}

impl Warp {
    /// Plans the sampling for a flow given as numbers, `dims = [N,H,W]`.
    pub fn new(flow: &[f32], dims: [usize; 3], device: &Device) -> Self {
        let [n, h, w] = dims;
        Self {
            flow: Tensor::from_data(TensorData::new(flow.to_vec(), [n, 2, h, w]), device),
            plan: Arc::new(WarpPlan::new(flow, n, h, w)),
        }
    }

    /// Forward pass, differentiable in `x`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if has_kernels(&x.device()) {
            apply1(x, Arc::new(WarpOp(self.plan.clone())))
        } else {
            self.reference(x)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>) -> Tensor<4> {
        reference::warp(x, self.flow.clone())
    }
}

#[derive(Debug)]
struct MaxPool2;

impl FrozenOp for MaxPool2 {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c, h, w] = inputs[0].nchw();
        (cpu::pool::forward(inputs[0].data, n, c, h, w), vec![n, c, h / 2, w / 2])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, c, h, w] = inputs[0].nchw();
        vec![Some(cpu::pool::backward(inputs[0].data, grad, n, c, h, w))]
    }
}

#[derive(Debug)]
struct Resize {
    size: [usize; 2],
}

impl FrozenOp for Resize {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c, h, w] = inputs[0].nchw();
        let y = cpu::resize::forward(inputs[0].data, n * c, [h, w], self.size);
        (y, vec![n, c, self.size[0], self.size[1]])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, c, h, w] = inputs[0].nchw();
        vec![Some(cpu::resize::backward(grad, n * c, [h, w], self.size))]
    }
}

#[derive(Debug)]
struct WarpOp(Arc<WarpPlan>);

impl FrozenOp for WarpOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c, h, w] = inputs[0].nchw();
        (self.0.forward(inputs[0].data, c), vec![n, c, h, w])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [_, c, _, _] = inputs[0].nchw();
        vec![Some(self.0.backward(grad, c))]
    }
}
