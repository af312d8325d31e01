//! The matrix product at the heart of the operators with frozen weights: a packed matrix times
//! strips of pixels.
//!
//! `C = A B` with `A [rows, depth]` frozen and packed once, `B [depth, pixels]` cut into strips of
//! [`STRIP`] pixels that a caller prepares in cache. Every element of `C` is one sum over the depth
//! in rising order, so that results depend on nothing but the instruction set.
//!
//! In bf16 every place of `A` and `B` holds two numbers of neighbouring depths (see [`super::bf16`]);
//! sums are kept in `f32`.

use super::bf16::pair_columns;
use super::simd::Simd;
use std::ops::Range;

/// Rows of `A` that are packed together.
pub const PANEL: usize = 8;

/// Pixels of a strip of `B`.
pub const STRIP: usize = 32;

/// What a place of a matrix holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// An `f32`.
    Numbers,
    /// Two bf16 numbers of neighbouring columns.
    Pairs,
}

/// A frozen matrix in the order in which [`product`] reads it: panels of [`PANEL`] rows, column by
/// column.
#[derive(Clone, Debug)]
pub struct Packed {
    rows: usize,
    depth: usize,
    hold: Hold,
    /// `[ceil(rows / PANEL)][places]`, the rows missing from the last panel are zero.
    columns: Vec<[f32; PANEL]>,
}

impl Packed {
    /// Packs the matrix of `rows` times `depth` whose elements are `value(row, column)`.
    pub fn new(rows: usize, depth: usize, value: impl Fn(usize, usize) -> f32) -> Packed {
        let columns = (0..rows.div_ceil(PANEL) * depth)
            .map(|i| {
                let (panel, column) = (i / depth, i % depth);
                std::array::from_fn(|lane| {
                    let row = panel * PANEL + lane;
                    if row < rows { value(row, column) } else { 0.0 }
                })
            })
            .collect();
        Packed { rows, depth, hold: Hold::Numbers, columns }
    }

    /// The matrix rounded to bf16, in pairs.
    pub fn in_pairs(mut self) -> Packed {
        if self.hold == Hold::Numbers {
            pair_columns(&mut self.columns, self.depth);
            self.hold = Hold::Pairs;
            self.columns.truncate(self.panels() * self.places());
        }
        self
    }

    /// The strips `[strip][depth]` of an operand as [`product`] takes them: as they are, or rounded
    /// and moved to the front.
    #[inline(always)]
    pub fn operand<'a>(&self, strips: &'a mut [[f32; STRIP]]) -> &'a [[f32; STRIP]] {
        match self.hold {
            Hold::Numbers => strips,
            Hold::Pairs => {
                pair_columns(strips, self.depth);
                &strips[..strips.len() / self.depth * self.places()]
            }
        }
    }

    /// Places of a row: its numbers, or pairs of them.
    fn places(&self) -> usize {
        match self.hold {
            Hold::Numbers => self.depth,
            Hold::Pairs => self.depth.div_ceil(2),
        }
    }

    /// Number of panels.
    pub fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    fn panel(&self, panel: usize) -> &[[f32; PANEL]] {
        &self.columns[panel * self.places()..(panel + 1) * self.places()]
    }
}

/// Multiplies the given panels of `a` with `strips` (an [`Packed::operand`] of it), and hands every
/// row of the result to `each(row, strip, values)`: panel by panel, in it strip by strip.
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: &Packed,
    panels: Range<usize>,
    strips: &[[f32; STRIP]],
    mut each: impl FnMut(usize, usize, &[f32; STRIP]),
) {
    let mut tile = [[0.0; STRIP]; PANEL];
    for panel in panels {
        let rows = PANEL.min(a.rows - panel * PANEL);
        for (index, strip) in strips.chunks_exact(a.places()).enumerate() {
            match a.hold {
                Hold::Numbers => panel_times_strip(simd, a.panel(panel), strip, &mut tile),
                Hold::Pairs => simd.multiply_pairs(a.panel(panel), strip, &mut tile),
            }
            for (lane, values) in tile[..rows].iter().enumerate() {
                each(panel * PANEL + lane, index, values);
            }
        }
    }
}

/// `tile = panel * strip`, in blocks whose sums fit the registers of the instruction set: 8 rows of
/// 2 vectors of 16, or 4 rows of 2 vectors of 8 or 4.
#[inline(always)]
fn panel_times_strip<S: Simd>(
    simd: S,
    panel: &[[f32; PANEL]],
    strip: &[[f32; STRIP]],
    tile: &mut [[f32; STRIP]; PANEL],
) {
    if S::LANES == 16 {
        return block::<S, 8, 2>(simd, panel, strip, (0, 0), tile);
    }
    for pixel in (0..STRIP).step_by(2 * S::LANES) {
        for row in (0..PANEL).step_by(4) {
            block::<S, 4, 2>(simd, panel, strip, (row, pixel), tile);
        }
    }
}

