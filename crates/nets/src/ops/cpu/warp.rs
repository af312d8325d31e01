//! Sampling an image along a constant flow.
//!
//! `out(p) = x(p + flow(p))`, bilinear, with the border replicated: the `Resample2d` of FlowNet2, whose neighbours are clamped
//! to the image one by one. Clamping the coordinate first gives the same values, and lets every pixel blend the 2x2 block at
//! one index. Flows are constants, so index and weights are worked out once.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::buffer::Filling;
use super::simd::{Isa, Kernel, Simd};

/// Pixels that one task of the forward pass computes.
const BAND: usize = 16 * 1024;

/// Sampling positions of one batch of flows.
#[derive(Clone, Debug)]
pub struct WarpPlan {
    count: usize,
    /// Pixels of an image.
    size: usize,
    /// Distance from the left to the right column of a block: 1, or 0 where the image is one pixel wide.
    right: usize,
    /// Distance from the upper to the lower row of a block: the width, or 0 where the image is one pixel high.
    below: usize,
    /// Of every output pixel: the upper left corner of the 2x2 block it blends, counted from the start of the plane. The other
    /// corners lie inside the plane too.
    corner: Vec<u32>,
    /// Weight of the right column.
    x: Vec<f32>,
    /// Weight of the lower row.
    y: Vec<f32>,
}

impl WarpPlan {
    /// Plans the sampling for `flow [N,2,H,W]` in pixels, channel 0 = dx, 1 = dy.
    ///
    /// A NaN in the flow gives NaN in the pixels it touches; infinities are clamped to the border.
    /// # Panics
    /// If `flow` does not have the stated size, or an image has 2^32 pixels or more.
    pub fn new(flow: &[f32], n: usize, h: usize, w: usize) -> WarpPlan {
        let size = h * w;
        assert_eq!(flow.len(), n * 2 * size, "flow must be [N,2,H,W]");
        assert!(u32::try_from(size).is_ok(), "an image of {h}x{w} has too many pixels");
        let (mut corner, mut x, mut y) =
            (vec![0; n * size], vec![0.0; n * size], vec![0.0; n * size]);
        let rows = corner
            .par_chunks_mut(w.max(1))
            .zip(x.par_chunks_mut(w.max(1)).zip(y.par_chunks_mut(w.max(1))));
        rows.enumerate().for_each(|(line, (corner, (x, y)))| {
            let (image, row) = (line / h, line % h);
            let [dx, dy] = [0, 1].map(|axis| &flow[((image * 2 + axis) * h + row) * w..][..w]);
            for i in 0..w {
                let (left, right_weight) = axis(i as f32 + dx[i], w);
                let (top, lower_weight) = axis(row as f32 + dy[i], h);
                (corner[i], x[i], y[i]) = ((top * w + left) as u32, right_weight, lower_weight);
            }
        });
        let (right, below) = (usize::from(w > 1), if h > 1 { w } else { 0 });
        WarpPlan { count: n, size, right, below, corner, x, y }
    }

    /// Pixels of all images.
    pub(super) fn size(&self) -> usize {
        self.count * self.size
    }

    /// Places and weights of what one pixel blends: upper left, upper right, lower left, lower right.
    ///
    /// A plan of one image only; where the image is one pixel wide or high, places fall together.
    #[inline(always)]
    pub(super) fn block(&self, pixel: usize) -> [(usize, f64); 4] {
        let corner = self.corner[pixel] as usize;
        let (x, y) = (f64::from(self.x[pixel]), f64::from(self.y[pixel]));
        [
            (corner, (1.0 - x) * (1.0 - y)),
            (corner + self.right, x * (1.0 - y)),
            (corner + self.below, (1.0 - x) * y),
            (corner + self.below + self.right, x * y),
        ]
    }

