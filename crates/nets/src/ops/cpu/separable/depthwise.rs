//! The 3x3 convolution of one channel, a few rows at a time.

use crate::ops::cpu::simd::Simd;

/// Correlates rows with nine taps, zeros beyond both ends of a row.
///
/// `source(k)` is the input row above output row `k`: rows `0..rows + 2` are asked for, each of `w`
/// numbers. Writes `rows * w` numbers to `out`.
#[inline(always)]
pub(super) fn depthwise<'a, S: Simd>(
    simd: S,
    source: impl Fn(usize) -> &'a [f32],
    taps: &[f32; 9],
    w: usize,
    out: &mut [f32],
) {
    let mut pairs = out.chunks_exact_mut(2 * w);
    let mut k = 0;
    for pair in pairs.by_ref() {
        convolve::<S, 2, 4>(
            simd,
            [source(k), source(k + 1), source(k + 2), source(k + 3)],
            taps,
            w,
            pair,
        );
        k += 2;
    }
    let last = pairs.into_remainder();
    if !last.is_empty() {
        convolve::<S, 1, 3>(simd, [source(k), source(k + 1), source(k + 2)], taps, w, last);
    }
}

/// `OUT` output rows from `IN = OUT + 2` input rows.
#[inline(always)]
fn convolve<S: Simd, const OUT: usize, const IN: usize>(
    simd: S,
    rows: [&[f32]; IN],
    taps: &[f32; 9],
    w: usize,
    out: &mut [f32],
) {
    let mut weights = [simd.splat(0.0); 9];
    for (weight, tap) in weights.iter_mut().zip(taps) {
        *weight = simd.splat(*tap);
    }
    let mut start = 0;
    while start < w {
        // A vector touches one number beyond itself on either side.
        let inner = start > 0 && start + S::LANES < w;
        let mut sums = [simd.splat(0.0); OUT];
        for k in 0..IN {
            let row = &rows[k][..w];
            let three = if inner {
                neighbours(simd, row, start)
            } else {
                neighbours_at_end(simd, row, start)
            };
            for o in 0..OUT {
                if k >= o && k - o < 3 {
                    for t in 0..3 {
                        sums[o] = simd.mul_add(weights[(k - o) * 3 + t], three[t], sums[o]);
                    }
                }
            }
        }
        for o in 0..OUT {
            if inner {
                simd.store(sums[o], &mut out[o * w + start..]);
            } else {
                simd.store_part(sums[o], &mut out[o * w + start..(o + 1) * w]);
            }
        }
        start += S::LANES;
    }
}

/// The vectors that begin one before, at, and one after `start`.
#[inline(always)]
fn neighbours<S: Simd>(simd: S, row: &[f32], start: usize) -> [S::Vector; 3] {
    let row = &row[start - 1..][..S::LANES + 2];
    [simd.load(row), simd.load(&row[1..]), simd.load(&row[2..])]
}

/// The same with zeros beyond both ends of the row.
#[inline(always)]
fn neighbours_at_end<S: Simd>(simd: S, row: &[f32], start: usize) -> [S::Vector; 3] {
    let left = match start.checked_sub(1) {
        Some(left) => simd.load_part(&row[left..]),
        None => simd.load_after_zero(row),
    };
    [left, simd.load_part(&row[start..]), simd.load_part(&row[start + 1..])]
}
