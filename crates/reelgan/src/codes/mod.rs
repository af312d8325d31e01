//! Codes of a generator: single codes, trajectories (the paper's eq. 2-3) and
//! directions, as plain numbers with the conventions they carry.

mod blur;
mod direction;
mod direction_file;
mod file;
mod read;
mod rows;
mod trajectory;

pub use blur::blurred;
pub use direction::{Direction, Learned};
pub use file::{CodeFile, CodeReader, write_npy, write_npy_of};
pub use read::read_codes;
pub use rows::{Rows, Space};
pub use trajectory::{OffsetSpace, Trajectory};

use crate::{Error, Result};

/// `N` codes, one row of width `D` for each of the generator's `L` layers.
///
/// # Shapes   `[N,L,D]`, row-major; `L` and `D` come from the generator
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    rows: usize,
    dim: usize,
    data: Vec<f32>,
}

impl Codes {
    /// Takes numbers as codes.
    ///
    /// # Errors
    /// [`Error::Shape`] if `data` is empty or no multiple of `rows * dim`.
    pub fn new(rows: usize, dim: usize, data: Vec<f32>) -> Result<Self> {
        if rows * dim == 0 || data.is_empty() || !data.len().is_multiple_of(rows * dim) {
            return Err(Error::Shape {
                what: "codes".into(),
                expected: format!("[N,{rows},{dim}] with N at least 1"),
                got: format!("{} numbers", data.len()),
            });
        }
        Ok(Self { rows, dim, data })
    }

    /// One code of W, repeated for every layer, `count` times.
    pub fn broadcast(w: &[f32], rows: usize, count: usize) -> Self {
        let dim = w.len();
        Self { rows, dim, data: w.iter().copied().cycle().take(count * rows * dim).collect() }
    }

    /// Number of codes.
    pub fn count(&self) -> usize {
        self.data.len() / (self.rows * self.dim)
    }

    /// Rows of a code (layers of the generator).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All numbers, `[N,L,D]`.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Code `k`, counted from 0: `[L,D]`.
    ///
    /// # Panics
    /// If there is no code `k`.
    pub fn code(&self, k: usize) -> &[f32] {
        let size = self.rows * self.dim;
        &self.data[k * size..(k + 1) * size]
    }

    /// Some of the codes, in the order asked for.
    ///
    /// # Errors
    /// [`Error::Frame`] if one is not there, or none is asked for.
    pub fn select(&self, frames: &[usize]) -> Result<Self> {
        let mut data = Vec::with_capacity(frames.len() * self.rows * self.dim);
        for &k in frames {
            if k >= self.count() {
                return Err(Error::Frame { asked: k + 1, count: self.count() });
            }
            data.extend_from_slice(self.code(k));
        }
        Self::new(self.rows, self.dim, data)
    }
}
