//! Eigenvectors of a symmetric matrix.

/// Eigenvalues, falling, and unit eigenvectors of a symmetric `[n,n]` matrix, one a row;
/// the sign is such that the largest element is positive.
///
/// # Source   Golub, Van Loan, "Matrix Computations", 8.5: cyclic Jacobi
pub(super) fn eigen(mut matrix: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    let scale: f64 = matrix.iter().map(|v| v * v).sum::<f64>().sqrt();
    // Eight rounds are the most that is ever seen; a bound keeps NaN from staying.
    for _ in 0..40 {
        let beside = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let rest: f64 = beside.map(|(i, j)| matrix[i * n + j].powi(2)).sum::<f64>().sqrt();
        if rest <= scale * f64::EPSILON || !rest.is_finite() {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| matrix[b * n + b].total_cmp(&matrix[a * n + a]));
    let values = order.iter().map(|&k| matrix[k * n + k]).collect();
    let rows = order.iter().map(|&k| upright(&vectors[k * n..(k + 1) * n])).collect();
    (values, rows)
}

/// Makes the element (p, q) zero by a rotation of rows and columns p and q.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = matrix[p * n + q];
    if apq == 0.0 {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    turn(matrix, n, p, q, c, s);
    for k in 0..n {
        let (x, y) = (matrix[k * n + p], matrix[k * n + q]);
        (matrix[k * n + p], matrix[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
    (matrix[p * n + q], matrix[q * n + p]) = (0.0, 0.0);
    // Eigenvectors lie in rows, so that a rotation touches two of them.
    turn(vectors, n, p, q, c, s);
}

/// Rotates rows p and q, p before q.
fn turn(matrix: &mut [f64], n: usize, p: usize, q: usize, c: f64, s: f64) {
    let (above, below) = matrix.split_at_mut(q * n);
    let (row_p, row_q) = (&mut above[p * n..(p + 1) * n], &mut below[..n]);
    for (x, y) in row_p.iter_mut().zip(row_q) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

fn upright(vector: &[f64]) -> Vec<f64> {
    let largest = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    let sign = if largest.is_some_and(|v| v < 0.0) { -1.0 } else { 1.0 };
    vector.iter().map(|v| sign * v).collect()
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
            let (values, vectors) = eigen(matrix.collect(), n);
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
        let (values, vectors) = eigen(vec![3.0, 0.0, 0.0, 3.0], 2);
        assert_eq!((values, vectors[0].len()), (vec![3.0, 3.0], 2));
        assert_eq!(eigen(vec![f64::NAN; 9], 3).0.len(), 3);
    }
}
