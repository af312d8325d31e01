//! AVX2 and AVX-512.

use super::super::gemm::{PANEL, STRIP};
use super::{Isa, Kernel, Simd, multiply_pairs_one_by_one};
use std::arch::x86_64::*;
use std::mem::{MaybeUninit, transmute};

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
    ($token:ty, $isa:expr, $vector:ty, $lanes:literal, $set1:ident, $loadu:ident, $storeu:ident,
     $stream:ident, $add:ident, $sub:ident, $mul:ident, $fmadd:ident, $max:ident, $sum:ident,
     $where_positive:ident, $load_lanes:expr, $store_part:expr, { $($more:item)* }) => {
        // In every block below the value of the proof type shows that the CPU has the
        // instructions, which is all that the arithmetic intrinsics ask for; memory is argued
        // for where it is touched.
        impl Simd for $token {
            type Vector = $vector;
            const ISA: Isa = $isa;
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
            $($more)*
        }
    };
}

vectors!(
    Avx512,
    Isa::Avx512,
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
    |target, end, value| _mm512_mask_storeu_ps(target, mask16(0, end), value),
    {
        #[inline(always)]
        fn multiply_pairs(
            self,
            panel: &[[f32; PANEL]],
            strip: &[[f32; STRIP]],
            tile: &mut [[f32; STRIP]; PANEL],
        ) {
            if is_x86_feature_detected!("avx512bf16") {
                // SAFETY: detected just now; AVX-512 as the value of the proof type shows.
                return unsafe { multiply_pairs(panel, strip, tile) };
            }
            multiply_pairs_one_by_one(panel, strip, tile);
        }
        #[inline(always)]
        fn shifted_up(self, first: f32, value: __m512) -> __m512 {
            // SAFETY: the value of the proof type shows that the CPU has AVX-512.
            unsafe {
                let (first, value) =
                    (_mm512_castps_si512(_mm512_set1_ps(first)), _mm512_castps_si512(value));
                _mm512_castsi512_ps(_mm512_alignr_epi32::<15>(value, first))
            }
        }
        #[inline(always)]
        fn shifted_down(self, value: __m512, last: f32) -> __m512 {
            // SAFETY: as above.
            unsafe {
                let (value, last) =
                    (_mm512_castps_si512(value), _mm512_castps_si512(_mm512_set1_ps(last)));
                _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(last, value))
            }
        }
        #[inline(always)]
        fn deinterleave2(self, [a, b]: [__m512; 2]) -> [__m512; 2] {
            // SAFETY: as above.
            unsafe {
                let (even, odd) = (order(&EVEN), order(&ODD));
                [_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)]
            }
        }
        #[inline(always)]
        fn interleave2(self, [a, b]: [__m512; 2]) -> [__m512; 2] {
            // SAFETY: as above.
            unsafe {
                let (early, late) = (order(&EARLY_PAIRS), order(&LATE_PAIRS));
                [_mm512_permutex2var_ps(a, early, b), _mm512_permutex2var_ps(a, late, b)]
            }
        }
        #[inline(always)]
        fn deinterleave4(self, [a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
            // SAFETY: as above.
            unsafe {
                // Of eight quadruples: one column in the lower half, the next in the upper half.
                let (first, last) = (order(&FIRST_COLUMNS), order(&LAST_COLUMNS));
                let left =
                    [_mm512_permutex2var_ps(a, first, b), _mm512_permutex2var_ps(c, first, d)];
                let right =
                    [_mm512_permutex2var_ps(a, last, b), _mm512_permutex2var_ps(c, last, d)];
                [
                    _mm512_shuffle_f32x4::<LOWER>(left[0], left[1]),
                    _mm512_shuffle_f32x4::<UPPER>(left[0], left[1]),
                    _mm512_shuffle_f32x4::<LOWER>(right[0], right[1]),
                    _mm512_shuffle_f32x4::<UPPER>(right[0], right[1]),
                ]
            }
        }
        #[inline(always)]
        fn interleave4(self, [a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
            // SAFETY: as above.
            unsafe {
                // Of eight quadruples: two columns, one behind the other.
                let lower =
                    [_mm512_shuffle_f32x4::<LOWER>(a, b), _mm512_shuffle_f32x4::<LOWER>(c, d)];
                let upper =
                    [_mm512_shuffle_f32x4::<UPPER>(a, b), _mm512_shuffle_f32x4::<UPPER>(c, d)];
                let (early, late) = (order(&EARLY_TILES), order(&LATE_TILES));
                [
                    _mm512_permutex2var_ps(lower[0], early, lower[1]),
                    _mm512_permutex2var_ps(lower[0], late, lower[1]),
                    _mm512_permutex2var_ps(upper[0], early, upper[1]),
                    _mm512_permutex2var_ps(upper[0], late, upper[1]),
                ]
            }
        }
    }
);

/// [`Simd::multiply_pairs`] in registers: 8 rows of 2 vectors.
///
/// # Safety
/// The CPU has AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn multiply_pairs(
    panel: &[[f32; PANEL]],
    strip: &[[f32; STRIP]],
    tile: &mut [[f32; STRIP]; PANEL],
) {
    // SAFETY: every load and store is of an array that holds the vector; all vectors are 512 bits.
    unsafe {
        let mut sums = [[_mm512_setzero_ps(); 2]; PANEL];
        for (a, b) in panel.iter().zip(strip) {
            let b = [
                _mm512_loadu_si512(b.as_ptr().cast()),
                _mm512_loadu_si512(b[16..].as_ptr().cast()),
            ];
            for (sums, a) in sums.iter_mut().zip(a) {
                let a: __m512bh = transmute(_mm512_set1_epi32(a.to_bits() as i32));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm512_dpbf16_ps(*sum, a, transmute::<__m512i, __m512bh>(b));
                }
            }
        }
        for (row, sums) in tile.iter_mut().zip(sums) {
            _mm512_storeu_ps(row.as_mut_ptr(), sums[0]);
            _mm512_storeu_ps(row[16..].as_mut_ptr(), sums[1]);
        }
    }
}

// Lanes of two vectors, those of the second counted from 16 on.
const EVEN: [i32; 16] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];
const ODD: [i32; 16] = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
const EARLY_PAIRS: [i32; 16] = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
const LATE_PAIRS: [i32; 16] = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];
const FIRST_COLUMNS: [i32; 16] = [0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29];
const LAST_COLUMNS: [i32; 16] = [2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31];
const EARLY_TILES: [i32; 16] = [0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27];
const LATE_TILES: [i32; 16] = [4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31];
// Both lower halves, both upper halves.
const LOWER: i32 = 0x44;
const UPPER: i32 = 0xEE;

/// An order of lanes as a vector.
///
/// # Safety
/// The CPU has AVX-512.
#[inline(always)]
unsafe fn order(lanes: &[i32; 16]) -> __m512i {
    // SAFETY: the array is a vector long.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

vectors!(
    Avx2,
    Isa::Avx2,
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
    |target, end, value| _mm256_maskstore_ps(target, mask8(0, end), value),
    {}
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
