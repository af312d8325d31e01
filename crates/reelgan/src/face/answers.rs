//! What the face networks say.

use reelgan_nets::faces::{EXPRESSIONS, Identity};
use reelgan_run::Landmarks;

use super::area::{Area, Pixels};

/// A face that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where; it may hang over the border.
    pub area: Area,
    /// How sure the network is, `[0,1]`.
    pub score: f64,
}

/// A face with its landmarks.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// What was found.
    pub detection: Detection,
    /// Its points, in pixels of the picture.
    pub landmarks: Landmarks,
    /// The part of the picture that the points were found in.
    pub(super) crop: Pixels,
}

/// Who a face is, as 128 numbers that are near for pictures of one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor([f32; Identity::LENGTH]);

impl Descriptor {
    /// How many numbers it has.
    pub const LENGTH: usize = Identity::LENGTH;
    /// Two descriptors nearer than this are of one person, according to the package
    /// of the network.
    pub const SAME: f64 = 0.6;

    /// Takes the numbers.
    pub fn new(values: [f32; Identity::LENGTH]) -> Self {
        Self(values)
    }

    /// The numbers; their length is not 1.
    pub fn values(&self) -> &[f32; Identity::LENGTH] {
        &self.0
    }

    /// Euclidean distance: 0 for the same picture, below [`Descriptor::SAME`] for
    /// one person, some 0.8 for two.
    pub fn distance(&self, other: &Self) -> f64 {
        let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
        self.0.iter().zip(&other.0).map(square).sum::<f64>().sqrt()
    }

    /// Cosine of the angle between two descriptors, `[-1,1]`; 0 if one is zero.
    pub fn cosine(&self, other: &Self) -> f64 {
        let dot = |a: &Self, b: &Self| {
            a.0.iter().zip(&b.0).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
        };
        let lengths = (dot(self, self) * dot(other, other)).sqrt();
        if lengths > 0.0 { (dot(self, other) / lengths).clamp(-1.0, 1.0) } else { 0.0 }
    }
}

/// Age and gender as they seem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgeGender {
    /// Years.
    pub years: f64,
    /// Probability of male, `[0,1]`.
    pub male: f64,
}

/// Probabilities of seven expressions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expressions(pub(super) [f64; EXPRESSIONS.len()]);

impl Expressions {
    /// Name and probability of each; they add up to 1.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        EXPRESSIONS.into_iter().zip(self.0)
    }

    /// Probability of an expression, `None` if there is none of that name.
    pub fn of(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, p)| p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_angles() {
        let at = |k: usize, v: f32| {
            let mut values = [0.0; Identity::LENGTH];
            values[k] = v;
            Descriptor::new(values)
        };
        assert_eq!(at(3, 3.0).distance(&at(5, 4.0)), 5.0);
        assert_eq!(at(3, 3.0).cosine(&at(5, 4.0)), 0.0);
        assert_eq!(at(3, 3.0).cosine(&at(3, -1.0)), -1.0);
        assert_eq!(at(3, 0.0).cosine(&at(3, 1.0)), 0.0);
    }

    #[test]
    fn expressions_have_names() {
        let expressions = Expressions([0.0, 0.75, 0.0, 0.0, 0.0, 0.0, 0.25]);
        assert_eq!(expressions.of("happy"), Some(0.75));
        assert_eq!(expressions.of("smug"), None);
    }
}
