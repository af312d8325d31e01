//! 68 points of a face.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How many points a face has.
pub const POINTS: usize = 68;

/// The points of one face in the order of iBUG 300-W, (x, y) in pixels of the
/// picture; pixel `(i, j)` covers `[i, i+1) x [j, j+1)`.
///
/// Jaw 0-16, left brow 17-21, right brow 22-26, nose 27-35, left eye 36-41, right
/// eye 42-47, mouth 48-67; left and right as seen in the picture. Always finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 2]>", into = "Vec<[f64; 2]>")]
pub struct Landmarks {
    points: [[f64; 2]; POINTS],
}

/// Part of a face that has a centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The eye on the left of the picture.
    LeftEye,
    /// The eye on the right of the picture.
    RightEye,
    /// All points of the mouth.
    Mouth,
}

impl Part {
    fn points(self) -> Range<usize> {
        match self {
            Self::LeftEye => 36..42,
            Self::RightEye => 42..48,
            Self::Mouth => 48..68,
        }
    }
}

impl Landmarks {
    /// Numbers of the two corners of the mouth, left and right.
    pub const MOUTH_CORNERS: [usize; 2] = [48, 54];

    /// Takes points.
    ///
    /// # Errors  `Error::Value` if one is not finite
    pub fn new(points: [[f64; 2]; POINTS]) -> Result<Self> {
        match points.iter().position(|p| !p.iter().all(|v| v.is_finite())) {
            None => Ok(Self { points }),
            Some(k) => Err(Error::value(
                "landmarks",
                format!("point {k} is {:?}, but every coordinate must be finite", points[k]),
            )),
        }
    }

    /// All points.
    pub fn points(&self) -> &[[f64; 2]; POINTS] {
        &self.points
    }

    /// The mean of the points of a part.
    pub fn centre(&self, part: Part) -> [f64; 2] {
        let points = &self.points[part.points()];
        let mean = |axis: usize| points.iter().map(|p| p[axis]).sum::<f64>() / points.len() as f64;
        [mean(0), mean(1)]
    }

    /// The smallest box around all points: left, top, right, bottom.
    pub fn bounds(&self) -> [f64; 4] {
        let axis = |k: usize| self.points.iter().map(move |p| p[k]);
        let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
        [
            axis(0).fold(least, f64::min),
            axis(1).fold(least, f64::min),
            axis(0).fold(most, f64::max),
            axis(1).fold(most, f64::max),
        ]
    }

    /// Every point through a function, which must give finite numbers.
    ///
    /// # Errors  as [`Landmarks::new`]
    pub fn map(&self, f: impl FnMut([f64; 2]) -> [f64; 2]) -> Result<Self> {
        Self::new(self.points.map(f))
    }
}

impl TryFrom<Vec<[f64; 2]>> for Landmarks {
    type Error = Error;

    fn try_from(points: Vec<[f64; 2]>) -> Result<Self> {
        let count = points.len();
        let points = points
            .try_into()
            .map_err(|_| Error::shape("landmarks", format!("{POINTS} points (x, y)"), count))?;
        Self::new(points)
    }
}

impl From<Landmarks> for Vec<[f64; 2]> {
    fn from(landmarks: Landmarks) -> Self {
        landmarks.points.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Landmarks {
        Landmarks::new(std::array::from_fn(|k| [k as f64, 2.0 * k as f64])).unwrap()
    }

    #[test]
    fn centres_are_means_of_their_points() {
        assert_eq!(line().centre(Part::LeftEye), [38.5, 77.0]);
        assert_eq!(line().centre(Part::RightEye), [44.5, 89.0]);
        assert_eq!(line().centre(Part::Mouth), [57.5, 115.0]);
        assert_eq!(line().bounds(), [0.0, 0.0, 67.0, 134.0]);
    }

    #[test]
    fn other_counts_and_numbers_that_are_none_are_refused() {
        assert!(Landmarks::try_from(vec![[0.0; 2]; 67]).is_err());
        let error = line().map(|[x, y]| [x, y / (x - 3.0)]).unwrap_err().to_string();
        assert!(error.contains("point 3"), "{error}");
    }

    #[test]
    fn json_is_a_list_of_pairs() {
        let text = serde_json::to_string(&line()).unwrap();
        assert!(text.starts_with("[[0.0,0.0],[1.0,2.0],"), "{text}");
        assert_eq!(serde_json::from_str::<Landmarks>(&text).unwrap(), line());
        assert!(serde_json::from_str::<Landmarks>("[[1,2]]").is_err());
    }
}
