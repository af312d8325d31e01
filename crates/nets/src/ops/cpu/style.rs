//! The gradient through the styling `x * s` of one channel, shared by every styled operator.

use super::simd::Simd;
use std::mem::MaybeUninit;

/// Numbers in a map from which on it is written past the caches: 16 MiB.
pub const STREAM_FROM: usize = 4 << 20;

/// Writes `gx = s * v` and returns the share `sum v x` of the gradient of `s`, where `v` is the
/// gradient of `x * s`; summed in an order fixed for each instruction set. `stream` writes past the
/// caches.
///
/// # Panics
/// If the slices differ in length.
#[inline(always)]
pub fn gradients<S: Simd>(
    simd: S,
    v: &[f32],
    x: &[f32],
    s: f32,
    gx: &mut [MaybeUninit<f32>],
    stream: bool,
) -> f32 {
    assert!(v.len() == x.len() && v.len() == gx.len(), "one size");
    let gain = simd.splat(s);
    let mut sum = simd.splat(0.0);
    let mut chunks =
        v.chunks_exact(S::LANES).zip(x.chunks_exact(S::LANES)).zip(gx.chunks_exact_mut(S::LANES));
    for ((v, x), gx) in &mut chunks {
        let v = simd.load(v);
        sum = simd.mul_add(v, simd.load(x), sum);
        let scaled = simd.mul(gain, v);
        if stream { simd.stream(scaled, gx) } else { simd.store_uninit(scaled, gx) }
    }
    let mut sum = simd.sum(sum);
    for i in v.len() / S::LANES * S::LANES..v.len() {
        gx[i].write(s * v[i]);
        sum += v[i] * x[i];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Isa, Kernel};
    use super::*;

    struct Both<'a>(&'a [f32], &'a [f32], bool);

    impl Kernel for Both<'_> {
        type Output = (Vec<f32>, f32);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (Vec<f32>, f32) {
            let mut gx = vec![MaybeUninit::new(f32::NAN); self.0.len()];
            let sum = gradients(simd, self.0, self.1, 3.0, &mut gx, self.2);
            // SAFETY: initialised on creation.
            (gx.iter().map(|v| unsafe { v.assume_init() }).collect(), sum)
        }
    }

    #[test]
    fn every_length_every_way() {
        for len in 0..70 {
            let v: Vec<f32> = (0..len).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let x: Vec<f32> = (0..len).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let gx: Vec<f32> = v.iter().map(|v| 3.0 * v).collect();
            let sum: f32 = v.iter().zip(&x).map(|(v, x)| v * x).sum(); // integers: exact
            for (isa, stream) in Isa::available().flat_map(|isa| [(isa, false), (isa, true)]) {
                assert_eq!(isa.run(Both(&v, &x, stream)), (gx.clone(), sum));
            }
        }
    }
}
