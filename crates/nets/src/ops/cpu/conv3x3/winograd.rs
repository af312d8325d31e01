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

use rayon::prelude::*;

use super::super::buffer::Filling;
use super::super::simd::{Isa, Kernel, Simd};
use super::product::{Block, product};
use super::shuffle::{MAX_LANES, apart, shifted_down, shifted_up, together};
use super::transform::{MAX_POINTS, MAX_TILE, Transform};
use super::{Filters, Finish, Shape, Source, with_scratch};

/// Most points of a two-dimensional transform.
const MAX_SQUARE: usize = MAX_POINTS * MAX_POINTS;
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

/// The grid of tiles of a batch, numbered image by image, row by row.
#[derive(Clone, Copy)]
struct Tiles {
    n: usize,
    rows: usize,
    columns: usize,
}

/// Tiles side by side in one row of tiles, and the lane of the first.
#[derive(Clone, Copy, Default)]
struct Run {
    lane: usize,
    len: usize,
    image: usize,
    row: usize,
    column: usize,
}

impl Tiles {
    fn new<T: Transform>(shape: Shape) -> Tiles {
        Tiles { n: shape.n, rows: shape.h.div_ceil(T::TILE), columns: shape.w.div_ceil(T::TILE) }
    }

    fn count(&self) -> usize {
        self.n * self.rows * self.columns
    }

    /// The run that `lanes` tiles from `first` on are, if they lie in one row.
    #[inline(always)]
    fn whole_run(self, first: usize, lanes: usize) -> Option<Run> {
        self.runs(first, lanes).next().filter(|run| run.len == lanes)
    }

    /// The runs that `lanes` tiles from `first` on are made of; lanes behind the last tile are in none.
    #[inline(always)]
    fn runs(self, first: usize, lanes: usize) -> impl Iterator<Item = Run> {
        let end = (first + lanes).min(self.count());
        let mut tile = first;
        std::iter::from_fn(move || {
            (tile < end).then(|| {
                let (line, column) = (tile / self.columns, tile % self.columns);
                let len = (self.columns - column).min(end - tile);
                let lane = tile - first;
                tile += len;
                Run { lane, len, image: line / self.rows, row: line % self.rows, column }
            })
        })
    }
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
                    self.isa.run(Input::<T> {
                        job: self,
                        chunk,
                        slab,
                        v,
                        transform: std::marker::PhantomData,
                    });
                }
                for group in 0..self.groups() {
                    self.isa.run(Output::<T> {
                        job: self,
                        chunk,
                        group,
                        v,
                        m,
                        out,
                        transform: std::marker::PhantomData,
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
                self.isa.run(Input::<T> {
                    job: self,
                    chunk,
                    slab,
                    v,
                    transform: std::marker::PhantomData,
                });
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
                            transform: std::marker::PhantomData,
                        });
                    }
                });
            });
        });
    }
}

/// Transforms the tiles of a chunk, for the channels of a slab.
struct Input<'a, T> {
    job: &'a Job<'a>,
    chunk: usize,
    slab: usize,
    v: &'a mut [f32],
    transform: std::marker::PhantomData<T>,
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

/// Transforms the columns of tiles whose rows are transformed, and hands out the points.
#[inline(always)]
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
        let pixels = if x + len > w {
            line[w - x..].fill(0.0);
            source.copy(start + x, &mut line[..w - x]);
            &line[..len]
        } else if source.active.is_some() {
            source.copy(start + x, &mut line[..len]);
            &line[..len]
        } else {
            &source.values[start + x..][..len]
        };
        let inner = apart(simd, T::TILE, pixels);
        let before = if x == 0 { 0.0 } else { source.at(start + x - 1) };
        let behind = if x + len < w { source.at(start + x + len) } else { 0.0 };
        let mut columns = [shifted_up(simd, before, &inner[T::TILE - 1]); MAX_POINTS];
        for j in 0..T::TILE {
            columns[j + 1] = simd.load(&inner[j]);
        }
        columns[T::TILE + 1] = shifted_down(simd, &inner[0], behind);
        columns
    }
}

/// Forms the products of a chunk for a group of output channels, and transforms them back.
struct Output<'a, T> {
    job: &'a Job<'a>,
    chunk: usize,
    group: usize,
    v: &'a [f32],
    m: &'a mut [f32],
    out: &'a Filling,
    transform: std::marker::PhantomData<T>,
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
        for point in 0..job.points {
            for block in first..(first + GROUP).min(blocks) {
                let u =
                    &job.weights.numbers[(point * blocks + block) * c_in * ROWS..][..c_in * ROWS];
                for panel in 0..job.panels {
                    let mut sum = [[simd.splat(0.0); VECTORS]; ROWS];
                    for (u, v) in u.chunks(SLAB * ROWS).zip(self.v.chunks_exact(job.slab_len())) {
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
            for i in 0..T::TILE {
                space.rows[i][j] = column[i];
            }
        }
        let bias = simd.splat(job.finish.bias(channel));
        for (row, line) in space.rows.iter().zip(&mut space.lines).take(T::TILE) {
            let mut pixels = [[0.0; MAX_LANES]; MAX_TILE];
            for (pixels, value) in pixels.iter_mut().zip(T::output(simd, *row)) {
                let value = simd.add(value, bias);
                simd.store(if job.finish.relu { simd.max(zero, value) } else { value }, pixels);
            }
            together(simd, T::TILE, &pixels, line);
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
