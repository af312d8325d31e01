//! The axes in which the optimiser measures its steps.
//!
//! Codes of W are spread very unevenly: far along a few directions, hardly along most.
//! Adam moves every unknown equally fast, so in plain W it leaves the region of codes
//! that the generator was trained on along the narrow ones. Measured in standard
//! deviations along the principal axes of W, equal steps are equally likely ones.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::generator::{self, Generator};

/// The axes of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axes {
    /// The numbers of a code as they are.
    #[default]
    Plain,
    /// The principal axes of W, in standard deviations of its codes.
    Whitened,
}

/// Codes and seed that the axes are found from.
const SAMPLES: usize = 8192;
const SEED: u64 = 0;
/// Axes narrower than this part of the widest count as this wide, so that W+ can still reach
/// beyond W.
const NARROWEST: f64 = 0.02;

/// The linear map from whitened steps to steps of W.
///
/// Steps alone are mapped, never codes: every set of unknowns is a sum of vectors of W, and Adam
/// does not care where it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Whitening {
    dim: usize,
    /// `[D,D]`: each row an axis times its deviation.
    axes: Vec<f32>,
}

impl Whitening {
    /// That of a generator.
    pub fn of(generator: &dyn Generator) -> Result<Self> {
        let found = generator::principal_axes(generator, SAMPLES, SEED)?;
        let least = NARROWEST * found.deviations.first().copied().unwrap_or(0.0);
        let scaled =
            found.axes.iter().zip(&found.deviations).flat_map(|(axis, deviation)| {
                axis.iter().map(|v| (v * deviation.max(least)) as f32)
            });
        Ok(Self { dim: generator.dim(), axes: scaled.collect() })
    }

    /// Gradients along the axes from gradients to vectors of W, `[M,D]` both.
    pub fn gradient(&self, plain: &[f32]) -> Vec<f32> {
        let along = |g: &[f32]| -> Vec<f32> {
            let dot = |axis: &[f32]| axis.iter().zip(g).map(|(a, g)| a * g).sum();
            self.axes.chunks_exact(self.dim).map(dot).collect()
        };
        plain.chunks_exact(self.dim).flat_map(along).collect()
    }

    /// Steps of W from steps along the axes, `[M,D]` both.
    pub fn steps(&self, along: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; along.len()];
        for (out, along) in out.chunks_exact_mut(self.dim).zip(along.chunks_exact(self.dim)) {
            for (axis, &step) in self.axes.chunks_exact(self.dim).zip(along) {
                out.iter_mut().zip(axis).for_each(|(o, a)| *o += step * a);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_and_steps_are_adjoint() {
        let axes: Vec<f32> = (0..9).map(|k| ((k * 5 + 2) % 7) as f32 - 3.0).collect();
        let whitening = Whitening { dim: 3, axes };
        let g: Vec<f32> = (0..6).map(|k| (k * k % 5) as f32 - 1.0).collect();
        let s: Vec<f32> = (0..6).map(|k| 2.0 - (k * 3 % 4) as f32).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        // Small integers: exact.
        assert_eq!(dot(&whitening.gradient(&g), &s), dot(&g, &whitening.steps(&s)));
    }
}
