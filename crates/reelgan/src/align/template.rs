//! Where a face lies in the pictures that a generator was trained on.

use reelgan_run::images::Crop;
use reelgan_run::landmarks::{Landmarks, Part};

use crate::{Error, Result};

/// The geometry of a training set, and the side of its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    side: usize,
}

/// Half a side: at least so many times the distance of the eyes ...
const EYES: f64 = 2.0;
/// ... and so many times the distance from eyes to mouth.
const MOUTH: f64 = 1.8;
/// The centre lies so far on the way from the eyes to the mouth.
const DOWN: f64 = 0.1;

impl Template {
    /// The crop of FFHQ, `side x side` pixels.
    ///
    /// # Errors
    /// [`Error::Setting`] for a side outside 16 to 4096.
    pub fn ffhq(side: usize) -> Result<Self> {
        if (16..=4096).contains(&side) {
            return Ok(Self { side });
        }
        Err(Error::setting("side of the crops", format!("{side} is not from 16 to 4096 pixels")))
    }

    /// Side of the crops in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The square of a face.
    ///
    /// With `e` from eye to eye and `m` from the middle of the eyes to the middle of
    /// the corners of the mouth: the upper side lies along `e - rot90(m)`, half of it
    /// is `max(2.0 |e|, 1.8 |m|)` long, the centre is `0.1 m` below the eyes.
    ///
    /// # Errors
    /// [`Error::Shape`] if all these points are one.
    /// # Source
    /// The preparation of the FFHQ set (Karras et al. 2019), `download_ffhq.py`.
    pub fn crop(&self, face: &Landmarks) -> Result<Crop> {
        let (left, right) = (face.centre(Part::LeftEye), face.centre(Part::RightEye));
        let [a, b] = Landmarks::MOUTH_CORNERS.map(|k| face.points()[k]);
        let (eyes, corners) = (middle(left, right), middle(a, b));
        let e = [right[0] - left[0], right[1] - left[1]];
        let m = [corners[0] - eyes[0], corners[1] - eyes[1]];
        // rot90(m) = (-m.y, m.x).
        let along = [e[0] + m[1], e[1] - m[0]];
        let half = (EYES * e[0].hypot(e[1])).max(MOUTH * m[0].hypot(m[1]));
        if along[0].hypot(along[1]) <= f64::EPSILON * half {
            return Err(Error::Shape {
                what: "landmarks".into(),
                expected: "eyes and mouth at different places".into(),
                got: format!("eyes at {left:?} and {right:?}, mouth at {corners:?}"),
            });
        }
        let axes = [along[0], along[1]].map(|v| v * half / along[0].hypot(along[1]));
        Ok(Square { centre: [eyes[0] + DOWN * m[0], eyes[1] + DOWN * m[1]], axes }.crop())
    }
}

fn middle(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]
}

/// A turned square as numbers that can be averaged: its centre, and the vector from
/// there to the middle of its right side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Square {
    pub centre: [f64; 2],
    pub axes: [f64; 2],
}

impl Square {
    pub fn of(crop: &Crop) -> Self {
        let (half, (sin, cos)) = (crop.size / 2.0, crop.angle.to_radians().sin_cos());
        Self { centre: [crop.x + half, crop.y + half], axes: [half * cos, half * sin] }
    }

    pub fn crop(&self) -> Crop {
        let half = self.axes[0].hypot(self.axes[1]);
        Crop {
            x: self.centre[0] - half,
            y: self.centre[1] - half,
            size: 2.0 * half,
            angle: self.axes[1].atan2(self.axes[0]).to_degrees(),
        }
    }

    /// Upper left, upper right, lower right, lower left.
    pub fn corners(&self) -> [[f64; 2]; 4] {
        let ([x, y], [a, b]) = (self.centre, self.axes);
        // Half a side down is the axis turned by a quarter.
        [
            [x - a + b, y - b - a],
            [x + a + b, y + b - a],
            [x + a - b, y + b + a],
            [x - a - b, y - b + a],
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All points of a part at one place.
    fn face(left: [f64; 2], right: [f64; 2], mouth: [f64; 2]) -> Landmarks {
        Landmarks::new(std::array::from_fn(|k| match k {
            36..42 => left,
            42..48 => right,
            48.. => mouth,
            _ => [0.0; 2],
        }))
        .unwrap()
    }

    #[test]
    fn an_upright_face_has_the_square_of_the_formula() {
        let template = Template::ffhq(1024).unwrap();
        // Eyes 60 apart, mouth 50 below: half a side is 2 * 60.
        let crop = template.crop(&face([70.0, 100.0], [130.0, 100.0], [100.0, 150.0])).unwrap();
        assert_eq!((crop.size, crop.angle), (240.0, 0.0));
        assert_eq!((crop.x + 120.0, crop.y + 120.0), (100.0, 105.0));
        // A long face: 1.8 * 100.
        let crop = template.crop(&face([70.0, 100.0], [130.0, 100.0], [100.0, 200.0])).unwrap();
        assert!((crop.size - 360.0).abs() < 1e-9, "{crop}");
    }

    #[test]
    fn the_square_turns_grows_and_moves_with_the_face() {
        let template = Template::ffhq(256).unwrap();
        let points = [[70.0, 100.0], [131.0, 97.0], [104.0, 148.0]];
        let [l, r, m] = points;
        let before = template.crop(&face(l, r, m)).unwrap();
        let (turn, scale, shift) = (25.0f64, 1.7, [40.0, -12.0]);
        let (sin, cos) = turn.to_radians().sin_cos();
        let moved = |[x, y]: [f64; 2]| {
            [scale * (x * cos - y * sin) + shift[0], scale * (x * sin + y * cos) + shift[1]]
        };
        let after = template.crop(&face(moved(l), moved(r), moved(m))).unwrap();
        assert!((after.angle - before.angle - turn).abs() < 1e-9);
        assert!((after.size / before.size - scale).abs() < 1e-9);
        let (was, is) = (moved(Square::of(&before).centre), Square::of(&after).centre);
        assert!((was[0] - is[0]).hypot(was[1] - is[1]) < 1e-9);
    }

    #[test]
    fn points_that_are_one_have_no_square() {
        let template = Template::ffhq(256).unwrap();
        let error = template.crop(&face([5.0; 2], [5.0; 2], [5.0; 2])).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
        assert!(Template::ffhq(0).is_err() && Template::ffhq(5000).is_err());
    }

    #[test]
    fn corners_belong_to_the_crop() {
        let crop = Crop { x: 10.0, y: 20.0, size: 8.0, angle: 90.0 };
        // Clockwise by a quarter: its upper left is the upper right of the upright one.
        let [first, second, ..] = Square::of(&crop).corners();
        assert!((first[0] - 18.0).abs() < 1e-9 && (first[1] - 20.0).abs() < 1e-9, "{first:?}");
        assert!((second[0] - 18.0).abs() < 1e-9 && (second[1] - 28.0).abs() < 1e-9, "{second:?}");
        let back = Square::of(&crop).crop();
        assert!((back.x - 10.0).abs() < 1e-9 && (back.angle - 90.0).abs() < 1e-9);
    }
}
