//! The way back from a crop into the frame that it was cut out of.

use rayon::prelude::*;

use super::resample::Crop;
use super::turned::Kernel;
use super::{Images, volume};
use crate::error::{Error, Result};

/// An upright part of a picture, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The left edge.
    pub x: usize,
    /// The upper edge.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Window {
    /// The pixels of a picture of `width x height` that a box (left, top, right,
    /// bottom) touches; none if it touches none.
    pub fn around(bounds: [f64; 4], width: usize, height: usize) -> Option<Self> {
        let least = |v: f64, side: usize| v.floor().clamp(0.0, side as f64) as usize;
        let most = |v: f64, side: usize| v.ceil().clamp(0.0, side as f64) as usize;
        let [left, top, right, bottom] = bounds;
        let (x, y) = (least(left, width), least(top, height));
        let (end_x, end_y) = (most(right, width), most(bottom, height));
        (end_x > x && end_y > y).then(|| Self { x, y, width: end_x - x, height: end_y - y })
    }
}

impl Images {
    /// Square pictures that [`Images::fit`] cut out with `crop`, brought back: what they
    /// show in a window of the frame, in pixels of the frame.
    ///
    /// Antialiased where the frame is coarser than the crop. Pixels of the window that
    /// lie outside the crop continue it by reflection.
    ///
    /// # Shapes  `[N,3,S,S]`; result `[N,3,window.height,window.width]`
    /// # Errors  `Error::Shape` for pictures that are no squares or an empty window;
    /// `Error::Value` for a crop without a size
    pub fn unfit(&self, crop: Crop, window: Window) -> Result<Self> {
        let side = self.width;
        if self.height != side {
            let got = format!("{}x{}", self.width, self.height);
            return Err(Error::shape("crop to bring back", "a square picture", got));
        }
        let finite = [crop.x, crop.y, crop.size, crop.angle].iter().all(|v| v.is_finite());
        if !finite || crop.size <= 0.0 {
            return Err(Error::value("crop", format!("{crop}: it has no place in a frame")));
        }
        volume(self.count, window.height, window.width)?;
        let kernel = Kernel::new(side as f64 / crop.size);
        let (rows, planes) = (window.height, self.count * 3);
        let rows: Vec<Vec<f32>> =
            (0..rows).into_par_iter().map(|i| self.row_back(crop, window, &kernel, i)).collect();
        let mut data = vec![0.0f32; planes * window.height * window.width];
        for (plane, out) in data.chunks_exact_mut(window.height * window.width).enumerate() {
            for (out, row) in out.chunks_exact_mut(window.width).zip(&rows) {
                out.copy_from_slice(&row[plane * window.width..][..window.width]);
            }
        }
        Ok(Images { count: self.count, height: window.height, width: window.width, data })
    }

