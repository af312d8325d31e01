//! Distances between a map and a constant target: mean squared difference, and
//! the weighted squared difference of unit feature vectors that LPIPS takes.
//!
//! Sums run over blocks of a fixed size whose results are added in f64 and in order,
//! so results do not depend on the number of threads.

use rayon::prelude::*;

use super::buffer::Filling;
use super::simd::{Isa, Kernel, Simd};

/// Values of one piece of work.
const BLOCK: usize = 1 << 15;
/// Values that are summed up in f32: each lane adds a few dozen.
const RUN: usize = 1 << 10;
/// Positions of one block of [`unit_forward`]: their norms stay in the first cache.
const POSITIONS: usize = 256;
/// Added under the root and to the norm, see [`unit_forward`].
const UNDER_ROOT: f32 = 1e-20;
const TO_NORM: f32 = 1e-10;

/// `mean (x - target)^2`.
///
/// # Panics
/// If the slices differ in length.
pub fn squared_forward(x: &[f32], target: &[f32]) -> f32 {
    squared_forward_on(Isa::active(), x, target)
}

fn squared_forward_on(isa: Isa, x: &[f32], target: &[f32]) -> f32 {
    assert_eq!(x.len(), target.len(), "one size");
    let blocks: Vec<f64> = x
        .par_chunks(BLOCK)
        .zip(target.par_chunks(BLOCK))
        .map(|(x, target)| isa.run(Squares { x, target }))
        .collect();
    (blocks.iter().sum::<f64>() / x.len() as f64) as f32
}

/// Gradient of [`squared_forward`] to `x`, times `grad`.
///
/// # Panics
/// If the slices differ in length.
pub fn squared_backward(x: &[f32], target: &[f32], grad: f32) -> Vec<f32> {
    squared_backward_on(Isa::active(), x, target, grad)
}

fn squared_backward_on(isa: Isa, x: &[f32], target: &[f32], grad: f32) -> Vec<f32> {
    assert_eq!(x.len(), target.len(), "one size");
    let factor = 2.0 * grad / x.len() as f32;
    let gx = Filling::new(x.len());
    x.par_chunks(BLOCK).zip(target.par_chunks(BLOCK)).enumerate().for_each(|(k, (x, target))| {
        isa.run(SquaresBackward { x, target, factor, start: k * BLOCK, gx: &gx });
    });
    // SAFETY: the blocks cover all of `x`, and each writes as many numbers as it reads.
    unsafe { gx.finish() }
}

/// The sum of squares of one block.
struct Squares<'a> {
    x: &'a [f32],
    target: &'a [f32],
}

impl Kernel for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let mut total = 0.0;
        for (x, target) in self.x.chunks(RUN).zip(self.target.chunks(RUN)) {
            let mut sums = [simd.splat(0.0); 4];
            let mut at = 0;
            while at + 4 * S::LANES <= x.len() {
                for sum in &mut sums {
                    let d = simd.sub(simd.load(&x[at..]), simd.load(&target[at..]));
                    *sum = simd.mul_add(d, d, *sum);
                    at += S::LANES;
                }
            }
            let sum = simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]));
            let rest: f32 = x[at..].iter().zip(&target[at..]).map(|(x, t)| (x - t).powi(2)).sum();
            total += f64::from(simd.sum(sum) + rest);
        }
        total
    }
}

/// The gradient of one block.
struct SquaresBackward<'a> {
    x: &'a [f32],
    target: &'a [f32],
    factor: f32,
    start: usize,
    gx: &'a Filling,
}

impl Kernel for SquaresBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { x, target, factor, start, gx } = self;
        // SAFETY: the blocks do not overlap.
        let gx = unsafe { gx.part(start..start + x.len()) };
        let gain = simd.splat(factor);
        let whole = x.len() / S::LANES * S::LANES;
        for at in (0..whole).step_by(S::LANES) {
            let d = simd.sub(simd.load(&x[at..]), simd.load(&target[at..]));
            simd.store_uninit(simd.mul(gain, d), &mut gx[at..]);
        }
        for at in whole..x.len() {
            gx[at].write(factor * (x[at] - target[at]));
        }
    }
}

/// Mean over positions of `sum_c head_c (x_c / |x| - target_c)^2` for one map
/// `[C, positions]`, where `|x| = sqrt(sum_c x_c^2 + 1e-20) + 1e-10`.
///
/// # Panics
/// If the map is not `C` times the positions, or the target is of another size.
pub fn unit_forward(x: &[f32], target: &[f32], head: &[f32]) -> f32 {
    unit_forward_on(Isa::active(), x, target, head)
}

fn unit_forward_on(isa: Isa, x: &[f32], target: &[f32], head: &[f32]) -> f32 {
    let map = UnitMap::new(x, target, head);
    let blocks: Vec<f64> =
        map.starts().map(|start| isa.run(UnitBlock { map: &map, start })).collect();
    (blocks.iter().sum::<f64>() / map.positions as f64) as f32
}

/// Gradient of [`unit_forward`] to `x`, times `grad`.
///
/// With `q = sqrt(sum x^2 + 1e-20)`, `r = q + 1e-10`, `u = x / r` and `e_c` the
/// gradient to `u_c`: `g_c = e_c / r - x_c (sum_k e_k x_k) / (r^2 q)`.
///
/// # Panics
/// As [`unit_forward`].
pub fn unit_backward(x: &[f32], target: &[f32], head: &[f32], grad: f32) -> Vec<f32> {
    unit_backward_on(Isa::active(), x, target, head, grad)
}