    /// Samples `x [N,C,H,W]`; the result has the same shape.
    ///
    /// # Panics
    /// If `x` does not have that size.
    pub fn forward(&self, x: &[f32], c: usize) -> Vec<f32> {
        assert_eq!(x.len(), self.count * c * self.size, "x must be [N,C,H,W]");
        let isa = Isa::active();
        let out = Filling::new(x.len());
        let bands = self.size.div_ceil(BAND);
        (0..self.count * bands).into_par_iter().for_each(|task| {
            let (image, band) = (task / bands, task % bands);
            let pixels = band * BAND..((band + 1) * BAND).min(self.size);
            for plane in image * c..(image + 1) * c {
                let start = plane * self.size;
                // SAFETY: the bands of the planes partition the output, each written by one task.
                let out = unsafe { out.part(start + pixels.start..start + pixels.end) };
                isa.run(Forward {
                    plan: self,
                    image,
                    pixels: pixels.clone(),
                    x: &x[start..][..self.size],
                    out,
                });
            }
        });
        // SAFETY: the bands cover the output, and `Forward` writes its band in full.
        unsafe { out.finish() }
    }

    /// Gradient of [`WarpPlan::forward`] with respect to `x`: `gy [N,C,H,W]` to the same shape.
    ///
    /// A plane is added up by one thread in the order of the pixels, so that the result is the same for any number of threads.
    /// # Panics
    /// If `gy` does not have that size.
    pub fn backward(&self, gy: &[f32], c: usize) -> Vec<f32> {
        assert_eq!(gy.len(), self.count * c * self.size, "gy must be [N,C,H,W]");
        let mut gx = vec![0.0; gy.len()];
        if gx.is_empty() {
            return gx;
        }
        let isa = Isa::active();
        gx.par_chunks_mut(self.size).zip(gy.par_chunks(self.size)).enumerate().for_each(
            |(plane, (gx, gy))| {
                isa.run(Backward { plan: self, image: plane / c, gy, gx });
            },
        );
        gx
    }
}

/// Lower neighbour of a coordinate on an axis of `length` pixels, and the weight of the one above it.
fn axis(coordinate: f32, length: usize) -> (usize, f32) {
    let clamped = coordinate.clamp(0.0, (length - 1) as f32);
    let low = (clamped as usize).min(length.saturating_sub(2));
    (low, clamped - low as f32)
}

/// `a` and `b` blended, `weight` being that of `b`.
#[inline(always)]
fn blend(a: f32, b: f32, weight: f32) -> f32 {
    a + weight * (b - a)
}

/// A band of one plane forward.
struct Forward<'a> {
    plan: &'a WarpPlan,
    image: usize,
    pixels: Range<usize>,
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Forward { plan, image, pixels, x, out } = self;
        let &WarpPlan { size, right, below, .. } = plan;
        let part = image * size + pixels.start..image * size + pixels.end;
        let weights = plan.x[part.clone()].iter().zip(&plan.y[part.clone()]);
        for ((&corner, (&wx, &wy)), out) in plan.corner[part].iter().zip(weights).zip(out) {
            // One check for the four reads, which the compiler then leaves out.
            let near = &x[corner as usize..][..below + right + 1];
            let upper = blend(near[0], near[right], wx);
            let lower = blend(near[below], near[below + right], wx);
            out.write(blend(upper, lower, wy));
        }
    }
}

