//! What can be read off a face as one number with a unit.

use std::fmt;
use std::str::FromStr;

use reelgan_nets::faces::EXPRESSIONS;
use reelgan_run::landmarks::{POINTS, Part};
use reelgan_run::{Images, Landmarks};
use serde::{Deserialize, Serialize};

use super::answers::{AgeGender, Descriptor, Expressions, Face};
use super::{FaceReader, Pose};
use crate::{Error, Result};

/// One property of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// Age in years.
    Age,
    /// Probability of male.
    Gender,
    /// Probability of one of the seven expressions, by its place among them.
    Expression(u8),
    /// Degrees to the right of the picture.
    Yaw,
    /// Degrees up.
    Pitch,
    /// Degrees clockwise.
    Roll,
    /// Gap between the lips as a part of the distance between the eyes.
    MouthOpen,
    /// Height of the eyes as a part of their width.
    EyesOpen,
}

/// The unit of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Years: `y`.
    #[serde(rename = "y")]
    Years,
    /// Degrees: `deg`.
    #[serde(rename = "deg")]
    Degrees,
    /// Probability, 0 to 1: `p`.
    #[serde(rename = "p")]
    Probability,
    /// A part of another length: `r`.
    #[serde(rename = "r")]
    Ratio,
}

impl Unit {
    /// How it is written behind a number.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Years => "y",
            Self::Degrees => "deg",
            Self::Probability => "p",
            Self::Ratio => "r",
        }
    }

    /// The unit written so.
    pub fn of_symbol(symbol: &str) -> Option<Self> {
        let all = [Self::Years, Self::Degrees, Self::Probability, Self::Ratio];
        all.into_iter().find(|unit| unit.symbol() == symbol)
    }
}

/// `happy` is what everybody calls a smile.
const SMILE: (&str, &str) = ("happy", "smile");

impl Attribute {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Age,
        Self::Gender,
        Self::Expression(0),
        Self::Expression(1),
        Self::Expression(2),
        Self::Expression(3),
        Self::Expression(4),
        Self::Expression(5),
        Self::Expression(6),
        Self::Yaw,
        Self::Pitch,
        Self::Roll,
        Self::MouthOpen,
        Self::EyesOpen,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Gender => "gender",
            Self::Expression(k) => match EXPRESSIONS[usize::from(k)] {
                name if name == SMILE.0 => SMILE.1,
                name => name,
            },
            Self::Yaw => "yaw",
            Self::Pitch => "pitch",
            Self::Roll => "roll",
            Self::MouthOpen => "mouth-open",
            Self::EyesOpen => "eyes-open",
        }
    }

    /// Its unit.
    pub fn unit(self) -> Unit {
        match self {
            Self::Age => Unit::Years,
            Self::Gender | Self::Expression(_) => Unit::Probability,
            Self::Yaw | Self::Pitch | Self::Roll => Unit::Degrees,
            Self::MouthOpen | Self::EyesOpen => Unit::Ratio,
        }
    }

    /// What the number means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Age => "years of age",
            Self::Gender => "probability of male",
            Self::Expression(_) => "probability of the expression",
            Self::Yaw => "degrees the head is turned to the right of the picture",
            Self::Pitch => "degrees the head looks up",
            Self::Roll => "degrees the head is tilted clockwise",
            Self::MouthOpen => "gap between the lips, parts of the distance between the eyes",
            Self::EyesOpen => "height of the eyes, parts of their width",
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Attribute {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|a| a.name()).collect();
            Error::setting(
                format!("attribute `{text}`"),
                format!("no network here reads it; there are {}", names.join(", ")),
            )
        })
    }
}

/// All that the networks say of one face.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// How sure the detector is, `[0,1]`.
    pub score: f64,
    /// The points.
    pub landmarks: Landmarks,
    /// Age and gender.
    pub age_gender: AgeGender,
    /// Expressions.
    pub expressions: Expressions,
}

impl Reading {
    /// Numbers of a reading in [`Reading::to_row`].
    pub const LENGTH: usize = 3 + EXPRESSIONS.len() + 2 * POINTS;

    /// The attribute in its unit; NaN where the landmarks are degenerate.
    pub fn value(&self, attribute: Attribute) -> f64 {
        let points = self.landmarks.points();
        let between = |a: usize, b: usize| distance(points[a], points[b]);
        let pose = |of: fn(Pose) -> f64| Pose::of(&self.landmarks).map_or(f64::NAN, of);
        match attribute {
            Attribute::Age => self.age_gender.years,
            Attribute::Gender => self.age_gender.male,
            Attribute::Expression(k) => self.expressions.0[usize::from(k)],
            Attribute::Yaw => pose(|p| p.yaw),
            Attribute::Pitch => pose(|p| p.pitch),
            Attribute::Roll => pose(|p| p.roll),
            Attribute::MouthOpen => {
                let gap = [(61, 67), (62, 66), (63, 65)].map(|(a, b)| between(a, b));
                let [left, right] =
                    [Part::LeftEye, Part::RightEye].map(|p| self.landmarks.centre(p));
                gap.iter().sum::<f64>() / 3.0 / distance(left, right)
            }
            Attribute::EyesOpen => {
                let eye = |k: usize| {
                    let height = between(k + 1, k + 5) + between(k + 2, k + 4);
                    height / 2.0 / between(k, k + 3)
                };
                (eye(36) + eye(42)) / 2.0
            }
        }
    }

