//! Faces out of nothing: z drawn from a seed, mapped, truncated.

use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::Generator;
use crate::codes::Codes;
use crate::{Error, Result};

/// What to sample.
#[derive(Debug, Clone)]
pub struct SampleConfig {
    /// How many.
    pub count: usize,
    /// Seed; face `k` of a seed is the same whatever the count.
    pub seed: u64,
    /// Truncation psi: 1 is the full variety, 0 the mean face.
    pub truncation: f32,
}

/// Draws codes: `w = w_avg + psi (map(z) - w_avg)`, the same for every row.
///
/// # Errors
/// [`Error::Setting`] for a count of 0 or a truncation that is not finite.
/// # Source   truncation trick, Karras et al. 2019
pub fn sample(generator: &dyn Generator, config: &SampleConfig) -> Result<Codes> {
    if config.count == 0 {
        return Err(Error::setting("count", "must be at least 1"));
    }
    if !config.truncation.is_finite() {
        return Err(Error::setting("truncation", "must be a number, usually between 0 and 1"));
    }
    let dim = generator.dim();
    let mut rng = Pcg64Mcg::seed_from_u64(config.seed);
    let z: Vec<f32> = (0..config.count * dim).map(|_| StandardNormal.sample(&mut rng)).collect();
    let z = Tensor::from_data(TensorData::new(z, [config.count, dim]), generator.device());
    let w = generator.map(z).into_data().try_into_vec::<f32>().expect("codes are f32");
    let mean = generator.mean_code();
    let mut data = Vec::with_capacity(config.count * generator.rows() * dim);
    for w in w.chunks_exact(dim) {
        let row: Vec<f32> =
            w.iter().zip(mean).map(|(w, m)| m + config.truncation * (w - m)).collect();
        for _ in 0..generator.rows() {
            data.extend_from_slice(&row);
        }
    }
    Codes::new(generator.rows(), dim, data)
}
