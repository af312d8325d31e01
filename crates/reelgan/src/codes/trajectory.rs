//! The mutually accessible constraint (eq. 2-3): one base code and the steps
//! that lead from each frame to the next.

use serde::{Deserialize, Serialize};

use super::Codes;
use crate::{Error, Result};

/// The space a step between two frames lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OffsetSpace {
    /// One vector for all rows: the low dimension that ties the frames together.
    #[serde(rename = "w")]
    W,
    /// A vector of its own for every row.
    #[serde(rename = "w+")]
    WPlus,
}

/// `w_k = w_1 + n_1 + ... + n_(k-1)`.
///
/// # Shapes   base `[1,L,D]`; offsets `[N-1,1,D]` (space W) or `[N-1,L,D]` (W+)
/// # Source   paper eq. 2-3; the cumulative sum and the broadcast over rows are
/// those of the authors' `main.py`
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    rows: usize,
    dim: usize,
    space: OffsetSpace,
    base: Vec<f32>,
    offsets: Vec<f32>,
}

impl Trajectory {
    /// All frames at `base` (`[L,D]`), every step zero.
    ///
    /// # Panics
    /// If `base` is not `rows` rows, or `count` is 0.
    pub fn resting(base: &[f32], rows: usize, count: usize, space: OffsetSpace) -> Self {
        assert!(count > 0 && rows > 0 && base.len().is_multiple_of(rows), "a base of {rows} rows");
        let dim = base.len() / rows;
        let width = match space {
            OffsetSpace::W => dim,
            OffsetSpace::WPlus => rows * dim,
        };
        Self { rows, dim, space, base: base.to_vec(), offsets: vec![0.0; (count - 1) * width] }
    }

    /// Joins a base code `[L,D]` and steps `[N-1, 1 or L, D]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the numbers do not fill whole steps.
    pub fn new(
        rows: usize,
        dim: usize,
        space: OffsetSpace,
        base: Vec<f32>,
        offsets: Vec<f32>,
    ) -> Result<Self> {
        let made = Self { rows, dim, space, base, offsets };
        if rows * dim == 0
            || made.base.len() != rows * dim
            || !made.offsets.len().is_multiple_of(made.step_len())
        {
            return Err(Error::Shape {
                what: "trajectory".into(),
                expected: format!("base [1,{rows},{dim}] and whole steps of {}", rows * dim),
                got: format!("{} and {} numbers", made.base.len(), made.offsets.len()),
            });
        }
        Ok(made)
    }

    /// The trajectory through free codes: steps are differences, in W+.
    ///
    /// Each step starts where the steps before it arrive, so that rounding does not
    /// add up: every code is met to the last bit or two.
    pub fn through(codes: &Codes) -> Self {
        let (rows, dim) = (codes.rows(), codes.dim());
        let mut at = codes.code(0).to_vec();
        let mut offsets = Vec::with_capacity((codes.count() - 1) * at.len());
        for k in 1..codes.count() {
            for (at, code) in at.iter_mut().zip(codes.code(k)) {
                let step = code - *at;
                *at += step;
                offsets.push(step);
            }
        }
        Self { rows, dim, space: OffsetSpace::WPlus, base: codes.code(0).to_vec(), offsets }
    }

    /// Number of frames, `N`.
    pub fn count(&self) -> usize {
        1 + self.offsets.len() / self.step_len()
    }

    /// Rows of a code, `L`.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width of a row, `D`.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The space of the steps.
    pub fn space(&self) -> OffsetSpace {
        self.space
    }

    /// `w_1`, `[L,D]`.
    pub fn base(&self) -> &[f32] {
        &self.base
    }

    /// All steps, `[N-1, 1 or L, D]`.
    pub fn offsets(&self) -> &[f32] {
        &self.offsets
    }

    /// Base and steps, to be changed in place.
    pub fn parameters_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        (&mut self.base, &mut self.offsets)
    }

    /// `w_1 ... w_N`.
    pub fn codes(&self) -> Codes {
        let size = self.rows * self.dim;
        let mut data = self.base.clone();
        data.reserve(size * (self.count() - 1));
        for step in self.offsets.chunks_exact(self.step_len()) {
            let last = data.len() - size;
            for i in 0..size {
                let next = data[last + i] + step[i % step.len()];
                data.push(next);
            }
        }
        Codes { rows: self.rows, dim: self.dim, data }
    }

    /// Gradient to base and steps from the gradient to every code, `[N,L,D]`.
    ///
    /// `w_1` moves every frame; step `j` moves the frames after it.
    ///
    /// # Panics
    /// If `codes` is not one gradient for each code.
    pub fn backward(&self, codes: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let size = self.rows * self.dim;
        assert_eq!(codes.len(), self.count() * size, "one gradient for each code");
        let mut tail = vec![0.0f32; size];
        let mut offsets = vec![0.0f32; self.offsets.len()];
        for k in (0..self.count()).rev() {
            for (sum, g) in tail.iter_mut().zip(&codes[k * size..]) {
                *sum += g;
            }
            if k > 0 {
                let len = self.step_len();
                let step = &mut offsets[(k - 1) * len..k * len];
                for (i, g) in tail.iter().enumerate() {
                    step[i % len] += g;
                }
            }
        }
        (tail, offsets)
    }

    /// Numbers of one step.
    fn step_len(&self) -> usize {
        match self.space {
            OffsetSpace::W => self.dim,
            OffsetSpace::WPlus => self.rows * self.dim,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(space: OffsetSpace) -> Trajectory {
        let mut t = Trajectory::resting(&[1.0, 2.0, 3.0, 4.0], 2, 3, space);
        let (_, offsets) = t.parameters_mut();
        for (i, v) in offsets.iter_mut().enumerate() {
            *v = (i + 1) as f32 * 10.0;
        }
        t
    }

    #[test]
    fn steps_in_w_move_all_rows_alike_and_add_up() {
        let codes = example(OffsetSpace::W).codes();
        assert_eq!(codes.code(1), &[11.0, 22.0, 13.0, 24.0]);
        assert_eq!(codes.code(2), &[41.0, 62.0, 43.0, 64.0]);
    }

    #[test]
    fn steps_in_w_plus_move_each_row() {
        let codes = example(OffsetSpace::WPlus).codes();
        assert_eq!(codes.code(1), &[11.0, 22.0, 33.0, 44.0]);
        assert_eq!(codes.code(2), &[61.0, 82.0, 103.0, 124.0]);
    }

    #[test]
    fn backward_is_the_adjoint_of_codes() {
        for space in [OffsetSpace::W, OffsetSpace::WPlus] {
            // <codes(p), g> is linear in p, so it equals <p, backward(g)>.
            let t = example(space);
            let g: Vec<f32> = (0..12).map(|i| (i * i % 7) as f32 - 3.0).collect();
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
            let (base, offsets) = t.backward(&g);
            let parameters = dot(t.base(), &base) + dot(t.offsets(), &offsets);
            assert_eq!(dot(t.codes().data(), &g), parameters);
        }
    }

    #[test]
    fn trajectory_through_codes_gives_them_back() {
        let codes = example(OffsetSpace::W).codes();
        assert_eq!(Trajectory::through(&codes).codes(), codes);
    }

    #[test]
    fn one_frame_has_no_steps() {
        let t = Trajectory::resting(&[5.0; 4], 2, 1, OffsetSpace::W);
        assert_eq!(t.count(), 1);
        assert_eq!(t.backward(&[1.0; 4]), (vec![1.0; 4], vec![]));
    }
}
