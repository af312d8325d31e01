//! Rectangles of a picture, and those that the face networks look at.

use reelgan_run::landmarks::{Landmarks, Part};

/// A rectangle in pixels of a picture; it may hang over the border.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Margin of the box of the landmarks, as a part of its width and height.
const MARGIN: f64 = 0.1;
/// Mean distance from mouth to eyes, as a part of the square for the descriptor.
const MOUTH_TO_EYES: f64 = 0.45;
/// Where the middle of eyes and mouth lies in that square.
const MIDDLE: [f64; 2] = [0.5, 0.43];

/// Whole pixels: left, top, width, height.
pub(super) type Pixels = [usize; 4];

impl Area {
    /// The middle.
    pub fn centre(&self) -> [f64; 2] {
        [self.x + self.width / 2.0, self.y + self.height / 2.0]
    }

    /// Area that both cover, as a part of the area that either covers, `[0,1]`.
    pub fn overlap(&self, other: &Self) -> f64 {
        let shared = |p: f64, np: f64, q: f64, nq: f64| ((p + np).min(q + nq) - p.max(q)).max(0.0);
        let both = shared(self.x, self.width, other.x, other.width)
            * shared(self.y, self.height, other.y, other.height);
        let either = self.width * self.height + other.width * other.height - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// The whole pixels of this area inside a picture: cut at the borders, then every
    /// number rounded down. `None` if nothing is left.
    pub(super) fn inside(&self, height: usize, width: usize) -> Option<Pixels> {
        let cut = |from: f64, length: f64, all: usize| {
            // `max` and `min` would take what is not a number for the border.
            if !(from.is_finite() && length.is_finite()) {
                return None;
            }
            let start = from.max(0.0);
            let length = (from + length - start).min(all as f64 - start);
            (length >= 1.0).then(|| [start.floor() as usize, length.floor() as usize])
        };
        let ([x, w], [y, h]) = (cut(self.x, self.width, width)?, cut(self.y, self.height, height)?);
        Some([x, y, w, h])
    }

    /// What the networks of age, gender and expression look at: the box of the
    /// landmarks, a tenth larger on each side.
    ///
    /// The right and lower ends are at least 0, as in the package of the networks.
    pub(super) fn around(face: &Landmarks) -> Self {
        let [left, top, right, bottom] = face.bounds();
        let (width, height) = (right.max(0.0) - left, bottom.max(0.0) - top);
        Self {
            x: left - MARGIN * width,
            y: top - MARGIN * height,
            width: (1.0 + 2.0 * MARGIN) * width,
            height: (1.0 + 2.0 * MARGIN) * height,
        }
    }

    /// What the identity network looks at: a square about eyes and mouth, cut by the
    /// size of the crop that the landmarks came from, as in the package of the network.
    pub(super) fn of_identity(face: &Landmarks, crop: Pixels) -> Self {
        let centres = [Part::LeftEye, Part::RightEye, Part::Mouth].map(|part| face.centre(part));
        let [left, right, mouth] = centres;
        let away = |eye: [f64; 2]| (mouth[0] - eye[0]).hypot(mouth[1] - eye[1]);
        let size = ((away(left) + away(right)) / 2.0 / MOUTH_TO_EYES).floor();
        let start = |axis: usize| {
            let middle = centres.iter().map(|c| c[axis]).sum::<f64>() / 3.0;
            (middle - MIDDLE[axis] * size).max(0.0).floor()
        };
        let (x, y) = (start(0), start(1));
        let [_, _, crop_width, crop_height] = crop.map(|v| v as f64);
        Self { x, y, width: size.min(crop_width + x), height: size.min(crop_height + y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: f64, y: f64, width: f64, height: f64) -> Area {
        Area { x, y, width, height }
    }

    #[test]
    fn areas_of_the_networks_match_their_package() {
        let golden = reelgan_golden::Golden::open("face_api.safetensors");
        for (name, height, width) in [
            ("face_0_432x512.png", 512, 432),
            ("face_0_512.png", 512, 512),
            ("face_1_512.png", 512, 512),
            ("face_2_512x400.png", 400, 512),
            ("face_2_512.png", 512, 512),
            ("face_3_512.png", 512, 512),
        ] {
            let numbers = |what: &str| golden.values(&format!("{name}/face0/{what}"));
            let [x, y, w, h] = *numbers("box") else { panic!("four numbers") };
            let found = area(x.into(), y.into(), w.into(), h.into());
            let points = numbers("landmarks");
            let points: Vec<[f64; 2]> =
                points.as_chunks::<2>().0.iter().map(|p| p.map(f64::from)).collect();
            let face = Landmarks::try_from(points).unwrap();
            let same = |got: Area, what: &str, tolerance: f32| {
                let got = [got.x, got.y, got.width, got.height].map(|v| v as f32);
                let worst = reelgan_golden::max_abs(&got, &numbers(what));
                assert!(worst <= tolerance, "{name}, {what}: {got:?}, off by {worst}");
            };
            same(Area::around(&face), "aligned_rect", 0.03);
            let crop = found.inside(height, width).unwrap();
            same(Area::of_identity(&face, crop), "dlib_rect", 0.0);
        }
    }

    #[test]
    fn overlap_is_a_part_of_the_whole() {
        let square = area(0.0, 0.0, 2.0, 2.0);
        assert!((square.overlap(&area(1.0, 0.0, 2.0, 2.0)) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(
            (square.overlap(&square), square.overlap(&area(5.0, 0.0, 2.0, 2.0))),
            (1.0, 0.0)
        );
        assert_eq!(area(0.0, 0.0, 0.0, 0.0).overlap(&area(0.0, 0.0, 0.0, 0.0)), 0.0);
    }

    #[test]
    fn areas_are_cut_at_the_border_and_rounded_down() {
        assert_eq!(area(2.7, 3.2, 5.9, 4.1).inside(20, 30), Some([2, 3, 5, 4]));
        // From -1.5 to 4.5 is 4.5 wide inside; the right part of 28.4 + 5 ends at 30.
        assert_eq!(area(-1.5, 1.0, 6.0, 3.0).inside(20, 30), Some([0, 1, 4, 3]));
        assert_eq!(area(28.4, 1.0, 5.0, 3.0).inside(20, 30), Some([28, 1, 1, 3]));
        for empty in [
            area(40.0, 1.0, 5.0, 3.0),
            area(-9.0, 1.0, 5.0, 3.0),
            area(1.0, 1.0, 0.5, 3.0),
            area(f64::NAN, 1.0, 5.0, 3.0),
            area(1.0, 1.0, f64::NAN, 3.0),
        ] {
            assert_eq!(empty.inside(20, 30), None, "{empty:?}");
        }
    }
}
