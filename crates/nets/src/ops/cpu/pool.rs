//! 2x2 maximum, stride 2.

use std::mem::MaybeUninit;

use super::buffer::filled_by_chunks;
use super::simd::{Isa, Kernel, MAX_LANES, Simd};

/// Maximum of every 2x2 block; an odd last row or column is dropped.
///
/// A NaN in a block is its maximum.
/// # Shapes
/// `x [N,C,H,W]`, result `[N,C,H/2,W/2]`.
/// # Panics
/// If `x` does not have the stated size.
pub fn forward(x: &[f32], n: usize, c: usize, h: usize, w: usize) -> Vec<f32> {
    assert_eq!(x.len(), n * c * h * w, "x must be [N,C,H,W]");
    let isa = Isa::active();
    let write = |plane: usize, out: &mut [MaybeUninit<f32>]| {
        isa.run(Forward { x: &x[plane * h * w..][..h * w], out, w });
    };
    // SAFETY: `Forward` writes every row of its plane in full.
    unsafe { filled_by_chunks(n * c, (h / 2) * (w / 2), write) }
}

/// Gradient of [`forward`] with respect to `x`: each block's gradient goes to its maximum, the first one in row-major order
/// where several are equal (as PyTorch does).
///
/// # Shapes
/// `x` and result `[N,C,H,W]`, `gy [N,C,H/2,W/2]`.
/// # Panics
/// If `x` or `gy` does not have the stated size.
pub fn backward(x: &[f32], gy: &[f32], n: usize, c: usize, h: usize, w: usize) -> Vec<f32> {
    let pooled = (h / 2) * (w / 2);
    assert_eq!(x.len(), n * c * h * w, "x must be [N,C,H,W]");
    assert_eq!(gy.len(), n * c * pooled, "gy must be [N,C,H/2,W/2]");
    let isa = Isa::active();
    let write = |plane: usize, gx: &mut [MaybeUninit<f32>]| {
        isa.run(Backward {
            x: &x[plane * h * w..][..h * w],
            gy: &gy[plane * pooled..][..pooled],
            gx,
            w,
        });
    };
    // SAFETY: `Backward` writes every block, and zeros to an odd last row and column.
    unsafe { filled_by_chunks(n * c, h * w, write) }
}

/// Whether `value` takes the place of the maximum so far.
#[inline(always)]
fn replaces(value: f32, maximum: f32) -> bool {
    value > maximum || value.is_nan()
}

/// One plane forward.
struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    w: usize,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if self.out.is_empty() {
            return;
        }
        let pairs = self.x.chunks_exact(2 * self.w);
        for (rows, out) in pairs.zip(self.out.chunks_exact_mut(self.w / 2)) {
            let (top, bottom) = rows.split_at(self.w);
            let whole = out.len() / S::LANES * S::LANES;
            for at in (0..whole).step_by(S::LANES) {
                let corners = corners(simd, &top[2 * at..], &bottom[2 * at..]);
                let mut maxima = [0.0; MAX_LANES];
                for i in 0..S::LANES {
                    maxima[i] =
                        maximum([corners[0][i], corners[1][i], corners[2][i], corners[3][i]]);
                }
                simd.store_uninit(simd.load(&maxima), &mut out[at..]);
            }
            for (i, out) in out.iter_mut().enumerate().skip(whole) {
                out.write(maximum([top[2 * i], top[2 * i + 1], bottom[2 * i], bottom[2 * i + 1]]));
            }
        }
    }
}

/// One plane backward.
struct Backward<'a> {
    x: &'a [f32],
    gy: &'a [f32],
    gx: &'a mut [MaybeUninit<f32>],
    w: usize,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let w = self.w;
        let covered = self.gy.len() / (w / 2).max(1) * 2 * w;
        let (blocks, last_row) = self.gx.split_at_mut(covered);
        last_row.fill(MaybeUninit::new(0.0));
        if blocks.is_empty() {
            return;
        }
        let rows = self.x.chunks_exact(2 * w).zip(self.gy.chunks_exact(w / 2));
        for ((x, gy), gx) in rows.zip(blocks.chunks_exact_mut(2 * w)) {
            let (top, bottom) = x.split_at(w);
            let (gx_top, gx_bottom) = gx.split_at_mut(w);
            if w % 2 == 1 {
                gx_top[w - 1].write(0.0);
                gx_bottom[w - 1].write(0.0);
            }
            let (top, bottom) = (&top[..2 * gy.len()], &bottom[..2 * gy.len()]);
            let (gx_top, gx_bottom) = (&mut gx_top[..2 * gy.len()], &mut gx_bottom[..2 * gy.len()]);
            let whole = gy.len() / S::LANES * S::LANES;
            for at in (0..whole).step_by(S::LANES) {
                let corners = corners(simd, &top[2 * at..], &bottom[2 * at..]);
                let mut shares = [[0.0; MAX_LANES]; 4];
                let gy = &gy[at..at + S::LANES];
                for i in 0..S::LANES {
                    let values = [corners[0][i], corners[1][i], corners[2][i], corners[3][i]];
                    let winner = winner(values);
                    for corner in 0..4 {
                        shares[corner][i] = if winner[corner] { gy[i] } else { 0.0 };
                    }
                }
                for (target, shares) in [&mut gx_top[2 * at..], &mut gx_bottom[2 * at..]]
                    .into_iter()
                    .zip([[&shares[0], &shares[1]], [&shares[2], &shares[3]]])
                {
                    let pairs = simd.interleave2([simd.load(shares[0]), simd.load(shares[1])]);
                    simd.store_uninit(pairs[0], target);
                    simd.store_uninit(pairs[1], &mut target[S::LANES..]);
                }
            }
            for (i, &g) in gy.iter().enumerate().skip(whole) {
                let here = winner([top[2 * i], top[2 * i + 1], bottom[2 * i], bottom[2 * i + 1]]);
                let share = |corner: usize| if here[corner] { g } else { 0.0 };
                gx_top[2 * i].write(share(0));
                gx_top[2 * i + 1].write(share(1));
                gx_bottom[2 * i].write(share(2));
                gx_bottom[2 * i + 1].write(share(3));
            }
        }
    }
}

