//! Structural similarity.

use rayon::prelude::*;
use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{Metric, MetricInfo, check_side, check_sizes};
use crate::Result;

/// Structural similarity: Gaussian window of 11x11 (sigma 1.5), K1 0.01, K2 0.03, data
/// range 1, biased variances, mean over the positions whose window lies inside the
/// image and over the three colour channels.
///
/// # Range    images `[0,1]`, clamped; result -1 to 1, 1 for equal images
/// # Source   Wang et al. 2004, eq. 13; the same as scikit-image's
/// `structural_similarity` with `gaussian_weights`, `use_sample_covariance=False` and
/// a channel axis
#[derive(Debug, Clone, Copy, Default)]
pub struct Ssim;

const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

impl Metric for Ssim {
    fn info(&self) -> MetricInfo {
        MetricInfo::plain("ssim_gauss11_rgb", Better::Higher)
    }

    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64> {
        check_sizes(reference, other)?;
        check_side("SSIM", reference, WINDOW)?;
        let (width, area) = (reference.width(), reference.height() * reference.width());
        let channels: Vec<f64> = reference
            .frame(k)
            .par_chunks_exact(area)
            .zip(other.frame(k).par_chunks_exact(area))
            .map(|(a, b)| channel(&clamped(a), &clamped(b), width))
            .collect();
        Ok(channels.iter().sum::<f64>() / channels.len() as f64)
    }
}

fn clamped(channel: &[f32]) -> Vec<f64> {
    channel.iter().map(|v| f64::from(v.clamp(0.0, 1.0))).collect()
}

/// Mean similarity of two channels.
fn channel(a: &[f64], b: &[f64], width: usize) -> f64 {
    let window = window();
    let mean = |values: Vec<f64>| filtered(&values, width, &window);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect();
    let (ma, mb) = (mean(a.to_vec()), mean(b.to_vec()));
    let (aa, bb, ab) = (mean(product(a, a)), mean(product(b, b)), mean(product(a, b)));
    let sum: f64 = (0..ma.len())
        .map(|p| {
            let (ma, mb) = (ma[p], mb[p]);
            let (va, vb, cov) = (aa[p] - ma * ma, bb[p] - mb * mb, ab[p] - ma * mb);
            let (light, structure) = (2.0 * ma * mb + C1, 2.0 * cov + C2);
            light * structure / ((ma * ma + mb * mb + C1) * (va + vb + C2))
        })
        .sum();
    sum / ma.len() as f64
}

/// One side of the separable window; its sum is 1.
fn window() -> [f64; WINDOW] {
    let centre = (WINDOW / 2) as f64;
    let bell: [f64; WINDOW] =
        std::array::from_fn(|k| (-0.5 * ((k as f64 - centre) / SIGMA).powi(2)).exp());
    let sum: f64 = bell.iter().sum();
    bell.map(|v| v / sum)
}

/// Windowed means at the positions whose window lies inside.
fn filtered(values: &[f64], width: usize, window: &[f64; WINDOW]) -> Vec<f64> {
    let weighted = |part: &mut dyn Iterator<Item = &f64>| -> f64 {
        part.zip(window).map(|(v, w)| v * w).sum()
    };
    let narrow = width - WINDOW + 1;
    let rows: Vec<f64> = values
        .chunks_exact(width)
        .flat_map(|row| row.windows(WINDOW).map(|part| weighted(&mut part.iter())))
        .collect();
    (0..rows.len() - (WINDOW - 1) * narrow)
        .map(|p| weighted(&mut rows[p..].iter().step_by(narrow)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: f32) -> Images {
        Images::new(1, 12, 13, vec![value; 3 * 12 * 13]).unwrap()
    }

    #[test]
    fn equal_images_are_1_and_flat_ones_differ_in_light_alone() {
        let (a, b) = (flat(0.2), flat(0.6));
        assert!((Ssim.measure(&a, &a, 0).unwrap() - 1.0).abs() < 1e-12);
        let want = (2.0 * 0.2 * 0.6 + 1e-4) / (0.2f64.powi(2) + 0.6f64.powi(2) + 1e-4);
        // 0.2 and 0.6 are rounded to f32.
        assert!((Ssim.measure(&a, &b, 0).unwrap() - want).abs() < 1e-6);
    }

    #[test]
    fn images_without_room_for_a_window_are_refused() {
        let small = Images::new(1, 12, 10, vec![0.0; 360]).unwrap();
        let error = Ssim.measure(&small, &small, 0).unwrap_err().to_string();
        assert!(error.contains("11 pixels") && error.contains("10x12"), "{error}");
    }
}