fn unit_backward_on(isa: Isa, x: &[f32], target: &[f32], head: &[f32], grad: f32) -> Vec<f32> {
    let map = UnitMap::new(x, target, head);
    let factor = 2.0 * grad / map.positions as f32;
    let gx = Filling::new(x.len());
    map.starts().for_each(|start| {
        isa.run(UnitBlockBackward { map: &map, start, factor, gx: &gx });
    });
    // SAFETY: the blocks cover all positions, and each writes its positions of every channel.
    unsafe { gx.finish() }
}

/// A map, its target and the factors of its channels.
struct UnitMap<'a> {
    x: &'a [f32],
    target: &'a [f32],
    head: &'a [f32],
    positions: usize,
}

impl<'a> UnitMap<'a> {
    fn new(x: &'a [f32], target: &'a [f32], head: &'a [f32]) -> Self {
        let positions = x.len() / head.len();
        assert_eq!(x.len(), positions * head.len(), "a map of {} channels", head.len());
        assert_eq!(x.len(), target.len(), "one size");
        Self { x, target, head, positions }
    }

    /// First position of every block, in parallel.
    fn starts(&self) -> impl IndexedParallelIterator<Item = usize> {
        (0..self.positions.div_ceil(POSITIONS)).into_par_iter().map(|block| block * POSITIONS)
    }

    fn width(&self, start: usize) -> usize {
        POSITIONS.min(self.positions - start)
    }

    /// Place of a block in channel `c`, and its map and target there.
    #[inline(always)]
    fn row(&self, c: usize, start: usize) -> (usize, &[f32], &[f32]) {
        let at = c * self.positions + start;
        let width = self.width(start);
        (at, &self.x[at..at + width], &self.target[at..at + width])
    }

    /// `sqrt(sum_c x_c^2 + 1e-20)` at the positions of a block.
    #[inline(always)]
    fn norms(&self, start: usize) -> [f32; POSITIONS] {
        let mut norms = [0.0f32; POSITIONS];
        for c in 0..self.head.len() {
            let (_, x, _) = self.row(c, start);
            let norms = &mut norms[..x.len()];
            for i in 0..x.len() {
                norms[i] += x[i] * x[i];
            }
        }
        for norm in &mut norms {
            *norm = (*norm + UNDER_ROOT).sqrt();
        }
        norms
    }
}

/// `1 / r` of the norms of a block.
#[inline(always)]
fn reciprocals(norms: &[f32; POSITIONS]) -> [f32; POSITIONS] {
    let mut out = [0.0f32; POSITIONS];
    for i in 0..POSITIONS {
        out[i] = 1.0 / (norms[i] + TO_NORM);
    }
    out
}

/// The sum over the positions of a block.
struct UnitBlock<'a> {
    map: &'a UnitMap<'a>,
    start: usize,
}

impl Kernel for UnitBlock<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        let Self { map, start } = self;
        let scale = reciprocals(&map.norms(start));
        let mut sums = [0.0f32; POSITIONS];
        for (c, &head) in map.head.iter().enumerate() {
            let (_, x, target) = map.row(c, start);
            let (scale, sums) = (&scale[..x.len()], &mut sums[..x.len()]);
            let target = &target[..x.len()];
            for i in 0..x.len() {
                let d = x[i] * scale[i] - target[i];
                sums[i] += head * d * d;
            }
        }
        sums[..map.width(start)].iter().map(|s| f64::from(*s)).sum()
    }
}

/// The gradient at the positions of a block.
struct UnitBlockBackward<'a> {
    map: &'a UnitMap<'a>,
    start: usize,
    factor: f32,
    gx: &'a Filling,
}

impl Kernel for UnitBlockBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { map, start, factor, gx } = self;
        let norms = map.norms(start);
        let scale = reciprocals(&norms);
        let mut dot = [0.0f32; POSITIONS];
        for (c, head) in map.head.iter().enumerate() {
            let (_, x, target) = map.row(c, start);
            let (scale, dot) = (&scale[..x.len()], &mut dot[..x.len()]);
            let target = &target[..x.len()];
            let gain = factor * head;
            for i in 0..x.len() {
                dot[i] += gain * (x[i] * scale[i] - target[i]) * x[i];
            }
        }
        // What the norm's own gradient takes off, for each unit of x.
        let mut toll = [0.0f32; POSITIONS];
        for i in 0..POSITIONS {
            toll[i] = dot[i] * scale[i] / norms[i];
        }
        let mut g = [0.0f32; POSITIONS];
        for (c, head) in map.head.iter().enumerate() {
            let (at, x, target) = map.row(c, start);
            let (scale, toll) = (&scale[..x.len()], &toll[..x.len()]);
            let (target, g) = (&target[..x.len()], &mut g[..x.len()]);
            let gain = factor * head;
            for i in 0..x.len() {
                g[i] = (gain * (x[i] * scale[i] - target[i]) - x[i] * toll[i]) * scale[i];
            }
            // SAFETY: a position of a channel belongs to one block.
            let out = unsafe { gx.part(at..at + x.len()) };
            copy(simd, g, out);
        }
    }
}

/// Copies numbers into memory that may be uninitialised.
#[inline(always)]
fn copy<S: Simd>(simd: S, from: &[f32], to: &mut [std::mem::MaybeUninit<f32>]) {
    let whole = from.len() / S::LANES * S::LANES;
    for at in (0..whole).step_by(S::LANES) {
        simd.store_uninit(simd.load(&from[at..]), &mut to[at..]);
    }
    for at in whole..from.len() {
        to[at].write(from[at]);
    }
}

#[cfg(test)]
mod tests;
