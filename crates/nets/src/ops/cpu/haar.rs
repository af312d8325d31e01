//! The inverse Haar transform that doubles a map, with an optional style on its input.
//!
//! Of `4c` channels the first `c` are the low band `A`; channel `c + 3j + b` is band `b` of output
//! channel `j`. With `sp`, `sq` = +1 on even and -1 on odd rows and columns:
//! `y[j, 2r+p, 2t+q] = 0.5 (A + sp B0 + sq B1 + sp sq B2)[r, t]`.

use super::buffer::Filling;
use super::simd::{Isa, Kernel, Simd};
use super::style::{self, STREAM_FROM};
use rayon::prelude::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Channel numbers of the four bands of output channel `j` of `c`: low, rows, columns, both.
fn bands(j: usize, c: usize) -> [usize; 4] {
    [j, c + 3 * j, c + 3 * j + 1, c + 3 * j + 2]
}

/// What becomes of a transformed number `v`: `gain * v + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescale {
    /// The factor.
    pub gain: f32,
    /// What is added.
    pub offset: f32,
}

impl Rescale {
    /// Nothing.
    pub const NONE: Rescale = Rescale { gain: 1.0, offset: 0.0 };
}

/// Inverse transform of `x * s`, rescaled.
///
/// # Shapes
/// `x [N,4c,H,W]`, `s [N,4c]`, `size` = `[N,c,H,W]`, result `[N,c,2H,2W]`.
/// # Panics
/// If a slice has another length.
pub fn forward(x: &[f32], s: Option<&[f32]>, rescale: Rescale, size: [usize; 4]) -> Vec<f32> {
    forward_on(Isa::active(), x, s, rescale, size)
}

fn forward_on(
    isa: Isa,
    x: &[f32],
    s: Option<&[f32]>,
    rescale: Rescale,
    [n, c, h, w]: [usize; 4],
) -> Vec<f32> {
    check(x, s, [n, c, h, w]);
    let hw = h * w;
    let out = Filling::new(4 * n * c * hw);
    let stream = 4 * n * c * hw >= STREAM_FROM;
    pieces(n * c, h).into_par_iter().for_each(|(k, rows)| {
        let (image, j) = (k / c, k % c);
        let channels = bands(j, c).map(|band| image * 4 * c + band);
        // SAFETY: neither the planes of different k nor their pieces overlap.
        let y = unsafe { out.part(4 * (k * hw + rows.start * w)..4 * (k * hw + rows.end * w)) };
        isa.run(Up {
            bands: channels.map(|q| &x[q * hw..][rows.start * w..rows.end * w]),
            gain: gains(s, rescale, channels),
            offset: rescale.offset,
            y,
            w,
            stream,
        });
    });
    // SAFETY: the pieces cover the buffer, and `Up` writes all of its piece.
    unsafe { out.finish() }
}

/// Planes and rows of them that are one piece of work each.
fn pieces(planes: usize, h: usize) -> Vec<(usize, Range<usize>)> {
    const ROWS: usize = 64;
    let rows = |k: usize| (0..h).step_by(ROWS).map(move |y| (k, y..(y + ROWS).min(h)));
    (0..planes).flat_map(rows).collect()
}

/// Gradients to `x` and, where there is a style, to `s`, given the gradient `gy` of the output.
///
/// # Shapes
/// As [`forward`]; `gy [N,c,2H,2W]`.
/// # Panics
/// If a slice has another length.
pub fn backward(
    x: &[f32],
    s: Option<&[f32]>,
    gy: &[f32],
    rescale: Rescale,
    size: [usize; 4],
) -> (Vec<f32>, Option<Vec<f32>>) {
    backward_on(Isa::active(), x, s, gy, rescale, size)
}

