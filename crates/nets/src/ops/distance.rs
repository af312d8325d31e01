//! Distances of a map to a constant target, as one operator each.

use std::io;
use std::sync::Arc;

use burn::tensor::Tensor;

use super::arrays::{Arrays, Visitor};
use super::cpu::distance;
use super::frozen::{FrozenOp, View, apply2, apply3, has_kernels};
use super::reference;

/// `mean (x - target)^2` for a target that never changes.
///
/// # Shapes   target and `x` of one shape; result `[1]`
#[derive(Debug, Clone)]
pub struct SquaredDistance {
    target: Tensor<4>,
}

impl SquaredDistance {
    /// Keeps the target.
    pub fn new(target: Tensor<4>) -> Self {
        Self { target }
    }

    /// Forward pass, differentiable in `x`.
    ///
    /// # Panics
    /// If `x` has another shape than the target.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<1> {
        assert_eq!(x.dims(), self.target.dims(), "a map of the target's shape");
        if has_kernels(&x.device()) {
            apply2(x, self.target.clone(), Arc::new(SquaredOp))
        } else {
            self.reference(x)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>) -> Tensor<1> {
        reference::squared_distance(x, self.target.clone())
    }
}

impl Arrays for SquaredDistance {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        self.target.visit(visitor)
    }
}

/// Mean over positions of `sum_c head_c (x_c / |x| - target_c)^2`: one layer of
/// LPIPS, the target's vectors being of unit length already.
///
/// `|x|` is `sqrt(sum_c x_c^2 + 1e-20) + 1e-10`. The original has no summand under
/// the root and so an infinite slope where all channels are 0; it is far below f32
/// rounding elsewhere.
///
/// # Shapes   target and `x` `[1,C,H,W]`, head `[C]`; result `[1]`
/// # Source   richzhang/PerceptualSimilarity `lpips/lpips.py`
#[derive(Debug, Clone)]
pub struct UnitDistance {
    target: Tensor<4>,
    head: Tensor<4>,
}

impl UnitDistance {
    /// Keeps target and head; `head` is `[1,C,1,1]`.
    pub fn new(target: Tensor<4>, head: Tensor<4>) -> Self {
        Self { target, head }
    }

    /// Forward pass, differentiable in `x`.
    ///
    /// # Panics
    /// If `x` has another shape than the target.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<1> {
        assert_eq!(x.dims(), self.target.dims(), "a map of the target's shape");
        if has_kernels(&x.device()) {
            apply3(x, self.target.clone(), self.head.clone(), Arc::new(UnitOp))
        } else {
            self.reference(x)
        }
    }

    /// The same out of stock operators.
    pub fn reference(&self, x: Tensor<4>) -> Tensor<1> {
        reference::unit_distance(x, self.target.clone(), self.head.clone())
    }
}

impl Arrays for UnitDistance {
    /// The target; the head has one number a channel.
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        self.target.visit(visitor)
    }
}

#[derive(Debug)]
struct SquaredOp;

impl FrozenOp for SquaredOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        (vec![distance::squared_forward(inputs[0].data, inputs[1].data)], vec![1])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let gx = distance::squared_backward(inputs[0].data, inputs[1].data, grad[0]);
        vec![Some(gx), None]
    }
}

#[derive(Debug)]
struct UnitOp;

impl FrozenOp for UnitOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [x, target, head] = inputs else { unreachable!("three operands") };
        (vec![distance::unit_forward(x.data, target.data, head.data)], vec![1])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [x, target, head] = inputs else { unreachable!("three operands") };
        let gx = distance::unit_backward(x.data, target.data, head.data, grad[0]);
        vec![Some(gx), None, None]
    }
}
