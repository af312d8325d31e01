//! What follows a convolution of StyleGAN1, as one operator.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::epilogue::EpiloguePlan;
use super::frozen::{FrozenOp, View, apply3, has_kernels};
use super::reference;

/// `y = IN(lrelu(B x + bias + strength * noise)) * (1 + s0) + s1` with frozen `bias` and `strength`.
///
/// `B` blurs by `[1,2,1] x [1,2,1] / 16` with zeros around the map, or does nothing; `IN` brings
/// every plane to mean 0 and variance 1.
///
/// # Shapes
/// `x [N,C,H,W]`, `s [N,2C]` (`s0`, then `s1`), `noise [1,1,H,W]` or `[N,1,H,W]`, result as `x`.
/// # Source
/// Karras et al. 2019, the layer epilogue: noise, bias, activation, instance norm, adaptive style.
#[derive(Debug, Clone)]
pub struct LayerEpilogue {
    bias: Tensor<4>,
    strength: Tensor<4>,
    blur: bool,
    epsilon: f32,
    plan: Arc<EpiloguePlan>,
}

impl LayerEpilogue {
    /// `bias [C]`, `strength [C]` of the noise; `epsilon` is added to the variance.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn new(bias: &[f32], strength: &[f32], blur: bool, epsilon: f32, device: &Device) -> Self {
        let per_channel =
            |v: &[f32]| Tensor::from_data(TensorData::new(v.to_vec(), [1, v.len(), 1, 1]), device);
        Self {
            plan: Arc::new(EpiloguePlan::new(bias, strength, blur, epsilon)),
            bias: per_channel(bias),
            strength: per_channel(strength),
            blur,
            epsilon,
        }
    }

    /// Forward pass, differentiable in `x`, `s` and `noise`.
    pub fn forward(&self, x: Tensor<4>, s: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        if has_kernels(&x.device()) {
            apply3(x, s, noise, Arc::new(EpilogueOp(self.plan.clone())))
        } else {
            self.reference(x, s, noise)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>, s: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        let x = if self.blur { reference::blur(x) } else { x };
        let x = x + self.bias.clone() + noise * self.strength.clone();
        reference::styled_norm(x, s, self.epsilon)
    }
}

#[derive(Debug)]
struct EpilogueOp(Arc<EpiloguePlan>);

impl FrozenOp for EpilogueOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [x, s, noise] = inputs else { unreachable!("three operands") };
        let [n, _, h, w] = x.nchw();
        (self.0.forward(x.data, s.data, noise.data, [n, h, w]), x.dims.to_vec())
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [x, s, noise] = inputs else { unreachable!("three operands") };
        let [n, _, h, w] = x.nchw();
        let grads = self.0.backward(x.data, s.data, noise.data, grad, [n, h, w], wanted[2]);
        vec![Some(grads.gx), Some(grads.gs), grads.gnoise]
    }
}