fn backward_on(
    isa: Isa,
    x: &[f32],
    s: Option<&[f32]>,
    gy: &[f32],
    rescale: Rescale,
    [n, c, h, w]: [usize; 4],
) -> (Vec<f32>, Option<Vec<f32>>) {
    check(x, s, [n, c, h, w]);
    let hw = h * w;
    assert_eq!(gy.len(), 4 * n * c * hw, "gradient of the Haar transform");
    let gx = Filling::new(4 * n * c * hw);
    let stream = x.len() >= STREAM_FROM;
    let pieces = pieces(n * c, h);
    let sums: Vec<[f64; 4]> = pieces
        .par_iter()
        .map(|(k, rows)| {
            let channels = bands(k % c, c).map(|band| k / c * 4 * c + band);
            let part = |q: usize| q * hw + rows.start * w..q * hw + rows.end * w;
            // SAFETY: every channel of the input is a band of one output channel, so no two of
            // these planes overlap, nor do their pieces.
            let gx = channels.map(|q| unsafe { gx.part(part(q)) });
            isa.run(Down {
                gy: &gy[4 * (k * hw + rows.start * w)..4 * (k * hw + rows.end * w)],
                bands: channels.map(|q| &x[part(q)]),
                gain: gains(s, rescale, channels),
                gx,
                w,
                stream,
            })
        })
        .collect();
    let gs = s.map(|_| {
        let mut gs = vec![0.0f64; 4 * n * c];
        for ((k, _), sums) in pieces.iter().zip(&sums) {
            for (band, sum) in bands(k % c, c).into_iter().zip(sums) {
                // With the gain the style times 0.5, the sum is twice the gradient of the style.
                gs[k / c * 4 * c + band] += 0.5 * f64::from(rescale.gain) * sum;
            }
        }
        gs.into_iter().map(|sum| sum as f32).collect()
    });
    // SAFETY: the planes of all bands cover the buffer, and `Down` writes all of its planes.
    (unsafe { gx.finish() }, gs)
}

fn check(x: &[f32], s: Option<&[f32]>, [n, c, h, w]: [usize; 4]) {
    assert_eq!(x.len(), 4 * n * c * h * w, "input of the Haar transform");
    assert!(s.is_none_or(|s| s.len() == 4 * n * c), "style of the Haar transform");
}

/// Factor of each band: its style times the transform's 0.5 and the gain.
fn gains(s: Option<&[f32]>, rescale: Rescale, channels: [usize; 4]) -> [f32; 4] {
    channels.map(|q| rescale.gain * 0.5 * s.map_or(1.0, |s| s[q]))
}

/// One output plane from its four bands.
struct Up<'a> {
    bands: [&'a [f32]; 4],
    gain: [f32; 4],
    offset: f32,
    y: &'a mut [MaybeUninit<f32>],
    w: usize,
    stream: bool,
}

impl Kernel for Up<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (w, g, offset) = (self.w, self.gain, self.offset);
        let whole = w / S::LANES * S::LANES;
        let mut gain = [simd.splat(offset); 4];
        for k in 0..4 {
            gain[k] = simd.splat(g[k]);
        }
        for (r, rows) in self.y.chunks_exact_mut(4 * w).enumerate() {
            let [low, vertical, horizontal, both] = self.bands.map(|band| &band[r * w..][..w]);
            let (even, odd) = rows.split_at_mut(2 * w);
            for t in (0..whole).step_by(S::LANES) {
                let a = simd.mul_add(gain[0], simd.load(&low[t..]), simd.splat(offset));
                let b0 = simd.mul(gain[1], simd.load(&vertical[t..]));
                let b1 = simd.mul(gain[2], simd.load(&horizontal[t..]));
                let b2 = simd.mul(gain[3], simd.load(&both[t..]));
                let (sum, difference) = (simd.add(a, b0), simd.sub(a, b0));
                let (across, against) = (simd.add(b1, b2), simd.sub(b1, b2));
                let upper = [simd.add(sum, across), simd.sub(sum, across)];
                let lower = [simd.add(difference, against), simd.sub(difference, against)];
                put(simd, simd.interleave2(upper), &mut even[2 * t..], self.stream);
                put(simd, simd.interleave2(lower), &mut odd[2 * t..], self.stream);
            }
            for t in whole..w {
                let (a, b0) = (g[0] * low[t] + offset, g[1] * vertical[t]);
                let (b1, b2) = (g[2] * horizontal[t], g[3] * both[t]);
                let (sum, difference) = ((a + b0, b1 + b2), (a - b0, b1 - b2));
                even[2 * t].write(sum.0 + sum.1);
                even[2 * t + 1].write(sum.0 - sum.1);
                odd[2 * t].write(difference.0 + difference.1);
                odd[2 * t + 1].write(difference.0 - difference.1);
            }
        }
    }
}

