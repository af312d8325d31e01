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

/// Channel numbers of the four bands of output channel `j` of `c`: low, rows, columns, both.
fn bands(j: usize, c: usize) -> [usize; 4] {
    [j, c + 3 * j, c + 3 * j + 1, c + 3 * j + 2]
}

/// Inverse transform of `x * s`.
///
/// # Shapes
/// `x [N,4c,H,W]`, `s [N,4c]`, result `[N,c,2H,2W]`.
/// # Panics
/// If a slice has another length.
pub fn forward(x: &[f32], s: Option<&[f32]>, n: usize, c: usize, h: usize, w: usize) -> Vec<f32> {
    forward_on(Isa::active(), x, s, [n, c, h, w])
}

fn forward_on(isa: Isa, x: &[f32], s: Option<&[f32]>, [n, c, h, w]: [usize; 4]) -> Vec<f32> {
    check(x, s, [n, c, h, w]);
    let hw = h * w;
    let out = Filling::new(4 * n * c * hw);
    (0..n * c).into_par_iter().for_each(|k| {
        let (image, j) = (k / c, k % c);
        let channels = bands(j, c).map(|band| image * 4 * c + band);
        // SAFETY: the planes of different k do not overlap.
        let y = unsafe { out.part(k * 4 * hw..(k + 1) * 4 * hw) };
        isa.run(Up { bands: channels.map(|q| &x[q * hw..][..hw]), gain: gains(s, channels), y, w });
    });
    // SAFETY: the planes cover the buffer, and `Up` writes all of its plane.
    unsafe { out.finish() }
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
    n: usize,
    c: usize,
    h: usize,
    w: usize,
) -> (Vec<f32>, Option<Vec<f32>>) {
    backward_on(Isa::active(), x, s, gy, [n, c, h, w])
}

fn backward_on(
    isa: Isa,
    x: &[f32],
    s: Option<&[f32]>,
    gy: &[f32],
    [n, c, h, w]: [usize; 4],
) -> (Vec<f32>, Option<Vec<f32>>) {
    check(x, s, [n, c, h, w]);
    let hw = h * w;
    assert_eq!(gy.len(), 4 * n * c * hw, "gradient of the Haar transform");
    let gx = Filling::new(4 * n * c * hw);
    let stream = x.len() >= STREAM_FROM;
    let sums: Vec<[f32; 4]> = (0..n * c)
        .into_par_iter()
        .map(|k| {
            let channels = bands(k % c, c).map(|band| k / c * 4 * c + band);
            // SAFETY: every channel of the input is a band of one output channel, so no two of
            // these planes overlap.
            let gx = channels.map(|q| unsafe { gx.part(q * hw..(q + 1) * hw) });
            let bands = channels.map(|q| &x[q * hw..][..hw]);
            isa.run(Down {
                gy: &gy[k * 4 * hw..][..4 * hw],
                bands,
                gain: gains(s, channels),
                gx,
                w,
                stream,
            })
        })
        .collect();
    let gs = s.map(|_| {
        let mut gs = vec![0.0; 4 * n * c];
        for (k, sums) in sums.iter().enumerate() {
            for (band, sum) in bands(k % c, c).into_iter().zip(sums) {
                gs[k / c * 4 * c + band] = *sum;
            }
        }
        gs
    });
    // SAFETY: the planes of all bands cover the buffer, and `Down` writes all of its planes.
    (unsafe { gx.finish() }, gs)
}

fn check(x: &[f32], s: Option<&[f32]>, [n, c, h, w]: [usize; 4]) {
    assert_eq!(x.len(), 4 * n * c * h * w, "input of the Haar transform");
    assert!(s.is_none_or(|s| s.len() == 4 * n * c), "style of the Haar transform");
}

/// Factor of each band: its style times the transform's 0.5.
fn gains(s: Option<&[f32]>, channels: [usize; 4]) -> [f32; 4] {
    channels.map(|q| 0.5 * s.map_or(1.0, |s| s[q]))
}

/// One output plane from its four bands.
struct Up<'a> {
    bands: [&'a [f32]; 4],
    gain: [f32; 4],
    y: &'a mut [MaybeUninit<f32>],
    w: usize,
}

impl Kernel for Up<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (w, g) = (self.w, self.gain);
        for (r, rows) in self.y.chunks_exact_mut(4 * w).enumerate() {
            let [low, vertical, horizontal, both] = self.bands.map(|band| &band[r * w..][..w]);
            let (even, odd) = rows.split_at_mut(2 * w);
            let (even, odd) =
                (&mut even.as_chunks_mut::<2>().0[..w], &mut odd.as_chunks_mut::<2>().0[..w]);
            for t in 0..w {
                let (a, b0) = (g[0] * low[t], g[1] * vertical[t]);
                let (b1, b2) = (g[2] * horizontal[t], g[3] * both[t]);
                let (sum, difference) = ((a + b0, b1 + b2), (a - b0, b1 - b2));
                even[t] = [sum.0 + sum.1, sum.0 - sum.1].map(MaybeUninit::new);
                odd[t] = [difference.0 + difference.1, difference.0 - difference.1]
                    .map(MaybeUninit::new);
            }
        }
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
    type Output = [f32; 4];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f32; 4] {
        let w = self.w;
        let mut analysis = vec![0.0; 4 * w];
        let mut sums = [0.0f64; 4];
        for (r, rows) in self.gy.chunks_exact(4 * w).enumerate() {
            analyse(rows, &mut analysis, w);
            for band in 0..4 {
                let g = &analysis[band * w..][..w];
                let x = &self.bands[band][r * w..][..w];
                let gx = &mut self.gx[band][r * w..][..w];
                // With the gain the style times 0.5, the sum is twice the gradient of the style.
                sums[band] +=
                    f64::from(style::gradients(simd, g, x, self.gain[band], gx, self.stream));
            }
        }
        sums.map(|sum| (0.5 * sum) as f32)
    }
}

/// Twice the forward Haar transform of two rows of `2w` numbers: four bands of `w`.
#[inline(always)]
fn analyse(rows: &[f32], out: &mut [f32], w: usize) {
    let (even, odd) = rows.split_at(2 * w);
    let (even, odd) = (&even.as_chunks::<2>().0[..w], &odd.as_chunks::<2>().0[..w]);
    let (low, rest) = out.split_at_mut(w);
    let (vertical, rest) = rest.split_at_mut(w);
    let (horizontal, both) = rest.split_at_mut(w);
    let (low, vertical, horizontal, both) =
        (&mut low[..w], &mut vertical[..w], &mut horizontal[..w], &mut both[..w]);
    for t in 0..w {
        let ([a, b], [c, d]) = (even[t], odd[t]);
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
                prop_assert_eq!(&forward_on(isa, &x, Some(&s), size), &expected);
                prop_assert_eq!(&forward_on(isa, &x, None, size), &plain);
                let (gx, gs) = backward_on(isa, &x, Some(&s), &gy, size);
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
                let (gx, gs) = backward_on(isa, &x, None, &gy, size);
                prop_assert_eq!(inner(&gx, &x), inner(&gy, &plain));
                prop_assert!(gs.is_none());
            }
        }
    }

    #[test]
    fn the_transform_is_orthonormal() {
        let size = [1, 2, 3, 5];
        let x = integers(8 * 15, 7, 3);
        let y = forward_on(Isa::active(), &x, None, size);
        let (back, _) = backward_on(Isa::active(), &x, None, &y, size);
        assert_eq!(back, x);
    }
}
