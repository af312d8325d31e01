//! Mean squared error.

use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{Metric, MetricInfo, check_sizes};
use crate::Result;

/// Mean squared difference over pixels and channels of images in `[0,1]`, clamped to
/// that range.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mse;

impl Metric for Mse {
    fn info(&self) -> MetricInfo {
        MetricInfo::plain("mse", Better::Lower)
    }

    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64> {
        check_sizes(reference, other)?;
        let (a, b) = (reference.frame(k), other.frame(k));
        let sum: f64 = a
            .iter()
            .zip(b)
            .map(|(a, b)| f64::from(a.clamp(0.0, 1.0) - b.clamp(0.0, 1.0)).powi(2))
            .sum();
        Ok(sum / a.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let a = Images::new(1, 2, 2, vec![0.25; 12]).unwrap();
        let b = Images::new(1, 2, 2, vec![0.75; 12]).unwrap();
        assert_eq!(Mse.measure(&a, &b, 0).unwrap(), 0.25);
    }

    #[test]
    fn overshoot_is_clamped_away() {
        let a = Images::new(1, 1, 1, vec![1.0; 3]).unwrap();
        let b = Images::new(1, 1, 1, vec![1.5; 3]).unwrap();
        assert_eq!(Mse.measure(&a, &b, 0).unwrap(), 0.0);
    }

    #[test]
    fn sizes_must_agree() {
        let a = Images::new(1, 1, 1, vec![1.0; 3]).unwrap();
        let b = Images::new(1, 1, 2, vec![1.0; 6]).unwrap();
        assert!(Mse.measure(&a, &b, 0).unwrap_err().to_string().contains("1x1"));
    }
}
