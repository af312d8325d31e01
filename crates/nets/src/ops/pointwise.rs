//! The styled 1x1 convolution (a generator's last layer) as one operator.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::pointwise::PointwisePlan;
use super::frozen::{FrozenOp, View, apply2, has_kernels};
use super::reference;

/// `y = W (x * s) + b` with frozen `W`, `b`.
///
/// # Shapes
/// `x [N,C,H,W]`, `s [N,C]`, result `[N,O,H,W]`.
#[derive(Debug, Clone)]
pub struct Pointwise {
    weight: Tensor<4>,
    bias: Tensor<1>,
    plan: Arc<PointwisePlan>,
}

impl Pointwise {
    /// `weight [O,C]` row-major, `bias [O]`.
    pub fn new(weight: &[f32], bias: &[f32], device: &Device) -> Self {
        let c_out = bias.len();
        let c_in = weight.len() / c_out;
        let data = TensorData::new(weight.to_vec(), [c_out, c_in, 1, 1]);
        Self {
            weight: Tensor::from_data(data, device),
            bias: Tensor::from_data(TensorData::new(bias.to_vec(), [c_out]), device),
            plan: Arc::new(PointwisePlan::new(weight, bias, c_in, c_out)),
        }
    }

    /// Forward pass, differentiable in `x` and `s`.
    pub fn forward(&self, x: Tensor<4>, s: Tensor<2>) -> Tensor<4> {
        if has_kernels(&x.device()) {
            apply2(x, s, Arc::new(PointwiseOp(self.plan.clone())))
        } else {
            self.reference(x, s)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>, s: Tensor<2>) -> Tensor<4> {
        reference::pointwise(x, s, self.weight.clone(), self.bias.clone())
    }
}

#[derive(Debug)]
struct PointwiseOp(Arc<PointwisePlan>);

impl FrozenOp for PointwiseOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, _, h, w] = inputs[0].nchw();
        let y = self.0.forward(inputs[0].data, inputs[1].data, n, h, w);
        (y, vec![n, self.0.c_out(), h, w])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, _, h, w] = inputs[0].nchw();
        let (gx, gs) = self.0.backward(inputs[0].data, inputs[1].data, grad, n, h, w);
        vec![Some(gx), Some(gs)]
    }
}
