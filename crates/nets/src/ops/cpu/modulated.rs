//! `y = clamp(sqrt(2) lrelu(d x + strength noise + bias))` on the middle of `x`.
//!
//! Backward, with `gpre = sqrt(2) gy` times the slope at `y` (0 where `y` was clamped):
//! `gx = d gpre`, zero in the margin; `gd = sum over pixels of x gpre`; `gnoise = strength
//! times the sum over channels of gpre`.

use std::f32::consts::SQRT_2;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::buffer::{Filling, fill_with, filled_by_chunks};
use super::simd::{Isa, Kernel, Simd};

/// Slope of the activation for negative arguments.
const SLOPE: f32 = 0.2;

/// The frozen numbers.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Added to every channel, `[C]`.
    pub bias: Vec<f32>,
    /// Factor of the noise.
    pub strength: f32,
    /// Bound of the result.
    pub clamp: Option<f32>,
}

impl Layer {
    fn bound(&self) -> f32 {
        self.clamp.unwrap_or(f32::INFINITY)
    }
}

/// Sizes of the result, and the pixels that `x` has more on every side.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Size {
    pub n: usize,
    pub c: usize,
    pub h: usize,
    pub w: usize,
    pub margin: usize,
}

impl Size {
    /// Numbers of a plane of `x`.
    fn plane(&self) -> usize {
        (self.h + 2 * self.margin) * self.width()
    }

    /// Width of `x`.
    fn width(&self) -> usize {
        self.w + 2 * self.margin
    }

    /// Row `row` of the middle of a plane of `x`.
    #[inline(always)]
    fn row(&self, row: usize) -> std::ops::Range<usize> {
        let start = (row + self.margin) * self.width() + self.margin;
        start..start + self.w
    }
}

/// The result, `[N,C,H,W]`.
///
/// # Shapes
/// `x [N,C,H+2m,W+2m]`, `d [N,C]`, `noise [1,1,H,W]` or `[N,1,H,W]`.
/// # Panics
/// If a slice has another length.
pub fn forward(layer: &Layer, x: &[f32], d: &[f32], noise: &[f32], size: Size) -> Vec<f32> {
    let Size { n, c, h, w, .. } = size;
    check(layer, x, d, size);
    assert!(noise.len() == h * w || noise.len() == n * h * w, "noise of the epilogue");
    let isa = Isa::active();
    let write = |plane: usize, out: &mut [MaybeUninit<f32>]| {
        let image = if noise.len() == h * w { 0 } else { plane / c };
        isa.run(Forward {
            x: &x[plane * size.plane()..][..size.plane()],
            noise: &noise[image * h * w..][..h * w],
            d: d[plane],
            bias: layer.bias[plane % c],
            layer,
            size,
            out,
        });
    };
    // SAFETY: `Forward` writes every row of its plane in full.
    unsafe { filled_by_chunks(n * c, h * w, write) }
}

/// Gradients to `x` and to `d`, given the result `y` and its gradient.
///
/// # Panics
/// If a slice has another length.
pub fn backward(
    layer: &Layer,
    x: &[f32],
    d: &[f32],
    y: &[f32],
    gy: &[f32],
    size: Size,
) -> (Vec<f32>, Vec<f32>) {
    let Size { n, c, h, w, .. } = size;
    check(layer, x, d, size);
    assert!(y.len() == n * c * h * w && gy.len() == y.len(), "result of the epilogue");
    let isa = Isa::active();
    let gx = Filling::new(x.len());
    let gd: Vec<f32> = (0..n * c)
        .into_par_iter()
        .map(|plane| {
            let whole = plane * size.plane()..(plane + 1) * size.plane();
            isa.run(Backward {
                x: &x[whole.clone()],
                y: &y[plane * h * w..][..h * w],
                gy: &gy[plane * h * w..][..h * w],
                d: d[plane],
                bound: layer.bound(),
                size,
                // SAFETY: the planes do not overlap.
                gx: unsafe { gx.part(whole) },
            })
        })
        .collect();
    // SAFETY: the planes cover the buffer, and `Backward` writes all of its plane.
    (unsafe { gx.finish() }, gd)
}