/// Upper left, upper right, lower left and lower right of as many blocks as a vector has lanes.
#[inline(always)]
fn corners<S: Simd>(simd: S, top: &[f32], bottom: &[f32]) -> [[f32; MAX_LANES]; 4] {
    let mut corners = [[0.0; MAX_LANES]; 4];
    let upper = simd.deinterleave2([simd.load(top), simd.load(&top[S::LANES..])]);
    let lower = simd.deinterleave2([simd.load(bottom), simd.load(&bottom[S::LANES..])]);
    simd.store(upper[0], &mut corners[0]);
    simd.store(upper[1], &mut corners[1]);
    simd.store(lower[0], &mut corners[2]);
    simd.store(lower[1], &mut corners[3]);
    corners
}

/// The maximum of a block.
#[inline(always)]
fn maximum([a, b, c, d]: [f32; 4]) -> f32 {
    let mut maximum = a;
    for value in [b, c, d] {
        maximum = if replaces(value, maximum) { value } else { maximum };
    }
    maximum
}

/// Which corner of a block is its first maximum.
#[inline(always)]
fn winner([a, b, c, d]: [f32; 4]) -> [bool; 4] {
    let larger = |first: f32, second: f32| if replaces(second, first) { second } else { first };
    let below = replaces(larger(c, d), larger(a, b));
    let (right_above, right_below) = (replaces(b, a), replaces(d, c));
    [!below & !right_above, !below & right_above, below & !right_below, below & right_below]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Index of the first maximum of block `(y, x)` of a plane, written the long way.
    fn winner(plane: &[f32], w: usize, y: usize, x: usize) -> usize {
        let corners =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| (2 * y + dy) * w + 2 * x + dx);
        let mut best = corners[0];
        for corner in corners {
            if plane[corner] > plane[best] {
                best = corner;
            }
        }
        best
    }

    #[test]
    fn ties_go_to_the_first_in_row_major_order() {
        let x = [1.0, 1.0, 0.0, 2.0, 9.0, 1.0, 1.0, 2.0, 2.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0];
        assert_eq!(forward(&x, 1, 1, 3, 5), [1.0, 2.0]);
        let gx = backward(&x, &[5.0, 7.0], 1, 1, 3, 5);
        assert_eq!(gx, [5.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn sizes_below_two_give_nothing() {
        for (h, w) in [(1, 1), (1, 5), (5, 1)] {
            let x = vec![1.0; h * w * 2];
            assert!(forward(&x, 1, 2, h, w).is_empty());
            assert_eq!(backward(&x, &[], 1, 2, h, w), vec![0.0; x.len()]);
        }
    }

    #[test]
    fn nan_is_the_maximum() {
        assert!(forward(&[1.0, f32::NAN, 2.0, 3.0], 1, 1, 2, 2)[0].is_nan());
    }

    proptest! {
        #[test]
        fn agrees_with_the_long_way(
            (n, c, h, w) in (1usize..3, 1usize..4, 1usize..20, 1usize..70),
            levels in prop::collection::vec(-3i8..3, 2 * 3 * 19 * 69),
        ) {
            let x: Vec<f32> = levels[..n * c * h * w].iter().map(|&v| v.into()).collect();
            let (oh, ow) = (h / 2, w / 2);
            let gy: Vec<f32> = (0..n * c * oh * ow).map(|i| i as f32 + 1.0).collect();
            let (y, gx) = (forward(&x, n, c, h, w), backward(&x, &gy, n, c, h, w));
            let mut expected_gx = vec![0.0; x.len()];
            for p in 0..n * c {
                let plane = &x[p * h * w..][..h * w];
                for (i, g) in gy[p * oh * ow..][..oh * ow].iter().enumerate() {
                    let at = winner(plane, w, i / ow, i % ow);
                    prop_assert_eq!(y[p * oh * ow + i], plane[at]);
                    expected_gx[p * h * w + at] += g;
                }
            }
            prop_assert_eq!(gx, expected_gx);
        }
    }
}