/// Writes two vectors one behind the other, past the caches where asked for.
#[inline(always)]
fn put<S: Simd>(simd: S, vectors: [S::Vector; 2], target: &mut [MaybeUninit<f32>], stream: bool) {
    let (first, second) = target.split_at_mut(S::LANES);
    if stream {
        simd.stream(vectors[0], first);
        simd.stream(vectors[1], second);
    } else {
        simd.store_uninit(vectors[0], first);
        simd.store_uninit(vectors[1], second);
    }
}

/// The gradient planes of four bands from that of their output plane, and the gradients of the
/// bands' styles.
struct Down<'a> {
    gy: &'a [f32],
    bands: [&'a [f32]; 4],
    gain: [f32; 4],
    gx: [&'a mut [MaybeUninit<f32>]; 4],
    w: usize,
    stream: bool,
}

impl Kernel for Down<'_> {
    type Output = [f64; 4];

    /// The sums of twice the transformed gradient times each band.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f64; 4] {
        let w = self.w;
        let mut analysis = vec![0.0; 4 * w];
        let mut sums = [0.0f64; 4];
        for (r, rows) in self.gy.chunks_exact(4 * w).enumerate() {
            analyse(simd, rows, &mut analysis, w);
            for band in 0..4 {
                let g = &analysis[band * w..][..w];
                let x = &self.bands[band][r * w..][..w];
                let gx = &mut self.gx[band][r * w..][..w];
                sums[band] +=
                    f64::from(style::gradients(simd, g, x, self.gain[band], gx, self.stream));
            }
        }
        sums
    }
}

