//! Adam on plain numbers: the unknowns are a few thousand, the network is elsewhere.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Constants of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of the second mean.
    pub epsilon: f32,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl AdamConfig {
    /// Refuses decays outside `[0,1)` and an epsilon of 0 or less.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        for (name, beta) in [("adam.beta1", self.beta1), ("adam.beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::setting(name, format!("{beta} is not in [0,1)")));
            }
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(Error::setting("adam.epsilon", "must be above 0"));
        }
        Ok(())
    }
}

/// Moments of every unknown and the number of steps taken.
///
/// # Source   Kingma and Ba 2015, algorithm 1, with the bias corrections in the
/// order PyTorch's `torch.optim.Adam` applies them
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    config: AdamConfig,
    /// Mean of gradients.
    pub mean: Vec<f32>,
    /// Mean of squared gradients.
    pub square: Vec<f32>,
    /// Steps taken.
    pub steps: u32,
    /// Unknowns from this one on take part only after so many steps.
    late: (usize, u32),
}

impl Adam {
    /// Starts with zero moments for `len` unknowns.
    pub fn new(config: AdamConfig, len: usize) -> Self {
        Self { config, mean: vec![0.0; len], square: vec![0.0; len], steps: 0, late: (len, 0) }
    }

    /// The unknowns from `first` on have gradients only after `steps` steps: their moments
    /// are corrected as if the others' steps before had not been.
    pub fn with_late(self, first: usize, steps: u32) -> Self {
        Self { late: (first, steps), ..self }
    }

    /// Moves every value against its gradient by a step of its own rate; `values`
    /// yields each unknown with its learning rate.
    ///
    /// # Panics
    /// If the number of unknowns changed.
    pub fn step<'a>(&mut self, values: impl Iterator<Item = (&'a mut f32, f64)>, gradient: &[f32]) {
        assert_eq!(gradient.len(), self.mean.len(), "one gradient an unknown");
        let AdamConfig { beta1, beta2, epsilon } = self.config;
        self.steps += 1;
        let corrections = |steps: u32| {
            let correction = |beta: f32| 1.0 - f64::from(beta).powf(f64::from(steps));
            (correction(beta1), correction(beta2).sqrt() as f32)
        };
        let (late, after) = self.late;
        // Before they take part, late ones have nothing to correct.
        let all = corrections(self.steps);
        let own = corrections(self.steps.saturating_sub(after).max(1));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        let mut moved = 0;
        for (((value, rate), &g), (m, v)) in values.zip(gradient).zip(moments) {
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            let (first, root) = if moved < late { all } else { own };
            let step = (rate / first) as f32;
            *value -= step * *m / (v.sqrt() / root + epsilon);
            moved += 1;
        }
        assert_eq!(moved, gradient.len(), "every unknown moves");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_step_has_the_size_of_the_learning_rate() {
        // m/(1-b1) = g and sqrt(v/(1-b2)) = |g|, so the step is lr * sign(g).
        let mut adam = Adam::new(AdamConfig::default(), 3);
        let mut x = [1.0f32, 2.0, 3.0];
        adam.step(x.iter_mut().map(|x| (x, 0.01)), &[0.5, -4.0, 0.0]);
        for (got, want) in x.iter().zip([0.99, 2.01, 3.0]) {
            assert!((got - want).abs() < 1e-6, "{got} instead of {want}");
        }
    }

    #[test]
    fn late_unknowns_move_as_if_they_began_then() {
        let mut together = Adam::new(AdamConfig::default(), 2).with_late(1, 2);
        let mut alone = Adam::new(AdamConfig::default(), 1);
        let (mut x, mut y) = ([1.0f32, 1.0], [1.0f32]);
        for (step, g) in [0.3f32, -0.2, 0.5, 0.4, -0.1].into_iter().enumerate() {
            let late = if step < 2 { 0.0 } else { g };
            together.step(x.iter_mut().map(|x| (x, 0.05)), &[g, late]);
            if step >= 2 {
                alone.step(y.iter_mut().map(|y| (y, 0.05)), &[g]);
            }
            assert_eq!(x[1], y[0], "step {}", step + 1);
        }
        assert_ne!(x[0], x[1]);
    }

    #[test]
    fn follows_the_published_recursion() {
        // Algorithm 1 written out in f64 for one unknown.
        let gradients = [0.3f64, -0.1, 0.25, 0.0, 2.0];
        let (mut m, mut v, mut x) = (0.0f64, 0.0f64, 1.5f64);
        let mut adam = Adam::new(AdamConfig::default(), 1);
        let mut y = [1.5f32];
        for (t, g) in gradients.iter().enumerate() {
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let n = t as i32 + 1;
            x -= 0.05 * (m / (1.0 - 0.9f64.powi(n)))
                / ((v / (1.0 - 0.999f64.powi(n))).sqrt() + 1e-8);
            adam.step(y.iter_mut().map(|y| (y, 0.05)), &[*g as f32]);
            assert!((f64::from(y[0]) - x).abs() < 1e-5, "step {n}: {} instead of {x}", y[0]);
        }
    }
}
