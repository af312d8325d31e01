//! Squared distances of an image and of its warps to constants, as one operator.

use std::io;
use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};

use super::arrays::{Arrays, Visitor};
use super::cpu::quadratic::{Evaluation, QuadraticPlan};
use super::frozen::{FrozenOp, View, apply1, has_kernels};

/// A weighted sum of squared distances of one image, see [`super::cpu::quadratic`].
///
/// For the CPU; the same out of stock operators is a sum of [`super::SquaredDistance`]s of
/// [`super::Warp`]s.
#[derive(Debug, Clone)]
pub struct Quadratic {
    plan: Arc<QuadraticPlan>,
}

impl Quadratic {
    /// Whether tensors of this device can go through the operator.
    pub fn runs_on(device: &Device) -> bool {
        has_kernels(device)
    }

    /// Takes the plan.
    pub fn new(plan: QuadraticPlan) -> Self {
        Self { plan: Arc::new(plan) }
    }

    /// The weighted sum, differentiable in `x`, and the value of each part as a number.
    ///
    /// The gradient falls off the same pass and is kept until it is asked for.
    ///
    /// # Shapes
    /// `x [1,3,H,W]`, result `[1]`.
    /// # Panics
    /// If `x` has another shape, or its device does not run the operator.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<1>, Vec<f32>) {
        assert!(has_kernels(&x.device()), "an image on the CPU");
        let op = Arc::new(QuadraticOp { plan: self.plan.clone(), done: Mutex::new(None) });
        let total = apply1(x, op.clone());
        let parts = op.evaluation().as_ref().map(|done| done.parts.clone());
        (total, parts.expect("evaluated by the forward pass"))
    }
}

impl Arrays for Quadratic {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        Arc::make_mut(&mut self.plan).visit(visitor)
    }
}

/// One application: what its forward pass leaves for its backward pass.
#[derive(Debug)]
struct QuadraticOp {
    plan: Arc<QuadraticPlan>,
    done: Mutex<Option<Evaluation>>,
}

impl QuadraticOp {
    fn evaluation(&self) -> std::sync::MutexGuard<'_, Option<Evaluation>> {
        self.done.lock().expect("no pass panics while it holds the values")
    }
}

impl FrozenOp for QuadraticOp {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let done = self.plan.evaluate(inputs[0].data);
        let total = done.total;
        *self.evaluation() = Some(done);
        (vec![total], vec![1])
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: &[f32],
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let done = self.evaluation().take();
        let mut gradient = done.unwrap_or_else(|| self.plan.evaluate(inputs[0].data)).gradient;
        if grad[0] != 1.0 {
            gradient.iter_mut().for_each(|g| *g *= grad[0]);
        }
        vec![Some(gradient)]
    }
}
