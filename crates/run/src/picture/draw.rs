//! Dots and lines over a picture, with smooth edges.

use super::raster::Picture;

impl Picture {
    /// A filled disc; what lies outside the picture is cut off. Places are in pixels,
    /// pixel `(i, j)` covers `[i, i+1) x [j, j+1)`; one that is not finite draws nothing.
    pub fn dot(&mut self, centre: [f64; 2], radius: f64, colour: [u8; 3]) {
        self.line(centre, centre, 2.0 * radius, colour);
    }

    /// A straight line with round ends; as [`Picture::dot`].
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], thickness: f64, colour: [u8; 3]) {
        let reach = thickness / 2.0 + 1.0;
        if ![from[0], from[1], to[0], to[1], reach].iter().all(|v| v.is_finite()) {
            return;
        }
        let span = |a: f64, b: f64, length: usize| {
            let start = (a.min(b) - reach).clamp(0.0, length as f64) as usize;
            start..(a.max(b) + reach).clamp(0.0, length as f64) as usize
        };
        let columns = span(from[0], to[0], self.width());
        for y in span(from[1], to[1], self.height()) {
            for x in columns.clone() {
                let away = distance([x as f64 + 0.5, y as f64 + 0.5], from, to);
                let covered = (thickness / 2.0 + 0.5 - away).clamp(0.0, 1.0);
                if covered > 0.0 {
                    self.blend(x, y, colour, covered as f32);
                }
            }
        }
    }
}

/// From a point to the nearest point between `a` and `b`.
fn distance(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (ab, ap) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let square = ab[0] * ab[0] + ab[1] * ab[1];
    let along =
        if square > 0.0 { ((ab[0] * ap[0] + ab[1] * ap[1]) / square).clamp(0.0, 1.0) } else { 0.0 };
    (ap[0] - along * ab[0]).hypot(ap[1] - along * ab[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit(picture: &Picture) -> f64 {
        picture.rgb().iter().step_by(3).map(|v| f64::from(*v) / 255.0).sum()
    }

    #[test]
    fn areas_are_those_of_geometry() {
        let mut picture = Picture::filled(60, 60, [0; 3]).unwrap();
        picture.dot([30.0, 30.0], 10.0, [255; 3]);
        let disc = std::f64::consts::PI * 100.0;
        assert!((lit(&picture) / disc - 1.0).abs() < 0.01, "{} {disc}", lit(&picture));
        let mut picture = Picture::filled(60, 60, [0; 3]).unwrap();
        picture.line([10.0, 20.0], [40.0, 60.0 - 2.0], 4.0, [255; 3]);
        let line = 4.0 * 30.0f64.hypot(38.0) + std::f64::consts::PI * 4.0;
        assert!((lit(&picture) / line - 1.0).abs() < 0.02, "{} {line}", lit(&picture));
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let mut picture = Picture::filled(4, 3, [9; 3]).unwrap();
        picture.line([-50.0, -50.0], [-40.0, 80.0], 3.0, [255; 3]);
        picture.dot([f64::NAN, 1.0], 3.0, [255; 3]);
        picture.dot([1.0, 1.0], f64::INFINITY, [255; 3]);
        assert_eq!(picture, Picture::filled(4, 3, [9; 3]).unwrap());
        picture.line([-9.0, 1.5], [9e9, 1.5], 1.0, [255; 3]);
        assert_eq!((picture.pixel(3, 1), picture.pixel(3, 0)), (Some([255; 3]), Some([9; 3])));
    }
}