    /// The attribute as a number that does not saturate: log odds of a probability,
    /// else [`Reading::value`]. Faces are ranked by it.
    pub fn rank(&self, attribute: Attribute) -> f64 {
        // Single precision cannot tell surer ones apart.
        let odds =
            |p: f64, rest: f64| (p.max(1e-12).ln() - rest.max(1e-12).ln()).clamp(-27.0, 27.0);
        match attribute {
            Attribute::Gender => odds(self.age_gender.male, 1.0 - self.age_gender.male),
            Attribute::Expression(k) => {
                let all = self.expressions.0;
                let rest = all.iter().enumerate().filter(|(i, _)| *i != usize::from(k));
                odds(all[usize::from(k)], rest.map(|(_, p)| p).sum())
            }
            other => self.value(other),
        }
    }

    /// As plain numbers: score, age, male, expressions, points.
    pub fn to_row(&self) -> Vec<f32> {
        let mut row = vec![self.score, self.age_gender.years, self.age_gender.male];
        row.extend(self.expressions.0);
        row.extend(self.landmarks.points().iter().flatten());
        row.into_iter().map(|v| v as f32).collect()
    }

    /// The reading as it comes back from [`Reading::to_row`], rounded to f32; `None` if
    /// it holds numbers that are none.
    pub fn as_stored(&self) -> Option<Self> {
        Self::of_row(&self.to_row())
    }

    /// The reading that [`Reading::to_row`] wrote, `None` for numbers that are none.
    pub fn of_row(row: &[f32]) -> Option<Self> {
        if row.len() != Self::LENGTH || row.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let row: Vec<f64> = row.iter().map(|&v| f64::from(v)).collect();
        let (head, points) = row.split_at(3 + EXPRESSIONS.len());
        let points: Vec<[f64; 2]> = points.as_chunks::<2>().0.to_vec();
        Some(Self {
            score: head[0],
            landmarks: Landmarks::try_from(points).ok()?,
            age_gender: AgeGender { years: head[1], male: head[2] },
            expressions: Expressions(std::array::from_fn(|k| head[3 + k])),
        })
    }
}

impl FaceReader {
    /// Reads everything off the surest face of picture `k` (from 0); `None` if none is
    /// found.
    ///
    /// # Errors
    /// As [`FaceReader::detect`].
    pub fn read(&self, images: &Images, k: usize) -> Result<Option<Reading>> {
        let Some(face) = self.faces(images, k)?.into_iter().next() else { return Ok(None) };
        self.reading(images, k, &face).map(Some)
    }

    /// As [`FaceReader::read`], and who it is.
    ///
    /// # Errors
    /// As [`FaceReader::detect`].
    pub fn read_and_describe(
        &self,
        images: &Images,
        k: usize,
    ) -> Result<Option<(Reading, Descriptor)>> {
        let Some(face) = self.faces(images, k)?.into_iter().next() else { return Ok(None) };
        Ok(Some((self.reading(images, k, &face)?, self.describe(images, k, &face)?)))
    }

    fn reading(&self, images: &Images, k: usize, face: &Face) -> Result<Reading> {
        Ok(Reading {
            score: face.detection.score,
            landmarks: face.landmarks.clone(),
            age_gender: self.age_gender(images, k, face)?,
            expressions: self.expressions(images, k, face)?,
        })
    }
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        let mut points = [[0.0; 2]; POINTS];
        // Eyes 40 wide and 12 high, their middles 100 apart; lips 10 apart.
        for (at, x) in [(36, 0.0), (42, 100.0)] {
            for (k, offset) in
                [[-20.0, 0.0], [-7.0, -6.0], [7.0, -6.0], [20.0, 0.0], [7.0, 6.0], [-7.0, 6.0]]
                    .into_iter()
                    .enumerate()
            {
                points[at + k] = [x + offset[0], offset[1]];
            }
        }
        for (upper, lower) in [(61, 67), (62, 66), (63, 65)] {
            (points[upper], points[lower]) = ([50.0, 90.0], [50.0, 100.0]);
        }
        let mut expressions = [0.0; EXPRESSIONS.len()];
        (expressions[0], expressions[1]) = (0.2, 0.8);
        Reading {
            score: 0.75,
            landmarks: Landmarks::new(points).unwrap(),
            age_gender: AgeGender { years: 31.0, male: 0.25 },
            expressions: Expressions(expressions),
        }
    }

    #[test]
    fn lengths_become_parts() {
        let near = |attribute, want: f64| {
            let got = reading().value(attribute);
            assert!((got - want).abs() < 1e-12, "{attribute}: {got}");
        };
        near(Attribute::MouthOpen, 0.1);
        near(Attribute::EyesOpen, 0.3);
        near("smile".parse().unwrap(), 0.8);
    }

    #[test]
    fn probabilities_are_ranked_by_their_odds() {
        let near = |attribute: Attribute, want: f64| {
            let got = reading().rank(attribute);
            assert!((got - want).abs() < 1e-12, "{attribute}: {got}");
        };
        near(Attribute::Gender, (0.25f64 / 0.75).ln());
        near(Attribute::Expression(1), 4f64.ln());
        near(Attribute::Age, 31.0);
        assert!(reading().rank(Attribute::Expression(6)).is_finite());
    }

    #[test]
    fn a_reading_survives_being_written_down() {
        let row = reading().to_row();
        assert_eq!(row.len(), Reading::LENGTH);
        let back = Reading::of_row(&row).unwrap();
        assert_eq!(back.to_row(), row);
        assert_eq!(back.landmarks, reading().landmarks);
        assert_eq!(Reading::of_row(&row[1..]), None);
        assert_eq!(Reading::of_row(&vec![f32::NAN; Reading::LENGTH]), None);
    }

    #[test]
    fn names_are_read_back() {
        for attribute in Attribute::ALL {
            assert_eq!(attribute.name().parse::<Attribute>().unwrap(), attribute);
        }
        assert!("beard".parse::<Attribute>().unwrap_err().to_string().contains("mouth-open"));
    }
}
