//! Covariances and eigenvectors of plain numbers.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

/// Rounds after which a matrix counts as one that has no eigenvectors: NaN.
const ROUNDS: usize = 100_000;

/// Eigenvalues, falling, and unit eigenvectors of a symmetric `[n,n]` matrix, one a row; the
/// sign is such that the largest element is positive. NaN for a matrix with NaN.
pub(crate) fn eigen(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let matrix = DMatrix::from_row_slice(n, n, matrix);
    let finite = matrix.iter().all(|v| v.is_finite());
    let found = finite.then(|| SymmetricEigen::try_new(matrix, f64::EPSILON, ROUNDS)).flatten();
    let Some(SymmetricEigen { eigenvalues, eigenvectors }) = found else {
        return (vec![f64::NAN; n], vec![vec![f64::NAN; n]; n]);
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| eigenvalues[b].total_cmp(&eigenvalues[a]));
    let upright = |k: &usize| {
        let column = eigenvectors.column(*k);
        let largest = column.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let sign = if largest.is_some_and(|v| v < 0.0) { -1.0 } else { 1.0 };
        column.iter().map(|v| sign * v).collect()
    };
    (order.iter().map(|&k| eigenvalues[k]).collect(), order.iter().map(upright).collect())
}

/// Mean `[D]` and covariance `[D,D]` of vectors `[N,D]`; sums go over the vectors in order,
/// whatever the number of threads.
pub(crate) fn spread(vectors: &[f64], dim: usize) -> (Vec<f64>, Vec<f64>) {
    /// Rows of the result that are summed in one pass over the vectors.
    const ROWS: usize = 16;
    let count = (vectors.len() / dim) as f64;
    let mut mean = vec![0.0f64; dim];
    for vector in vectors.chunks_exact(dim) {
        mean.iter_mut().zip(vector).for_each(|(m, v)| *m += v / count);
    }
    let mut out = vec![0.0; dim * dim];
    out.par_chunks_mut(ROWS * dim).enumerate().for_each(|(part, rows)| {
        let mut off = vec![0.0f64; dim];
        for vector in vectors.chunks_exact(dim) {
            for (off, (v, m)) in off.iter_mut().zip(vector.iter().zip(&mean)) {
                *off = v - m;
            }
            for (k, row) in rows.chunks_exact_mut(dim).enumerate() {
                let a = off[part * ROWS + k] / (count - 1.0).max(1.0);
                row.iter_mut().zip(&off).for_each(|(c, b)| *c += a * b);
            }
        }
    });
    (mean, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_differences_have_sines_for_eigenvectors() {
        for n in [1usize, 2, 5, 40] {
            let matrix = (0..n * n).map(|p| match (p / n).abs_diff(p % n) {
                0 => 2.0,
                1 => -1.0,
                _ => 0.0,
            });
            let (values, vectors) = eigen(&matrix.collect::<Vec<_>>(), n);
            for k in 0..n {
                // Falling: the largest belongs to the highest frequency.
                let angle = (n - k) as f64 * std::f64::consts::PI / (n + 1) as f64;
                assert!((values[k] - (2.0 - 2.0 * angle.cos())).abs() < 1e-12, "{n} {k}");
                let want: Vec<f64> = (1..=n).map(|i| (i as f64 * angle).sin()).collect();
                let length = want.iter().map(|v| v * v).sum::<f64>().sqrt();
                let dot: f64 = want.iter().zip(&vectors[k]).map(|(a, b)| a / length * b).sum();
                assert!((dot.abs() - 1.0).abs() < 1e-12, "{n} {k}: {dot}");
            }
        }
    }

    #[test]
    fn equal_values_and_numbers_that_are_none_end() {
        let (values, vectors) = eigen(&[3.0, 0.0, 0.0, 3.0], 2);
        assert_eq!((values, vectors[0].len()), (vec![3.0, 3.0], 2));
        assert!(eigen(&[f64::NAN; 9], 3).0.iter().all(|v| v.is_nan()));
    }

    #[test]
    fn spread_of_three_points() {
        let (mean, got) = spread(&[1.0, 0.0, 2.0, 3.0, 3.0, 0.0], 2);
        assert_eq!(mean, [2.0, 1.0]);
        let want = [1.0, 0.0, 0.0, 3.0];
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
    }
}
