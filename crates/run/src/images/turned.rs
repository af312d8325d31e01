//! Resampling a square that is turned: the kernel cannot be split over the axes of
//! the output, so every output pixel has taps of its own.

use rayon::prelude::*;

use super::Images;
use super::resample::{Crop, LOBES, lanczos, reflect};

/// As [`Images::fit`] for a crop with an angle; the crop was checked.
///
/// The kernel lies along the axes of the source, which a Lanczos kernel hardly
/// notices: its support is a square either way.
pub(super) fn fit(images: &Images, crop: Crop, side: usize) -> Images {
    let planes = images.count() * 3;
    let kernel = Kernel::new(crop.size / side as f64);
    let rows: Vec<Vec<f32>> =
        (0..side).into_par_iter().map(|i| row(images, crop, &kernel, side, i)).collect();
    let mut data = vec![0.0f32; planes * side * side];
    data.par_chunks_exact_mut(side * side).enumerate().for_each(|(plane, out)| {
        for (out, row) in out.chunks_exact_mut(side).zip(&rows) {
            out.copy_from_slice(&row[plane * side..(plane + 1) * side]);
        }
    });
    Images { count: images.count(), height: side, width: side, data }
}

/// Output row `i` of every plane, one after the other.
fn row(images: &Images, crop: Crop, kernel: &Kernel, side: usize, i: usize) -> Vec<f32> {
    let (height, width) = (images.height(), images.width());
    let scale = crop.size / side as f64;
    let (sin, cos) = crop.angle.to_radians().sin_cos();
    let middle = (crop.x + crop.size / 2.0, crop.y + crop.size / 2.0);
    let v = (i as f64 + 0.5) * scale - crop.size / 2.0;
    let mut out = vec![0.0f32; images.count() * 3 * side];
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for j in 0..side {
        let u = (j as f64 + 0.5) * scale - crop.size / 2.0;
        kernel.taps(middle.0 + u * cos - v * sin - 0.5, width, &mut xs);
        kernel.taps(middle.1 + u * sin + v * cos - 0.5, height, &mut ys);
        for (plane, source) in images.data().chunks_exact(height * width).enumerate() {
            let mut sum = 0.0f32;
            for (y, wy) in &ys {
                let line = &source[y * width..(y + 1) * width];
                sum += wy * xs.iter().map(|(x, wx)| wx * line[*x]).sum::<f32>();
            }
            out[plane * side + j] = sum.clamp(0.0, 1.0);
        }
    }
    out
}

/// Entries of the table for one source sample.
const STEPS: usize = 1024;

/// The Lanczos kernel as a table: every output pixel needs it at places of its own,
/// and sines would take most of the time. Between two entries on a straight line,
/// which is off by 2e-6 at most.
pub(super) struct Kernel {
    table: Vec<f32>,
    stretch: f64,
}

impl Kernel {
    /// For output pixels that are `scale` source pixels apart.
    pub(super) fn new(scale: f64) -> Self {
        let last = (LOBES * STEPS as f64) as usize;
        // One more, so that the end has a right neighbour, too.
        let table = (0..=last + 1).map(|k| lanczos(k as f64 / STEPS as f64) as f32).collect();
        Self { table, stretch: scale.max(1.0) }
    }

    fn at(&self, x: f64) -> f32 {
        let place = x.abs().min(LOBES) * STEPS as f64;
        let k = place as usize;
        let t = (place - k as f64) as f32;
        self.table[k] + t * (self.table[k + 1] - self.table[k])
    }

    /// Source positions around `centre` on one axis and their weights, which add up to 1.
    pub(super) fn taps(&self, centre: f64, source: usize, taps: &mut Vec<(usize, f32)>) {
        let first = (centre - LOBES * self.stretch).ceil() as i64;
        let last = (centre + LOBES * self.stretch).floor() as i64;
        taps.clear();
        let mut sum = 0.0f32;
        for p in first..=last {
            let weight = self.at((p as f64 - centre) / self.stretch);
            sum += weight;
            taps.push((reflect(p, source), weight));
        }
        for (_, weight) in taps {
            *weight /= sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture whose red value is a smooth function of the position.
    fn picture(side: usize, f: impl Fn(f64, f64) -> f64) -> Images {
        let plane: Vec<f32> = (0..side * side)
            .map(|p| f((p % side) as f64 + 0.5, (p / side) as f64 + 0.5) as f32)
            .collect();
        Images::new(1, side, side, plane.repeat(3)).unwrap()
    }

    #[test]
    fn a_quarter_turn_moves_pixels_exactly() {
        // Clockwise by 90 degrees: the upper left of the result is the upper right
        // of the square in the source.
        let source = picture(4, |x, y| (x + 10.0 * y) / 64.0);
        let turned = fit(&source, Crop { angle: 90.0, ..Crop::upright(0.0, 0.0, 4.0) }, 4);
        for i in 0..4 {
            for j in 0..4 {
                let want = source.frame(0)[j * 4 + (3 - i)];
                let got = turned.frame(0)[i * 4 + j];
                assert!((got - want).abs() < 1e-5, "row {i}, column {j}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn a_small_turn_follows_the_closed_form() {
        let wave = |x: f64, y: f64| 0.5 + 0.3 * (0.2 * x).sin() * (0.15 * y).cos();
        let (angle, side, size) = (-13.0f64, 40usize, 30.0);
        let crop = Crop { angle, ..Crop::upright(17.0, 15.0, size) };
        let got = fit(&picture(64, wave), crop, side);
        let (sin, cos) = angle.to_radians().sin_cos();
        for (p, got) in got.frame(0)[..side * side].iter().enumerate() {
            let u = ((p % side) as f64 + 0.5) / side as f64 * size - size / 2.0;
            let v = ((p / side) as f64 + 0.5) / side as f64 * size - size / 2.0;
            let want = wave(32.0 + u * cos - v * sin, 30.0 + u * sin + v * cos) as f32;
            assert!((got - want).abs() < 2e-3, "pixel {p}: {got}, not {want}");
        }
    }

    #[test]
    fn no_turn_is_the_plain_fit() {
        let source = picture(20, |x, y| 0.5 + 0.4 * (0.7 * x).sin() * (0.9 * y).cos());
        let crop = Crop::upright(-3.0, 2.5, 19.0);
        let plain = source.fit(crop, 32).unwrap();
        let turned = fit(&source, crop, 32);
        for (a, b) in plain.data().iter().zip(turned.data()) {
            assert!((a - b).abs() < 1e-5, "{a}, not {b}");
        }
    }
}
