//! Shape predictors of dlib: regression trees over pixel differences.
//!
//! Every number is packed into as few bytes as it needs, so nothing has a place that could be computed:
//! the whole file is walked once, and its numbers are kept.

use crate::array::{Array, DType};
use crate::budget::Budget;
use crate::error::{Error, Result, malformed, unsupported};
use crate::input::Input;
use crate::pickle::Found;
use crate::place::Entry;
use crate::source::Source;

const DLIB: &str = "dlib shape predictor";
/// Exponents that stand for what is no number.
const INFINITE: i64 = 32000;
const MINUS_INFINITE: i64 = 32001;
const NOT_A_NUMBER: i64 = 32002;

/// Reads a shape predictor of N landmarks, C cascades of T trees with S splits and S + 1 leaves, and P
/// pixels a cascade: `initial_shape [N,2]`, `splits.pixels [C,T,S,2]` (i32), `splits.threshold [C,T,S]`,
/// `leaves [C,T,S+1,2N]`, `anchors [C,P]` (i32), `deltas [C,P,2]`; f32 but for the indices.
pub(crate) fn index(source: Source) -> Result<Found> {
    let mut budget = Budget::for_input(source.len());
    let mut file = Packed { input: Input::new(source, source.whole(), DLIB), budget: &mut budget };
    let version = file.integer()?;
    if version != 1 {
        return Err(unsupported(DLIB, format!("version {version}")));
    }
    let (shape, count) = file.column()?;
    if count % 2 != 0 {
        return Err(malformed(DLIB, format!("a shape of {count} numbers")));
    }
    let mut found = Found::default();
    let mut add = |name: &str, array: Array| found.add(name.into(), Entry::here(array));
    add("initial_shape", floats(vec![count / 2, 2], &shape)?)?;
    let forests = file.forests(count)?;
    let [cascades, trees, splits] = forests.extents;
    add("splits.pixels", integers(vec![cascades, trees, splits, 2], &forests.pixels)?)?;
    add("splits.threshold", floats(vec![cascades, trees, splits], &forests.thresholds)?)?;
    add("leaves", floats(vec![cascades, trees, splits + 1, count], &forests.leaves)?)?;
    let (anchors, pixels) = file.table(cascades, "anchors", |f, out: &mut Vec<i32>| {
        out.push(f.index()?);
        Ok(())
    })?;
    add("anchors", integers(vec![cascades, pixels], &anchors)?)?;
    let (deltas, width) = file.table(cascades, "deltas", |f, out: &mut Vec<f32>| {
        out.extend([f.float()?, f.float()?]);
        Ok(())
    })?;
    add("deltas", floats(vec![cascades, width, 2], &deltas)?)?;
    if !file.input.is_empty() {
        return Err(malformed(DLIB, format!("{} bytes follow it", file.input.rest().len)));
    }
    Ok(found)
}

/// The trees of all cascades, which must be equally large.
#[derive(Default)]
struct Forests {
    /// Cascades, trees in each, splits of each.
    extents: [usize; 3],
    pixels: Vec<i32>,
    thresholds: Vec<f32>,
    leaves: Vec<f32>,
}

struct Packed<'a, 'b> {
    input: Input<'a>,
    budget: &'b mut Budget,
}

impl Packed<'_, '_> {
    /// A byte with the sign and the number of bytes, then the magnitude.
    fn integer(&mut self) -> Result<i64> {
        let control = self.input.u8()?;
        let (len, negative) = (usize::from(control & 0x0f), control & 0x80 != 0);
        if !(1..=8).contains(&len) || control & 0x70 != 0 {
            let at = self.input.pos() - 1;
            return Err(malformed(DLIB, format!("no packed number at offset {at}")));
        }
        let mut bytes = [0; 8];
        for byte in &mut bytes[..len] {
            *byte = self.input.u8()?;
        }
        let value = i64::try_from(u64::from_le_bytes(bytes))
            .map_err(|_| malformed(DLIB, "a number beyond 63 bits"))?;
        Ok(if negative { -value } else { value })
    }

    /// A mantissa and a power of two.
    fn float(&mut self) -> Result<f32> {
        let (mantissa, exponent) = (self.integer()?, self.integer()?);
        Ok(match exponent {
            INFINITE => f32::INFINITY,
            MINUS_INFINITE => f32::NEG_INFINITY,
            NOT_A_NUMBER => f32::NAN,
            // Beyond this no mantissa makes a finite number other than 0.
            e if e.unsigned_abs() < 300 => (mantissa as f64 * 2f64.powi(e as i32)) as f32,
            e => return Err(malformed(DLIB, format!("a number with exponent {e}"))),
        })
    }

