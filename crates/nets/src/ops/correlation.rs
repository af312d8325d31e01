//! The correlation of two feature maps as one operator.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::cpu;
use super::frozen::{FrozenOp, View, apply2, has_kernels};
use super::reference;

/// How alike the neighbourhoods of two feature maps are, forward only:
/// `out[(j + 10) * 21 + i + 10, y, x] = mean_c a[c, y, x] * b[c, y + 2j, x + 2i]` for `j` (down) and
/// `i` (right) in -10..=10, zeros outside `b`.
///
/// # Shapes
/// `a`, `b` `[N,C,H,W]`, result `[N,441,H,W]`; no gradient flows through it.
/// # Source
/// Dosovitskiy et al. 2015, FlowNet, with the constants of FlowNet2: padding 20, kernel 1, largest
/// displacement 20, strides 1 and 2.
pub fn correlation(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    let (a, b) = (a.inner(), b.inner());
    if has_kernels(&a.device()) {
        apply2(a, b, Arc::new(Correlation))
    } else {
        reference::correlation(a, b)
    }
}

#[derive(Debug)]
struct Correlation;

impl FrozenOp for Correlation {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [n, c, h, w] = inputs[0].nchw();
        let y = cpu::correlation::forward(inputs[0].data, inputs[1].data, [n, c, h, w]);
        (y, vec![n, cpu::correlation::CHANNELS, h, w])
    }

    fn backward(
        &self,
        _inputs: &[View],
        _output: View,
        _grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        unreachable!("the inputs were taken out of the graph")
    }
}
