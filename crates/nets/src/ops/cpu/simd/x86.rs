//! AVX2 and AVX-512.

use super::{Kernel, Simd};
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

/// Proof type of [`super::Isa::Avx2`].
#[derive(Clone, Copy)]
pub struct Avx2(());

/// Proof type of [`super::Isa::Avx512`].
#[derive(Clone, Copy)]
pub struct Avx512(());

/// The AVX2 instance of a kernel.
///
/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    let output = kernel.run(Avx2(()));
    _mm_sfence(); // orders streamed stores before all that follows
    output
}

/// The AVX-512 instance of a kernel.
///
/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    let output = kernel.run(Avx512(()));
    _mm_sfence(); // orders streamed stores before all that follows
    output
}

/// Implements [`Simd`] with the given intrinsics; the masked ones for parts are passed as
/// expressions.
macro_rules! vectors {
    ($token:ty, $vector:ty, $lanes:literal, $set1:ident, $loadu:ident, $storeu:ident,
     $stream:ident, $add:ident, $sub:ident, $mul:ident, $fmadd:ident, $max:ident, $sum:ident,
     $where_positive:ident, $load_lanes:expr, $store_part:expr) => {
        // In every block below the value of the proof type shows that the CPU has the
        // instructions, which is all that the arithmetic intrinsics ask for; memory is argued
        // for where it is touched.
        impl Simd for $token {
            type Vector = $vector;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(self, value: f32) -> $vector {
                // SAFETY: see above.
                unsafe { $set1(value) }
            }
            #[inline(always)]
            fn load(self, source: &[f32]) -> $vector {
                assert!(source.len() >= $lanes, "source holds a vector");
                // SAFETY: the slice holds a vector; the load needs no alignment.
                unsafe { $loadu(source.as_ptr()) }
            }
            #[inline(always)]
            fn load_part(self, source: &[f32]) -> $vector {
                let count = source.len().min($lanes);
                // SAFETY: only the first `count` numbers are touched, and the slice holds them.
                unsafe { $load_lanes(source.as_ptr(), 0, count) }
            }
            #[inline(always)]
            fn load_after_zero(self, source: &[f32]) -> $vector {
                let end = (source.len() + 1).min($lanes);
                // SAFETY: lane k is read from place k - 1 for 1 <= k < end only, and the slice
                // holds those; the address of lane 0 may lie outside, hence the wrapping
                // arithmetic, and is masked.
                unsafe { $load_lanes(source.as_ptr().wrapping_sub(1), 1, end) }
            }
            #[inline(always)]
            fn store(self, value: $vector, target: &mut [f32]) {
                assert!(target.len() >= $lanes, "target holds a vector");
                // SAFETY: the slice holds a vector; the store needs no alignment.
                unsafe { $storeu(target.as_mut_ptr(), value) }
            }
            #[inline(always)]
            fn store_part(self, value: $vector, target: &mut [f32]) {
                let count = target.len().min($lanes);
                // SAFETY: only the first `count` numbers are touched, and the slice holds them.
                unsafe { $store_part(target.as_mut_ptr(), count, value) }
            }
            #[inline(always)]
            fn store_uninit(self, value: $vector, target: &mut [MaybeUninit<f32>]) {
                assert!(target.len() >= $lanes, "target holds a vector");
                // SAFETY: the slice holds a vector; writing initialises it.
                unsafe { $storeu(target.as_mut_ptr().cast(), value) }
            }
            #[inline(always)]
            fn stream(self, value: $vector, target: &mut [MaybeUninit<f32>]) {
                assert!(target.len() >= $lanes, "target holds a vector");
                let place: *mut f32 = target.as_mut_ptr().cast();
                if !place.cast::<$vector>().is_aligned() {
                    return self.store_uninit(value, target);
                }
                // SAFETY: the slice holds a vector and is aligned to it; `run` fences before
                // anyone else may read.
                unsafe { $stream(place, value) }
            }
            #[inline(always)]
            fn add(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: see above.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: see above.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: see above.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn mul_add(self, a: $vector, b: $vector, c: $vector) -> $vector {
                // SAFETY: see above.
                unsafe { $fmadd(a, b, c) }
            }
            #[inline(always)]
            fn max(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: see above.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn where_positive(self, test: $vector, a: $vector, b: $vector) -> $vector {
                // SAFETY: see above.
                unsafe { $where_positive(test, a, b) }
            }
            #[inline(always)]
            fn sum(self, value: $vector) -> f32 {
                // SAFETY: see above.
                unsafe { $sum(value) }
            }
        }
    };
}

vectors!(
    Avx512,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_stream_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_max_ps,
    _mm512_reduce_add_ps,
    where_positive16,
    |source, start, end| _mm512_maskz_loadu_ps(mask16(start, end), source),
    |target, end, value| _mm512_mask_storeu_ps(target, mask16(0, end), value)
);

vectors!(
    Avx2,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_stream_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_max_ps,
    sum8,
    where_positive8,
    |source, start, end| _mm256_maskload_ps(source, mask8(start, end)),
    |target, end, value| _mm256_maskstore_ps(target, mask8(0, end), value)
);

/// Lanes `start..end` of 16.
#[inline(always)]
fn mask16(start: usize, end: usize) -> __mmask16 {
    ((1u32 << end) - (1u32 << start)) as __mmask16
}

/// Lanes `start..end` of 8.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn mask8(start: usize, end: usize) -> __m256i {
    let lane = |lane: usize| if (start..end).contains(&lane) { -1 } else { 0 };
    // SAFETY: the caller's promise.
    unsafe {
        _mm256_setr_epi32(lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6), lane(7))
    }
}

/// Lanes of `a` where `test > 0`, else of `b`.
///
/// # Safety
/// The CPU has AVX-512.
#[inline(always)]
unsafe fn where_positive16(test: __m512, a: __m512, b: __m512) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe {
        _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(test, _mm512_setzero_ps()), b, a)
    }
}

/// Lanes of `a` where `test > 0`, else of `b`.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn where_positive8(test: __m256, a: __m256, b: __m256) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe { _mm256_blendv_ps(b, a, _mm256_cmp_ps::<_CMP_GT_OQ>(test, _mm256_setzero_ps())) }
}

/// The sum of 8 lanes.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn sum8(value: __m256) -> f32 {
    // SAFETY: both types are 8 numbers of 32 bits.
    let v: [f32; 8] = unsafe { std::mem::transmute(value) };
    ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}
