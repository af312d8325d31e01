//! Between pixels in the order of a row and one vector for each column of the tiles.
//!
//! With tiles `m` pixels wide, pixel `m t + j` of a row is lane `t` of vector `j`. Plain loops say this, but the compiler moves
//! the numbers one by one; with AVX-512, eight two-source permutations do it.

use super::super::simd::Simd;
use super::transform::MAX_TILE;

/// Most lanes of a vector.
pub const MAX_LANES: usize = 16;
/// One vector for each column of the tiles; the first [`Simd::LANES`] numbers of each count.
type Columns = [[f32; MAX_LANES]; MAX_TILE];

/// Takes the `tile * LANES` pixels of a row apart.
///
/// # Panics
/// If there are not that many pixels.
#[inline(always)]
pub fn apart<S: Simd>(_: S, tile: usize, pixels: &[f32]) -> Columns {
    let pixels = &pixels[..tile * S::LANES];
    let mut columns = [[0.0; MAX_LANES]; MAX_TILE];
    #[cfg(target_arch = "x86_64")]
    if S::LANES == 16 && tile == 4 {
        // SAFETY: of the implementations of `Simd` only that of AVX-512 has 16 lanes, and a value of it is the proof that the
        // CPU has the instructions; there are 64 pixels.
        columns = unsafe { avx512::apart(pixels.as_ptr()) };
        return columns;
    }
    for (lane, pixels) in pixels.chunks_exact(tile).enumerate() {
        for (column, &pixel) in columns.iter_mut().zip(pixels) {
            column[lane] = pixel;
        }
    }
    columns
}

/// Puts columns together to the `tile * LANES` pixels of a row: the inverse of [`apart`].
///
/// # Panics
/// If there is no room for that many pixels.
#[inline(always)]
pub fn together<S: Simd>(_: S, tile: usize, columns: &Columns, pixels: &mut [f32]) {
    let pixels = &mut pixels[..tile * S::LANES];
    #[cfg(target_arch = "x86_64")]
    if S::LANES == 16 && tile == 4 {
        // SAFETY: as in `apart`.
        unsafe { avx512::together(columns, pixels.as_mut_ptr()) };
        return;
    }
    for (lane, pixels) in pixels.chunks_exact_mut(tile).enumerate() {
        for (column, pixel) in columns.iter().zip(pixels) {
            *pixel = column[lane];
        }
    }
}

/// `first`, then all lanes but the last.
#[inline(always)]
pub fn shifted_up<S: Simd>(simd: S, first: f32, lanes: &[f32; MAX_LANES]) -> S::Vector {
    let mut shifted = [first; MAX_LANES];
    shifted[1..].copy_from_slice(&lanes[..MAX_LANES - 1]);
    simd.load(&shifted)
}

