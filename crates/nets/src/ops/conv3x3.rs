//! The frozen 3x3 convolution as one operator.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::conv3x3::{Algorithm, Conv3x3Plan};
use super::frozen::{FrozenOp, View, apply1, has_kernels};
use super::reference;

/// 3x3 convolution with frozen weights, stride 1, zero padding 1, bias, optional ReLU.
///
/// # Shapes
/// `x [N,C,H,W]`, result `[N,O,H,W]`.
#[derive(Debug, Clone)]
pub struct Conv3x3 {
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    rectify: bool,
    plan: Arc<Conv3x3Plan>,
}

impl Conv3x3 {
    /// `weight [O,C,3,3]` row-major; `rectify` appends a ReLU.
    pub fn new(
        weight: &[f32],
        bias: Option<&[f32]>,
        shape: [usize; 2],
        rectify: bool,
        device: &Device,
    ) -> Self {
        let [c_out, c_in] = shape;
        assert_eq!(weight.len(), c_out * c_in * 9, "3x3 weight must be [O,C,3,3]");
        let data = TensorData::new(weight.to_vec(), [c_out, c_in, 3, 3]);
        Self {
            weight: Tensor::from_data(data, device),
            bias: bias.map(|b| Tensor::from_data(TensorData::new(b.to_vec(), [c_out]), device)),
            rectify,
            plan: Arc::new(Conv3x3Plan::new(c_in, c_out, weight, bias)),
        }
    }

    /// Always uses the given algorithm instead of the fastest.
    ///
    /// # Panics
    /// If the convolution was cloned before.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        let plan = Arc::into_inner(self.plan).expect("a convolution of one owner");
        Self { plan: Arc::new(plan.with_algorithm(algorithm)), ..self }
    }

    /// Forward pass, differentiable in `x`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if has_kernels(&x.device()) {
            let op = Conv3x3Op { plan: self.plan.clone(), rectify: self.rectify };
            apply1(x, Arc::new(op))
        } else {
            self.reference(x)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>) -> Tensor<4> {
        reference::conv3x3(x, self.weight.clone(), self.bias.clone(), self.rectify)
    }
}

#[derive(Debug)]
struct Conv3x3Op {
    plan: Arc<Conv3x3Plan>,
    rectify: bool,
}

impl FrozenOp for Conv3x3Op {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, _, h, w] = inputs[0].nchw();
        let y = self.plan.forward(inputs[0].data, n, h, w, self.rectify);
        (y, vec![n, self.plan.c_out(), h, w])
    }

    fn backward(
        &self,
        inputs: &[View],
        output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, _, h, w] = inputs[0].nchw();
        let rectified = self.rectify.then_some(output.data);
        vec![Some(self.plan.backward(rectified, grad, n, h, w))]
    }
}
