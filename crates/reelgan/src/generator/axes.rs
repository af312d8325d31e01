//! How the codes of a generator are spread.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use super::{Generator, SampleConfig, sample_w};
use crate::Result;

/// The principal axes of W, the widest first.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalAxes {
    /// Unit vectors, `[D]` each; the largest element of each is positive.
    pub axes: Vec<Vec<f64>>,
    /// Standard deviation of codes along each axis.
    pub deviations: Vec<f64>,
}

/// The principal axes of `count` codes drawn from `seed`.
///
/// # Errors
/// [`crate::Error::Setting`] for a count of 0.
/// # Source   eigenvectors of the covariance, as in GANSpace (Härkönen et al. 2020)
pub fn principal_axes(generator: &dyn Generator, count: usize, seed: u64) -> Result<PrincipalAxes> {
    let config = SampleConfig { count, seed, truncation: 1.0, truncated_rows: None };
    let codes = sample_w(generator, &config)?;
    Ok(axes_of(&codes, generator.dim()))
}

fn axes_of(codes: &[f32], dim: usize) -> PrincipalAxes {
    let SymmetricEigen { eigenvalues, eigenvectors } =
        SymmetricEigen::new(DMatrix::from_row_slice(dim, dim, &covariance(codes, dim)));
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|&a, &b| eigenvalues[b].total_cmp(&eigenvalues[a]));
    let upright = |k: &usize| {
        let column = eigenvectors.column(*k);
        let largest = column.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let sign = if largest.is_some_and(|v| v < 0.0) { -1.0 } else { 1.0 };
        column.iter().map(|v| sign * v).collect()
    };
    PrincipalAxes {
        axes: order.iter().map(upright).collect(),
        // Rounding may leave a little less than nothing.
        deviations: order.iter().map(|&k| eigenvalues[k].max(0.0).sqrt()).collect(),
    }
}

/// Covariance of codes `[N,D]`; sums go over the codes in order, whatever the number of threads.
fn covariance(codes: &[f32], dim: usize) -> Vec<f64> {
    /// Rows of the result that are summed in one pass over the codes.
    const ROWS: usize = 16;
    let count = (codes.len() / dim) as f64;
    let mut mean = vec![0.0f64; dim];
    for code in codes.chunks_exact(dim) {
        mean.iter_mut().zip(code).for_each(|(m, &v)| *m += f64::from(v) / count);
    }
    let mut out = vec![0.0; dim * dim];
    out.par_chunks_mut(ROWS * dim).enumerate().for_each(|(part, rows)| {
        let mut off = vec![0.0f64; dim];
        for code in codes.chunks_exact(dim) {
            for (off, (&v, m)) in off.iter_mut().zip(code.iter().zip(&mean)) {
                *off = f64::from(v) - m;
            }
            for (k, row) in rows.chunks_exact_mut(dim).enumerate() {
                let a = off[part * ROWS + k] / (count - 1.0).max(1.0);
                row.iter_mut().zip(&off).for_each(|(c, b)| *c += a * b);
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covariance_of_three_points() {
        let got = covariance(&[1.0, 0.0, 2.0, 3.0, 3.0, 0.0], 2);
        let want = [1.0, 0.0, 0.0, 3.0];
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
    }

    #[test]
    fn axes_of_points_on_two_lines() {
        // Along (3,4)/5 five units from the middle, along (4,-3)/5 one.
        let found = axes_of(&[3.0, 4.0, -3.0, -4.0, 0.8, -0.6, -0.8, 0.6], 2);
        let want = [[0.6, 0.8], [0.8, -0.6]];
        for (axis, want) in found.axes.iter().zip(want) {
            assert!(axis.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{axis:?}");
        }
        let squares = [50.0f64 / 3.0, 2.0 / 3.0];
        for (deviation, square) in found.deviations.iter().zip(squares) {
            assert!((deviation - square.sqrt()).abs() < 1e-6, "{deviation}");
        }
    }
}