/// Gradient to the noise: `[1,1,H,W]` if one map was `shared` by all images, else
/// `[N,1,H,W]`.
///
/// # Panics
/// If a slice has another length.
pub fn noise_gradient(layer: &Layer, y: &[f32], gy: &[f32], size: Size, shared: bool) -> Vec<f32> {
    let Size { n, c, h, w, .. } = size;
    assert!(y.len() == n * c * h * w && gy.len() == y.len(), "result of the epilogue");
    let isa = Isa::active();
    let (maps, images) = if shared { (1, n) } else { (n, 1) };
    let write = |chunk: usize, out: &mut [MaybeUninit<f32>]| {
        let (map, row) = (chunk / h, chunk % h);
        let planes = map * images * c..(map + 1) * images * c;
        isa.run(NoiseRow { y, gy, planes, layer, size, row, out });
    };
    // SAFETY: `NoiseRow` writes its row in full.
    unsafe { filled_by_chunks(maps * h, w, write) }
}

fn check(layer: &Layer, x: &[f32], d: &[f32], size: Size) {
    assert_eq!(x.len(), size.n * size.c * size.plane(), "input of the epilogue");
    assert_eq!(d.len(), size.n * size.c, "demodulation of the epilogue");
    assert_eq!(layer.bias.len(), size.c, "bias of the epilogue");
}

/// Slope of the whole at a result `y`.
#[inline(always)]
fn slope(y: f32, bound: f32) -> f32 {
    let lrelu = if y > 0.0 { SQRT_2 } else { SQRT_2 * SLOPE };
    if y.abs() < bound { lrelu } else { 0.0 }
}

struct Forward<'a> {
    x: &'a [f32],
    noise: &'a [f32],
    d: f32,
    bias: f32,
    layer: &'a Layer,
    size: Size,
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Forward { x, noise, d, bias, layer, size, out } = self;
        if size.w == 0 {
            return;
        }
        let (bound, strength) = (layer.bound(), layer.strength);
        let rows = out.chunks_exact_mut(size.w).zip(noise.chunks_exact(size.w));
        for (row, (out, noise)) in rows.enumerate() {
            let x = &x[size.row(row)];
            for ((out, x), noise) in out.iter_mut().zip(x).zip(noise) {
                let v = d * x + (strength * noise + bias);
                let v = SQRT_2 * if v > 0.0 { v } else { SLOPE * v };
                // Not `clamp`: a NaN stays one, and an infinite bound does nothing.
                let v = if v > bound { bound } else { v };
                out.write(if v < -bound { -bound } else { v });
            }
        }
    }
}

struct Backward<'a> {
    x: &'a [f32],
    y: &'a [f32],
    gy: &'a [f32],
    d: f32,
    bound: f32,
    size: Size,
    gx: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Backward<'_> {
    type Output = f32;

    /// Writes its plane of `gx` and returns its number of `gd`.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        const LANES: usize = 16;
        let Backward { x, y, gy, d, bound, size, gx } = self;
        if size.margin > 0 || size.w == 0 {
            fill_with(gx, |_| 0.0);
        }
        if size.w == 0 {
            return 0.0;
        }
        let mut total = 0.0f64;
        for (row, (y, gy)) in y.chunks_exact(size.w).zip(gy.chunks_exact(size.w)).enumerate() {
            let (x, gx) = (&x[size.row(row)], &mut gx[size.row(row)]);
            // Lanes of their own let the sum run as wide as the registers.
            let mut sums = [0.0f32; LANES];
            for (k, (gx, (x, (y, gy)))) in
                gx.iter_mut().zip(x.iter().zip(y.iter().zip(gy))).enumerate()
            {
                let gpre = gy * slope(*y, bound);
                gx.write(d * gpre);
                sums[k % LANES] += x * gpre;
            }
            total += sums.iter().map(|&s| f64::from(s)).sum::<f64>();
        }
        total as f32
    }
}

struct NoiseRow<'a> {
    y: &'a [f32],
    gy: &'a [f32],
    planes: std::ops::Range<usize>,
    layer: &'a Layer,
    size: Size,
    row: usize,
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for NoiseRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let NoiseRow { y, gy, planes, layer, size: Size { h, w, .. }, row, out } = self;
        let bound = layer.bound();
        let mut sums = vec![0.0f32; w];
        for plane in planes {
            let at = (plane * h + row) * w;
            for ((sum, y), gy) in sums.iter_mut().zip(&y[at..at + w]).zip(&gy[at..at + w]) {
                *sum += gy * slope(*y, bound);
            }
        }
        fill_with(out, |k| layer.strength * sums[k]);
    }
}
