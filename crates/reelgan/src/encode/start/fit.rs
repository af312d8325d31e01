//! The map in closed form: ridge regression on the generator's own samples.

use std::ops::ControlFlow;
use std::sync::Arc;

use nalgebra::{Cholesky, DMatrix};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use reelgan_nets::perceptual::Vgg16;
use serde::{Deserialize, Serialize};

use super::StartMap;
use super::features::{COUNT, FaceFeatures, GROUPS};
use super::soften::soften;
use crate::generator::{Generator, SampleConfig, code_tensor, sample_w};
use crate::spectrum::{eigen, spread};
use crate::{Error, Result, codes::Codes};

/// One of so many samples is kept out of the fit, to judge it.
const JUDGED: usize = 10;
/// Samples at work at once.
const ABREAST: usize = 4;

/// What to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FitConfig {
    /// Samples drawn; a tenth of them only judges the map.
    pub count: usize,
    /// Seed of the samples and of what is done to them.
    pub seed: u64,
    /// Directions of W that are predicted, those of largest variance.
    pub rank: usize,
    /// Ridge, relative to the mean squared length of the features.
    pub ridge: f64,
}

impl Default for FitConfig {
    /// The numbers of the map that ships.
    fn default() -> Self {
        Self { count: 4000, seed: 0, rank: 40, ridge: 0.15 }
    }
}

/// How a map was made, and how good it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// What was fitted.
    pub config: FitConfig,
    /// Share of the variance of W that the map explains on samples it did not see,
    /// softened as in the fit; 1 is perfect, 0 is as good as the mean.
    pub explained: f64,
}

/// Fits a map to samples of `generator`; `on` hears how many samples are done and may
/// stop it: then `None`.
///
/// The generator draws with the full variety (truncation 1) and its fixed noise.
/// # Errors
/// [`Error::Setting`] for a configuration that makes no sense.
/// # Source   ridge regression in its dual form (Saunders et al. 1998)
pub fn fit(
    generator: &dyn Generator,
    vgg16: Arc<Vgg16>,
    config: FitConfig,
    on: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<StartMap>> {
    let dim = generator.dim();
    check(&config, dim)?;
    let Some((features, codes)) = samples(generator, vgg16, &config, on)? else {
        return Ok(None);
    };
    let learned = config.count - config.count / JUDGED;
    let (features, unseen) = features.split_at(learned * COUNT);
    let (codes, truth) = codes.split_at(learned * dim);
    let Fitted { mean, basis, weight, bias } = regress(features, codes, dim, &config);
    let mut map = StartMap {
        dim,
        weight,
        bias,
        basis,
        mean,
        generator: generator.identity().clone(),
        report: FitReport { config, explained: 0.0 },
    };
    map.report.explained = explained(&map, unseen, truth);
    Ok(Some(map))
}

fn check(config: &FitConfig, dim: usize) -> Result<()> {
    if config.count < 100 {
        return Err(Error::setting("count", "must be at least 100, better some thousands"));
    }
    if config.rank == 0 || config.rank > dim {
        return Err(Error::setting("rank", format!("must be from 1 to {dim}, the width of W")));
    }
    if !(config.ridge > 0.0 && config.ridge.is_finite()) {
        return Err(Error::setting("ridge", "must be a number above 0"));
    }
    Ok(())
}

/// Features `[count,F]` and codes `[count,D]` of the samples.
fn samples(
    generator: &dyn Generator,
    vgg16: Arc<Vgg16>,
    config: &FitConfig,
    on: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<(Vec<f32>, Vec<f32>)>> {
    let (look, noise) = (FaceFeatures(vgg16), generator.fixed_noise());
    let &FitConfig { count, seed, .. } = config;
    let drawn = SampleConfig { count, seed, truncation: 1.0, truncated_rows: None };
    let codes = sample_w(generator, &drawn)?;
    let one = |k: usize| {
        // A stream of its own for each sample.
        let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_add(1));
        rng.advance((k as u128 + 1) << 64);
        let w = &codes[k * generator.dim()..(k + 1) * generator.dim()];
        let code = Codes::broadcast(w, generator.rows(), 1);
        let image = generator.synthesize(code_tensor(generator, code.code(0)), &noise);
        look.of(soften(image, &mut rng))
    };
    let mut features = Vec::with_capacity(count * COUNT);
    for first in (0..count).step_by(ABREAST) {
        if on(first).is_break() {
            return Ok(None);
        }
        let next = first..(first + ABREAST).min(count);
        let found: Vec<Vec<f32>> = next.into_par_iter().map(one).collect();
        found.iter().for_each(|f| features.extend_from_slice(f));
    }
    Ok(Some((features, codes)))
}

struct Fitted {
    mean: Vec<f32>,
    basis: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// From features `[n,F]` to codes `[n,D]`.
fn regress(features: &[f32], codes: &[f32], dim: usize, config: &FitConfig) -> Fitted {
    let (n, rank) = (codes.len() / dim, config.rank);
    let wide: Vec<f64> = codes.iter().map(|v| f64::from(*v)).collect();
    let (mean, covariance) = spread(&wide, dim);
    let basis = &eigen(&covariance, dim).1[..rank];
    let targets = DMatrix::from_fn(n, rank, |i, k| {
        let off = wide[i * dim..(i + 1) * dim].iter().zip(&mean).map(|(v, m)| v - m);
        off.zip(&basis[k]).map(|(v, b)| v * b).sum::<f64>()
    });

    let (middle, scale) = scales(features);
    // One column a sample, so that what is summed lies together.
    let x = DMatrix::from_fn(COUNT, n, |j, i| (features[i * COUNT + j] - middle[j]) * scale[j]);
    // Columns have a mean squared length of the number of groups.
    let ridge = config.ridge * GROUPS.len() as f64;
    let mut kernel = x.tr_mul(&x).map(f64::from);
    (0..n).for_each(|i| kernel[(i, i)] += ridge);
    let factor = Cholesky::new(kernel).expect("a Gram matrix with a ridge is positive definite");
    let dual = factor.solve(&targets).map(|v| v as f32);
    let inner = x * dual;

    let mut bias = vec![0.0f64; rank];
    let mut weight = Vec::with_capacity(COUNT * rank);
    for j in 0..COUNT {
        for (k, bias) in bias.iter_mut().enumerate() {
            let w = inner[(j, k)] * scale[j];
            *bias -= f64::from(w) * f64::from(middle[j]);
            weight.push(w);
        }
    }
    Fitted {
        mean: mean.iter().map(|v| *v as f32).collect(),
        basis: basis.iter().flatten().map(|v| *v as f32).collect(),
        weight,
        bias: bias.iter().map(|v| *v as f32).collect(),
    }
}

/// The mean of every feature, and one factor for the features of a group, so that every
/// group has the same say.
fn scales(features: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let n = (features.len() / COUNT) as f64;
    let mut middle = vec![0.0f64; COUNT];
    for row in features.chunks_exact(COUNT) {
        middle.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v) / n);
    }
    let mut spread = vec![0.0f64; COUNT];
    for row in features.chunks_exact(COUNT) {
        for (s, (v, m)) in spread.iter_mut().zip(row.iter().zip(&middle)) {
            *s += (f64::from(*v) - m).powi(2) / n;
        }
    }
    let mut scale = Vec::with_capacity(COUNT);
    let mut from = 0;
    for size in GROUPS {
        let length = spread[from..from + size].iter().sum::<f64>().sqrt();
        scale.extend(std::iter::repeat_n((1.0 / length.max(f64::MIN_POSITIVE)) as f32, size));
        from += size;
    }
    (middle.iter().map(|v| *v as f32).collect(), scale)
}

