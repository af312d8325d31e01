//! The map in closed form: ridge regression on the generator's own samples.

use std::ops::ControlFlow;
use std::sync::Arc;

use faer::linalg::solvers::Solve;
use faer::{Mat, MatRef, Par, Side};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use reelgan_nets::perceptual::Vgg16;
use serde::{Deserialize, Serialize};

use super::features::{COUNT, FaceFeatures, GROUPS};
use super::soften::soften;
use super::StartMap;
use crate::generator::{Generator, SampleConfig, code_tensor, sample};
use crate::{Error, Result};

/// Samples kept out of the fit, of every hundred.
const HELD_OUT: usize = 10;

/// What to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FitConfig {
    /// Samples drawn; a tenth of them only judges the map.
    pub count: usize,
    /// Seed of the samples and of what is done to them.
    pub seed: u64,
    /// Directions of W that are predicted.
    pub rank: usize,
    /// Ridge, relative to the mean squared length of the features.
    pub ridge: f64,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { count: 6000, seed: 0, rank: 64, ridge: 0.5 }
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
/// stop it.
///
/// The generator draws with the full variety (truncation 1) and its fixed noise.
/// # Errors
/// [`Error::Setting`] for a configuration that makes no sense; `None` if stopped.
/// # Source   ridge regression in its dual form (Saunders et al. 1998)
pub fn fit(
    generator: &dyn Generator,
    vgg16: Arc<Vgg16>,
    config: FitConfig,
    on: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<StartMap>> {
    check(&config, generator.dim())?;
    let Some((features, codes)) = samples(generator, vgg16, &config, on)? else {
        return Ok(None);
    };
    let judged = config.count * HELD_OUT / 100;
    let (train, dim) = (config.count - judged, generator.dim());
    let codes = MatRef::from_row_major_slice(&codes, config.count, dim);
    let map = regress(&features[..train * COUNT], codes.subrows(0, train), &config);
    let (mean, basis, weight, bias) = map;
    let mut map = StartMap {
        features: COUNT,
        dim,
        weight,
        bias,
        basis,
        mean,
        generator: generator.identity().clone(),
        report: FitReport { config, explained: 0.0 },
    };
    map.report.explained =
        explained(&map, &features[train * COUNT..], codes.subrows(train, judged));
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

/// Features `[count, F]` and codes `[count, D]` of the samples.
fn samples(
    generator: &dyn Generator,
    vgg16: Arc<Vgg16>,
    config: &FitConfig,
    on: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<(Vec<f32>, Vec<f32>)>> {
    let look = FaceFeatures::new(vgg16);
    let noise = generator.fixed_noise();
    let drawn = sample(
        generator,
        &SampleConfig {
            count: config.count,
            seed: config.seed,
            truncation: 1.0,
            truncated_rows: None,
        },
    )?;
    let mut rng = Pcg64Mcg::seed_from_u64(config.seed.wrapping_add(1));
    let mut features = Vec::with_capacity(config.count * COUNT);
    let mut codes = Vec::with_capacity(config.count * generator.dim());
    for k in 0..config.count {
        let image = generator.synthesize(code_tensor(generator, drawn.code(k)), &noise);
        features.extend(look.of(soften(image, &mut rng)));
        codes.extend_from_slice(&drawn.code(k)[..generator.dim()]);
        if on(k + 1).is_break() {
            return Ok(None);
        }
    }
    Ok(Some((features, codes)))
}

/// Mean `[D]`, basis `[K,D]`, weight `[F,K]`, bias `[K]`.
type Fitted = (Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>);

fn regress(features: &[f32], codes: MatRef<'_, f32>, config: &FitConfig) -> Fitted {
    let (n, dim) = (codes.nrows(), codes.ncols());
    let mean: Vec<f32> = (0..dim).map(|j| codes.col(j).sum() / n as f32).collect();
    let centred = Mat::from_fn(n, dim, |i, j| codes[(i, j)] - mean[j]);
    let basis = principal(centred.as_ref(), config.rank);
    let targets = &centred * &basis;

    let x = MatRef::from_row_major_slice(features, n, COUNT);
    let middle: Vec<f32> = (0..COUNT).map(|j| x.col(j).sum() / n as f32).collect();
    let scale = group_scales(x, &middle);
    let x = Mat::from_fn(n, COUNT, |i, j| (x[(i, j)] - middle[j]) * scale[j]);

    // Rows have a mean squared length of the number of groups.
    let mut kernel = Mat::<f32>::zeros(n, n);
    let ridge = (config.ridge * GROUPS.len() as f64) as f32;
    multiply(&mut kernel, x.as_ref(), x.transpose());
    for i in 0..n {
        kernel[(i, i)] += ridge;
    }
    let factor = kernel.llt(Side::Lower).expect("a Gram matrix with a ridge is positive definite");
    let dual = factor.solve(&targets);
    let mut weight = Mat::<f32>::zeros(COUNT, config.rank);
    multiply(&mut weight, x.transpose(), dual.as_ref());

    let mut bias = vec![0.0; config.rank];
    let mut rows = Vec::with_capacity(COUNT * config.rank);
    for j in 0..COUNT {
        for (k, bias) in bias.iter_mut().enumerate() {
            let w = weight[(j, k)] * scale[j];
            *bias -= w * middle[j];
            rows.push(w);
        }
    }
    let basis = (0..config.rank).flat_map(|k| basis.col(k).iter().copied().collect::<Vec<_>>());
    (mean, basis.collect(), rows, bias)
}

/// The `rank` directions of largest variance, as columns.
fn principal(centred: MatRef<'_, f32>, rank: usize) -> Mat<f32> {
    let dim = centred.ncols();
    let covariance = Mat::from_fn(dim, dim, |i, j| {
        centred.col(i).iter().zip(centred.col(j).iter()).map(|(a, b)| f64::from(a * b)).sum::<f64>()
    });
    let eigen = covariance.self_adjoint_eigen(Side::Lower).expect("a covariance is finite");
    // Eigenvalues come in ascending order.
    let vectors = eigen.U();
    Mat::from_fn(dim, rank, |i, k| vectors[(i, dim - 1 - k)] as f32)
}

/// One factor for the features of a group, so that every group has the same say.
fn group_scales(x: MatRef<'_, f32>, middle: &[f32]) -> Vec<f32> {
    let mut scales = Vec::with_capacity(COUNT);
    let mut from = 0;
    for size in GROUPS {
        let squares: f64 = (from..from + size)
            .map(|j| x.col(j).iter().map(|v| f64::from(v - middle[j]).powi(2)).sum::<f64>())
            .sum();
        let length = (squares / x.nrows() as f64).sqrt().max(f64::MIN_POSITIVE);
        scales.extend(std::iter::repeat_n((1.0 / length) as f32, size));
        from += size;
    }
    scales
}

/// `out = a b`. On one thread: the order of the sums must not depend on their number.
fn multiply(out: &mut Mat<f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    faer::linalg::matmul::matmul(out.as_mut(), faer::Accum::Replace, a, b, 1.0, Par::Seq);
}

/// Share of the variance around the map's mean that it explains.
fn explained(map: &StartMap, features: &[f32], codes: MatRef<'_, f32>) -> f64 {
    let (mut left, mut total) = (0.0, 0.0);
    for (i, features) in features.chunks_exact(COUNT).enumerate() {
        for (j, got) in map.apply(features).into_iter().enumerate() {
            left += f64::from(codes[(i, j)] - got).powi(2);
            total += f64::from(codes[(i, j)] - map.mean[j]).powi(2);
        }
    }
    1.0 - left / total
}
