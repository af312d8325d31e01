//! Linear edits.

use crate::codes::{Codes, Direction, Rows};
use crate::generator::Generator;
use crate::{Error, Result};

/// A direction, how far along it, and on which rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What to add.
    pub direction: Direction,
    /// How much of it; negative goes the other way.
    pub strength: f32,
    /// On which rows of the code.
    pub rows: Rows,
}

/// `w' = w + strength * n` on the rows of each edit, one edit after the other.
///
/// # Shapes   codes `[N,L,D]` of `generator`; result the same
/// # Errors
/// A direction of another generator, row count or width; rows that do not exist;
/// a strength that is not finite.
/// # Source   paper eq. 1
pub fn edited(generator: &dyn Generator, codes: &Codes, edits: &[Edit]) -> Result<Codes> {
    let (rows, dim) = (codes.rows(), codes.dim());
    let mut out = codes.clone();
    for edit in edits {
        edit.direction.check(generator.identity(), rows, dim)?;
        if !edit.strength.is_finite() {
            return Err(Error::setting(
                format!("strength of `{}`", edit.direction.name),
                "must be a finite number",
            ));
        }
        let range = edit.rows.resolve(rows)?;
        for (k, row) in out.data_mut().chunks_exact_mut(dim).enumerate() {
            if range.contains(&(k % rows)) {
                for (value, step) in row.iter_mut().zip(edit.direction.row(k % rows)) {
                    *value += edit.strength * step;
                }
            }
        }
    }
    Ok(out)
}
