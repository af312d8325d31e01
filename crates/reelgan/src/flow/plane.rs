//! One channel of an image as rows of f32, and the filters the estimator needs.
//!
//! Every operation computes each output row from its inputs alone, so the rows
//! may run on any number of threads without changing a bit of the result.

use rayon::prelude::*;

/// Samples one parallel task should at least handle: below this, handing work
/// to another thread costs more than doing it.
const TASK_SAMPLES: usize = 16 * 1024;

/// One channel, row after row. `width` and `height` are at least 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<f32>,
}

impl Plane {
    /// A plane of zeros.
    pub(super) fn zeros(width: usize, height: usize) -> Self {
        assert!(width > 0 && height > 0, "a plane has at least one sample");
        Self { width, height, data: vec![0.0; width * height] }
    }

    /// A plane whose row `y` is written by `fill(y, row)`.
    pub(super) fn from_rows(
        width: usize,
        height: usize,
        fill: impl Fn(usize, &mut [f32]) + Sync + Send,
    ) -> Self {
        let mut plane = Self::zeros(width, height);
        plane
            .data
            .par_chunks_mut(width)
            .with_min_len(rows_per_task(width))
            .enumerate()
            .for_each(|(y, row)| fill(y, row));
        plane
    }

    /// Row `y`.
    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    /// Row `y + offset`, the nearest existing one if that lies outside.
    pub(super) fn row_near(&self, y: usize, offset: isize) -> &[f32] {
        self.row(near(y, offset, self.height))
    }

    /// Combines two planes of one size sample by sample.
    pub(super) fn zip(
        &self,
        other: &Self,
        combine: impl Fn(f32, f32) -> f32 + Sync + Send,
    ) -> Self {
        Self::from_rows(self.width, self.height, |y, row| {
            for ((out, a), b) in row.iter_mut().zip(self.row(y)).zip(other.row(y)) {
                *out = combine(*a, *b);
            }
        })
    }

    /// Convolution with a symmetric kernel along both axes, borders replicated.
    /// `half[0]` is the centre weight, `half[i]` that of both samples at distance `i`.
    pub(super) fn smoothed(&self, half: &[f32]) -> Self {
        let columns = Self::from_rows(self.width, self.height, |y, row| {
            for (out, centre) in row.iter_mut().zip(self.row(y)) {
                *out = half[0] * centre;
            }
            for (distance, weight) in half.iter().enumerate().skip(1) {
                let before = self.row_near(y, -(distance as isize));
                let after = self.row_near(y, distance as isize);
                for ((out, a), b) in row.iter_mut().zip(before).zip(after) {
                    *out += weight * (a + b);
                }
            }
        });
        Self::from_rows(self.width, self.height, |y, row| {
            let padded = padded(columns.row(y), half.len() - 1);
            let centre = half.len() - 1;
            for (out, value) in row.iter_mut().zip(&padded[centre..]) {
                *out = half[0] * value;
            }
            for (distance, weight) in half.iter().enumerate().skip(1) {
                let before = &padded[centre - distance..];
                let after = &padded[centre + distance..];
                for ((out, a), b) in row.iter_mut().zip(before).zip(after) {
                    *out += weight * (a + b);
                }
            }
        })
    }

    /// Derivative along x: five-point central difference, borders replicated.
    pub(super) fn derivative_x(&self) -> Self {
        Self::from_rows(self.width, self.height, |y, row| {
            let p = padded(self.row(y), 2);
            let n = row.len();
            derive(row, &p[..n], &p[1..=n], &p[3..n + 3], &p[4..n + 4]);
        })
    }

    /// Derivative along y: five-point central difference, borders replicated.
    pub(super) fn derivative_y(&self) -> Self {
        Self::from_rows(self.width, self.height, |y, row| {
            let at = |offset| self.row_near(y, offset);
            derive(row, at(-2), at(-1), at(1), at(2));
        })
    }

    /// The same picture on another grid, bilinear, borders replicated. Sample
    /// centres sit at half-integers, so both grids cover the same rectangle.
    pub(super) fn resized(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let columns: Vec<_> = (0..width).map(|x| neighbours(x, width, self.width)).collect();
        Self::from_rows(width, height, |y, row| {
            let (top, bottom, weight) = neighbours(y, height, self.height);
            let (top, bottom) = (self.row(top), self.row(bottom));
            for (out, &(left, right, across)) in row.iter_mut().zip(&columns) {
                let above = top[left] + across * (top[right] - top[left]);
                let below = bottom[left] + across * (bottom[right] - bottom[left]);
                *out = above + weight * (below - above);
            }
        })
    }

    /// Median of each sample and its eight neighbours, borders replicated.
    pub(super) fn median(&self) -> Self {
        Self::from_rows(self.width, self.height, |y, row| {
            let rows = [-1, 0, 1].map(|offset| padded(self.row_near(y, offset), 1));
            for (x, out) in row.iter_mut().enumerate() {
                *out = median_of_nine(
                    [rows[0][x], rows[1][x], rows[2][x]],
                    [rows[0][x + 1], rows[1][x + 1], rows[2][x + 1]],
                    [rows[0][x + 2], rows[1][x + 2], rows[2][x + 2]],
                );
            }
        })
    }
}

/// Rows a parallel task should handle at a given width.
pub(super) fn rows_per_task(width: usize) -> usize {
    TASK_SAMPLES.div_ceil(width)
}

/// `index + offset`, clamped to `0..length`.
fn near(index: usize, offset: isize, length: usize) -> usize {
    index.saturating_add_signed(offset).min(length - 1)
}

/// A row with `margin` copies of its end samples on both sides.
fn padded(row: &[f32], margin: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(row.len() + 2 * margin);
    out.extend(std::iter::repeat_n(row[0], margin));
    out.extend_from_slice(row);
    out.extend(std::iter::repeat_n(row[row.len() - 1], margin));
    out
}

/// Five-point first derivative from the samples at -2, -1, 1, 2.
fn derive(out: &mut [f32], far_before: &[f32], before: &[f32], after: &[f32], far_after: &[f32]) {
    let near = before.iter().zip(after);
    let far = far_before.iter().zip(far_after);
    for ((out, (b, a)), (fb, fa)) in out.iter_mut().zip(near).zip(far) {
        *out = (8.0 * (a - b) - (fa - fb)) * (1.0 / 12.0);
    }
}

/// Source neighbours and the second one's weight for sample `index` of a grid
/// of `length` samples laid over one of `source` samples.
fn neighbours(index: usize, length: usize, source: usize) -> (usize, usize, f32) {
    let position = (index as f32 + 0.5) * (source as f32 / length as f32) - 0.5;
    let position = position.clamp(0.0, (source - 1) as f32);
    let first = position as usize;
    (first, (first + 1).min(source - 1), position - first as f32)
}

fn median_of_three(a: f32, b: f32, c: f32) -> f32 {
    a.min(b).max(a.max(b).min(c))
}

/// Median of nine: sort three triples, then the median of (the largest
/// minimum, the median of medians, the smallest maximum).
fn median_of_nine(a: [f32; 3], b: [f32; 3], c: [f32; 3]) -> f32 {
    let low = |t: [f32; 3]| t[0].min(t[1]).min(t[2]);
    let high = |t: [f32; 3]| t[0].max(t[1]).max(t[2]);
    let middle = |t: [f32; 3]| median_of_three(t[0], t[1], t[2]);
    median_of_three(
        low(a).max(low(b)).max(low(c)),
        median_of_three(middle(a), middle(b), middle(c)),
        high(a).min(high(b)).min(high(c)),
    )
}
