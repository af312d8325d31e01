//! How usual a code is.

use crate::generator::{self, Generator, SampleConfig};
use crate::spectrum::{eigen, spread};
use crate::{Error, Result};

/// The distribution of codes of W, with which far-off ones can be told.
///
/// The last activation of the mapping is undone (negative numbers times 5), which makes
/// the numbers nearly normal; then they are whitened along their principal directions.
/// # Source   Zhu et al. 2020, "Improved StyleGAN Embedding: Where are the Good Latents?"
#[derive(Debug, Clone)]
pub struct CodePrior {
    mean: Vec<f64>,
    /// Principal directions, each divided by its standard deviation.
    axes: Vec<Vec<f64>>,
}

/// One over the slope of the mapping's activation below 0.
const UNDONE: f64 = 5.0;
/// Directions are kept until they hold this part of the variance: what is left is so
/// narrow that whitening would turn rounding into distance.
const KEPT: f64 = 0.99;

impl CodePrior {
    /// Takes it from codes drawn from a seed.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer samples than twice the width of a code.
    pub fn of(generator: &dyn Generator, samples: usize, seed: u64) -> Result<Self> {
        let dim = generator.dim();
        if samples < 2 * dim {
            let problem =
                format!("{samples} are too few for codes of {dim} numbers; draw {}", 2 * dim);
            return Err(Error::setting("samples", problem));
        }
        let config = SampleConfig { count: samples, seed, truncation: 1.0, truncated_rows: None };
        let codes = generator::sample_w(generator, &config)?;
        Ok(Self::of_codes(&codes, dim))
    }

    fn of_codes(codes: &[f32], dim: usize) -> Self {
        let flat: Vec<f64> = codes.chunks_exact(dim).flat_map(undone).collect();
        let (mean, covariance) = spread(&flat, dim);
        let (values, vectors) = eigen(&covariance, dim);
        let total: f64 = values.iter().sum();
        let mut held = 0.0;
        let mut axes = Vec::new();
        for (value, vector) in values.iter().zip(vectors) {
            if held >= KEPT * total || *value <= 0.0 {
                break;
            }
            held += value;
            axes.push(vector.iter().map(|v| v / value.sqrt()).collect());
        }
        Self { mean, axes }
    }

    /// Distance of one row from the mean, in standard deviations (root mean square over the
    /// principal directions): about 1 for codes that the generator draws itself.
    pub fn distance(&self, row: &[f32]) -> f64 {
        let off: Vec<f64> = undone(row).iter().zip(&self.mean).map(|(v, m)| v - m).collect();
        let squares = self
            .axes
            .iter()
            .map(|axis| axis.iter().zip(&off).map(|(a, v)| a * v).sum::<f64>().powi(2));
        (squares.sum::<f64>() / self.axes.len() as f64).sqrt()
    }
}

fn undone(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&v| if v < 0.0 { UNDONE * f64::from(v) } else { f64::from(v) }).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    #[test]
    fn drawn_codes_lie_at_one_and_others_farther() {
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(3);
        let mut draw = |scale: f32| -> Vec<f32> {
            let normal: Vec<f32> = (0..6).map(|_| StandardNormal.sample(&mut rng)).collect();
            // As behind a leaky activation, of six different widths.
            let wide = normal.iter().enumerate().map(|(k, v)| scale * v * (k + 1) as f32);
            wide.map(|v| if v < 0.0 { v / 5.0 } else { v }).collect()
        };
        let codes: Vec<f32> = (0..4000).flat_map(|_| draw(1.0)).collect();
        let prior = CodePrior::of_codes(&codes, 6);
        let mean = |codes: &[f32]| {
            let squares: Vec<f64> =
                codes.chunks_exact(6).map(|c| prior.distance(c).powi(2)).collect();
            (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
        };
        assert!((mean(&codes) - 1.0).abs() < 0.01, "{}", mean(&codes));
        let far: Vec<f32> = (0..400).flat_map(|_| draw(3.0)).collect();
        assert!((mean(&far) - 3.0).abs() < 0.2, "{}", mean(&far));
    }
}
