//! Convolution as it is written, on a padded copy of the input.
//!
//! The copy holds the images of a batch one below the other, with a row of zeros above each and below the last and one column
//! of zeros to the left, which serves as the right border of the row above too. Read as one long line, the nine neighbours of
//! a pixel then lie at nine fixed distances, so that vectors of pixels need not end where rows do; what the columns and rows of zeros
//! would get is computed and dropped.

use rayon::prelude::*;

use super::super::buffer::{Filling, fill_with};
use super::super::simd::{Isa, Kernel, Simd};
use super::product::{Block, product};
use super::{Filters, Finish, Shape, Source, with_scratch};

/// Numbers of a padded copy that still fit beside the rest in the second-level cache.
const STRIP_LEN: usize = 256 * 1024;
/// Strips a large map is cut into at least, for the threads to share.
const STRIPS: usize = 16;

/// Filters, `[block of output channels][input channel][tap][row of the block]`.
pub struct Weights {
    c_in: usize,
    c_out: usize,
    block: Block,
    numbers: Vec<f32>,
}

impl Weights {
    /// Rearranges the filters.
    pub fn new(isa: Isa, filters: &Filters) -> Weights {
        let &Filters { c_in, c_out, .. } = filters;
        let mut block = Block::of(isa);
        if c_out <= 4 {
            // To RGB: fewer rows, and on wide registers more vectors instead.
            block.rows = 4;
            block.vectors = if isa == Isa::Avx512 { 4 } else { 2 };
        }
        let mut numbers = vec![0.0; c_out.next_multiple_of(block.rows) * c_in * 9];
        for (at, number) in numbers.iter_mut().enumerate() {
            let (step, row) = (at / block.rows, at % block.rows);
            *number = filters.taps(step / (9 * c_in) * block.rows + row, step / 9 % c_in)[step % 9];
        }
        Weights { c_in, c_out, block, numbers }
    }
}

/// Convolves a batch.
pub fn convolve(
    isa: Isa,
    weights: &Weights,
    source: Source,
    shape: Shape,
    finish: Finish,
) -> Vec<f32> {
    let out = Filling::new(shape.n * weights.c_out * shape.h * shape.w);
    let strips = Strips::new(weights, shape);
    let job = Job { isa, weights, source, shape, finish, strips };
    let blocks = weights.c_out.div_ceil(weights.block.rows);
    if strips.count() == 1 {
        with_scratch(strips.padded_len(weights), |padded| {
            isa.run(Pad { job: &job, strip: 0, padded });
            let padded = &*padded;
            (0..blocks).into_par_iter().for_each(|block| job.block(0, block, padded, &out));
        });
    } else {
        (0..strips.count()).into_par_iter().for_each(|strip| {
            with_scratch(strips.padded_len(weights), |padded| {
                isa.run(Pad { job: &job, strip, padded });
                (0..blocks).for_each(|block| job.block(strip, block, padded, &out));
            });
        });
    }
    // SAFETY: the strips cover the rows of all images, and every block of channels was written for each strip.
    unsafe { out.finish() }
}

/// The rows of a batch, one image below the other with a row between them, cut into strips.
#[derive(Clone, Copy)]
struct Strips {
    /// Rows in all.
    total: usize,
    /// Rows of a strip.
    rows: usize,
    /// Numbers of a padded row.
    pitch: usize,
}

impl Strips {
    fn new(weights: &Weights, shape: Shape) -> Strips {
        let pitch = shape.w + 1;
        let total = shape.n * (shape.h + 1) - 1;
        let fitting = (STRIP_LEN / (weights.c_in * pitch).max(1)).saturating_sub(2).max(4);
        let shared = total.div_ceil(STRIPS).max(16);
        Strips { total, rows: fitting.min(shared).min(total), pitch }
    }

    fn count(&self) -> usize {
        self.total.div_ceil(self.rows)
    }

    /// Distance between the padded copies of channels.
    fn stride(&self) -> usize {
        (self.rows + 2) * self.pitch
    }

    /// Pixels of a strip, up to a whole block.
    fn pixels(&self, block: Block) -> usize {
        (self.rows * self.pitch).next_multiple_of(block.width())
    }

    /// Numbers of the padded copy, and of what the last vectors read behind it.
    fn padded_len(&self, weights: &Weights) -> usize {
        weights.c_in * self.stride() + weights.block.width() + 2
    }
}

/// One convolution.
struct Job<'a> {
    isa: Isa,
    weights: &'a Weights,
    source: Source<'a>,
    shape: Shape,
    finish: Finish<'a>,
    strips: Strips,
}

