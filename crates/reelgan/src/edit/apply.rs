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
    let mut out = codes.clone();
    for edit in edits {
        let strengths = vec![edit.strength; codes.count()];
        add(generator, &mut out, edit, &strengths)?;
    }
    Ok(out)
}

/// As [`edited`], with a strength for each code: `w_k' = w_k + strength * s_k * n`.
///
/// # Shapes   codes `[N,L,D]` of `generator`, each edit with `N` factors; result as codes
/// # Errors
/// As [`edited`]; [`Error::Shape`] for another number of factors.
pub fn edited_each(
    generator: &dyn Generator,
    codes: &Codes,
    edits: &[(Edit, Vec<f32>)],
) -> Result<Codes> {
    let mut out = codes.clone();
    for (edit, factors) in edits {
        if factors.len() != codes.count() {
            return Err(Error::Shape {
                what: format!("strengths of `{}`", edit.direction.name),
                expected: format!("{}, one a frame", codes.count()),
                got: factors.len().to_string(),
            });
        }
        let strengths: Vec<f32> = factors.iter().map(|factor| edit.strength * factor).collect();
        add(generator, &mut out, edit, &strengths)?;
    }
    Ok(out)
}

fn add(generator: &dyn Generator, codes: &mut Codes, edit: &Edit, strengths: &[f32]) -> Result<()> {
    let (rows, dim) = (codes.rows(), codes.dim());
    edit.direction.check(generator.identity(), rows, dim)?;
    if !strengths.iter().all(|s| s.is_finite()) {
        return Err(Error::setting(
            format!("strength of `{}`", edit.direction.name),
            "must be a finite number",
        ));
    }
    let range = edit.rows.resolve(rows)?;
    for (k, row) in codes.data_mut().chunks_exact_mut(dim).enumerate() {
        if range.contains(&(k % rows)) {
            for (value, step) in row.iter_mut().zip(edit.direction.row(k % rows)) {
                *value += strengths[k / rows] * step;
            }
        }
    }
    Ok(())
}
