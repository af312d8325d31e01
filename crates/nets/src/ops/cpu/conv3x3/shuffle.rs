//! Between pixels in the order of a row and one vector for each column of the tiles.
//!
//! With tiles `m` pixels wide, pixel `m t + j` of a row is lane `t` of vector `j`.

use super::super::simd::Simd;
use super::transform::MAX_TILE;

/// Takes the `tile * LANES` pixels of a row apart; of the vectors, `tile` are pixels and columns.
///
/// # Panics
/// If tiles are neither 2 nor 4 pixels wide.
#[inline(always)]
pub fn apart<S: Simd>(
    simd: S,
    tile: usize,
    pixels: [S::Vector; MAX_TILE],
) -> [S::Vector; MAX_TILE] {
    let [a, b, c, d] = pixels;
    match tile {
        2 => {
            let [a, b] = simd.deinterleave2([a, b]);
            [a, b, c, d]
        }
        4 => simd.deinterleave4([a, b, c, d]),
        other => unreachable!("no tiles {other} pixels wide"),
    }
}

/// Puts columns together to the `tile * LANES` pixels of a row: the inverse of [`apart`].
///
/// # Panics
/// If there is no room for that many pixels, or tiles are neither 2 nor 4 pixels wide.
#[inline(always)]
pub fn together<S: Simd>(simd: S, tile: usize, columns: [S::Vector; MAX_TILE], pixels: &mut [f32]) {
    let pixels = &mut pixels[..tile * S::LANES];
    let [a, b, c, d] = columns;
    match tile {
        2 => {
            let [a, b] = simd.interleave2([a, b]);
            simd.store(a, pixels);
            simd.store(b, &mut pixels[S::LANES..]);
        }
        4 => {
            let [a, b, c, d] = simd.interleave4([a, b, c, d]);
            simd.store(a, pixels);
            simd.store(b, &mut pixels[S::LANES..]);
            simd.store(c, &mut pixels[2 * S::LANES..]);
            simd.store(d, &mut pixels[3 * S::LANES..]);
        }
        other => unreachable!("no tiles {other} pixels wide"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::simd::{Isa, Kernel, MAX_LANES};
    use super::*;

    struct Numbered;

    impl Kernel for Numbered {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            for tile in [2, 4] {
                let pixels: Vec<f32> = (0..tile * S::LANES).map(|pixel| pixel as f32).collect();
                let mut vectors = [simd.splat(-1.0); MAX_TILE];
                for (vector, pixels) in vectors.iter_mut().zip(pixels.chunks_exact(S::LANES)) {
                    *vector = simd.load(pixels);
                }
                let columns = apart(simd, tile, vectors);
                for (j, column) in columns.into_iter().enumerate().take(tile) {
                    let mut lanes = [-1.0; MAX_LANES];
                    simd.store(column, &mut lanes);
                    for (lane, &value) in lanes.iter().enumerate().take(S::LANES) {
                        assert_eq!(value, (lane * tile + j) as f32);
                    }
                }
                let mut back = vec![-1.0; pixels.len()];
                together(simd, tile, columns, &mut back);
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
            let value = simd.load(&lanes);
            let (mut up, mut down) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
            simd.store(simd.shifted_up(-1.0, value), &mut up);
            simd.store(simd.shifted_down(value, S::LANES as f32), &mut down);
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
