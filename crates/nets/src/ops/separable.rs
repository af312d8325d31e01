//! The styled separable layer of MobileStyleGAN as one operator.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::separable::SeparablePlan;
use super::frozen::{FrozenOp, View, apply3, has_kernels};
use super::reference;

/// `y = lrelu( PW(DW3x3(x * s)) + noise + bias )` with frozen `DW`, `PW`, `bias`.
///
/// # Shapes
/// `x [N,C,H,W]`, `s [N,C]`, `noise [1,1,H,W]` or `[N,1,H,W]`, result `[N,O,H,W]`.
/// # Source
/// MobileStyleGAN (Belousov 2021), demodulation folded into `PW` at export.
#[derive(Debug, Clone)]
pub struct Separable {
    dw: Tensor<4>,
    pw: Tensor<4>,
    bias: Tensor<1>,
    plan: Arc<SeparablePlan>,
}

impl Separable {
    /// `dw [C,3,3]`, `pw [O,C]`, `bias [O]`, all row-major.
    pub fn new(dw: &[f32], pw: &[f32], bias: &[f32], device: &Device) -> Self {
        let c_in = dw.len() / 9;
        let c_out = bias.len();
        assert_eq!(pw.len(), c_in * c_out, "pointwise weight must be [O,C]");
        let tensor4 = |v: &[f32], shape: [usize; 4]| {
            Tensor::from_data(TensorData::new(v.to_vec(), shape), device)
        };
        Self {
            dw: tensor4(dw, [c_in, 1, 3, 3]),
            pw: tensor4(pw, [c_out, c_in, 1, 1]),
            bias: Tensor::from_data(TensorData::new(bias.to_vec(), [c_out]), device),
            plan: Arc::new(SeparablePlan::new(dw, pw, bias, c_in, c_out)),
        }
    }

    /// The same layer with the products of its backward pass in bf16: factors rounded to 8 bits,
    /// sums in f32. Without effect where stock operators compute.
    pub fn with_bf16_gradients(&self) -> Self {
        Self {
            plan: Arc::new(SeparablePlan::clone(&self.plan).with_bf16_gradients()),
            ..self.clone()
        }
    }

    /// Forward pass, differentiable in `x`, `s` and `noise`.
    pub fn forward(&self, x: Tensor<4>, s: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        if has_kernels(&x.device()) {
            apply3(x, s, noise, Arc::new(SeparableOp(self.plan.clone())))
        } else {
            self.reference(x, s, noise)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>, s: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        reference::separable(x, s, noise, self.dw.clone(), self.pw.clone(), self.bias.clone())
    }
}

#[derive(Debug)]
struct SeparableOp(Arc<SeparablePlan>);

impl FrozenOp for SeparableOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [x, s, noise] = inputs else { unreachable!("three operands") };
        let [n, _, h, w] = x.nchw();
        let y = self.0.forward(x.data, s.data, noise.data, n, h, w);
        (y, vec![n, self.0.c_out(), h, w])
    }

    fn backward(
        &self,
        inputs: &[View],
        output: View,
        grad: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [x, s, noise] = inputs else { unreachable!("three operands") };
        let [n, _, h, w] = x.nchw();
        let grads = self.0.backward(x.data, s.data, output.data, grad, n, h, w, wanted[2]);
        let shared_noise = noise.dims[0] == 1 && n > 1;
        let noise_grad = grads.gnoise.map(|g| if shared_noise { sum_over_batch(&g, n) } else { g });
        vec![Some(grads.gx), Some(grads.gs), noise_grad]
    }
}

/// Sums `[N, rest]` over its first axis, in order.
fn sum_over_batch(g: &[f32], n: usize) -> Vec<f32> {
    let (first, rest) = g.split_at(g.len() / n);
    let mut sum = first.to_vec();
    for part in rest.chunks_exact(sum.len()) {
        for (a, b) in sum.iter_mut().zip(part) {
            *a += b;
        }
    }
    sum
}
