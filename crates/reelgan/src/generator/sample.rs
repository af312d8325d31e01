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
    /// Rows that are truncated, from the first on; `None` takes all.
    pub truncated_rows: Option<usize>,
}

/// Draws codes: `w = w_avg + psi (map(z) - w_avg)` on the truncated rows, `map(z)` on
/// the others.
///
/// # Errors
/// [`Error::Setting`] for a count of 0 or a truncation that is not finite.
/// # Source   truncation trick, Karras et al. 2019
pub fn sample(generator: &dyn Generator, config: &SampleConfig) -> Result<Codes> {
    check(config)?;
    let (dim, rows, width) = (generator.dim(), generator.rows(), generator.z_dim());
    let mut rng = Pcg64Mcg::seed_from_u64(config.seed);
    let z: Vec<f32> = (0..config.count * width).map(|_| StandardNormal.sample(&mut rng)).collect();
    let z = Tensor::from_data(TensorData::new(z, [config.count, width]), generator.device());
    let codes = generator.map_to_rows(z).into_data();
    let mut data = codes.try_into_vec::<f32>().expect("codes are f32");
    let truncated = config.truncated_rows.unwrap_or(rows).min(rows);
    for code in data.chunks_exact_mut(rows * dim) {
        for row in code.chunks_exact_mut(dim).take(truncated) {
            for (w, m) in row.iter_mut().zip(generator.mean_code()) {
                *w = m + config.truncation * (*w - m);
            }
        }
    }
    Codes::new(rows, dim, data)
}

/// Draws codes of W: as [`sample`] with all rows truncated, but one vector a code.
///
/// # Shapes   `[count, D]`
/// # Errors
/// As [`sample`].
pub fn sample_w(generator: &dyn Generator, config: &SampleConfig) -> Result<Vec<f32>> {
    /// Codes mapped at a time.
    const BATCH: usize = 1024;
    check(config)?;
    let width = generator.z_dim();
    let mut rng = Pcg64Mcg::seed_from_u64(config.seed);
    let mut out = Vec::with_capacity(config.count * generator.dim());
    for first in (0..config.count).step_by(BATCH) {
        let count = BATCH.min(config.count - first);
        let z: Vec<f32> = (0..count * width).map(|_| StandardNormal.sample(&mut rng)).collect();
        let z = Tensor::from_data(TensorData::new(z, [count, width]), generator.device());
        out.extend(generator.map(z).into_data().try_into_vec::<f32>().expect("codes are f32"));
    }
    for w in out.chunks_exact_mut(generator.dim()) {
        for (w, m) in w.iter_mut().zip(generator.mean_code()) {
            *w = m + config.truncation * (*w - m);
        }
    }
    Ok(out)
}

fn check(config: &SampleConfig) -> Result<()> {
    if config.count == 0 {
        return Err(Error::setting("count", "must be at least 1"));
    }
    if !config.truncation.is_finite() {
        return Err(Error::setting("truncation", "must be a number, usually between 0 and 1"));
    }
    Ok(())
}
