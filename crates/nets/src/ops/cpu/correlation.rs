//! How alike the neighbourhoods of two feature maps are: FlowNetC's correlation; forward only.

use rayon::prelude::*;

use super::simd::{Isa, Kernel, Simd};

/// Displacements to each side of the middle one.
const REACH: usize = 10;
/// Pixels from one displacement to the next.
const STEP: usize = 2;
/// Displacements along an axis.
const SIDE: usize = 2 * REACH + 1;

/// Channels of the result: displacements down times displacements to the right.
pub const CHANNELS: usize = SIDE * SIDE;

/// `out[(j + 10) * 21 + i + 10, y, x] = mean_c a[c, y, x] * b[c, y + 2j, x + 2i]` for `j` and `i` in
/// -10..=10, zeros outside `b`.
///
/// # Shapes
/// `a`, `b` `[N,C,H,W]`, result `[N,441,H,W]`.
/// # Panics
/// If a slice has another length.
pub fn forward(a: &[f32], b: &[f32], [n, c, h, w]: [usize; 4]) -> Vec<f32> {
    assert_eq!(a.len(), n * c * h * w, "first map of the correlation");
    assert_eq!(b.len(), a.len(), "second map of the correlation");
    let isa = Isa::active();
    let size = c * h * w;
    let rows: Vec<Vec<f32>> = (0..n * h)
        .into_par_iter()
        .map(|line| {
            let image = line / h * size;
            let (a, b) = (&a[image..][..size], &b[image..][..size]);
            isa.run(Row { a, b, y: line % h, h, w })
        })
        .collect();
    let mut out = vec![0.0; n * CHANNELS * h * w];
    out.par_chunks_mut((h * w).max(1)).enumerate().for_each(|(plane, out)| {
        let (image, channel) = (plane / CHANNELS, plane % CHANNELS);
        for (y, out) in out.chunks_exact_mut(w).enumerate() {
            out.copy_from_slice(&rows[image * h + y][channel * w..][..w]);
        }
    });
    out
}

/// One row of the result, all displacements: `[441,W]`.
struct Row<'a> {
    a: &'a [f32],
    b: &'a [f32],
    y: usize,
    h: usize,
    w: usize,
}

impl Kernel for Row<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Vec<f32> {
        let Row { a, b, y, h, w } = self;
        let mut out = vec![0.0; CHANNELS * w];
        let channels = a.len() / (h * w).max(1);
        let scale = 1.0 / channels as f32;
        for (displacement, sums) in out.chunks_exact_mut(w.max(1)).enumerate() {
            let (down, right) = (displacement / SIDE * STEP, displacement % SIDE * STEP);
            let Some(row) = (y + down).checked_sub(REACH * STEP).filter(|&row| row < h) else {
                continue;
            };
            // The pixels x whose partner x + right - REACH * STEP lies in the map.
            let first = (REACH * STEP).saturating_sub(right);
            let end = w.min((w + REACH * STEP).saturating_sub(right));
            if first >= end {
                continue;
            }
            let partner = first + right - REACH * STEP;
            for c in 0..channels {
                let a = &a[(c * h + y) * w + first..][..end - first];
                let b = &b[(c * h + row) * w + partner..][..end - first];
                for ((sum, a), b) in sums[first..end].iter_mut().zip(a).zip(b) {
                    *sum += a * b;
                }
            }
            for sum in &mut sums[first..end] {
                *sum *= scale;
            }
        }
        out
    }
}