/// All lanes but the first, then `last`.
#[inline(always)]
pub fn shifted_down<S: Simd>(simd: S, lanes: &[f32; MAX_LANES], last: f32) -> S::Vector {
    let mut shifted = [last; MAX_LANES];
    shifted[..S::LANES - 1].copy_from_slice(&lanes[1..S::LANES]);
    simd.load(&shifted)
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::{Columns, MAX_LANES, MAX_TILE};

    // Lanes of two vectors, those of the second counted from 16 on.
    const FIRST_COLUMNS: [i32; 16] = [0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29];
    const LAST_COLUMNS: [i32; 16] = [2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31];
    const EARLY_TILES: [i32; 16] = [0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27];
    const LATE_TILES: [i32; 16] = [4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31];
    // Both lower halves, both upper halves.
    const LOWER: i32 = 0x44;
    const UPPER: i32 = 0xEE;

    /// # Safety
    /// The CPU has AVX-512.
    #[inline(always)]
    unsafe fn load(lanes: &[i32; 16]) -> __m512i {
        // SAFETY: the array is a vector long.
        unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
    }

    /// Columns of the 16 tiles of 4 pixels at `pixels`.
    ///
    /// # Safety
    /// The CPU has AVX-512, and there are 64 pixels.
    #[inline(always)]
    pub unsafe fn apart(pixels: *const f32) -> Columns {
        // SAFETY: the caller's promises; loads and stores need no alignment.
        unsafe {
            let [q0, q1] = [_mm512_loadu_ps(pixels), _mm512_loadu_ps(pixels.add(16))];
            let [q2, q3] = [_mm512_loadu_ps(pixels.add(32)), _mm512_loadu_ps(pixels.add(48))];
            // Of eight tiles: one column in the lower half, the next one in the upper half.
            let [first, last] = [load(&FIRST_COLUMNS), load(&LAST_COLUMNS)];
            let left =
                [_mm512_permutex2var_ps(q0, first, q1), _mm512_permutex2var_ps(q2, first, q3)];
            let right =
                [_mm512_permutex2var_ps(q0, last, q1), _mm512_permutex2var_ps(q2, last, q3)];
            let mut columns = [[0.0; MAX_LANES]; MAX_TILE];
            _mm512_storeu_ps(
                columns[0].as_mut_ptr(),
                _mm512_shuffle_f32x4::<LOWER>(left[0], left[1]),
            );
            _mm512_storeu_ps(
                columns[1].as_mut_ptr(),
                _mm512_shuffle_f32x4::<UPPER>(left[0], left[1]),
            );
            _mm512_storeu_ps(
                columns[2].as_mut_ptr(),
                _mm512_shuffle_f32x4::<LOWER>(right[0], right[1]),
            );
            _mm512_storeu_ps(
                columns[3].as_mut_ptr(),
                _mm512_shuffle_f32x4::<UPPER>(right[0], right[1]),
            );
            columns
        }
    }

    /// Writes the 64 pixels of 16 tiles to `pixels`.
    ///
    /// # Safety
    /// The CPU has AVX-512, and there is room for 64 pixels.
    #[inline(always)]
    pub unsafe fn together(columns: &Columns, pixels: *mut f32) {
        // SAFETY: the caller's promises; loads and stores need no alignment.
        unsafe {
            let [c0, c1] =
                [_mm512_loadu_ps(columns[0].as_ptr()), _mm512_loadu_ps(columns[1].as_ptr())];
            let [c2, c3] =
                [_mm512_loadu_ps(columns[2].as_ptr()), _mm512_loadu_ps(columns[3].as_ptr())];
            // Of eight tiles: two columns, one behind the other.
            let lower =
                [_mm512_shuffle_f32x4::<LOWER>(c0, c1), _mm512_shuffle_f32x4::<LOWER>(c2, c3)];
            let upper =
                [_mm512_shuffle_f32x4::<UPPER>(c0, c1), _mm512_shuffle_f32x4::<UPPER>(c2, c3)];
            let [early, late] = [load(&EARLY_TILES), load(&LATE_TILES)];
            _mm512_storeu_ps(pixels, _mm512_permutex2var_ps(lower[0], early, lower[1]));
            _mm512_storeu_ps(pixels.add(16), _mm512_permutex2var_ps(lower[0], late, lower[1]));
            _mm512_storeu_ps(pixels.add(32), _mm512_permutex2var_ps(upper[0], early, upper[1]));
            _mm512_storeu_ps(pixels.add(48), _mm512_permutex2var_ps(upper[0], late, upper[1]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::simd::{Isa, Kernel};
    use super::*;

    struct Numbered;

    impl Kernel for Numbered {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            for tile in [2, 4] {
                let pixels: Vec<f32> = (0..tile * S::LANES).map(|pixel| pixel as f32).collect();
                let columns = apart(simd, tile, &pixels);
                for (j, column) in columns.iter().enumerate().take(tile) {
                    for (lane, &value) in column.iter().enumerate().take(S::LANES) {
                        assert_eq!(value, (lane * tile + j) as f32);
                    }
                }
                let mut back = vec![-1.0; pixels.len()];
                together(simd, tile, &columns, &mut back);
                assert_eq!(back, pixels);
            }
        }
    }

    #[test]
    fn pixels_come_apart_and_together() {
        Isa::available().for_each(|isa| isa.run(Numbered));
    }

    struct Shifted;

    impl Kernel for Shifted {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            let lanes: [f32; MAX_LANES] = std::array::from_fn(|lane| lane as f32);
            let (mut up, mut down) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
            simd.store(shifted_up(simd, -1.0, &lanes), &mut up);
            simd.store(shifted_down(simd, &lanes, S::LANES as f32), &mut down);
            for lane in 0..S::LANES {
                assert_eq!((up[lane], down[lane]), (lane as f32 - 1.0, lane as f32 + 1.0));
            }
        }
    }

    #[test]
    fn lanes_shift_by_one() {
        Isa::available().for_each(|isa| isa.run(Shifted));
    }
}
