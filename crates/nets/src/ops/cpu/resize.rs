//! Bilinear resizing with half-pixel centres and no antialiasing.
//!
//! Output pixel `d` of an axis samples `max(0, (d + 0.5) * in / out - 0.5)`, as PyTorch's
//! `interpolate(mode="bilinear", align_corners=False)` does, in the same `f32` arithmetic. Reducing to a quarter, which brings
//! a 1024-pixel image to the 256 pixels of the perceptual loss, averages the inner 2x2 of every 4x4 and has its own path.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::buffer::{Filling, fill_with, filled_by_chunks};
use super::simd::{Isa, Kernel, Simd};

/// Rows of output that one task of the forward pass computes.
const BAND: usize = 32;

/// Resizes `planes` images of `from = [H,W]` to `to = [H',W']`.
///
/// # Panics
/// If `x` does not hold the planes, or one of the sizes is empty and the other is not.
pub fn forward(x: &[f32], planes: usize, from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let [h, w] = from;
    assert_eq!(x.len(), planes * h * w, "x must be [planes,H,W]");
    let axes = Axes::new(from, to);
    let isa = Isa::active();
    let out = Filling::new(planes * to[0] * to[1]);
    let bands = to[0].div_ceil(BAND);
    (0..planes * bands).into_par_iter().for_each(|task| {
        let (plane, band) = (task / bands, task % bands);
        let rows = band * BAND..(band * BAND + BAND).min(to[0]);
        let range = (plane * to[0] + rows.start) * to[1]..(plane * to[0] + rows.end) * to[1];
        // SAFETY: the bands of the planes partition the output, one task each.
        let out = unsafe { out.part(range) };
        isa.run(Forward { x: &x[plane * h * w..][..h * w], axes: &axes, rows, out });
    });
    // SAFETY: the bands cover the output, and `Forward` writes its band in full.
    unsafe { out.finish() }
}

/// Gradient of [`forward`] with respect to `x`: `gy [planes,H',W']` to `[planes,H,W]`, with the same `from` and `to`.
///
/// # Panics
/// If `gy` does not hold the planes, or one of the sizes is empty and the other is not.
pub fn backward(gy: &[f32], planes: usize, from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let pooled = to[0] * to[1];
    assert_eq!(gy.len(), planes * pooled, "gy must be [planes,H',W']");
    let axes = Axes::new(from, to);
    let isa = Isa::active();
    if let Axes::Quarter = axes {
        let write = |band: usize, gx: &mut [MaybeUninit<f32>]| {
            isa.run(QuarterBackward { gy: &gy[band * to[1]..][..to[1]], gx });
        };
        // SAFETY: `QuarterBackward` writes the four rows it is given in full.
        return unsafe { filled_by_chunks(planes * to[0], 4 * from[1], write) };
    }
    let mut gx = vec![0.0; planes * from[0] * from[1]];
    if gx.is_empty() {
        return gx;
    }
    gx.par_chunks_mut(from[0] * from[1]).zip(gy.par_chunks(pooled)).for_each(|(gx, gy)| {
        isa.run(Backward { gy, axes: &axes, gx });
    });
    gx
}

/// The two inputs that an output blends: `(1 - weight) * x[low] + weight * x[high]`.
#[derive(Clone, Copy)]
struct Blend {
    low: usize,
    high: usize,
    weight: f32,
}

/// How both axes are sampled.
enum Axes {
    /// Both sizes are exactly a quarter.
    Quarter,
    /// Vertical and horizontal blends of images `width` pixels wide.
    General { vertical: Vec<Blend>, horizontal: Vec<Blend>, width: usize },
}

impl Axes {
    fn new(from: [usize; 2], to: [usize; 2]) -> Axes {
        assert_eq!(from.contains(&0), to.contains(&0), "{from:?} cannot be resized to {to:?}");
        if from[0] == 4 * to[0] && from[1] == 4 * to[1] {
            return Axes::Quarter;
        }
        Axes::General {
            vertical: blends(from[0], to[0]),
            horizontal: blends(from[1], to[1]),
            width: from[1],
        }
    }
}

/// The blends of one axis.
fn blends(from: usize, to: usize) -> Vec<Blend> {
    let scale = from as f32 / to as f32;
    let blend = |d: usize| {
        let source = ((d as f32 + 0.5) * scale - 0.5).max(0.0);
        let low = (source as usize).min(from.saturating_sub(1));
        Blend { low, high: (low + 1).min(from.saturating_sub(1)), weight: source - low as f32 }
    };
    (0..to).map(blend).collect()
}

/// A band of rows of one plane forward.
struct Forward<'a> {
    x: &'a [f32],
    axes: &'a Axes,
    rows: Range<usize>,
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let width = self.out.len() / self.rows.len();
        if width == 0 {
            return;
        }
        let lines = self.rows.zip(self.out.chunks_exact_mut(width));
        match self.axes {
            Axes::Quarter => {
                for (row, out) in lines {
                    let (upper, lower) =
                        self.x[(4 * row + 1) * 4 * width..][..8 * width].split_at(4 * width);
                    let blocks = upper.chunks_exact(4).zip(lower.chunks_exact(4));
                    for ((upper, lower), out) in blocks.zip(out) {
                        out.write(((upper[1] + upper[2]) + (lower[1] + lower[2])) * 0.25);
                    }
                }
            }
            Axes::General { vertical, horizontal, width } => {
                let mut blended = vec![0.0; *width];
                for (row, out) in lines {
                    let Blend { low, high, weight } = vertical[row];
                    let (low, high) =
                        (&self.x[low * width..][..*width], &self.x[high * width..][..*width]);
                    for ((blended, low), high) in blended.iter_mut().zip(low).zip(high) {
                        *blended = (1.0 - weight) * low + weight * high;
                    }
                    fill_with(out, |i| {
                        let Blend { low, high, weight } = horizontal[i];
                        (1.0 - weight) * blended[low] + weight * blended[high]
                    });
                }
            }
        }
    }
}

