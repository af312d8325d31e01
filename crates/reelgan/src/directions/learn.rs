//! From readings to directions: InterFaceGAN's protocol.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::Survey;
use super::svm::{self, Boundary, SvmConfig};
use crate::codes::{Direction, Learned};
use crate::face::Attribute;
use crate::{Error, Result};

/// How a boundary is learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnConfig {
    /// Part of the faces taken at each end, above 0 to 0.5.
    pub tail: f64,
    /// Part of those that the boundary is fitted to; the others are held out.
    pub fitted: f64,
    /// The support vector machine.
    pub svm: SvmConfig,
}

impl Default for LearnConfig {
    /// # Source   InterFaceGAN: 2 % at each end, 70 % of them for training
    fn default() -> Self {
        Self { tail: 0.02, fitted: 0.7, svm: SvmConfig::default() }
    }
}

/// The fewest faces at one end.
const FEWEST: usize = 10;
/// Shuffles the ends before they are split.
const SPLIT_SEED: u64 = 0;

/// Learns the direction of one attribute: unit normal of the boundary between the faces
/// that have most and least of it.
///
/// [`Learned::per_strength`] is what the faces of the survey suggest, the slope of the
/// attribute over the distance from the boundary; [`super::Responses`] measures it.
/// # Errors
/// [`Error::Setting`] for a tail or part out of range, for too few faces, or an
/// attribute that is the same in all of them.
/// # Source   Shen et al. 2020, "InterFaceGAN", section 4.1
pub fn learn(
    survey: &Survey,
    attribute: Attribute,
    config: &LearnConfig,
    command: &str,
) -> Result<Direction> {
    let ends = Ends::of(survey, attribute, config)?;
    let mean = mean_code(survey);
    let shifted = |k: &usize| -> Vec<f32> {
        survey.code(*k).iter().zip(&mean).map(|(w, m)| (f64::from(*w) - m) as f32).collect()
    };
    let split = |end: &[usize]| -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let fitted = (config.fitted * end.len() as f64).round() as usize;
        (end[..fitted].iter().map(shifted).collect(), end[fitted..].iter().map(shifted).collect())
    };
    let ((above, above_out), (below, below_out)) = (split(&ends.above), split(&ends.below));
    let boundary = svm::fit(&slices(&above), &slices(&below), &config.svm).unit();
    let right = above_out.iter().filter(|x| boundary.side(x) > 0.0).count()
        + below_out.iter().filter(|x| boundary.side(x) < 0.0).count();
    let held_out = above_out.len() + below_out.len();
    // Back from the shifted codes.
    let bias = boundary.bias - boundary.normal.iter().zip(&mean).map(|(n, m)| n * m).sum::<f64>();
    let boundary = Boundary { bias, ..boundary };
    let learned = Learned {
        attribute: attribute.name().into(),
        unit: attribute.unit(),
        per_strength: slope(survey, attribute, &boundary),
        bias,
        accuracy: right as f64 / held_out as f64,
        held_out,
        fitted: above.len() + below.len(),
        faces: survey.faces(),
        tail: config.tail,
        seed: survey.config.seed,
        truncation: survey.config.truncation,
        networks: survey.networks.clone(),
        command: command.into(),
    };
    let vectors = boundary.normal.iter().map(|&v| v as f32).collect();
    let provenance = format!(
        "linear support vector machine between the {} faces of {} with most and with least {attribute}",
        ends.above.len(),
        survey.faces(),
    );
    let generator = Some(survey.generator.clone());
    let mut direction = Direction::new(attribute.name(), vectors, 1, generator, provenance)?;
    direction.learned = Some(learned);
    Ok(direction)
}

fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}

/// Numbers of the codes with most and least of an attribute, in random order.
struct Ends {
    above: Vec<usize>,
    below: Vec<usize>,
}

impl Ends {
    fn of(survey: &Survey, attribute: Attribute, config: &LearnConfig) -> Result<Self> {
        let wrong = |what: &str, problem: String| Err(Error::setting(what, problem));
        let LearnConfig { tail, fitted, svm } = config;
        if !(*tail > 0.0 && *tail <= 0.5) {
            return wrong("tail", format!("{tail} is not above 0 and at most 0.5"));
        }
        if !(*fitted > 0.0 && *fitted < 1.0) {
            return wrong("part to fit", format!("{fitted} is not between 0 and 1"));
        }
        if !(svm.cost > 0.0 && svm.cost.is_finite()) {
            return wrong("cost", format!("{} is not above 0", svm.cost));
        }
        let rank = |k: usize| survey.readings[k].as_ref().map(|r| (r.rank(attribute), k));
        let mut ranked: Vec<(f64, usize)> =
            (0..survey.readings.len()).filter_map(rank).filter(|(v, _)| v.is_finite()).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let size = (tail * ranked.len() as f64) as usize;
        if size < FEWEST {
            return wrong(
                &format!("{attribute}: faces at each end"),
                format!(
                    "{tail} of {} faces are {size}, and {FEWEST} are the fewest; draw more with --count, \
                     or take a larger --tail",
                    ranked.len()
                ),
            );
        }
        let (low, high) = (&ranked[..size], &ranked[ranked.len() - size..]);
        if low[size - 1].0 >= high[0].0 {
            return wrong(
                attribute.name(),
                format!("it is {} in so many faces that there are no two ends", high[0].0),
            );
        }
        let mut rng = Pcg64Mcg::seed_from_u64(SPLIT_SEED);
        let mut drawn = |end: &[(f64, usize)]| {
            let mut numbers: Vec<usize> = end.iter().map(|(_, k)| *k).collect();
            numbers.shuffle(&mut rng);
            numbers
        };
        Ok(Self { above: drawn(high), below: drawn(low) })
    }
}

/// The mean of the codes drawn, `[D]`.
fn mean_code(survey: &Survey) -> Vec<f64> {
    let mut mean = vec![0.0; survey.dim];
    for code in survey.codes.chunks_exact(survey.dim) {
        mean.iter_mut().zip(code).for_each(|(sum, &v)| *sum += f64::from(v));
    }
    let count = (survey.codes.len() / survey.dim) as f64;
    mean.iter_mut().for_each(|sum| *sum /= count);
    mean
}

/// Units of the attribute for each unit of distance, over all faces (least squares).
fn slope(survey: &Survey, attribute: Attribute, boundary: &Boundary) -> f64 {
    let pair = |k: usize| {
        let value = survey.readings[k].as_ref()?.value(attribute);
        value.is_finite().then(|| (boundary.side(survey.code(k)), value))
    };
    let pairs: Vec<(f64, f64)> = (0..survey.readings.len()).filter_map(pair).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let product: f64 = pairs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let square: f64 = pairs.iter().map(|p| (p.0 - x).powi(2)).sum();
    if square > 0.0 { product / square } else { 0.0 }
}
