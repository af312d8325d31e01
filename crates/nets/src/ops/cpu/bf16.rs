//! Numbers rounded to bf16, two in the 32 bits of one place.
//!
//! bf16 is the upper half of an `f32`: 8 bits of the significand instead of 24.

/// Two columns of numbers as pairs: `low` in the lower 16 bits of every place, `high` in the upper.
///
/// Rounds to nearest, ties to even; not-a-number as arithmetic gives it stays one.
#[inline(always)]
fn pair<const N: usize>(low: &[f32; N], high: &[f32; N]) -> [f32; N] {
    let mut pairs = [0.0; N];
    for i in 0..N {
        pairs[i] = f32::from_bits(rounded(low[i]) >> 16 | rounded(high[i]) & UPPER);
    }
    pairs
}

/// The two columns that `pair` puts together.
#[inline(always)]
pub fn part<const N: usize>(pairs: &[f32; N]) -> [[f32; N]; 2] {
    let (mut low, mut high) = ([0.0; N], [0.0; N]);
    for i in 0..N {
        low[i] = f32::from_bits(pairs[i].to_bits() << 16);
        high[i] = f32::from_bits(pairs[i].to_bits() & UPPER);
    }
    [low, high]
}

/// In each of the rows of `depth` columns, neighbouring columns become one column of pairs (an odd
/// one is paired with zeros). The rows move together at the front; what lies behind them is left
/// over.
#[inline(always)]
pub fn pair_columns<const N: usize>(columns: &mut [[f32; N]], depth: usize) {
    let mut place = 0;
    for row in (0..columns.len()).step_by(depth) {
        for low in (row..row + depth).step_by(2) {
            let high = if low + 1 < row + depth { columns[low + 1] } else { [0.0; N] };
            // `place` is never beyond `low`, so that nothing still to be read is written over.
            columns[place] = pair(&columns[low], &high);
            place += 1;
        }
    }
}

const UPPER: u32 = 0xffff_0000;

/// The bits of `value`, rounded so that the upper 16 are its bf16.
#[inline(always)]
fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    bits.wrapping_add(0x7fff + (bits >> 16 & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_and_ties_to_even() {
        // Spacing of bf16 in [1, 2) is 2^-7.
        let step = 1.0 / 128.0;
        for (value, expected) in [
            (0.0, 0.0),
            (-0.0, -0.0),
            (1.0, 1.0),
            (1.0 + 0.4 * step, 1.0),
            (1.0 + 0.5 * step, 1.0),
            (1.0 + 0.6 * step, 1.0 + step),
            (1.0 + 1.5 * step, 1.0 + 2.0 * step),
            (-3.0 - 0.9 * step, -3.0),
            (f32::INFINITY, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
        ] {
            let [low, high] = part(&pair(&[value], &[-value]));
            assert_eq!(low[0].to_bits(), f32::to_bits(expected), "{value}");
            assert_eq!(high[0].to_bits(), f32::to_bits(-expected), "{value}");
        }
        let [low, high] = part(&pair(&[f32::NAN], &[-f32::NAN]));
        assert!(low[0].is_nan() && high[0].is_nan());
    }

    #[test]
    fn an_odd_column_is_paired_with_zeros_and_rows_close_up() {
        let mut columns: Vec<[f32; 2]> = (0..6).map(|i| [i as f32, -(i as f32)]).collect();
        pair_columns(&mut columns, 3);
        let parts: Vec<_> = columns[..4].iter().map(part).collect();
        let expected = [
            [[0.0, -0.0], [1.0, -1.0]],
            [[2.0, -2.0], [0.0, 0.0]],
            [[3.0, -3.0], [4.0, -4.0]],
            [[5.0, -5.0], [0.0, 0.0]],
        ];
        assert_eq!(parts, expected);
    }
}
