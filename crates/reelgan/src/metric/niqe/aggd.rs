//! Asymmetric generalised Gaussians, fitted by moments.

use std::sync::OnceLock;

use libm::tgamma;

/// Shape and the two scales of a fitted distribution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fitted {
    pub shape: f64,
    pub left: f64,
    pub right: f64,
}

/// Shapes that are tried: 0.2, 0.201, ..., 10.
const SHAPES: usize = 9801;

fn shape(k: usize) -> f64 {
    0.2 + k as f64 * 0.001
}

/// `G(2/a)^2 / (G(1/a) G(3/a))` of every shape; grows with the shape.
fn ratios() -> &'static [f64] {
    static RATIOS: OnceLock<Vec<f64>> = OnceLock::new();
    RATIOS.get_or_init(|| {
        let ratio = |a: f64| tgamma(2.0 / a).powi(2) / (tgamma(1.0 / a) * tgamma(3.0 / a));
        (0..SHAPES).map(|k| ratio(shape(k))).collect()
    })
}

/// Fits values; scales are NaN where all values lie on one side or are 0.
///
/// # Source   Lasmar, Stitou, Berthoumieu 2009, moment matching
pub(super) fn fit(values: impl Iterator<Item = f64> + Clone) -> Fitted {
    let side = |keep: fn(f64) -> bool| {
        let (count, sum) = values
            .clone()
            .filter(|&v| keep(v))
            .fold((0usize, 0.0), |(n, sum), v| (n + 1, sum + v * v));
        (sum / count as f64).sqrt()
    };
    let (left, right) = (side(|v| v < 0.0), side(|v| v > 0.0));
    let (count, size, square) = values
        .fold((0usize, 0.0, 0.0), |(n, size, square), v| (n + 1, size + v.abs(), square + v * v));
    let skew = left / right;
    let flatness = (size / count as f64).powi(2) / (square / count as f64);
    let wanted = flatness * (skew.powi(3) + 1.0) * (skew + 1.0) / (skew * skew + 1.0).powi(2);
    let shape = shape(nearest(wanted));
    let scale = (tgamma(1.0 / shape) / tgamma(3.0 / shape)).sqrt();
    Fitted { shape, left: left * scale, right: right * scale }
}

/// The first shape whose ratio is nearest; the first of all for NaN.
fn nearest(wanted: f64) -> usize {
    let ratios = ratios();
    let above = ratios.partition_point(|r| *r < wanted);
    match above {
        0 => 0,
        SHAPES => SHAPES - 1,
        // On equal distance the first one counts.
        k if (ratios[k - 1] - wanted).powi(2) <= (ratios[k] - wanted).powi(2) => k - 1,
        k => k,
    }
}

impl Fitted {
    /// `(right - left) G(2/a) / G(1/a)`.
    pub fn mean(&self) -> f64 {
        (self.right - self.left) * (tgamma(2.0 / self.shape) / tgamma(1.0 / self.shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_grow_and_have_closed_forms() {
        assert!(ratios().is_sorted());
        // Laplace: G(2)^2 / (G(1) G(3)) = 1/2; Gauss: G(1)^2 / (G(1/2) G(3/2)) = 2 / pi.
        for (k, want) in [(800, 0.5), (1800, 2.0 / std::f64::consts::PI)] {
            assert!((ratios()[k] - want).abs() < 1e-12, "{}", shape(k));
        }
    }

    #[test]
    fn a_sampled_laplace_is_recognised() {
        // Quantiles of a Laplace distribution of scale 1, dense enough for its tails.
        let n = 200_000;
        let quantile = |k: usize| {
            let u = (k as f64 + 0.5) / f64::from(n) - 0.5;
            -u.signum() * (1.0 - 2.0 * u.abs()).ln()
        };
        let got = fit((0..n as usize).map(quantile));
        assert!((got.shape - 1.0).abs() < 2e-3, "{got:?}");
        assert!((got.left - 1.0).abs() < 1e-2 && (got.right - got.left).abs() < 1e-9, "{got:?}");
        assert!(got.mean().abs() < 1e-9);
    }
}
