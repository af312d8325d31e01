//! Brightness between two aligned frames: one gain and one offset for the whole frame.

use rayon::prelude::*;

use super::plane::{Plane, rows_per_task};

/// Residual, in grey levels, at which a pixel counts half: covered and
/// uncovered surfaces must not pass for a change of exposure.
const HALF_WEIGHT: f32 = 16.0;
/// Below this variance (grey levels squared) a frame says nothing about gain.
const LEAST_VARIANCE: f64 = 4.0;
/// Gains outside are no change of exposure any more.
const GAINS: (f64, f64) = (0.5, 2.0);

/// `gain * b + offset` has the brightness of `a`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exposure {
    gain: f32,
    offset: f32,
}

impl Exposure {
    /// Equal brightness.
    pub(super) const SAME: Self = Self { gain: 1.0, offset: 0.0 };

    /// Matches mean and spread of `warped` to `a`, weighting pixels by how well
    /// they agree under this estimate. Mean and spread treat both frames alike;
    /// a regression would shrink the gain wherever the frames are misaligned.
    pub(super) fn updated(self, a: &Plane, warped: &Plane) -> Self {
        let rows: Vec<[f64; 5]> = (0..a.height)
            .into_par_iter()
            .with_min_len(rows_per_task(a.width))
            .map(|y| self.moments(a.row(y), warped.row(y)))
            .collect();
        // Summed in row order, whatever thread did the rows.
        let mut total = [0.0; 5];
        for row in rows {
            total.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let [weight, a, b, aa, bb] = total;
        if weight <= 0.0 {
            return self;
        }
        let (a, b) = (a / weight, b / weight);
        let (var_a, var_b) = (aa / weight - a * a, bb / weight - b * b);
        let gain = if var_a < LEAST_VARIANCE || var_b < LEAST_VARIANCE {
            1.0
        } else {
            (var_a / var_b).sqrt().clamp(GAINS.0, GAINS.1)
        };
        Self { gain: gain as f32, offset: (a - gain * b) as f32 }
    }

    /// Weight, weighted sums of a and b, and of their squares.
    fn moments(self, a: &[f32], b: &[f32]) -> [f64; 5] {
        let mut sums = [0.0; 5];
        for (&a, &b) in a.iter().zip(b) {
            let residual = (self.gain * b + self.offset - a) / HALF_WEIGHT;
            let weight = f64::from(1.0 / (1.0 + residual * residual));
            let (a, b) = (f64::from(a), f64::from(b));
            for (sum, value) in sums.iter_mut().zip([1.0, a, b, a * a, b * b]) {
                *sum += weight * value;
            }
        }
        sums
    }

    /// `plane` at the other frame's brightness.
    pub(super) fn applied(self, plane: &Plane) -> Plane {
        Plane::from_rows(plane.width, plane.height, |y, row| {
            for (out, value) in row.iter_mut().zip(plane.row(y)) {
                *out = self.gain * value + self.offset;
            }
        })
    }
}