/// Twice the forward Haar transform of two rows of `2w` numbers: four bands of `w`.
#[inline(always)]
fn analyse<S: Simd>(simd: S, rows: &[f32], out: &mut [f32], w: usize) {
    let (even, odd) = rows.split_at(2 * w);
    let (low, rest) = out.split_at_mut(w);
    let (vertical, rest) = rest.split_at_mut(w);
    let (horizontal, both) = rest.split_at_mut(w);
    let whole = w / S::LANES * S::LANES;
    for t in (0..whole).step_by(S::LANES) {
        let (upper, lower) = (&even[2 * t..], &odd[2 * t..]);
        let [a, b] = simd.deinterleave2([simd.load(upper), simd.load(&upper[S::LANES..])]);
        let [c, d] = simd.deinterleave2([simd.load(lower), simd.load(&lower[S::LANES..])]);
        let (top, bottom) = ((simd.add(a, b), simd.sub(a, b)), (simd.add(c, d), simd.sub(c, d)));
        simd.store(simd.add(top.0, bottom.0), &mut low[t..]);
        simd.store(simd.sub(top.0, bottom.0), &mut vertical[t..]);
        simd.store(simd.add(top.1, bottom.1), &mut horizontal[t..]);
        simd.store(simd.sub(top.1, bottom.1), &mut both[t..]);
    }
    for t in whole..w {
        let ([a, b], [c, d]) = ([even[2 * t], even[2 * t + 1]], [odd[2 * t], odd[2 * t + 1]]);
        let (top, bottom) = ((a + b, a - b), (c + d, c - d));
        low[t] = top.0 + bottom.0;
        vertical[t] = top.0 - bottom.0;
        horizontal[t] = top.1 + bottom.1;
        both[t] = top.1 - bottom.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Twice the inverse transform by its formula, on integers: exact in f32 whatever the order of
    /// the sum.
    fn doubled(x: &[f32], s: &[f32], [n, c, h, w]: [usize; 4]) -> Vec<f32> {
        let mut y = Vec::new();
        for (image, j, row, column) in places(n, c, 2 * h, 2 * w) {
            let value = |channel: usize| {
                let q = image * 4 * c + channel;
                s[q] * x[(q * h + row / 2) * w + column / 2]
            };
            let (sp, sq) = (1.0 - 2.0 * (row % 2) as f32, 1.0 - 2.0 * (column % 2) as f32);
            let band = |b: usize| value(c + 3 * j + b);
            y.push(value(j) + sp * band(0) + sq * band(1) + sp * sq * band(2));
        }
        y
    }

    fn places(
        n: usize,
        c: usize,
        h: usize,
        w: usize,
    ) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (0..n * c * h * w).map(move |i| (i / (c * h * w), i / (h * w) % c, i / w % h, i % w))
    }

    fn integers(len: usize, factor: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * factor + seed) % 19) as f32 - 9.0).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn forward_is_the_formula_and_backward_its_transpose(
            (n, c) in (1usize..3, 1usize..5),
            (h, w) in (1usize..12, 1usize..40),
            seed in 0usize..100,
        ) {
            let size = [n, c, h, w];
            let x = integers(4 * n * c * h * w, 7, seed);
            let s = integers(4 * n * c, 5, seed + 1);
            let gy = integers(4 * n * c * h * w, 11, seed + 2);
            let expected: Vec<f32> = doubled(&x, &s, size).iter().map(|v| 0.5 * v).collect();
            let ones = vec![1.0; s.len()];
            let plain: Vec<f32> = doubled(&x, &ones, size).iter().map(|v| 0.5 * v).collect();
            for isa in Isa::available() {
                let none = Rescale::NONE;
                prop_assert_eq!(&forward_on(isa, &x, Some(&s), none, size), &expected);
                prop_assert_eq!(&forward_on(isa, &x, None, none, size), &plain);
                // Short binary fractions: exact.
                let rescale = Rescale { gain: 0.5, offset: 3.0 };
                let rescaled: Vec<f32> = expected.iter().map(|v| 0.5 * v + 3.0).collect();
                prop_assert_eq!(&forward_on(isa, &x, Some(&s), rescale, size), &rescaled);
                let (gx, gs) = backward_on(isa, &x, Some(&s), &gy, none, size);
                let half = |v: &[f32]| v.iter().map(|v| 0.5 * v).collect::<Vec<_>>();
                let (half_gx, half_gs) = backward_on(isa, &x, Some(&s), &gy, rescale, size);
                prop_assert_eq!((half_gx, half_gs), (half(&gx), gs.as_deref().map(half)));
                // y is linear in x, and in s: the gradient is the transpose, found by probing with
                // x, s and unit maps.
                let inner = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum()
                };
                prop_assert_eq!(inner(&gx, &x), inner(&gy, &expected));
                let gs = gs.unwrap();
                for q in 0..s.len() {
                    let mut unit = vec![0.0; s.len()];
                    unit[q] = 2.0;
                    let slope = 0.5 * inner(&gy, &doubled(&x, &unit, size));
                    prop_assert_eq!(f64::from(2.0 * gs[q]), slope);
                }
                for i in (0..x.len()).step_by(17) {
                    let mut unit = vec![0.0; x.len()];
                    unit[i] = 2.0;
                    let slope = 0.5 * inner(&gy, &doubled(&unit, &s, size));
                    prop_assert_eq!(f64::from(2.0 * gx[i]), slope);
                }
                let (gx, gs) = backward_on(isa, &x, None, &gy, none, size);
                prop_assert_eq!(inner(&gx, &x), inner(&gy, &plain));
                prop_assert!(gs.is_none());
            }
        }
    }

    #[test]
    fn the_transform_is_orthonormal() {
        let size = [1, 2, 3, 5];
        let x = integers(8 * 15, 7, 3);
        let y = forward_on(Isa::active(), &x, None, Rescale::NONE, size);
        let (back, _) = backward_on(Isa::active(), &x, None, &y, Rescale::NONE, size);
        assert_eq!(back, x);
    }
}