impl Job<'_> {
    /// Computes a block of output channels of a strip.
    fn block(&self, strip: usize, block: usize, padded: &[f32], out: &Filling) {
        with_scratch(self.weights.block.rows * self.strips.pixels(self.weights.block), |sums| {
            self.isa.run(Convolve { job: self, strip, block, padded, sums, out });
        });
    }

    /// Image and row of a row of the batch; `None` for the rows between images.
    fn row(&self, row: usize) -> Option<(usize, usize)> {
        let (image, y) = (row / (self.shape.h + 1), row % (self.shape.h + 1));
        (y < self.shape.h && image < self.shape.n).then_some((image, y))
    }
}

/// Makes the padded copy of a strip.
struct Pad<'a> {
    job: &'a Job<'a>,
    strip: usize,
    padded: &'a mut [f32],
}

impl Kernel for Pad<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Pad { job, strip, padded } = self;
        let Strips { rows, pitch, .. } = job.strips;
        let Shape { h, w, .. } = job.shape;
        let (lines, slack) = padded.split_at_mut(job.weights.c_in * job.strips.stride());
        slack.fill(0.0);
        for (at, line) in lines.chunks_exact_mut(pitch).enumerate() {
            let (channel, row) = (at / (rows + 2), strip * rows + at % (rows + 2));
            match row.checked_sub(1).and_then(|row| job.row(row)) {
                None => line.fill(0.0),
                Some((image, y)) => {
                    line[0] = 0.0;
                    job.source
                        .copy(((image * job.weights.c_in + channel) * h + y) * w, &mut line[1..]);
                }
            }
        }
    }
}

/// Sums up a block of output channels of a strip.
struct Convolve<'a> {
    job: &'a Job<'a>,
    strip: usize,
    block: usize,
    padded: &'a [f32],
    sums: &'a mut [f32],
    out: &'a Filling,
}

impl Kernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match self.job.weights.block {
            Block { rows: 8, vectors: 2, .. } => self.sum::<S, 8, 2>(simd),
            Block { rows: 6, vectors: 2, .. } => self.sum::<S, 6, 2>(simd),
            Block { rows: 4, vectors: 4, .. } => self.sum::<S, 4, 4>(simd),
            Block { rows: 4, vectors: 2, .. } => self.sum::<S, 4, 2>(simd),
            block => unreachable!("no product of {block:?}"),
        }
        self.write();
    }
}

impl Convolve<'_> {
    #[inline(always)]
    fn sum<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S) {
        let Job { weights, strips, .. } = *self.job;
        let numbers = ROWS * weights.c_in * 9;
        let taps = &weights.numbers[self.block * numbers..][..numbers];
        let pixels = strips.pixels(weights.block);
        for pixel in (0..pixels).step_by(VECTORS * S::LANES) {
            let mut sum = [[simd.splat(0.0); VECTORS]; ROWS];
            for (channel, taps) in taps.chunks_exact(9 * ROWS).enumerate() {
                let near = &self.padded[channel * strips.stride() + pixel..];
                let shifted = (0..9)
                    .map(|tap| &near[tap / 3 * strips.pitch + tap % 3..][..VECTORS * S::LANES]);
                product(simd, &mut sum, taps, shifted);
            }
            for (row, sum) in sum.iter().enumerate() {
                for (j, &sum) in sum.iter().enumerate() {
                    simd.store(sum, &mut self.sums[row * pixels + pixel + j * S::LANES..]);
                }
            }
        }
    }

    /// Writes the sums that belong to pixels.
    #[inline(always)]
    fn write(&self) {
        let Job { weights, strips, shape: Shape { h, w, .. }, finish, .. } = *self.job;
        let first = self.block * weights.block.rows;
        let sums = self.sums.chunks_exact(strips.pixels(weights.block));
        for (channel, sums) in (first..weights.c_out).zip(sums) {
            let bias = finish.bias(channel);
            for (row, sums) in sums.chunks_exact(strips.pitch).take(strips.rows).enumerate() {
                let Some((image, y)) = self.job.row(self.strip * strips.rows + row) else {
                    continue;
                };
                let start = ((image * weights.c_out + channel) * h + y) * w;
                // SAFETY: a row belongs to one strip, a strip and a block of channels to one task.
                let target = unsafe { self.out.part(start..start + w) };
                fill_with(target, |x| finish.apply(sums[x], bias));
            }
        }
    }
}
