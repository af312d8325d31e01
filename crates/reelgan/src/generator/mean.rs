//! The mean code of a generator whose file has none.

use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::Generator;

/// Codes that the mean is taken over.
pub(super) const SAMPLES: usize = 16_384;
/// Their seed.
pub(super) const SEED: u64 = 0;
/// Codes mapped at a time.
const BATCH: usize = 1024;

/// The mean of `w = map(z)`, `[D]`, over standard normal z: an estimate whose error is
/// the deviation of w over the root of the number of samples, 1/128 of it.
///
/// # Source   the published projectors use 10,000 samples
pub(super) fn mean_code(generator: &dyn Generator) -> Vec<f32> {
    let mut rng = Pcg64Mcg::seed_from_u64(SEED);
    let width = generator.z_dim();
    let mut total = vec![0.0f64; generator.dim()];
    for _ in 0..SAMPLES / BATCH {
        let z: Vec<f32> = (0..BATCH * width).map(|_| StandardNormal.sample(&mut rng)).collect();
        let z = Tensor::from_data(TensorData::new(z, [BATCH, width]), generator.device());
        let w = generator.map(z).into_data().try_into_vec::<f32>().expect("codes are f32");
        for w in w.chunks_exact(total.len()) {
            total.iter_mut().zip(w).for_each(|(sum, &v)| *sum += f64::from(v));
        }
    }
    total.into_iter().map(|sum| (sum / SAMPLES as f64) as f32).collect()
}
