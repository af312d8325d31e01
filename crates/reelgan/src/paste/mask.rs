//! Which pixels of a frame are the face.

use std::fmt;
use std::str::FromStr;

use reelgan_run::images::Window;

use super::places::{Place, in_frame};
use crate::{Error, Result};

/// Which part of a crop goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// The face from the jaw to the forehead: hair, neck and background stay.
    #[default]
    Face,
    /// The whole crop but its edge: for edits that change hair or turn the head.
    Crop,
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "face" => Ok(Self::Face),
            "crop" => Ok(Self::Crop),
            _ => Err(Error::setting("region", format!("`{text}` is neither `face` nor `crop`"))),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Face => "face",
            Self::Crop => "crop",
        })
    }
}

/// A soft mask: 1 inside a convex outline, 0 outside, and a smooth step between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// In pixels of the frame, turning clockwise as seen (the y axis points down).
    outline: Vec<[f64; 2]>,
    /// The distance inside the outline, in pixels, at which the mask is 1.
    feather: f64,
    /// The value inside.
    strength: f64,
}

/// The brows are moved away from the mouth by so much of the way between them, to
/// take in the forehead.
const FOREHEAD: f64 = 0.5;
/// The outline lies so far outside the points, in parts of the side of the crop: the
/// points of the jaw lie on the edge of the face.
const GROWN: f64 = 0.025;

impl Mask {
    /// The mask of a frame; `feather` is the width of the soft edge in parts of the
    /// side of the crop.
    ///
    /// # Errors
    /// [`Error::Setting`] for a feather outside `(0, 0.5]`, or a face region without
    /// landmarks.
    pub fn of(place: &Place, region: Region, feather: f64) -> Result<Self> {
        if !(feather > 0.0 && feather <= 0.5) {
            let problem = format!("{feather} is not more than 0 and at most 0.5");
            return Err(Error::setting("width of the soft edge", problem));
        }
        let square = square();
        let outline = match (region, &place.outline) {
            (Region::Crop, _) => square,
            (Region::Face, Some(points)) => {
                clipped(&grown(&hull(&with_forehead(points)), GROWN), &square)
            }
            (Region::Face, None) => {
                let problem = "there is no landmarks.json with the outline of the face; \
                               `crop` needs none";
                return Err(Error::setting("region `face`", problem));
            }
        };
        Ok(Self {
            outline: in_frame(&place.crop, &outline),
            feather: feather * place.crop.size,
            strength: place.presence,
        })
    }

    /// The window of a frame of `width x height` outside of which the mask is 0; none
    /// if it is 0 everywhere.
    pub fn window(&self, width: usize, height: usize) -> Option<Window> {
        if self.strength <= 0.0 || self.outline.len() < 3 {
            return None;
        }
        let axis = |k: usize| self.outline.iter().map(move |p| p[k]);
        let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
        let bounds = [
            axis(0).fold(least, f64::min),
            axis(1).fold(least, f64::min),
            axis(0).fold(most, f64::max),
            axis(1).fold(most, f64::max),
        ];
        Window::around(bounds, width, height)
    }

    /// The value at a point of the frame, `[0,1]`.
    pub fn at(&self, point: [f64; 2]) -> f64 {
        let t = (self.depth(point) / self.feather).clamp(0.0, 1.0);
        self.strength * t * t * (3.0 - 2.0 * t)
    }

    /// How far inside the outline a point lies, in pixels; less than 0 outside.
    fn depth(&self, [x, y]: [f64; 2]) -> f64 {
        let n = self.outline.len();
        let mut least = f64::INFINITY;
        for (i, a) in self.outline.iter().enumerate() {
            let b = self.outline[(i + 1) % n];
            let edge = [b[0] - a[0], b[1] - a[1]];
            let length = edge[0].hypot(edge[1]);
            if length > 0.0 {
                least = least.min((edge[0] * (y - a[1]) - edge[1] * (x - a[0])) / length);
            }
        }
        least
    }
}

/// The crop itself, a hair inside its border, where its content ends.
fn square() -> Vec<[f64; 2]> {
    const IN: f64 = 0.005;
    vec![[IN, IN], [1.0 - IN, IN], [1.0 - IN, 1.0 - IN], [IN, 1.0 - IN]]
}

/// The points of jaw and brows, and the brows again at the height of the hair.
fn with_forehead(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean = |range: std::ops::Range<usize>| {
        let (n, part) = (range.len() as f64, &points[range]);
        [part.iter().map(|p| p[0]).sum::<f64>() / n, part.iter().map(|p| p[1]).sum::<f64>() / n]
    };
    let (brows, mouth) = (mean(17..27), mean(48..68));
    let up = [(brows[0] - mouth[0]) * FOREHEAD, (brows[1] - mouth[1]) * FOREHEAD];
    let mut all: Vec<[f64; 2]> = points[..27].to_vec();
    // The temples are narrower than the brows are wide: their ends rise less.
    all.extend(points[18..26].iter().map(|p| [p[0] + up[0], p[1] + up[1]]));
    all
}

/// The convex hull of points, by Andrew's monotone chain; clockwise as seen.
pub(super) fn hull(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let half = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..] {
                if cross(a, b, p) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut chain = half(&mut sorted.iter().copied());
    chain.extend(half(&mut sorted.iter().rev().copied()));
    chain
}

