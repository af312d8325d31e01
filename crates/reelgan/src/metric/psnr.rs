//! Peak signal-to-noise ratio.

use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{Metric, MetricInfo, Mse};
use crate::Result;

/// Peak signal-to-noise ratio, `-10 log10(mse)` for a peak of 1; infinite for equal
/// images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Psnr;

impl Metric for Psnr {
    fn info(&self) -> MetricInfo {
        MetricInfo { name: "psnr".into(), unit: "dB", better: Better::Higher }
    }

    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64> {
        Ok(-10.0 * Mse.measure(reference, other, k)?.log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let a = Images::new(1, 2, 2, vec![0.25; 12]).unwrap();
        let b = Images::new(1, 2, 2, vec![0.75; 12]).unwrap();
        let psnr = Psnr.measure(&a, &b, 0).unwrap();
        assert!((psnr - 6.020_599_913).abs() < 1e-6, "{psnr}");
        assert_eq!(Psnr.measure(&a, &a, 0).unwrap(), f64::INFINITY);
    }
}