/// Four rows of a plane backward from one row of a quarter.
struct QuarterBackward<'a> {
    gy: &'a [f32],
    gx: &'a mut [MaybeUninit<f32>],
}

impl Kernel for QuarterBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let width = 4 * self.gy.len();
        for (row, gx) in self.gx.chunks_exact_mut(width.max(1)).enumerate() {
            if row == 0 || row == 3 {
                gx.fill(MaybeUninit::new(0.0));
                continue;
            }
            for (gx, g) in gx.chunks_exact_mut(4).zip(self.gy) {
                gx[0].write(0.0);
                gx[1].write(0.25 * g);
                gx[2].write(0.25 * g);
                gx[3].write(0.0);
            }
        }
    }
}

/// One plane backward, added to zeros.
struct Backward<'a> {
    gy: &'a [f32],
    axes: &'a Axes,
    gx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Axes::General { vertical, horizontal, width } = self.axes else {
            unreachable!("a quarter has its own kernel");
        };
        let mut spread = vec![0.0; *width];
        for (gy, row) in self.gy.chunks_exact(horizontal.len()).zip(vertical) {
            spread.fill(0.0);
            for (g, blend) in gy.iter().zip(horizontal) {
                spread[blend.low] += (1.0 - blend.weight) * g;
                spread[blend.high] += blend.weight * g;
            }
            for (row, weight) in [(row.low, 1.0 - row.weight), (row.high, row.weight)] {
                for (gx, spread) in self.gx[row * width..][..*width].iter_mut().zip(&spread) {
                    *gx += weight * spread;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reelgan_golden::{Golden, max_abs};

    /// The definition in `f64`, pixel by pixel.
    fn reference(x: &[f32], [h, w]: [usize; 2], [oh, ow]: [usize; 2]) -> Vec<f64> {
        let axis = |d: usize, from: usize, to: usize| {
            let source = ((d as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
            let low = (source as usize).min(from - 1);
            (low, (low + 1).min(from - 1), source - low as f64)
        };
        let mut out = Vec::new();
        for y in 0..oh {
            for x_out in 0..ow {
                let ((y0, y1, fy), (x0, x1, fx)) = (axis(y, h, oh), axis(x_out, w, ow));
                let at = |y: usize, x_in: usize| f64::from(x[y * w + x_in]);
                let row = |y: usize| (1.0 - fx) * at(y, x0) + fx * at(y, x1);
                out.push((1.0 - fy) * row(y0) + fy * row(y1));
            }
        }
        out
    }

    /// The file's own tolerance: the values are O(1), an `f32` rounding is 1e-7.
    #[test]
    fn agrees_with_pytorch() {
        let golden = Golden::open("resize.safetensors");
        let size = |name: &str| [golden.shape(name)[2], golden.shape(name)[3]];
        for (to, from) in [
            ("down_0.25", "x32"),
            ("down_0.5", "x32"),
            ("size_13", "x32"),
            ("size_20", "x32"),
            ("size_45", "x32"),
            ("up4_bilinear", "x8"),
        ] {
            let y = forward(&golden.values(from), 2, size(from), size(to));
            let difference = max_abs(&y, &golden.values(to));
            assert!(difference <= 1e-6, "{to}: {difference}");
        }
    }

    #[test]
    #[should_panic(expected = "cannot be resized")]
    fn something_out_of_nothing_is_refused() {
        forward(&[], 1, [0, 4], [2, 2]);
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition_and_its_adjoint(
            (h, w, oh, ow, quarter) in (1usize..40, 1usize..70, 1usize..40, 1usize..40, any::<bool>()),
            values in prop::collection::vec(-1f32..1.0, 2 * 4 * 40 * 4 * 40),
        ) {
            let to = [oh, ow];
            let from = if quarter { [4 * oh, 4 * ow] } else { [h, w] };
            let size = from[0] * from[1];
            let x = &values[..2 * size];
            let gy = &values[values.len() - 2 * oh * ow..];
            let (y, gx) = (forward(x, 2, from, to), backward(gy, 2, from, to));
            for plane in 0..2 {
                let expected = reference(&x[plane * size..][..size], from, to);
                for (y, expected) in y[plane * oh * ow..].iter().zip(expected) {
                    // The f32 coordinate of a 160-pixel axis is exact to about 1e-5.
                    prop_assert!((f64::from(*y) - expected).abs() < 5e-5);
                }
            }
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            prop_assert!((dot(&y, gy) - dot(x, &gx)).abs() < 1e-4 * (1.0 + gy.len() as f64).sqrt());
        }
    }
}