    /// How many items follow, each of which takes at least `least` bytes and makes `memory` of them.
    fn size(&mut self, least: u64, memory: u64) -> Result<usize> {
        let count = self.integer()?;
        let left = self.input.rest().len;
        let fits = u64::try_from(count).ok().filter(|&n| n <= left / least);
        let count = fits.ok_or_else(|| Error::Truncated {
            format: DLIB,
            what: format!("{count} items are declared, {left} bytes are left"),
        })?;
        self.budget.take(count.saturating_mul(memory))?;
        Ok(count as usize)
    }

    fn index(&mut self) -> Result<i32> {
        let value = self.integer()?;
        i32::try_from(value)
            .ok()
            .filter(|&v| v >= 0)
            .ok_or_else(|| malformed(DLIB, format!("the index {value}")))
    }

    /// A matrix of one column: minus its extents, then its numbers.
    fn column(&mut self) -> Result<(Vec<f32>, usize)> {
        let (rows, columns) = (self.integer()?, self.integer()?);
        let left = self.input.rest().len;
        let count = rows.checked_neg().and_then(|n| u64::try_from(n).ok());
        let count =
            count.filter(|&n| n > 0 && columns == -1 && n <= left / 4).ok_or_else(|| {
                malformed(
                    DLIB,
                    format!("a matrix of {} x {}", rows.unsigned_abs(), columns.unsigned_abs()),
                )
            })?;
        self.budget.take(4 * count)?;
        let values = (0..count).map(|_| self.float()).collect::<Result<_>>()?;
        Ok((values, count as usize))
    }

    /// `count` is the number of coordinates in a leaf.
    fn forests(&mut self, count: usize) -> Result<Forests> {
        let mut all = Forests::default();
        let cascades = self.size(2, 0)?;
        for cascade in 0..cascades {
            let trees = self.size(4, 0)?;
            for tree in 0..trees {
                let splits = self.splits(&mut all)?;
                let extents = [cascades, trees, splits];
                if (cascade, tree) == (0, 0) {
                    all.extents = extents;
                }
                if extents != all.extents {
                    return Err(unsupported(DLIB, "trees of different sizes"));
                }
                self.leaves(splits + 1, count, &mut all)?;
            }
            if trees != all.extents[1] {
                return Err(unsupported(DLIB, "trees of different sizes"));
            }
        }
        Ok(all)
    }

    fn splits(&mut self, all: &mut Forests) -> Result<usize> {
        // Two indices and a float of two numbers, each of two bytes or more.
        let splits = self.size(8, 12)?;
        for _ in 0..splits {
            all.pixels.extend([self.index()?, self.index()?]);
            all.thresholds.push(self.float()?);
        }
        Ok(splits)
    }

    fn leaves(&mut self, expected: usize, count: usize, all: &mut Forests) -> Result<()> {
        let leaves = self.size(4, 0)?;
        if leaves != expected {
            return Err(malformed(DLIB, format!("a tree of {leaves} leaves, not {expected}")));
        }
        for _ in 0..leaves {
            let (leaf, len) = self.column()?;
            if len != count {
                return Err(malformed(DLIB, format!("a leaf of {len} numbers, not {count}")));
            }
            all.leaves.extend(leaf);
        }
        Ok(())
    }

    /// A list for each cascade, all of one length.
    fn table<T>(
        &mut self,
        cascades: usize,
        what: &str,
        item: impl Fn(&mut Self, &mut Vec<T>) -> Result<()>,
    ) -> Result<(Vec<T>, usize)> {
        let rows = self.size(2, 0)?;
        if rows != cascades {
            return Err(malformed(DLIB, format!("{rows} lists of {what}, not {cascades}")));
        }
        let mut out = Vec::new();
        let mut width = None;
        for _ in 0..rows {
            let len = self.size(2, 8)?;
            if *width.get_or_insert(len) != len {
                return Err(unsupported(DLIB, format!("lists of {what} of different lengths")));
            }
            for _ in 0..len {
                item(self, &mut out)?;
            }
        }
        Ok((out, width.unwrap_or(0)))
    }
}

fn floats(shape: Vec<usize>, values: &[f32]) -> Result<Array> {
    Array::new(shape, DType::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn integers(shape: Vec<usize>, values: &[i32]) -> Result<Array> {
    Array::new(shape, DType::I32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}
