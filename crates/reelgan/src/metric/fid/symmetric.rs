//! Symmetric matrices of f64, row by row: factors, products, eigenvalues.
//!
//! Sums are partitioned by row, never by thread, so results do not depend on the number
//! of threads.

use rayon::prelude::*;

/// `L [r,n]` with `L' L = S`, row by row, for a positive semi-definite `S [n,n]` of rank r:
/// Cholesky with the largest remaining diagonal element first.
///
/// What is left when no diagonal element exceeds rounding (`n` times the machine's
/// precision of the largest) counts as zero.
/// # Source   Higham 1990, "Analysis of the Cholesky decomposition of a semi-definite matrix"
pub(super) fn factor(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut rest: Vec<f64> = (0..n).map(|i| matrix[i * n + i]).collect();
    let largest = rest.iter().copied().fold(0.0, f64::max);
    let least = largest * n as f64 * f64::EPSILON;
    let mut rows: Vec<f64> = Vec::new();
    let mut open = vec![true; n];
    while let Some(pivot) = (0..n).filter(|&i| open[i]).max_by(|&a, &b| rest[a].total_cmp(&rest[b]))
    {
        if rest[pivot].is_nan() || rest[pivot] <= least {
            break;
        }
        let root = rest[pivot].sqrt();
        // What the rows up to now say of the pivot's row of S.
        let mut row = matrix[pivot * n..(pivot + 1) * n].to_vec();
        row.par_chunks_mut(256).enumerate().for_each(|(part, chunk)| {
            for known in rows.chunks_exact(n) {
                let weight = known[pivot];
                let known = &known[part * 256..][..chunk.len()];
                chunk.iter_mut().zip(known).for_each(|(v, k)| *v -= weight * k);
            }
        });
        for i in 0..n {
            // Pivots of before are zero from here on.
            row[i] = if open[i] { row[i] / root } else { 0.0 };
            rest[i] -= row[i] * row[i];
        }
        row[pivot] = root;
        open[pivot] = false;
        rows.extend(row);
    }
    rows
}

/// `L S L'` for `L [r,n]` and a symmetric `S [n,n]`; result `[r,r]`.
pub(super) fn sandwich(lower: &[f64], matrix: &[f64], n: usize) -> Vec<f64> {
    let half = times_transposed(lower, matrix, n);
    times_transposed(&half, lower, n)
}

/// `A B'` for `A [a,n]` and `B [b,n]`: every element is a dot product of two rows.
fn times_transposed(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let columns = b.len() / n;
    let mut out = vec![0.0; a.len() / n * columns];
    // A few rows at once, so that a row of B is fetched once for all of them.
    const ROWS: usize = 8;
    out.par_chunks_mut(ROWS * columns).zip(a.par_chunks(ROWS * n)).for_each(|(out, a)| {
        for (j, row) in b.chunks_exact(n).enumerate() {
            for (i, left) in a.chunks_exact(n).enumerate() {
                out[i * columns + j] = dot(left, row);
            }
        }
    });
    out
}

/// Eight sums side by side, which the compiler keeps in registers.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, rest_a) = a.as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Eigenvalues of a symmetric `[n,n]` matrix, in no order; only its lower triangle is read.
///
/// # Source   Golub, Van Loan, "Matrix Computations", 8.3: Householder's reduction to a
/// tridiagonal matrix, then QL steps with implicit shifts
pub(super) fn eigenvalues(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    let (mut diagonal, mut beside) = (vec![0.0; n], vec![0.0; n]);
    // From the last row up, the part of a row left of its neighbour of the diagonal is
    // reflected away.
    for i in (1..n).rev() {
        let (above, row) = matrix.split_at_mut(i * n);
        diagonal[i] = row[i];
        beside[i] = reflect(&mut row[..i], above, n);
    }
    diagonal[0] = matrix[0];
    ql(&mut diagonal, &mut beside);
    diagonal
}

/// Reflects `row` onto its last element, and with it the leading block of `above`;
/// returns that element.
fn reflect(row: &mut [f64], above: &mut [f64], n: usize) -> f64 {
    let i = row.len();
    let scale = row[..i - 1].iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if scale == 0.0 {
        return row[i - 1];
    }
    let scale = scale.max(row[i - 1].abs());
    row.iter_mut().for_each(|v| *v /= scale);
    let norm = dot(row, row).sqrt();
    let last = if row[i - 1] > 0.0 { -norm } else { norm };
    row[i - 1] -= last;
    let half = dot(row, row) / 2.0;
    // p = A u / H, K = u' p / 2H, q = p - K u, A := A - q u' - u q'
    let p = symmetric_times(above, row, n);
    let p: Vec<f64> = p.into_iter().map(|v| v / half).collect();
    let k = dot(row, &p) / (2.0 * half);
    let q: Vec<f64> = p.iter().zip(row.iter()).map(|(p, u)| p - k * u).collect();
    let u = &*row;
    above.par_chunks_exact_mut(n).take(i).enumerate().for_each(|(j, line)| {
        let (uj, qj) = (u[j], q[j]);
        let updated = line[..=j].iter_mut().zip(u).zip(&q);
        updated.for_each(|((v, u), q)| *v -= qj * u + uj * q);
    });
    last * scale
}

