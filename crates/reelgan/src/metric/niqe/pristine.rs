//! Statistics of natural images, and the distance from them.

/// Features of a block at both scales.
pub(super) const FEATURES: usize = 36;

/// Mean and covariance (row by row) of features.
#[derive(Debug, Clone)]
pub(super) struct Model {
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

/// See the README beside it.
const PRISTINE: &[u8] = include_bytes!("pristine.f64");

impl Model {
    /// What the authors found in 125 pristine photographs.
    pub fn pristine() -> Self {
        let numbers: Vec<f64> =
            PRISTINE.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
        let (mean, covariance) = numbers.split_at(FEATURES);
        assert_eq!(covariance.len(), FEATURES * FEATURES, "36 means and their covariances");
        Self { mean: mean.to_vec(), covariance: covariance.to_vec() }
    }

    /// Mean of every feature over the blocks where it is a number, covariance over the
    /// blocks where all are; none if fewer than two are whole.
    pub fn fitted(blocks: &[[f64; FEATURES]]) -> Option<Self> {
        let mean_of = |rows: &[&[f64; FEATURES]], i: usize| {
            let known = rows.iter().map(|row| row[i]).filter(|v| !v.is_nan());
            let (count, sum) = known.fold((0usize, 0.0), |(n, sum), v| (n + 1, sum + v));
            sum / count as f64
        };
        let all: Vec<&[f64; FEATURES]> = blocks.iter().collect();
        let whole: Vec<_> =
            all.iter().copied().filter(|row| row.iter().all(|v| !v.is_nan())).collect();
        if whole.len() < 2 {
            return None;
        }
        let centre: Vec<f64> = (0..FEATURES).map(|i| mean_of(&whole, i)).collect();
        let pair = |i: usize, j: usize| {
            let products = whole.iter().map(|row| (row[i] - centre[i]) * (row[j] - centre[j]));
            products.sum::<f64>() / (whole.len() - 1) as f64
        };
        let covariance =
            (0..FEATURES * FEATURES).map(|p| pair(p / FEATURES, p % FEATURES)).collect();
        Some(Self { mean: (0..FEATURES).map(|i| mean_of(&all, i)).collect(), covariance })
    }

    /// `sqrt(d' ((S1 + S2) / 2)^-1 d)` for the difference `d` of the means.
    ///
    /// The pristine covariance is positive definite, so its mean with another one is, and
    /// the pseudo-inverse of the definition is the inverse.
    pub fn distance(&self, other: &Self) -> f64 {
        let mean = |(a, b): (&f64, &f64)| (a + b) / 2.0;
        let mut matrix: Vec<f64> =
            self.covariance.iter().zip(&other.covariance).map(mean).collect();
        let difference: Vec<f64> = self.mean.iter().zip(&other.mean).map(|(a, b)| a - b).collect();
        // S = L L', so d' S^-1 d = |L^-1 d|^2.
        factorise(&mut matrix);
        let solved = forward_substituted(&matrix, &difference);
        solved.iter().map(|v| v * v).sum::<f64>().sqrt()
    }
}

/// Cholesky: the lower triangle becomes `L`.
fn factorise(matrix: &mut [f64]) {
    let at = |i: usize, j: usize| i * FEATURES + j;
    for j in 0..FEATURES {
        for i in j..FEATURES {
            let known: f64 = (0..j).map(|k| matrix[at(i, k)] * matrix[at(j, k)]).sum();
            let rest = matrix[at(i, j)] - known;
            matrix[at(i, j)] = if i == j { rest.sqrt() } else { rest / matrix[at(j, j)] };
        }
    }
}

fn forward_substituted(lower: &[f64], right: &[f64]) -> Vec<f64> {
    let mut solved = Vec::with_capacity(FEATURES);
    for (row, value) in lower.chunks_exact(FEATURES).zip(right) {
        let known: f64 = row.iter().zip(&solved).map(|(l, s)| l * s).sum();
        solved.push((value - known) / row[solved.len()]);
    }
    solved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_a_closed_form_where_nothing_is_correlated() {
        let diagonal = |mean: f64, variance: f64| Model {
            mean: vec![mean; FEATURES],
            covariance: (0..FEATURES * FEATURES)
                .map(|p| if p / FEATURES == p % FEATURES { variance } else { 0.0 })
                .collect(),
        };
        // 36 times 3^2 / ((1 + 7) / 2) = 81.
        let distance = diagonal(1.0, 1.0).distance(&diagonal(4.0, 7.0));
        assert!((distance - 9.0).abs() < 1e-12, "{distance}");
    }

    #[test]
    fn the_pristine_covariance_is_positive_definite() {
        let mut matrix = Model::pristine().covariance;
        factorise(&mut matrix);
        assert!((0..FEATURES).all(|i| matrix[i * FEATURES + i] > 0.0));
    }

    #[test]
    fn blocks_that_are_not_whole_count_for_what_they_have() {
        let mut blocks = [[1.0; FEATURES], [3.0; FEATURES], [5.0; FEATURES]];
        blocks[2][0] = f64::NAN;
        let model = Model::fitted(&blocks).unwrap();
        assert_eq!((model.mean[0], model.mean[1]), (2.0, 3.0));
        assert_eq!(model.covariance[1], 2.0);
        assert!(Model::fitted(&blocks[1..]).is_none());
    }
}