/// The block of `ROWS` rows and `VECTORS` vectors of the tile that starts at `(row, pixel)`.
#[inline(always)]
fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    panel: &[[f32; PANEL]],
    strip: &[[f32; STRIP]],
    (row, pixel): (usize, usize),
    tile: &mut [[f32; STRIP]; PANEL],
) {
    let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
    for (a, b) in panel.iter().zip(strip) {
        let a = &a[row..row + ROWS];
        let b = &b[pixel..pixel + VECTORS * S::LANES];
        let mut pixels = [simd.splat(0.0); VECTORS];
        for v in 0..VECTORS {
            pixels[v] = simd.load(&b[v * S::LANES..]);
        }
        for r in 0..ROWS {
            let weight = simd.splat(a[r]);
            for v in 0..VECTORS {
                sums[r][v] = simd.mul_add(weight, pixels[v], sums[r][v]);
            }
        }
    }
    for r in 0..ROWS {
        for v in 0..VECTORS {
            simd.store(sums[r][v], &mut tile[row + r][pixel + v * S::LANES..]);
        }
    }
}

/// Writes `values` to pixels `start..start + values.len()` of channel `channel` in strips of
/// `depth` channels.
#[inline(always)]
pub fn scatter(
    strips: &mut [[f32; STRIP]],
    depth: usize,
    channel: usize,
    start: usize,
    values: &[f32],
) {
    let (mut at, mut rest) = (start, values);
    while !rest.is_empty() {
        let row = &mut strips[at / STRIP * depth + channel];
        if at % STRIP == 0
            && let Some((chunk, tail)) = rest.split_first_chunk::<STRIP>()
        {
            *row = *chunk;
            (at, rest) = (at + STRIP, tail);
        } else {
            let count = rest.len().min(STRIP - at % STRIP);
            let (part, tail) = rest.split_at(count);
            row[at % STRIP..][..count].copy_from_slice(part);
            (at, rest) = (at + count, tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Isa, Kernel};
    use super::*;
    use proptest::prelude::*;

    struct Multiply<'a> {
        a: &'a Packed,
        strips: &'a [[f32; STRIP]],
        pixels: usize,
    }

    impl Kernel for Multiply<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<f32> {
            let mut c = vec![f32::NAN; self.a.rows * self.pixels];
            product(simd, self.a, 0..self.a.panels(), self.strips, |row, strip, values| {
                for (i, value) in
                    values.iter().enumerate().take_while(|(i, _)| strip * STRIP + i < self.pixels)
                {
                    c[row * self.pixels + strip * STRIP + i] = *value;
                }
            });
            c
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn products_of_small_integers_are_exact(
            rows in 1usize..20, depth in 1usize..40, pixels in 1usize..100, seed in 0usize..1000,
        ) {
            // Integers up to 7: bf16 holds them, and every sum is below 2^24, so that any order of
            // summation gives the exact result.
            let value = |r: usize, k: usize| ((r * 31 + k * 17 + seed) % 15) as f32 - 7.0;
            let b = |k: usize, p: usize| ((k * 13 + p * 29 + seed) % 13) as f32 - 6.0;
            let mut strips = vec![[0.0; STRIP]; pixels.div_ceil(STRIP) * depth];
            for k in 0..depth {
                let row: Vec<f32> = (0..pixels).map(|p| b(k, p)).collect();
                let cut = seed % (pixels + 1);
                scatter(&mut strips, depth, k, 0, &row[..cut]);
                scatter(&mut strips, depth, k, cut, &row[cut..]);
            }
            let packed = Packed::new(rows, depth, value);
            let pairs = packed.clone().in_pairs();
            for (isa, a) in Isa::available().flat_map(|isa| [(isa, &packed), (isa, &pairs)]) {
                let mut strips = strips.clone();
                let c = isa.run(Multiply { a, strips: a.operand(&mut strips), pixels });
                for r in 0..rows {
                    for p in 0..pixels {
                        let expected: f32 = (0..depth).map(|k| value(r, k) * b(k, p)).sum();
                        let got = c[r * pixels + p];
                        prop_assert_eq!(got, expected, "{:?} {:?} {} {}", isa, a.hold, r, p);
                    }
                }
            }
        }
    }
}
