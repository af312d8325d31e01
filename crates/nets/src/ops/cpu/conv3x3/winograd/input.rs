//! The input transform.

use std::marker::PhantomData;

use super::super::super::simd::{Kernel, MAX_LANES, Simd};
use super::super::Shape;
use super::super::shuffle::apart;
use super::super::transform::{MAX_POINTS, MAX_TILE, Transform};
use super::tiles::Run;
use super::{Job, Line, SLAB, Space};

/// Most points of a two-dimensional transform.
const MAX_SQUARE: usize = MAX_POINTS * MAX_POINTS;

/// Transforms the tiles of a chunk, for the channels of a slab.
pub struct Input<'a, T> {
    /// The convolution.
    pub job: &'a Job<'a>,
    /// Number of the chunk.
    pub chunk: usize,
    /// Number of the slab.
    pub slab: usize,
    /// Where the transforms go.
    pub v: &'a mut [f32],
    /// Which transform.
    pub transform: PhantomData<T>,
}

impl<T: Transform> Kernel for Input<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = (self.job.weights.c_in - self.slab * SLAB).min(SLAB);
        let mut space = Space::new(simd);
        for vector in 0..self.job.chunk() / S::LANES {
            let first = self.job.chunk() * self.chunk + vector * S::LANES;
            let whole = self.job.tiles.whole_run(first, S::LANES);
            for channel in 0..channels {
                let start = self.job.place(channel, vector);
                if let Some(run) = whole {
                    self.read_rows(simd, channel, run, &mut space);
                    transform_columns::<T, S>(simd, &space.rows, |point, vector| {
                        simd.store(vector, &mut self.v[point * self.job.point_stride() + start..]);
                    });
                    continue;
                }
                // A run is stored as a whole vector; what is too much is overwritten by the next or dropped.
                let mut joined = [[0.0; 2 * MAX_LANES]; MAX_SQUARE];
                for run in self.job.tiles.runs(first, S::LANES) {
                    self.read_rows(simd, channel, run, &mut space);
                    transform_columns::<T, S>(simd, &space.rows, |point, vector| {
                        simd.store(vector, &mut joined[point][run.lane..]);
                    });
                }
                for (v, joined) in self.v.chunks_exact_mut(self.job.point_stride()).zip(&joined) {
                    v[start..start + S::LANES].copy_from_slice(&joined[..S::LANES]);
                }
            }
        }
    }
}

/// Transforms the columns of tiles whose rows are transformed, and hands out the points.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "`j` picks a number of every row")]
fn transform_columns<T: Transform, S: Simd>(
    simd: S,
    rows: &[[S::Vector; MAX_POINTS]; MAX_POINTS],
    mut write: impl FnMut(usize, S::Vector),
) {
    for j in 0..T::POINTS {
        let column = T::input(
            simd,
            [rows[0][j], rows[1][j], rows[2][j], rows[3][j], rows[4][j], rows[5][j]],
        );
        for (i, &vector) in column.iter().enumerate().take(T::POINTS) {
            write(i * T::POINTS + j, vector);
        }
    }
}

impl<T: Transform> Input<'_, T> {
    /// Reads the rows of as many tiles as a vector holds, of which the run's count, and transforms them.
    #[inline(always)]
    fn read_rows<S: Simd>(&self, simd: S, channel: usize, run: Run, space: &mut Space<S::Vector>) {
        let Shape { h, w, .. } = self.job.shape;
        let plane = (run.image * self.job.weights.c_in + self.slab * SLAB + channel) * h * w;
        for (i, row) in space.rows.iter_mut().enumerate().take(T::POINTS) {
            let y = (run.row * T::TILE + i).wrapping_sub(1);
            *row = if y < h {
                T::input(
                    simd,
                    self.columns(simd, plane + y * w, run.column * T::TILE, &mut space.lines[0]),
                )
            } else {
                [simd.splat(0.0); MAX_POINTS]
            };
        }
    }

    /// Column `j` of every tile of a row of pixels that starts at `start`, the first tile writing to pixel `x` and those behind.
    #[inline(always)]
    fn columns<S: Simd>(
        &self,
        simd: S,
        start: usize,
        x: usize,
        line: &mut Line,
    ) -> [S::Vector; MAX_POINTS] {
        let (w, source) = (self.job.shape.w, self.job.source);
        let len = S::LANES * T::TILE;
        let mut pixels = [simd.splat(0.0); MAX_TILE];
        if x + len > w {
            line[w - x..].fill(0.0);
            source.copy(start + x, &mut line[..w - x]);
            for (pixels, line) in pixels.iter_mut().zip(line[..len].chunks_exact(S::LANES)) {
                *pixels = simd.load(line);
            }
        } else {
            for (k, pixels) in pixels.iter_mut().enumerate().take(T::TILE) {
                *pixels = source.vector(simd, start + x + k * S::LANES);
            }
        }
        let inner = apart(simd, T::TILE, pixels);
        let before = if x == 0 { 0.0 } else { source.at(start + x - 1) };
        let behind = if x + len < w { source.at(start + x + len) } else { 0.0 };
        let mut columns = [simd.shifted_up(before, inner[T::TILE - 1]); MAX_POINTS];
        columns[1..=T::TILE].copy_from_slice(&inner[..T::TILE]);
        columns[T::TILE + 1] = simd.shifted_down(inner[0], behind);
        columns
    }
}
