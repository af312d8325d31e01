//! Making a form out of flows.

use super::CHANNELS;
use crate::ops::cpu::warp::WarpPlan;

/// Coefficients of a pixel: its own, and those it shares with its neighbour to the right, below,
/// below right and below left. Those shared with the other four are kept by them.
pub(super) const COEFFICIENTS: usize = 5;

/// One warp of an image and what it is compared with.
#[derive(Debug)]
pub struct WarpedTarget<'a> {
    /// The warp, of one image.
    pub warp: &'a WarpPlan,
    /// The target `[3,H,W]` and a factor for each pixel `[H,W]`, which counts squared; `None`
    /// compares with the warped image itself, everywhere.
    pub other: Option<(&'a [f32], &'a [f32])>,
    /// Factor of the mean squared difference.
    pub weight: f32,
}

/// `sum_i weight_i mean (mask_i (W_i x - target_i))^2` of an image `x`, written around another.
#[derive(Debug, Clone)]
pub struct Form {
    h: usize,
    w: usize,
    /// `[H][5][W+2]`, a zero on either side of each row.
    pub(super) rows: Vec<f32>,
    /// `[3,H,W]`, and absent where it is zero.
    pub(super) linear: Option<Vec<f32>>,
    pub(super) constant: f64,
}

impl Form {
    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.h, self.w]
    }

    /// The coefficients of row `y`; zeros beyond the image.
    #[inline(always)]
    pub(super) fn row<'a>(&'a self, y: usize, zeros: &'a [f32]) -> [&'a [f32]; COEFFICIENTS] {
        let pitch = self.w + 2;
        if y >= self.h {
            return [&zeros[..pitch]; COEFFICIENTS];
        }
        std::array::from_fn(|k| &self.rows[(y * COEFFICIENTS + k) * pitch..][..pitch])
    }
}

/// A form being summed up, warp after warp, so that memory need not hold all of them.
#[derive(Debug)]
pub struct FormSum<'a> {
    image: &'a [f32],
    h: usize,
    w: usize,
    rows: Vec<f64>,
    linear: Option<Vec<f64>>,
    constant: f64,
}

impl<'a> FormSum<'a> {
    /// An empty sum around `image [3,H,W]`.
    ///
    /// # Panics
    /// If the image is of another size.
    pub fn new(image: &'a [f32], [h, w]: [usize; 2]) -> Self {
        assert_eq!(image.len(), CHANNELS * h * w, "the image must be [3,{h},{w}]");
        let rows = vec![0.0; h * COEFFICIENTS * (w + 2)];
        Self { image, h, w, rows, linear: None, constant: 0.0 }
    }

    /// Adds a warp.
    ///
    /// # Panics
    /// If it or its target is of another size than the image.
    pub fn add(&mut self, term: &WarpedTarget) {
        let (image, size) = (self.image, self.h * self.w);
        assert_eq!(term.warp.size(), size, "a warp of one image of {}x{}", self.h, self.w);
        if term.other.is_some() && self.linear.is_none() {
            self.linear = Some(vec![0.0; image.len()]);
        }
        // The weight of a squared difference in the mean.
        let share = f64::from(term.weight) / image.len() as f64;
        for pixel in 0..size {
            let block = term.warp.block(pixel);
            let factor = match term.other {
                Some((_, mask)) => share * f64::from(mask[pixel]).powi(2),
                None => share,
            };
            self.couple(&block, factor);
            let Some((target, _)) = term.other else { continue };
            for channel in 0..CHANNELS {
                let plane = channel * size;
                let warped: f64 =
                    block.iter().map(|(at, weight)| weight * f64::from(image[plane + at])).sum();
                let rest = warped - f64::from(target[plane + pixel]);
                self.constant += factor * rest * rest;
                let linear = self.linear.as_mut().expect("made where a term has a target");
                for (at, weight) in block {
                    linear[plane + at] += factor * weight * rest;
                }
            }
        }
    }

    /// The form.
    pub fn finish(self) -> Form {
        let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
        Form {
            h: self.h,
            w: self.w,
            rows: narrow(self.rows),
            linear: self.linear.map(narrow),
            constant: self.constant,
        }
    }

    /// Adds `factor * v v^T` for the weights `v` of a block: upper left, upper right, lower left,
    /// lower right.
    fn couple(&mut self, block: &[(usize, f64); 4], factor: f64) {
        let [a, b, c, d] = *block;
        for (at, weight) in block {
            *self.coefficient(*at, 0) += factor * weight * weight;
        }
        // The pixels of an image one column wide or one row high are each other's neighbours only
        // with weight 0, but for one that is not a number.
        for (k, (first, second)) in
            [(1, (a, b)), (1, (c, d)), (2, (a, c)), (2, (b, d)), (3, (a, d)), (4, (b, c))]
        {
            if first.0 != second.0 {
                *self.coefficient(first.0, k) += factor * first.1 * second.1;
            }
        }
    }

    fn coefficient(&mut self, pixel: usize, k: usize) -> &mut f64 {
        let (y, x) = (pixel / self.w, pixel % self.w);
        &mut self.rows[(y * COEFFICIENTS + k) * (self.w + 2) + 1 + x]
    }
}