/// `A u` for the leading block of a symmetric matrix given by its lower triangle.
///
/// In bands of rows: each gives its part of the result, and the parts are added in order.
fn symmetric_times(matrix: &[f64], u: &[f64], n: usize) -> Vec<f64> {
    const BAND: usize = 128;
    let i = u.len();
    let parts: Vec<Vec<f64>> = (0..i.div_ceil(BAND))
        .into_par_iter()
        .map(|band| {
            let mut part = vec![0.0; i];
            for j in band * BAND..((band + 1) * BAND).min(i) {
                let line = &matrix[j * n..j * n + j];
                part[j] += dot(line, &u[..j]) + matrix[j * n + j] * u[j];
                let weight = u[j];
                part[..j].iter_mut().zip(line).for_each(|(p, v)| *p += weight * v);
            }
            part
        })
        .collect();
    let mut sum = vec![0.0; i];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
    }
    sum
}

/// Eigenvalues of a tridiagonal matrix, into `diagonal`; `beside[i]` lies between i - 1 and i.
fn ql(diagonal: &mut [f64], beside: &mut [f64]) {
    let n = diagonal.len();
    beside.rotate_left(1);
    for l in 0..n {
        // Some thirty steps are the most that is ever seen; a bound keeps NaN from staying.
        for _ in 0..60 {
            let split = (l..n - 1).find(|&m| {
                let around = diagonal[m].abs() + diagonal[m + 1].abs();
                beside[m].abs() <= f64::EPSILON * around
            });
            let m = split.unwrap_or(n - 1);
            if m == l {
                break;
            }
            step(diagonal, beside, l, m);
        }
    }
}

/// One implicit QL step on rows `l` to `m`.
fn step(d: &mut [f64], e: &mut [f64], l: usize, m: usize) {
    let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (s * e[i], c * e[i]);
        let r = f.hypot(g);
        e[i + 1] = r;
        if r == 0.0 {
            // The matrix falls apart here: begin again with the parts.
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        (s, c) = (f / r, g / r);
        let shifted = d[i + 1] - p;
        let r = (d[i] - shifted) * s + 2.0 * c * b;
        p = s * r;
        d[i + 1] = shifted + p;
        g = c * r - b;
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

#[cfg(test)]
mod tests {
    use reelgan_golden::detw;

    use super::*;

    fn sorted(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(f64::total_cmp);
        values
    }

    /// `A A'` of rank `rank`.
    fn semi_definite(n: usize, rank: usize) -> Vec<f64> {
        let a: Vec<f64> = detw("symmetric", n * rank, 1.0).into_iter().map(f64::from).collect();
        times_transposed(&a, &a, rank)
    }

    #[test]
    fn second_differences_have_cosines_for_eigenvalues() {
        for n in [1usize, 2, 3, 17, 130] {
            let matrix = (0..n * n).map(|p| match (p / n).abs_diff(p % n) {
                0 => 2.0,
                1 => -1.0,
                _ => 0.0,
            });
            let got = sorted(eigenvalues(matrix.collect(), n));
            for (k, got) in got.into_iter().enumerate() {
                let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
                let want = 2.0 - 2.0 * angle.cos();
                assert!((got - want).abs() < 1e-12, "{n} {k}: {got} {want}");
            }
        }
    }

    #[test]
    fn eigenvalues_keep_trace_and_squares() {
        for n in [5, 64, 257] {
            let matrix = semi_definite(n, n);
            let trace: f64 = (0..n).map(|i| matrix[i * n + i]).sum();
            let squares: f64 = matrix.iter().map(|v| v * v).sum();
            let got = eigenvalues(matrix, n);
            assert!((got.iter().sum::<f64>() / trace - 1.0).abs() < 1e-12);
            assert!((got.iter().map(|v| v * v).sum::<f64>() / squares - 1.0).abs() < 1e-12);
            assert!(got.iter().all(|v| *v > -1e-10 * trace));
        }
    }

    #[test]
    fn factors_multiply_back_and_have_the_rank() {
        for (n, rank) in [(1, 1), (7, 7), (40, 12), (300, 299), (30, 0)] {
            let matrix = if rank == 0 { vec![0.0; n * n] } else { semi_definite(n, rank) };
            let lower = factor(&matrix, n);
            assert_eq!(lower.len() / n, rank, "{n}");
            for i in 0..n {
                for j in 0..n {
                    let got: f64 = lower.chunks_exact(n).map(|row| row[i] * row[j]).sum();
                    assert!((got - matrix[i * n + j]).abs() <= 1e-11 * rank as f64, "{n} {i} {j}");
                }
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_finite_ends() {
        assert_eq!(eigenvalues(vec![f64::NAN; 16], 4).len(), 4);
        assert!(factor(&[f64::NAN; 16], 4).is_empty());
    }
}
