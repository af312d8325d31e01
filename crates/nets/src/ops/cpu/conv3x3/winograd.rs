//! Convolution by Winograd's minimal filtering.
//!
//! Neighbouring tiles lie side by side in the lanes of a vector, so that feature maps are read and written as they are, `NCHW`,
//! and any number of channels will do. The tiles of a batch are numbered row by row and cut into chunks:
//!
//! ```text
//! input     v[point][channel][tile] = B^T d B
//! products  m[channel][point][tile] = sum over input channels of u[point] v[point]
//! output    y = A^T m A + bias
//! ```

mod input;
mod output;
mod tiles;

use std::marker::PhantomData;

use rayon::prelude::*;

use super::super::buffer::Filling;
use super::super::simd::{Isa, MAX_LANES, Simd};
use super::product::Block;
use super::transform::{MAX_POINTS, MAX_TILE, Transform};
use super::{Filters, Finish, Shape, Source, with_scratch};
use input::Input;
use output::Output;
use tiles::Tiles;

/// Pixels of one row of a vector of tiles.
type Line = [f32; MAX_LANES * MAX_TILE];
/// Pixels of all rows that a vector of tiles gives.
type Lines = [Line; MAX_TILE];
/// Input channels whose transforms lie together: the unit of work of the input transform.
const SLAB: usize = 64;
/// Blocks of output channels whose products are formed before they are transformed back: the unit of work of that.
const GROUP: usize = 8;

/// Transformed filters, `[point][block of output channels][input channel][row of the block]`.
pub struct Weights {
    c_in: usize,
    c_out: usize,
    numbers: Vec<f32>,
}

impl Weights {
    /// Transforms the filters in `f64`.
    pub fn new<T: Transform>(isa: Isa, filters: &Filters) -> Weights {
        let rows = Block::of(isa).rows;
        let &Filters { c_in, c_out, .. } = filters;
        let mut numbers = vec![0.0; T::POINTS * T::POINTS * c_out.next_multiple_of(rows) * c_in];
        let point_len = numbers.len() / (T::POINTS * T::POINTS);
        numbers.par_chunks_mut(point_len.max(1)).enumerate().for_each(|(point, numbers)| {
            let (vertical, horizontal) =
                (T::FILTER[point / T::POINTS], T::FILTER[point % T::POINTS]);
            let factors: [f64; 9] =
                std::array::from_fn(|tap| vertical[tap / 3] * horizontal[tap % 3]);
            for (at, number) in numbers.iter_mut().enumerate() {
                let (o, i) = (at / rows / c_in * rows + at % rows, at / rows % c_in);
                let taps = filters.taps(o, i);
                *number = factors
                    .iter()
                    .zip(taps)
                    .map(|(factor, tap)| factor * f64::from(tap))
                    .sum::<f64>() as f32;
            }
        });
        Weights { c_in, c_out, numbers }
    }
}

/// Convolves a batch with transformed filters.
pub fn convolve<T: Transform>(
    isa: Isa,
    weights: &Weights,
    source: Source,
    shape: Shape,
    finish: Finish,
) -> Vec<f32> {
    let tiles = Tiles::new::<T>(shape);
    let block = Block::of(isa);
    let panels = panels(tiles.count(), weights.c_in, block);
    let job = Job {
        isa,
        weights,
        source,
        shape,
        finish,
        tiles,
        block,
        panels,
        points: T::POINTS * T::POINTS,
    };
    let out = Filling::new(shape.n * weights.c_out * shape.h * shape.w);
    if job.chunks() >= 2 * rayon::current_num_threads() {
        job.by_chunks::<T>(&out);
    } else {
        job.by_groups::<T>(&out);
    }
    // SAFETY: the tiles of all chunks cover the maps, and every group of channels was written for each chunk.
    unsafe { out.finish() }
}

/// Panels of tiles in a chunk. A second one halves how often the filters are read, which pays when they are many; with few
/// channels it would push the chunk out of the second-level cache.
fn panels(tiles: usize, c_in: usize, block: Block) -> usize {
    if c_in >= 256 && tiles > block.width() { 2 } else { 1 }
}

