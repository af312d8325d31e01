//! The matrix product in registers that every algorithm spends its time in.

use super::super::simd::{Isa, Simd};

/// Rows (output channels) and vectors (pixels or tiles) of a product that together fill the registers of an instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Output channels.
    pub rows: usize,
    /// Vectors of pixels or tiles.
    pub vectors: usize,
    /// Numbers in a vector.
    pub lanes: usize,
}

impl Block {
    /// The block for many output channels.
    pub fn of(isa: Isa) -> Block {
        match isa {
            Isa::Avx512 => Block { rows: 8, vectors: 2, lanes: 16 },
            Isa::Avx2 => Block { rows: 6, vectors: 2, lanes: 8 },
            Isa::Portable => Block { rows: 4, vectors: 2, lanes: 4 },
        }
    }

    /// Pixels or tiles of the block.
    pub fn width(self) -> usize {
        self.vectors * self.lanes
    }
}

/// `sum_k a[k] (x) b[k]`: `a` holds `ROWS` numbers a step, `b(k)` gives at least `VECTORS` vectors.
#[inline(always)]
pub fn product<'a, S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    sum: &mut [[S::Vector; VECTORS]; ROWS],
    a: &[f32],
    b: impl Iterator<Item = &'a [f32]>,
) {
    for (a, b) in a.chunks_exact(ROWS).zip(b) {
        let mut vectors = [simd.splat(0.0); VECTORS];
        for (j, vector) in vectors.iter_mut().enumerate() {
            *vector = simd.load(&b[j * S::LANES..]);
        }
        for (sum, &a) in sum.iter_mut().zip(a) {
            let a = simd.splat(a);
            for (sum, &b) in sum.iter_mut().zip(&vectors) {
                *sum = simd.mul_add(a, b, *sum);
            }
        }
    }
}