/// Share of the variance around the map's mean that it explains.
fn explained(map: &StartMap, features: &[f32], codes: &[f32]) -> f64 {
    let (mut left, mut total) = (0.0, 0.0);
    for (features, truth) in features.chunks_exact(COUNT).zip(codes.chunks_exact(map.dim)) {
        for ((got, v), m) in map.apply(features).iter().zip(truth).zip(&map.mean) {
            left += f64::from(v - got).powi(2);
            total += f64::from(v - m).powi(2);
        }
    }
    1.0 - left / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_law_is_found_again() {
        // Three features carry three numbers of W; the others are constant.
        let mut rng = Pcg64Mcg::seed_from_u64(4);
        let mut draw = || rand::RngExt::random_range(&mut rng, -1.0f32..1.0);
        let (n, dim) = (60, 3);
        let (mut features, mut codes) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let [a, b, c] = [draw(), draw(), draw()];
            let mut row = vec![0.5; COUNT];
            (row[0], row[1], row[COUNT - 1]) = (a, b, c);
            features.extend(row);
            codes.extend([3.0 * a + 1.0, b - c, 2.0 - c]);
        }
        let config = FitConfig { count: n, seed: 0, rank: 3, ridge: 1e-6 };
        let Fitted { mean, basis, weight, bias } = regress(&features, &codes, dim, &config);
        let map = StartMap {
            dim,
            weight,
            bias,
            basis,
            mean,
            generator: crate::generator::Identity { name: "toy".into(), sha256: "0".into() },
            report: FitReport { config, explained: 0.0 },
        };
        assert!(explained(&map, &features, &codes) > 0.999);
        let mut row = vec![0.5; COUNT];
        (row[0], row[1], row[COUNT - 1]) = (0.5, -0.25, 0.75);
        let want = [2.5, -1.0, 1.25];
        for (got, want) in map.apply(&row).iter().zip(want) {
            assert!((got - want).abs() < 0.01, "{got} instead of {want}");
        }
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let good = FitConfig::default();
        assert!(check(&good, 512).is_ok());
        for bad in [
            FitConfig { count: 99, ..good },
            FitConfig { rank: 0, ..good },
            FitConfig { rank: 513, ..good },
            FitConfig { ridge: 0.0, ..good },
            FitConfig { ridge: f64::NAN, ..good },
        ] {
            assert!(matches!(check(&bad, 512), Err(Error::Setting { .. })), "{bad:?}");
        }
    }
}
