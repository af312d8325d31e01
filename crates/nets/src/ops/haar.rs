//! The inverse Haar transform that doubles the size of a map, as one operator.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::cpu::haar::{self, Rescale};
use super::frozen::{FrozenOp, View, apply1, apply2, has_kernels};
use super::reference;

/// Inverse orthonormal Haar transform of `x * s`.
///
/// Of `4c` channels the first `c` are the low band; channel `c + 3j + b` is band
/// `b` of output channel `j`: sign flips between rows (0), columns (1), both (2).
///
/// # Shapes
/// `x [N,4c,H,W]`, `s [N,4c]`, result `[N,c,2H,2W]`.
/// # Source
/// MobileStyleGAN's `IDWTUpsample`, checked against the exported graph.
pub fn haar_up(x: Tensor<4>, s: Option<Tensor<2>>) -> Tensor<4> {
    if !has_kernels(&x.device()) {
        return reference::haar_up(x, s);
    }
    let op = Arc::new(HaarOp { rescale: Rescale::NONE });
    match s {
        Some(s) => apply2(x, s, op),
        None => apply1(x, op),
    }
}

/// `gain * haar_up(x) + offset`: the last operator of a generator, with the range of its images.
///
/// # Shapes
/// `x [N,4c,H,W]`, result `[N,c,2H,2W]`.
pub fn haar_up_rescaled(x: Tensor<4>, rescale: Rescale) -> Tensor<4> {
    if !has_kernels(&x.device()) {
        return reference::haar_up(x, None).mul_scalar(rescale.gain).add_scalar(rescale.offset);
    }
    apply1(x, Arc::new(HaarOp { rescale }))
}

#[derive(Debug)]
struct HaarOp {
    rescale: Rescale,
}

impl FrozenOp for HaarOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c4, h, w] = inputs[0].nchw();
        let style = inputs.get(1).map(|s| s.data);
        let y = haar::forward(inputs[0].data, style, self.rescale, [n, c4 / 4, h, w]);
        (y, vec![n, c4 / 4, 2 * h, 2 * w])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, c4, h, w] = inputs[0].nchw();
        let style = inputs.get(1).map(|s| s.data);
        let size = [n, c4 / 4, h, w];
        let (gx, gs) = haar::backward(inputs[0].data, style, grad, self.rescale, size);
        match style {
            Some(_) => vec![Some(gx), gs],
            None => vec![Some(gx)],
        }
    }
}
