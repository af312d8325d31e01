//! Learning directions and reconstructor together.

use std::ops::ControlFlow;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::reconstructor::{Reconstructor, SIDE};
use crate::codes::Direction;
use crate::generator::{Generator, Noise};
use crate::invert::{Adam, AdamConfig};
use crate::{Error, Result};

/// Settings of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchConfig {
    /// Directions looked for.
    pub directions: usize,
    /// Steps of the optimiser.
    pub steps: usize,
    /// Pairs of pictures a step.
    pub batch: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Sizes of steps are drawn from minus this to this.
    pub extent: f32,
    /// Learning rate.
    pub rate: f64,
}

impl Default for SearchConfig {
    /// # Source   the paper: sizes -6 to 6, none nearer to 0 than 0.5; rate 1e-4, of which ten
    /// times is taken here, since steps are dear
    fn default() -> Self {
        Self { directions: 32, steps: 2000, batch: 16, seed: 0, extent: 6.0, rate: 1e-3 }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Unit vectors of W.
    pub directions: Vec<Direction>,
    /// Part of new pairs whose direction is told right, `[0,1]`; chance is one over their
    /// number.
    pub accuracy: f64,
    /// Loss at every step.
    pub losses: Vec<f32>,
}

/// Steps nearer to 0 show nothing.
const LEAST: f32 = 0.5;
/// Weight of the size against the direction in the loss.
const SIZE_WEIGHT: f32 = 0.25;
/// Batches that the accuracy is taken over.
const PROOF: usize = 16;

/// One batch: codes, which way, how far.
struct Batch {
    codes: Tensor<2>,
    ways: Vec<usize>,
    sizes: Vec<f32>,
}

/// Learns directions; `progress` hears the step and its loss, `None` if it asks to end.
///
/// # Errors
/// [`Error::Setting`] for a setting out of range or a loss that is not finite.
/// # Source   Voynov, Babenko 2020, "Unsupervised Discovery of Interpretable Directions in
/// the GAN Latent Space": cross entropy plus 0.25 times the mean absolute error, directions
/// of length 1
pub fn search(
    generator: &dyn Generator,
    config: &SearchConfig,
    progress: &mut dyn FnMut(usize, f32) -> ControlFlow<()>,
) -> Result<Option<Found>> {
    check(generator, config)?;
    let mut rng = Pcg64Mcg::seed_from_u64(config.seed);
    let (dim, count) = (generator.dim(), config.directions);
    let mut matrix: Vec<f32> = (0..count * dim).map(|_| StandardNormal.sample(&mut rng)).collect();
    normalise(&mut matrix, dim);
    let mut reconstructor = Reconstructor::new(count, &mut rng);
    let mut adam = Adam::new(AdamConfig::default(), matrix.len() + reconstructor.values.len());
    let noise = generator.fixed_noise();
    let mut losses = Vec::with_capacity(config.steps);
    for step in 0..config.steps {
        let batch = drawn(generator, config, &mut rng);
        let rows = tensor(&matrix, [count, dim], generator).autodiff().require_grad();
        let layers = reconstructor.layers(generator.device());
        let (scores, sizes) =
            reconstructor.forward(&layers, pairs(generator, &noise, &batch, rows.clone()));
        let loss = objective(scores, sizes, &batch, generator);
        let value = loss.clone().into_scalar::<f32>();
        if !value.is_finite() {
            return Err(Error::setting(
                "search",
                format!("the loss is {value} at step {}; lower the rate", step + 1),
            ));
        }
        losses.push(value);
        let mut grads = loss.backward();
        let mut gradient = rows
            .grad_remove(&mut grads)
            .expect("directions move the pictures")
            .into_data()
            .try_into_vec::<f32>()
            .expect("f32");
        gradient.extend(layers.gradient(&mut grads));
        let unknowns = matrix.iter_mut().chain(&mut reconstructor.values);
        adam.step(unknowns.map(|v| (v, config.rate)), &gradient);
        normalise(&mut matrix, dim);
        if progress(step + 1, value).is_break() {
            return Ok(None);
        }
    }
    let accuracy = accuracy(generator, config, &matrix, &reconstructor, &noise, &mut rng);
    let direction = |(k, vector): (usize, &[f32])| {
        Direction::new(
            format!("search-{}", k + 1),
            vector.to_vec(),
            1,
            Some(generator.identity().clone()),
            format!(
                "unsupervised search, direction {} of {count}, {} steps of {} pairs, seed {}; told apart in \
                 {:.1} % of new pairs",
                k + 1,
                config.steps,
                config.batch,
                config.seed,
                100.0 * accuracy
            ),
        )
    };
    let directions = matrix.chunks_exact(dim).enumerate().map(direction).collect::<Result<_>>()?;
    Ok(Some(Found { directions, accuracy, losses }))
}

fn check(generator: &dyn Generator, config: &SearchConfig) -> Result<()> {
    let wrong = |what: &str, problem: String| Err(Error::setting(what, problem));
    if !(2..=generator.dim()).contains(&config.directions) {
        return wrong(
            "directions",
            format!("{} is not 2 to {}", config.directions, generator.dim()),
        );
    }
    if config.batch == 0 || config.steps == 0 {
        return wrong("steps and batch", "must be at least 1".into());
    }
    if !(config.extent > LEAST && config.extent.is_finite()) {
        return wrong("extent", format!("{} is not above {LEAST}", config.extent));
    }
    if !(config.rate > 0.0 && config.rate.is_finite()) {
        return wrong("rate", format!("{} is not above 0", config.rate));
    }
    if generator.resolution() < SIDE || !generator.resolution().is_multiple_of(SIDE) {
        return wrong("generator", format!("its pictures are no multiple of {SIDE} px"));
    }
    Ok(())
}

fn drawn(generator: &dyn Generator, config: &SearchConfig, rng: &mut Pcg64Mcg) -> Batch {
    let SearchConfig { batch, directions, extent, .. } = *config;
    let width = generator.z_dim();
    let z: Vec<f32> = (0..batch * width).map(|_| StandardNormal.sample(rng)).collect();
    let ways = (0..batch).map(|_| rng.random_range(0..directions)).collect();
    let size = |rng: &mut Pcg64Mcg| {
        let size = rng.random_range(LEAST..=extent);
        if rng.random_bool(0.5) { size } else { -size }
    };
    let sizes = (0..batch).map(|_| size(rng)).collect();
    Batch { codes: generator.map(tensor(&z, [batch, width], generator)), ways, sizes }
}

/// Small pictures before and after, `[N,6,32,32]`.
fn pairs(generator: &dyn Generator, noise: &Noise, batch: &Batch, rows: Tensor<2>) -> Tensor<4> {
    let n = batch.ways.len();
    let ways: Vec<i64> = batch.ways.iter().map(|&k| k as i64).collect();
    let ways = Tensor::<1, Int>::from_data(TensorData::new(ways, [n]), &rows.device());
    let sizes = tensor(&batch.sizes, [n, 1], generator).autodiff();
    let moved = batch.codes.clone().autodiff() + rows.select(0, ways) * sizes;
    let before = small(generator.synthesize(generator.broadcast(batch.codes.clone()), noise));
    let after = small(generator.synthesize(generator.broadcast(moved), noise));
    Tensor::cat(vec![before.autodiff(), after], 1)
}

/// Means of blocks.
fn small(image: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = image.dims();
    image
        .reshape([n, c, SIDE, h / SIDE, SIDE, w / SIDE])
        .mean_dim(5)
        .mean_dim(3)
        .reshape([n, c, SIDE, SIDE])
}

fn objective(
    scores: Tensor<2>,
    sizes: Tensor<1>,
    batch: &Batch,
    generator: &dyn Generator,
) -> Tensor<1> {
    let [n, count] = scores.dims();
    let mut right = vec![0.0f32; n * count];
    batch.ways.iter().enumerate().for_each(|(i, k)| right[i * count + k] = 1.0);
    let right = tensor(&right, [n, count], generator).autodiff();
    let entropy = (log_softmax(scores, 1) * right).sum().neg().div_scalar(n as f32);
    let want = tensor(&batch.sizes, [n, 1], generator).reshape([n]).autodiff();
    entropy + (sizes - want).abs().mean().mul_scalar(SIZE_WEIGHT)
}

/// Part of new pairs told right.
fn accuracy(
    generator: &dyn Generator,
    config: &SearchConfig,
    matrix: &[f32],
    reconstructor: &Reconstructor,
    noise: &Noise,
    rng: &mut Pcg64Mcg,
) -> f64 {
    let layers = reconstructor.layers(generator.device());
    let rows = tensor(matrix, [config.directions, generator.dim()], generator).autodiff();
    let mut right = 0;
    for _ in 0..PROOF {
        let batch = drawn(generator, config, rng);
        let (scores, _) =
            reconstructor.forward(&layers, pairs(generator, noise, &batch, rows.clone()));
        let scores = scores.into_data().try_into_vec::<f32>().expect("f32");
        let best = |scores: &[f32]| {
            scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(k, _)| k)
        };
        let rows = scores.chunks_exact(config.directions).zip(&batch.ways);
        right += rows.filter(|(scores, way)| best(scores) == Some(**way)).count();
    }
    right as f64 / (PROOF * config.batch) as f64
}

fn tensor(values: &[f32], shape: [usize; 2], generator: &dyn Generator) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), generator.device())
}

/// Every direction to length 1.
fn normalise(matrix: &mut [f32], dim: usize) {
    for row in matrix.chunks_exact_mut(dim) {
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|v| *v /= length);
    }
}
