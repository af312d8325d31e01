//! What follows a modulated convolution, as one operator.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cpu::modulated::{self, Layer};
use super::frozen::{FrozenOp, View, apply3, has_kernels};
use super::reference;

/// `y = clamp(sqrt(2) lrelu(d x + strength noise + bias))`, on the middle of `x`.
///
/// # Shapes
/// `x [N,C,H+2m,W+2m]` with any m, `d [N,C]` (one over the length of the modulated
/// kernels), `noise [1,1,H,W]` or `[N,1,H,W]`, result `[N,C,H,W]`.
/// # Source
/// StyleGAN2 (Karras et al. 2020): demodulation moved behind the convolution, noise,
/// `bias_act` with the gain of its leaky ReLU
#[derive(Debug, Clone)]
pub struct ModulatedEpilogue {
    bias: Tensor<1>,
    layer: Arc<Layer>,
}

impl ModulatedEpilogue {
    /// `bias [C]`; `clamp` bounds the result to `-clamp..clamp`.
    pub fn new(bias: &[f32], strength: f32, clamp: Option<f32>, device: &Device) -> Self {
        Self {
            bias: Tensor::from_data(TensorData::new(bias.to_vec(), [bias.len()]), device),
            layer: Arc::new(Layer { bias: bias.to_vec(), strength, clamp }),
        }
    }

    /// Forward pass, differentiable in `x`, `d` and `noise`.
    ///
    /// # Panics
    /// If `x` is smaller than `noise`, or its margins are not equal.
    pub fn forward(&self, x: Tensor<4>, d: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        let ([_, _, xh, xw], [_, _, h, w]) = (x.dims(), noise.dims());
        let equal = xh >= h && xw >= w && xh - h == xw - w && (xh - h).is_multiple_of(2);
        assert!(equal, "x must be the size of the noise with one margin all around");
        if has_kernels(&x.device()) {
            apply3(x, d, noise, Arc::new(EpilogueOp(self.layer.clone())))
        } else {
            self.reference(x, d, noise)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>, d: Tensor<2>, noise: Tensor<4>) -> Tensor<4> {
        let Layer { strength, clamp, .. } = *self.layer;
        reference::modulated_epilogue(x, d, noise, self.bias.clone(), strength, clamp)
    }
}

#[derive(Debug)]
struct EpilogueOp(Arc<Layer>);

impl FrozenOp for EpilogueOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [x, d, noise] = inputs else { unreachable!("three operands") };
        let [n, c, ..] = x.nchw();
        let [.., h, w] = noise.nchw();
        let y = modulated::forward(&self.0, x.data, d.data, noise.data, size(x, noise));
        (y, vec![n, c, h, w])
    }

    fn backward(
        &self,
        inputs: &[View],
        output: View,
        grad: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [x, d, noise] = inputs else { unreachable!("three operands") };
        let size = size(x, noise);
        let (gx, gd) = modulated::backward(&self.0, x.data, d.data, output.data, grad, size);
        let gnoise = wanted[2].then(|| {
            let shared = noise.dims[0] == 1;
            modulated::noise_gradient(&self.0, output.data, grad, size, shared)
        });
        vec![Some(gx), Some(gd), gnoise]
    }
}

fn size(x: &View, noise: &View) -> modulated::Size {
    let [n, c, xh, _] = x.nchw();
    let [.., h, w] = noise.nchw();
    modulated::Size { n, c, h, w, margin: (xh - h) / 2 }
}
