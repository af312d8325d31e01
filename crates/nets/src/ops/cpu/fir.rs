//! Zeros between pixels and the filter `[1,3,3,1] / 4` along both axes.
//!
//! With `p = 2i + a` the place in the result and zeros outside the map, along each axis
//! `y[2i] = (x[i-1] + 3 x[i]) / 4` and `y[2i+1] = (3 x[i] + x[i+1]) / 4`; backward
//! `gx[i] = (gy[2i-1] + 3 gy[2i] + 3 gy[2i+1] + gy[2i+2]) / 4`.

use std::mem::MaybeUninit;

use super::buffer::{fill_with, filled_by_chunks};
use super::simd::{Isa, Kernel, Simd};

/// The enlarged maps.
///
/// # Shapes
/// `x [planes,H,W]`, result `[planes,2H+2m,2W+2m]`; place `p` of an axis shows `y[p - m]`.
/// # Panics
/// If `x` does not have the stated size, or `margin` is above 1.
pub fn forward(x: &[f32], planes: usize, size: [usize; 2], margin: usize) -> Vec<f32> {
    let [h, w] = size;
    assert_eq!(x.len(), planes * h * w, "x must be [planes,H,W]");
    assert!(margin <= 1, "the filter reaches one pixel beyond the map");
    let isa = Isa::active();
    let out_len = 4 * (h + margin) * (w + margin);
    let write = |plane: usize, out: &mut [MaybeUninit<f32>]| {
        isa.run(Forward { x: &x[plane * h * w..][..h * w], out, w, margin });
    };
    // SAFETY: `Forward` writes every row of its plane in full.
    unsafe { filled_by_chunks(planes, out_len, write) }
}

/// Gradient of [`forward`] with respect to `x`.
///
/// # Shapes
/// `gy [planes,2H+2m,2W+2m]`, result `[planes,H,W]`.
/// # Panics
/// If `gy` does not have the stated size, or `margin` is above 1.
pub fn backward(gy: &[f32], planes: usize, size: [usize; 2], margin: usize) -> Vec<f32> {
    let [h, w] = size;
    let out_len = 4 * (h + margin) * (w + margin);
    assert_eq!(gy.len(), planes * out_len, "gy must be [planes,2H+2m,2W+2m]");
    assert!(margin <= 1, "the filter reaches one pixel beyond the map");
    let isa = Isa::active();
    let write = |plane: usize, gx: &mut [MaybeUninit<f32>]| {
        isa.run(Backward { gy: &gy[plane * out_len..][..out_len], gx, size, margin });
    };
    // SAFETY: `Backward` writes every row of its plane in full.
    unsafe { filled_by_chunks(planes, h * w, write) }
}

/// `(near * 3 + far) / 4` of two rows; a row outside the map is `None`.
#[inline(always)]
fn blend(row: &mut [f32], near: Option<&[f32]>, far: Option<&[f32]>) {
    match (near, far) {
        (Some(near), Some(far)) => {
            for ((v, a), b) in row.iter_mut().zip(near).zip(far) {
                *v = 0.75 * a + 0.25 * b;
            }
        }
        (Some(near), None) => row.iter_mut().zip(near).for_each(|(v, a)| *v = 0.75 * a),
        (None, Some(far)) => row.iter_mut().zip(far).for_each(|(v, b)| *v = 0.25 * b),
        (None, None) => row.fill(0.0),
    }
}

/// One plane forward.
struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    w: usize,
    margin: usize,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Forward { x, out, w, margin } = self;
        if x.is_empty() {
            fill_with(out, |_| 0.0);
            return;
        }
        let rows: Vec<&[f32]> = x.chunks_exact(w).collect();
        let row = |i: isize| usize::try_from(i).ok().and_then(|i| rows.get(i)).copied();
        // A row with a zero on both sides, so that every pixel has neighbours.
        let mut padded = vec![0.0f32; w + 2];
        let width = 2 * (w + margin);
        for (place, out) in out.chunks_exact_mut(width).enumerate() {
            let p = place as isize - margin as isize;
            let i = p.div_euclid(2);
            let other = if p.rem_euclid(2) == 0 { i - 1 } else { i + 1 };
            blend(&mut padded[1..=w], row(i), row(other));
            // Places 2i and 2i + 1 for every pixel, and the margins beside them.
            let inner = &mut out[margin..width - margin];
            for (pair, near) in inner.chunks_exact_mut(2).zip(padded.windows(3)) {
                pair[0].write(0.75 * near[1] + 0.25 * near[0]);
                pair[1].write(0.75 * near[1] + 0.25 * near[2]);
            }
            if margin == 1 {
                out[0].write(0.25 * padded[1]);
                out[width - 1].write(0.25 * padded[w]);
            }
        }
    }
}

/// One plane backward.
struct Backward<'a> {
    gy: &'a [f32],
    gx: &'a mut [MaybeUninit<f32>],
    size: [usize; 2],
    margin: usize,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Backward { gy, gx, size: [_, w], margin } = self;
        if w == 0 {
            return;
        }
        let width = 2 * (w + margin);
        let rows: Vec<&[f32]> = gy.chunks_exact(width).collect();
        let row =
            |p: isize| usize::try_from(p + margin as isize).ok().and_then(|p| rows.get(p)).copied();
        // Two zeros before and after stand for the margins that are not there.
        let mut padded = vec![0.0f32; width + 2];
        for (i, gx) in gx.chunks_exact_mut(w).enumerate() {
            let p = 2 * i as isize;
            let sum = &mut padded[1..=width];
            let (first, second) = (row(p), row(p + 1));
            for (place, v) in sum.iter_mut().enumerate() {
                *v = 0.75 * (first.map_or(0.0, |r| r[place]) + second.map_or(0.0, |r| r[place]));
            }
            for far in [row(p - 1), row(p + 2)].into_iter().flatten() {
                sum.iter_mut().zip(far).for_each(|(v, g)| *v += 0.25 * g);
            }
            // `padded[k]` is place `k - 1 - margin`, so place `2j - 1` is at `2j + margin`.
            let places = &padded[margin..];
            for (j, gx) in gx.iter_mut().enumerate() {
                let near = &places[2 * j..2 * j + 4];
                gx.write(0.25 * (near[0] + near[3]) + 0.75 * (near[1] + near[2]));
            }
        }
    }
}
