//! Distances between a map and a constant target: mean squared difference, and
//! the weighted squared difference of unit feature vectors that LPIPS takes.
//!
//! Sums run over blocks of a fixed size in f64 and the blocks are added in order,
//! so results do not depend on the number of threads.

use rayon::prelude::*;

/// Values of one partial sum.
const BLOCK: usize = 1 << 14;
/// Positions of one block of [`unit_forward`]: their norms stay in the first cache.
const POSITIONS: usize = 256;
/// Added under the root and to the norm, see [`unit_forward`].
const UNDER_ROOT: f32 = 1e-20;
const TO_NORM: f32 = 1e-10;

/// `mean (x - target)^2`.
pub fn squared_forward(x: &[f32], target: &[f32]) -> f32 {
    let blocks: Vec<f64> = x
        .par_chunks(BLOCK)
        .zip(target.par_chunks(BLOCK))
        .map(|(x, t)| x.iter().zip(t).map(|(x, t)| f64::from((x - t) * (x - t))).sum())
        .collect();
    (blocks.iter().sum::<f64>() / x.len() as f64) as f32
}

/// Gradient of [`squared_forward`] to `x`, times `grad`.
pub fn squared_backward(x: &[f32], target: &[f32], grad: f32) -> Vec<f32> {
    let factor = 2.0 * grad / x.len() as f32;
    let mut gx = vec![0.0f32; x.len()];
    gx.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).zip(target.par_chunks(BLOCK)).for_each(
        |((g, x), t)| {
            for ((g, x), t) in g.iter_mut().zip(x).zip(t) {
                *g = factor * (x - t);
            }
        },
    );
    gx
}

/// Mean over positions of `sum_c head_c (x_c / |x| - target_c)^2` for one map
/// `[C, positions]`, where `|x| = sqrt(sum_c x_c^2 + 1e-20) + 1e-10`.
pub fn unit_forward(x: &[f32], target: &[f32], head: &[f32]) -> f32 {
    let positions = x.len() / head.len();
    let blocks: Vec<f64> = starts(positions)
        .map(|start| {
            let width = POSITIONS.min(positions - start);
            let norms = norms(x, positions, start, width);
            let mut sum = [0.0f32; POSITIONS];
            for (c, h) in head.iter().enumerate() {
                let at = c * positions + start;
                let (x, t) = (&x[at..at + width], &target[at..at + width]);
                for (((s, x), t), n) in sum.iter_mut().zip(x).zip(t).zip(&norms) {
                    let d = x / (n + TO_NORM) - t;
                    *s += h * d * d;
                }
            }
            sum[..width].iter().map(|s| f64::from(*s)).sum()
        })
        .collect();
    (blocks.iter().sum::<f64>() / positions as f64) as f32
}

/// Gradient of [`unit_forward`] to `x`, times `grad`.
///
/// With `q = sqrt(sum x^2 + 1e-20)`, `r = q + 1e-10`, `u = x / r` and `e_c` the
/// gradient to `u_c`: `g_c = e_c / r - x_c (sum_k e_k x_k) / (r^2 q)`.
pub fn unit_backward(x: &[f32], target: &[f32], head: &[f32], grad: f32) -> Vec<f32> {
    let positions = x.len() / head.len();
    let factor = 2.0 * grad / positions as f32;
    // Blocks of positions are written next to each other, then put in their places.
    let blocks: Vec<Vec<f32>> = starts(positions)
        .map(|start| {
            let width = POSITIONS.min(positions - start);
            let norms = norms(x, positions, start, width);
            let mut block = vec![0.0f32; head.len() * width];
            let mut dot = [0.0f32; POSITIONS];
            for (c, h) in head.iter().enumerate() {
                let at = c * positions + start;
                let (x, t) = (&x[at..at + width], &target[at..at + width]);
                let out = &mut block[c * width..(c + 1) * width];
                for ((((g, dot), x), t), n) in
                    out.iter_mut().zip(&mut dot).zip(x).zip(t).zip(&norms)
                {
                    let e = factor * h * (x / (n + TO_NORM) - t);
                    *g = e;
                    *dot += e * x;
                }
            }
            for c in 0..head.len() {
                let x = &x[c * positions + start..][..width];
                let out = &mut block[c * width..(c + 1) * width];
                for (((g, x), n), dot) in out.iter_mut().zip(x).zip(&norms).zip(&dot) {
                    let r = n + TO_NORM;
                    *g = (*g - x * dot / (r * n)) / r;
                }
            }
            block
        })
        .collect();
    let mut gx = vec![0.0f32; x.len()];
    gx.par_chunks_mut(positions).enumerate().for_each(|(c, plane)| {
        for (out, block) in plane.chunks_mut(POSITIONS).zip(&blocks) {
            let width = out.len();
            out.copy_from_slice(&block[c * width..(c + 1) * width]);
        }
    });
    gx
}

/// First position of every block, in parallel.
fn starts(positions: usize) -> impl IndexedParallelIterator<Item = usize> {
    (0..positions.div_ceil(POSITIONS)).into_par_iter().map(|block| block * POSITIONS)
}

/// `sqrt(sum_c x_c^2 + 1e-20)` at `width` positions from `start`.
fn norms(x: &[f32], positions: usize, start: usize, width: usize) -> [f32; POSITIONS] {
    let mut norms = [0.0f32; POSITIONS];
    for plane in x.chunks_exact(positions) {
        for (n, x) in norms.iter_mut().zip(&plane[start..start + width]) {
            *n += x * x;
        }
    }
    norms.map(|n| (n + UNDER_ROOT).sqrt())
}