    /// Row `i` of the window, of every plane one after the other.
    fn row_back(&self, crop: Crop, window: Window, kernel: &Kernel, i: usize) -> Vec<f32> {
        let side = self.width;
        let scale = side as f64 / crop.size;
        let (sin, cos) = crop.angle.to_radians().sin_cos();
        let half = crop.size / 2.0;
        let dy = (window.y + i) as f64 + 0.5 - (crop.y + half);
        let mut out = vec![0.0f32; self.count * 3 * window.width];
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for j in 0..window.width {
            let dx = (window.x + j) as f64 + 0.5 - (crop.x + half);
            // Turned back, from the centre to the upper left corner, to pixels of the crop.
            kernel.taps((dx * cos + dy * sin + half) * scale - 0.5, side, &mut xs);
            kernel.taps((dy * cos - dx * sin + half) * scale - 0.5, side, &mut ys);
            for (plane, source) in self.data.chunks_exact(side * side).enumerate() {
                let mut sum = 0.0f32;
                for (y, wy) in &ys {
                    let line = &source[y * side..(y + 1) * side];
                    sum += wy * xs.iter().map(|(x, wx)| wx * line[*x]).sum::<f32>();
                }
                out[plane * window.width + j] = sum.clamp(0.0, 1.0);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth enough for any of the grids here.
    fn wave(c: usize, x: f64, y: f64) -> f64 {
        0.5 + 0.2 * (0.11 * x + c as f64).sin() + 0.2 * (0.09 * y - 0.05 * x).cos()
    }

    fn frame(width: usize, height: usize) -> Images {
        let value = |p: usize| {
            let (c, p) = (p / (width * height), p % (width * height));
            wave(c, (p % width) as f64 + 0.5, (p / width) as f64 + 0.5) as f32
        };
        Images::new(1, height, width, (0..3 * width * height).map(value).collect()).unwrap()
    }

    #[test]
    fn there_and_back_is_the_frame() {
        let frame = frame(120, 90);
        // Coarser, equal and finer than the frame, turned either way.
        for (crop, side, most) in [
            (Crop { x: 20.0, y: 10.0, size: 64.0, angle: 0.0 }, 64, 1e-5),
            (Crop { x: 22.3, y: 11.9, size: 61.7, angle: 17.0 }, 256, 2e-3),
            (Crop { x: 30.0, y: 12.0, size: 60.0, angle: -40.0 }, 61, 2e-3),
            // Over the border, where the reflection that the crop continues with has a corner.
            (Crop { x: -20.0, y: 30.5, size: 80.0, angle: 5.0 }, 200, 4e-3),
            (Crop { x: 20.0, y: 5.0, size: 80.0, angle: 3.0 }, 48, 4e-3),
        ] {
            let fitted = frame.fit(crop, side).unwrap();
            let centre = [crop.x + crop.size / 2.0, crop.y + crop.size / 2.0];
            // Away from the edge of the crop, where its reflection would count.
            let half = 0.3 * crop.size;
            let bounds = [centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half];
            let window = Window::around(bounds, 120, 90).unwrap();
            let back = fitted.unfit(crop, window).unwrap();
            let cut = frame.crop(window.x, window.y, window.width, window.height).unwrap();
            let worst = |a: &[f32], b: &[f32]| {
                a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
            };
            let error = worst(back.data(), cut.data());
            assert!(error < most, "{crop} at {side} px: {error}");
        }
    }

    #[test]
    fn a_fine_crop_is_averaged_and_not_picked_from() {
        // Stripes of one pixel of a crop 16 times finer than the frame.
        let side = 256;
        let data: Vec<f32> = (0..3 * side * side).map(|p| (p % 2) as f32).collect();
        let stripes = Images::new(1, side, side, data).unwrap();
        let window = Window { x: 4, y: 4, width: 8, height: 8 };
        let back = stripes.unfit(Crop::upright(0.0, 0.0, 16.0), window).unwrap();
        assert!(back.data().iter().all(|v| (v - 0.5).abs() < 0.01), "{:?}", &back.data()[..8]);
    }

    #[test]
    fn windows() {
        let around = |bounds| Window::around(bounds, 20, 10);
        let whole = Window { x: 0, y: 0, width: 20, height: 10 };
        assert_eq!(around([-5.0, -1e300, 25.0, f64::INFINITY]), Some(whole));
        let one = Window { x: 3, y: 4, width: 1, height: 2 };
        assert_eq!(around([3.2, 4.0, 3.8, 5.1]), Some(one));
        for empty in [[20.0, 0.0, 30.0, 5.0], [-9.0, 0.0, -1.0, 5.0], [f64::NAN; 4]] {
            assert_eq!(around(empty), None, "{empty:?}");
        }
    }

    #[test]
    fn wrong_pictures_are_refused() {
        let window = Window { x: 0, y: 0, width: 4, height: 4 };
        let (wide, square) = (frame(8, 4), frame(8, 8));
        assert!(wide.unfit(Crop::upright(0.0, 0.0, 4.0), window).is_err());
        for crop in [Crop::upright(0.0, 0.0, 0.0), Crop::upright(f64::NAN, 0.0, 4.0)] {
            assert!(square.unfit(crop, window).is_err());
        }
        let empty = Window { width: 0, ..window };
        assert!(square.unfit(Crop::upright(0.0, 0.0, 4.0), empty).is_err());
    }
}
