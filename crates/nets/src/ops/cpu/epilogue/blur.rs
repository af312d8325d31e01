//! The binomial blur `[1,2,1] x [1,2,1] / 16` with zeros around the plane: its own transpose.

use super::super::simd::{Kernel, Simd};

/// A row between two zeros.
pub struct PaddedRow(Vec<f32>);

impl PaddedRow {
    /// For rows of `w` numbers.
    pub fn new(w: usize) -> Self {
        Self(vec![0.0; w + 2])
    }

    /// The row.
    #[inline(always)]
    pub fn inner(&mut self) -> &mut [f32] {
        let end = self.0.len() - 1;
        &mut self.0[1..end]
    }

    /// `above + 2 middle + below`; a missing row is zeros.
    #[inline(always)]
    pub fn down(&mut self, above: Option<&[f32]>, middle: &[f32], below: Option<&[f32]>) {
        let row = self.inner();
        let w = row.len();
        let middle = &middle[..w];
        match (above, below) {
            (Some(above), Some(below)) => {
                let (above, below) = (&above[..w], &below[..w]);
                for i in 0..w {
                    row[i] = (above[i] + below[i]) + 2.0 * middle[i];
                }
            }
            (Some(other), None) | (None, Some(other)) => {
                let other = &other[..w];
                for i in 0..w {
                    row[i] = other[i] + 2.0 * middle[i];
                }
            }
            (None, None) => {
                for i in 0..w {
                    row[i] = 2.0 * middle[i];
                }
            }
        }
    }

    /// Hands `(left + 2 middle + right) / 16` of every place to `write`.
    #[inline(always)]
    pub fn across(&self, mut write: impl FnMut(usize, f32)) {
        let w = self.0.len() - 2;
        let (left, middle, right) = (&self.0[..w], &self.0[1..w + 1], &self.0[2..]);
        for i in 0..w {
            write(i, ((left[i] + right[i]) + 2.0 * middle[i]) * (1.0 / 16.0));
        }
    }
}

/// Blurs a plane of rows of `w` numbers where it lies.
pub struct InPlace<'a> {
    /// The plane.
    pub plane: &'a mut [f32],
    /// Numbers of a row.
    pub w: usize,
}

impl Kernel for InPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        blur_in_place(self.plane, self.w);
    }
}

/// As [`InPlace`].
#[inline(always)]
pub fn blur_in_place(plane: &mut [f32], w: usize) {
    let mut sums = PaddedRow::new(w);
    // The row above as it was: the plane holds its blurred successor already.
    let mut above = vec![0.0; w];
    let mut middle = vec![0.0; w];
    let rows = plane.len() / w;
    for r in 0..rows {
        middle.copy_from_slice(&plane[r * w..][..w]);
        let below = (r + 1 < rows).then(|| &plane[(r + 1) * w..][..w]);
        sums.down(Some(&above), &middle, below);
        let row = &mut plane[r * w..][..w];
        sums.across(|i, value| row[i] = value);
        std::mem::swap(&mut above, &mut middle);
    }
}