/// One plane backward, added to zeros.
struct Backward<'a> {
    plan: &'a WarpPlan,
    image: usize,
    gy: &'a [f32],
    gx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Backward { plan, image, gy, gx } = self;
        let &WarpPlan { size, right, below, .. } = plan;
        let part = image * size..(image + 1) * size;
        let weights = plan.x[part.clone()].iter().zip(&plan.y[part.clone()]);
        for ((&corner, (&wx, &wy)), &g) in plan.corner[part].iter().zip(weights).zip(gy) {
            let near = &mut gx[corner as usize..][..below + right + 1];
            let (lower, upper) = (g * wy, g - g * wy);
            near[0] += upper - upper * wx;
            near[right] += upper * wx;
            near[below] += lower - lower * wx;
            near[below + right] += lower * wx;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reelgan_golden::{Golden, max_abs};

    /// Output and image gradient of `Resample2d` in `f64`, from its definition: neighbours clamped one by one, weights from
    /// the unclamped fraction.
    fn reference(
        x: &[f32],
        flow: &[f32],
        gy: &[f32],
        [n, c, h, w]: [usize; 4],
    ) -> (Vec<f64>, Vec<f64>) {
        let (mut out, mut gx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for i in 0..x.len() {
            let (image, plane, row, column) = (i / (c * h * w), i / (h * w), i / w % h, i % w);
            let flow = |axis: usize| f64::from(flow[((image * 2 + axis) * h + row) * w + column]);
            let (xf, yf) = (column as f64 + flow(0), row as f64 + flow(1));
            for (dy, dx) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
                let weight =
                    (1.0 - (xf - xf.floor() - dx).abs()) * (1.0 - (yf - yf.floor() - dy).abs());
                let sx = (xf.floor() + dx).clamp(0.0, w as f64 - 1.0) as usize;
                let sy = (yf.floor() + dy).clamp(0.0, h as f64 - 1.0) as usize;
                let source = (plane * h + sy) * w + sx;
                out[i] += weight * f64::from(x[source]);
                gx[source] += weight * f64::from(gy[i]);
            }
        }
        assert_eq!(n * c * h * w, x.len());
        (out, gx)
    }

    /// The file's own tolerance: coordinates of some 20 pixels are exact to 2e-6 in `f32`, the values are O(1).
    #[test]
    fn agrees_with_pytorch() {
        let golden = Golden::open("flow_resample2d.safetensors");
        let plan = WarpPlan::new(&golden.values("flow"), 2, 13, 17);
        let (out, gx) =
            (plan.forward(&golden.values("img"), 3), plan.backward(&golden.values("grad_out"), 3));
        assert!(max_abs(&out, &golden.values("out")) <= 1e-5);
        assert!(max_abs(&gx, &golden.values("grad_img")) <= 1e-5);
    }

    #[test]
    fn poison_stays_where_it_is() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        let plan = WarpPlan::new(&[-inf, inf, nan, 0.0, 0.0, 0.0], 1, 1, 3);
        let y = plan.forward(&[1.0, 2.0, 3.0], 1);
        assert_eq!(y[..2], [1.0, 3.0]);
        assert!(y[2].is_nan());
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            (n, c, h, w) in (1usize..3, 1usize..4, 1usize..12, 1usize..80),
            (dx, dy, roughness) in (-9f32..9.0, -9f32..9.0, prop::sample::select(vec![0f32, 0.02, 8.0])),
            values in prop::collection::vec(-1f32..1.0, 2 * 3 * 11 * 79 * 2 + 2 * 2 * 11 * 79),
        ) {
            let len = n * c * h * w;
            let (x, rest) = values.split_at(len);
            let (gy, rest) = rest.split_at(len);
            let flow: Vec<f32> = (0..n * 2 * h * w)
                .map(|i| roughness * rest[i] + if i / (h * w) % 2 == 0 { dx } else { dy })
                .collect();
            let plan = WarpPlan::new(&flow, n, h, w);
            let (out, gx) = reference(x, &flow, gy, [n, c, h, w]);
            for (found, expected) in plan.forward(x, c).iter().zip(out) {
                prop_assert!((f64::from(*found) - expected).abs() < 3e-5, "{} for {}", found, expected);
            }
            // Many pixels may fall on one at the border.
            for (found, expected) in plan.backward(gy, c).iter().zip(gx) {
                prop_assert!((f64::from(*found) - expected).abs() < 3e-5 * (h * w) as f64, "{} for {}", found, expected);
            }
        }
    }
}
