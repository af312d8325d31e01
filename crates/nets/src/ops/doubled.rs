//! The frozen 3x3 convolution of a doubled map as one operator.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::doubled::DoubledPlan;
use super::frozen::{FrozenOp, View, apply1, has_kernels};
use super::reference;

/// 3x3 convolution, zero padding 1, no bias, of a map doubled by nearest neighbour.
///
/// # Shapes
/// `x [N,C,H,W]`, result `[N,O,2H,2W]`.
#[derive(Debug, Clone)]
pub struct DoubledConv3x3 {
    weight: Tensor<4>,
    plan: Arc<DoubledPlan>,
}

impl DoubledConv3x3 {
    /// `weight [O,C,3,3]` row-major.
    ///
    /// # Panics
    /// If `weight` has another length.
    pub fn new(weight: &[f32], shape: [usize; 2], device: &Device) -> Self {
        let [c_out, c_in] = shape;
        let data = TensorData::new(weight.to_vec(), [c_out, c_in, 3, 3]);
        Self {
            weight: Tensor::from_data(data, device),
            plan: Arc::new(DoubledPlan::new(c_in, c_out, weight)),
        }
    }

    /// Forward pass, differentiable in `x`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if has_kernels(&x.device()) {
            apply1(x, Arc::new(DoubledOp(self.plan.clone())))
        } else {
            self.reference(x)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>) -> Tensor<4> {
        reference::conv3x3(reference::nearest_double(x), self.weight.clone(), None, false)
    }
}

#[derive(Debug)]
struct DoubledOp(Arc<DoubledPlan>);

impl FrozenOp for DoubledOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, _, h, w] = inputs[0].nchw();
        (self.0.forward(inputs[0].data, n, h, w), vec![n, self.0.c_out(), 2 * h, 2 * w])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, _, h, w] = inputs[0].nchw();
        vec![Some(self.0.backward(grad, n, h, w))]
    }
}
