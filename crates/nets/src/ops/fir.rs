//! The smooth doubling of StyleGAN2 as one operator.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::cpu::fir;
use super::frozen::{FrozenOp, View, apply1, has_kernels};
use super::reference;

/// Doubles the size of a map: zeros between its pixels, then the filter
/// `[1,3,3,1] / 4` along both axes, zeros outside the map.
///
/// `margin` (0 or 1) more pixels on every side show how the map fades out there.
/// # Shapes
/// `x [N,C,H,W]`, result `[N,C,2H+2m,2W+2m]`.
/// # Panics
/// If `margin` is above 1.
/// # Source
/// `upfirdn2d` of NVIDIA's StyleGAN2 with up 2, gain 4
pub fn fir_double(x: Tensor<4>, margin: usize) -> Tensor<4> {
    assert!(margin <= 1, "the filter reaches one pixel beyond the map");
    if has_kernels(&x.device()) {
        apply1(x, Arc::new(FirDouble { margin }))
    } else {
        reference::fir_double(x, margin)
    }
}

#[derive(Debug)]
struct FirDouble {
    margin: usize,
}

impl FrozenOp for FirDouble {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c, h, w] = inputs[0].nchw();
        let y = fir::forward(inputs[0].data, n * c, [h, w], self.margin);
        (y, vec![n, c, 2 * (h + self.margin), 2 * (w + self.margin)])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [n, c, h, w] = inputs[0].nchw();
        vec![Some(fir::backward(grad, n * c, [h, w], self.margin))]
    }
}
