//! The inverse Haar transform that doubles the size of a map, as one operator.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::cpu::haar;
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
    match s {
        Some(s) => apply2(x, s, Arc::new(HaarOp)),
        None => apply1(x, Arc::new(HaarOp)),
    }
}

#[derive(Debug)]
struct HaarOp;

impl FrozenOp for HaarOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c4, h, w] = inputs[0].nchw();
        let style = inputs.get(1).map(|s| s.data);
        let y = haar::forward(inputs[0].data, style, n, c4 / 4, h, w);
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
        let (gx, gs) = haar::backward(inputs[0].data, style, grad, n, c4 / 4, h, w);
        match style {
            Some(_) => vec![Some(gx), gs],
            None => vec![Some(gx)],
        }
    }
}
