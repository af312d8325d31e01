//! 2x2 maximum, stride 2.

use std::mem::MaybeUninit;

use super::buffer::filled_by_chunks;
use super::simd::{Isa, Kernel, Simd};

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
    fn run<S: Simd>(self, _: S) {
        if self.out.is_empty() {
            return;
        }
        let pairs = self.x.chunks_exact(2 * self.w);
        for (rows, out) in pairs.zip(self.out.chunks_exact_mut(self.w / 2)) {
            let (top, bottom) = rows.split_at(self.w);
            let blocks = top.chunks_exact(2).zip(bottom.chunks_exact(2));
            for ((top, bottom), out) in blocks.zip(out) {
                let mut maximum = top[0];
                for value in [top[1], bottom[0], bottom[1]] {
                    maximum = if replaces(value, maximum) { value } else { maximum };
                }
                out.write(maximum);
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
    fn run<S: Simd>(self, _: S) {
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
            // By index, which the compiler vectorises; it does not vectorise five zipped iterators.
            for (i, &g) in gy.iter().enumerate() {
                let values = [top[2 * i], top[2 * i + 1], bottom[2 * i], bottom[2 * i + 1]];
                let maximum = |a, b| if replaces(b, a) { b } else { a };
                let (upper, lower) = (maximum(values[0], values[1]), maximum(values[2], values[3]));
                let second = replaces(lower, upper);
                let (right_above, right_below) =
                    (replaces(values[1], values[0]), replaces(values[3], values[2]));
                let only_if = |here: bool| MaybeUninit::new(if here { g } else { 0.0 });
                gx_top[2 * i] = only_if(!second & !right_above);
                gx_top[2 * i + 1] = only_if(!second & right_above);
                gx_bottom[2 * i] = only_if(second & !right_below);
                gx_bottom[2 * i + 1] = only_if(second & right_below);
            }
        }
    }
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