/// One convolution.
#[derive(Clone, Copy)]
struct Job<'a> {
    isa: Isa,
    weights: &'a Weights,
    source: Source<'a>,
    shape: Shape,
    finish: Finish<'a>,
    tiles: Tiles,
    block: Block,
    panels: usize,
    points: usize,
}

impl Job<'_> {
    /// Tiles of a chunk.
    fn chunk(&self) -> usize {
        self.panels * self.block.width()
    }

    fn chunks(&self) -> usize {
        self.tiles.count().div_ceil(self.chunk())
    }

    fn slabs(&self) -> usize {
        self.weights.c_in.div_ceil(SLAB)
    }

    /// Distance between the points of a slab. The 16 numbers on top keep the points, which are written together, from falling
    /// on one set of the cache.
    fn point_stride(&self) -> usize {
        self.panels * SLAB * self.block.width() + 16
    }

    /// Where a vector of tiles of a channel lies in a point of a slab.
    #[inline(always)]
    fn place(&self, channel: usize, vector: usize) -> usize {
        let Block { vectors, lanes, .. } = self.block;
        (vector / vectors * SLAB + channel) * vectors * lanes + vector % vectors * lanes
    }

    fn slab_len(&self) -> usize {
        self.points * self.point_stride()
    }

    fn group_channels(&self) -> usize {
        GROUP * self.block.rows
    }

    fn groups(&self) -> usize {
        self.weights.c_out.div_ceil(self.group_channels())
    }

    /// Numbers of a group's products.
    fn product_len(&self) -> usize {
        self.group_channels() * self.points * self.chunk()
    }

    /// A task does all of a chunk: what it transforms stays in its own cache.
    fn by_chunks<T: Transform>(&self, out: &Filling) {
        let v_len = self.slabs() * self.slab_len();
        (0..self.chunks()).into_par_iter().for_each(|chunk| {
            with_scratch(v_len + self.product_len(), |scratch| {
                let (v, m) = scratch.split_at_mut(v_len);
                for (slab, v) in v.chunks_exact_mut(self.slab_len()).enumerate() {
                    self.isa.run(Input::<T> { job: self, chunk, slab, v, transform: PhantomData });
                }
                for group in 0..self.groups() {
                    self.isa.run(Output::<T> {
                        job: self,
                        chunk,
                        group,
                        v,
                        m,
                        out,
                        transform: PhantomData,
                    });
                }
            });
        });
    }

    /// For few chunks: the input is transformed by all threads, then each takes its share of the output channels, so that
    /// every filter is read by one thread only.
    fn by_groups<T: Transform>(&self, out: &Filling) {
        let (slabs, groups, v_len) = (self.slabs(), self.groups(), self.slabs() * self.slab_len());
        with_scratch(self.chunks() * v_len, |v| {
            v.par_chunks_exact_mut(self.slab_len()).enumerate().for_each(|(task, v)| {
                let (chunk, slab) = (task / slabs, task % slabs);
                self.isa.run(Input::<T> { job: self, chunk, slab, v, transform: PhantomData });
            });
            let v = &*v;
            (0..groups).into_par_iter().for_each(|group| {
                with_scratch(self.product_len(), |m| {
                    for (chunk, v) in v.chunks_exact(v_len).enumerate() {
                        self.isa.run(Output::<T> {
                            job: self,
                            chunk,
                            group,
                            v,
                            m,
                            out,
                            transform: PhantomData,
                        });
                    }
                });
            });
        });
    }
}

/// What the transforms of one vector of tiles work in. Made once for many: clearing it takes as long as a transform.
struct Space<V> {
    /// Input: rows of the tiles, transformed. Output: columns of the products, transformed back.
    rows: [[V; MAX_POINTS]; MAX_POINTS],
    lines: Lines,
}

impl<V: Copy> Space<V> {
    #[inline(always)]
    fn new<S: Simd<Vector = V>>(simd: S) -> Space<V> {
        Space {
            rows: [[simd.splat(0.0); MAX_POINTS]; MAX_POINTS],
            lines: [[0.0; MAX_LANES * MAX_TILE]; MAX_TILE],
        }
    }
}
