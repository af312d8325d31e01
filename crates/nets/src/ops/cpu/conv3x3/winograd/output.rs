//! The matrix products and the output transform.

use std::marker::PhantomData;

use super::super::super::buffer::Filling;
use super::super::super::simd::{Kernel, Simd, prefetch};
use super::super::Shape;
use super::super::product::{Block, product};
use super::super::shuffle::together;
use super::super::transform::{MAX_POINTS, Transform};
use super::tiles::Run;
use super::{GROUP, Job, SLAB, Space};

/// Forms the products of a chunk for a group of output channels, and transforms them back.
pub struct Output<'a, T> {
    /// The convolution.
    pub job: &'a Job<'a>,
    /// Number of the chunk.
    pub chunk: usize,
    /// Number of the group.
    pub group: usize,
    /// The transforms of the chunk, for all input channels.
    pub v: &'a [f32],
    /// Room for the products.
    pub m: &'a mut [f32],
    /// The maps to write.
    pub out: &'a Filling,
    /// Which transform.
    pub transform: PhantomData<T>,
}

impl<T: Transform> Kernel for Output<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match self.job.block {
            Block { rows: 8, vectors: 2, .. } => self.products::<S, 8, 2>(simd),
            Block { rows: 6, vectors: 2, .. } => self.products::<S, 6, 2>(simd),
            Block { rows: 4, vectors: 2, .. } => self.products::<S, 4, 2>(simd),
            block => unreachable!("no product of {block:?}"),
        }
        let first = self.group * self.job.group_channels();
        let last = (first + self.job.group_channels()).min(self.job.weights.c_out);
        let mut space = Space::new(simd);
        for vector in 0..self.job.chunk() / S::LANES {
            let tile = self.job.chunk() * self.chunk + vector * S::LANES;
            let whole = self.job.tiles.whole_run(tile, S::LANES).filter(|run| {
                let (y, x) = (run.row * T::TILE, run.column * T::TILE);
                y + T::TILE <= self.job.shape.h && x + S::LANES * T::TILE <= self.job.shape.w
            });
            for channel in first..last {
                self.read_lines(simd, channel, vector, &mut space);
                for (i, line) in space.lines.iter().enumerate().take(T::TILE) {
                    match whole {
                        // Copies of a length known to the compiler, which nearly all are, become vector moves.
                        Some(run) => self.write(&line[..S::LANES * T::TILE], i, channel, run),
                        None => self.write_pieces(line, i, channel, tile, S::LANES),
                    }
                }
            }
        }
    }
}

impl<T: Transform> Output<'_, T> {
    #[inline(always)]
    fn products<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S) {
        let job = self.job;
        let (c_in, width, chunk) = (job.weights.c_in, VECTORS * S::LANES, job.chunk());
        let blocks = job.weights.c_out.div_ceil(ROWS);
        let first = self.group * GROUP;
        let last = (first + GROUP).min(blocks);
        // With few channels all of this stays in the second-level cache, and asking costs time.
        let far = job.panels > 1;
        for point in 0..job.points {
            for block in first..last {
                let start = (point * blocks + block) * c_in * ROWS;
                let u = &job.weights.numbers[start..start + c_in * ROWS];
                let following = if block + 1 < last { block + 1 } else { first + blocks };
                let ahead = (point * blocks + following) * c_in * ROWS;
                for panel in 0..job.panels {
                    let mut sum = [[simd.splat(0.0); VECTORS]; ROWS];
                    let slabs = u.chunks(SLAB * ROWS).zip(self.v.chunks_exact(job.slab_len()));
                    for (slab, (u, v)) in slabs.enumerate() {
                        if far && panel == 0 {
                            let at = ahead + slab * SLAB * ROWS;
                            prefetch_part(&job.weights.numbers, at, u.len());
                        }
                        if far {
                            let share = job.panels * SLAB * width / ((last - first) * job.panels);
                            let part = (block - first) * job.panels + panel;
                            let start = (point + 1) * job.point_stride() + part * share;
                            prefetch_part(v, start, share);
                        }
                        let v =
                            &v[point * job.point_stride() + panel * SLAB * width..][..SLAB * width];
                        product(simd, &mut sum, u, v.chunks_exact(width));
                    }
                    let m = &mut self.m
                        [((block - first) * ROWS * job.points + point) * chunk + panel * width..];
                    for (row, sum) in sum.iter().enumerate() {
                        for (j, &sum) in sum.iter().enumerate() {
                            simd.store(sum, &mut m[row * job.points * chunk + j * S::LANES..]);
                        }
                    }
                }
            }
        }
    }

    /// Transforms a vector of tiles of one channel back, to rows of pixels.
    #[inline(always)]
    fn read_lines<S: Simd>(
        &self,
        simd: S,
        channel: usize,
        vector: usize,
        space: &mut Space<S::Vector>,
    ) {
        let job = self.job;
        let start = (channel - self.group * job.group_channels()) * job.points * job.chunk()
            + vector * S::LANES;
        let zero = simd.splat(0.0);
        for j in 0..T::POINTS {
            let mut column = [zero; MAX_POINTS];
            for (i, column) in column.iter_mut().enumerate().take(T::POINTS) {
                *column = simd.load(&self.m[start + (i * T::POINTS + j) * job.chunk()..]);
            }
            let column = T::output(simd, column);
            for (row, &value) in space.rows.iter_mut().zip(&column).take(T::TILE) {
                row[j] = value;
            }
        }
        let bias = simd.splat(job.finish.bias(channel));
        for (row, line) in space.rows.iter().zip(&mut space.lines).take(T::TILE) {
            let mut pixels = T::output(simd, *row);
            for value in &mut pixels {
                *value = simd.add(*value, bias);
                if job.finish.relu {
                    *value = simd.max(zero, *value);
                }
            }
            together(simd, T::TILE, pixels, line);
        }
    }

    /// Writes row `i` of the tiles from `first` on, as far as it lies in the map.
    #[inline(always)]
    fn write_pieces(&self, line: &[f32], i: usize, channel: usize, first: usize, lanes: usize) {
        let Shape { h, w, .. } = self.job.shape;
        for run in self.job.tiles.runs(first, lanes) {
            let (y, x) = (run.row * T::TILE + i, run.column * T::TILE);
            if y < h {
                let len = (run.len * T::TILE).min(w - x);
                self.write(&line[run.lane * T::TILE..][..len], i, channel, run);
            }
        }
    }

    /// Writes pixels of row `i` of a run of tiles.
    #[inline(always)]
    fn write(&self, pixels: &[f32], i: usize, channel: usize, run: Run) {
        let Shape { h, w, .. } = self.job.shape;
        let row = (run.image * self.job.weights.c_out + channel) * h + run.row * T::TILE + i;
        let start = row * w + run.column * T::TILE;
        // SAFETY: a pixel belongs to one tile, a tile to one chunk, and a chunk and channel to one task.
        let target = unsafe { self.out.part(start..start + pixels.len()) };
        target.write_copy_of_slice(pixels);
    }
}

/// Asks for `len` numbers from `start` on, as far as there are any: filters and transforms are many,
/// each is read once in a while, and they come from far away.
#[inline(always)]
fn prefetch_part(numbers: &[f32], start: usize, len: usize) {
    if let Some(numbers) = numbers.get(start..) {
        prefetch(&numbers[..len.min(numbers.len())]);
    }
}
