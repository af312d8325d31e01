//! Whether two pictures show the same person.

use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{Embedder, Metric, MetricInfo, Motion, Step};
use crate::{Error, Result};

/// How two descriptors are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Cosine of the angle between them, -1 to 1.
    Cosine,
    /// Euclidean distance.
    Distance,
}

impl Comparison {
    fn word(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Distance => "distance",
        }
    }

    fn better(self) -> Better {
        match self {
            Self::Cosine => Better::Higher,
            Self::Distance => Better::Lower,
        }
    }

    fn of(self, a: &[f32], b: &[f32]) -> Result<f64> {
        if a.len() != b.len() {
            return Err(Error::Shape {
                what: "descriptors of faces".into(),
                expected: format!("{} numbers", a.len()),
                got: format!("{}", b.len()),
            });
        }
        let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let dot = |of: fn((f64, f64)) -> f64| pairs().map(of).sum::<f64>();
        Ok(match self {
            Self::Cosine => {
                dot(|(a, b)| a * b) / (dot(|(a, _)| a * a) * dot(|(_, b)| b * b)).sqrt()
            }
            Self::Distance => dot(|(a, b)| (a - b).powi(2)).sqrt(),
        })
    }
}

/// Likeness of the faces in a picture and its reference; NaN where one shows none.
#[derive(Debug, Clone)]
pub struct Identity<E> {
    embedder: E,
    comparison: Comparison,
}

impl<E: Embedder> Identity<E> {
    /// Compares what `embedder` says.
    pub fn new(embedder: E, comparison: Comparison) -> Self {
        Self { embedder, comparison }
    }
}

impl<E: Embedder> Metric for Identity<E> {
    fn info(&self) -> MetricInfo {
        let name = format!("identity_{}_{}", self.comparison.word(), self.embedder.name());
        MetricInfo::plain(name, self.comparison.better())
    }

    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64> {
        compared(&self.embedder, self.comparison, (reference, k), (other, k))
    }
}

/// Likeness of the faces in neighbouring frames of what is judged: identity over time.
#[derive(Debug, Clone)]
pub struct IdentitySteps<E> {
    embedder: E,
    comparison: Comparison,
}

impl<E: Embedder> IdentitySteps<E> {
    /// Compares what `embedder` says.
    pub fn new(embedder: E, comparison: Comparison) -> Self {
        Self { embedder, comparison }
    }
}

impl<E: Embedder> Motion for IdentitySteps<E> {
    fn info(&self) -> MetricInfo {
        let name = format!("identity_steps_{}_{}", self.comparison.word(), self.embedder.name());
        MetricInfo::plain(name, self.comparison.better())
    }

    fn measure(&self, step: &Step<'_>) -> Result<f64> {
        let [a, b] = step.other;
        compared(&self.embedder, self.comparison, (a, 0), (b, 0))
    }
}

fn compared(
    embedder: &impl Embedder,
    comparison: Comparison,
    a: (&Images, usize),
    b: (&Images, usize),
) -> Result<f64> {
    match (embedder.embed(a.0, a.1)?, embedder.embed(b.0, b.1)?) {
        (Some(a), Some(b)) => comparison.of(&a, &b),
        _ => Ok(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two numbers of the first pixel; black shows no face.
    fn first_pixel(images: &Images, k: usize) -> Result<Option<Vec<f32>>> {
        let frame = images.frame(k);
        Ok((frame[0] + frame[1] > 0.0).then(|| vec![frame[0], frame[1]]))
    }

    fn picture(red: f32, green: f32) -> Images {
        Images::new(1, 1, 1, vec![red, green, 0.0]).unwrap()
    }

    #[test]
    fn closed_forms() {
        let (a, b) = (picture(0.5, 0.0), picture(0.5, 0.5));
        let cosine = Identity::new(("pixel", first_pixel), Comparison::Cosine);
        let value = cosine.measure(&a, &b, 0).unwrap();
        assert!((value - 0.5f64.sqrt()).abs() < 1e-12, "{value}");
        assert_eq!(cosine.info().name, "identity_cosine_pixel");
        let distance = Identity::new(("pixel", first_pixel), Comparison::Distance);
        assert_eq!(distance.measure(&a, &b, 0).unwrap(), 0.5);
        assert_eq!(distance.info().better, Better::Lower);
        let step = Step { reference: [&a, &a], other: [&a, &b], flows: None };
        let steps = IdentitySteps::new(("pixel", first_pixel), Comparison::Distance);
        assert_eq!(steps.measure(&step).unwrap(), 0.5);
        assert_eq!(steps.info().name, "identity_steps_distance_pixel");
    }

    #[test]
    fn no_face_is_nothing_measured() {
        let cosine = Identity::new(("pixel", first_pixel), Comparison::Cosine);
        assert!(cosine.measure(&picture(1.0, 0.0), &picture(0.0, 0.0), 0).unwrap().is_nan());
    }
}