/// Twice the area of a triangle; more than 0 if it turns clockwise as seen.
fn cross(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// A convex outline moved outwards: every edge by `by`.
fn grown(outline: &[[f64; 2]], by: f64) -> Vec<[f64; 2]> {
    let n = outline.len();
    if n < 3 {
        return outline.to_vec();
    }
    // Both ends of every edge, moved; the hull of them has bevelled corners.
    let mut moved = Vec::with_capacity(2 * n);
    for (i, a) in outline.iter().enumerate() {
        let b = outline[(i + 1) % n];
        let length = (b[0] - a[0]).hypot(b[1] - a[1]);
        let out = [(b[1] - a[1]) / length * by, -(b[0] - a[0]) / length * by];
        moved.push([a[0] + out[0], a[1] + out[1]]);
        moved.push([b[0] + out[0], b[1] + out[1]]);
    }
    hull(&moved)
}

/// The part of a convex outline inside another one.
///
/// # Source  Sutherland and Hodgman 1974
fn clipped(outline: &[[f64; 2]], by: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut kept = outline.to_vec();
    for (i, a) in by.iter().enumerate() {
        let b = by[(i + 1) % by.len()];
        let before = std::mem::take(&mut kept);
        for (j, p) in before.iter().enumerate() {
            let q = before[(j + 1) % before.len()];
            let (at_p, at_q) = (cross(*a, b, *p), cross(*a, b, q));
            if at_p >= 0.0 {
                kept.push(*p);
            }
            if (at_p >= 0.0) != (at_q >= 0.0) {
                let t = at_p / (at_p - at_q);
                kept.push([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reelgan_run::images::Crop;

    use super::*;

    /// A face like a clock: jaw below, brows above.
    pub(in crate::paste) fn face() -> Vec<[f64; 2]> {
        (0..68)
            .map(|k| match k {
                0..17 => {
                    let angle = std::f64::consts::PI * k as f64 / 16.0;
                    [0.5 - 0.25 * angle.cos(), 0.5 + 0.3 * angle.sin()]
                }
                17..27 => [0.3 + 0.4 * (k - 17) as f64 / 9.0, 0.42],
                48.. => [0.5, 0.7],
                _ => [0.5, 0.55],
            })
            .collect()
    }

    fn place(crop: Crop) -> Place {
        Place { crop, size: None, frame: 0, outline: Some(face()), presence: 1.0 }
    }

    #[test]
    fn the_face_is_in_and_the_rest_out() {
        let mask = Mask::of(&place(Crop::upright(100.0, 50.0, 200.0)), Region::Face, 0.06).unwrap();
        let at = |u: f64, v: f64| mask.at([100.0 + 200.0 * u, 50.0 + 200.0 * v]);
        // Eyes, mouth, forehead.
        for (u, v) in [(0.4, 0.5), (0.6, 0.5), (0.5, 0.7), (0.5, 0.36)] {
            assert_eq!(at(u, v), 1.0, "{u} {v}");
        }
        // Hair, background, below the chin.
        for (u, v) in [(0.5, 0.2), (0.1, 0.5), (0.95, 0.9), (0.5, 0.84), (0.02, 0.02)] {
            assert_eq!(at(u, v), 0.0, "{u} {v}");
        }
        let edge = at(0.5, 0.8);
        assert!(edge > 0.0 && edge < 1.0, "{edge}");
        let window = mask.window(400, 300).unwrap();
        for y in 0..300 {
            for x in 0..400 {
                let inside = (window.x..window.x + window.width).contains(&x)
                    && (window.y..window.y + window.height).contains(&y);
                let value = mask.at([x as f64 + 0.5, y as f64 + 0.5]);
                assert!(inside || value == 0.0, "{x},{y}: {value}");
            }
        }
        assert_eq!(mask.window(90, 40), None, "the face lies outside such a frame");
    }

    #[test]
    fn the_crop_ends_at_its_border() {
        let crop = Crop { x: 40.0, y: 40.0, size: 100.0, angle: 30.0 };
        let mask = Mask::of(&place(crop), Region::Crop, 0.1).unwrap();
        assert_eq!(mask.at([90.0, 90.0]), 1.0);
        for [x, y] in in_frame(&crop, &[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) {
            assert_eq!(mask.at([x, y]), 0.0);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut without = place(Crop::upright(0.0, 0.0, 10.0));
        for feather in [0.0, -1.0, 0.6, f64::NAN] {
            assert!(Mask::of(&without, Region::Face, feather).is_err());
        }
        without.outline = None;
        let error = Mask::of(&without, Region::Face, 0.1).unwrap_err().to_string();
        assert!(error.contains("landmarks.json"), "{error}");
        assert!(Mask::of(&without, Region::Crop, 0.1).is_ok());
        assert!("head".parse::<Region>().is_err());
        assert_eq!("crop".parse::<Region>().unwrap().to_string(), "crop");
        // All points in one place: no outline, no pixel.
        without.outline = Some(vec![[0.5; 2]; 68]);
        let mask = Mask::of(&without, Region::Face, 0.1).unwrap();
        assert_eq!(mask.window(10, 10), None);
    }

    proptest! {
        #[test]
        fn a_hull_is_convex_and_holds_its_points(
            points in prop::collection::vec([0.0..1.0f64, 0.0..1.0f64], 3..40),
        ) {
            let hull = hull(&points);
            let n = hull.len();
            for i in 0..n {
                let (a, b) = (hull[i], hull[(i + 1) % n]);
                for p in &points {
                    prop_assert!(cross(a, b, *p) >= -1e-12);
                }
            }
        }
    }
}
