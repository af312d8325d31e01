//! Codes out of any file or run folder.

use std::path::Path;

use reelgan_run::RunFolder;

use super::{CodeFile, Codes};
use crate::generator::Identity;
use crate::{Error, Result};

/// Codes of a run, or of a file of one array: `(D)`, `(1,D)`, `(L,D)` or `(N,L,D)`; one of
/// `(D)` or `(1,D)` is a code of W for all rows.
///
/// Returns the generator, too, where the file says which.
/// # Errors
/// A file that cannot be read or holds no codes of `rows` rows of `dim` numbers.
pub fn read_codes(path: &Path, rows: usize, dim: usize) -> Result<(Codes, Option<Identity>)> {
    let file = if path.is_dir() { RunFolder::open(path)?.codes() } else { path.to_owned() };
    let checkpoint = reelgan_checkpoint::open(&file)?;
    if checkpoint.metadata.contains_key("offset_space") {
        let CodeFile { generator, trajectory } = CodeFile::open(&file)?;
        return Ok((fitting(trajectory.codes(), rows, dim, &file)?, Some(generator)));
    }
    let named = checkpoint.arrays.get("codes");
    let only =
        || (checkpoint.arrays.len() == 1).then(|| checkpoint.arrays.values().next()).flatten();
    let Some(array) = named.or_else(only) else {
        let problem = format!(
            "holds {} arrays and none is called `codes`; give a run folder or a file of one array",
            checkpoint.arrays.len()
        );
        return Err(Error::file(file, problem));
    };
    let data = array.to_f32();
    if data.iter().any(|v| !v.is_finite()) {
        return Err(Error::file(file, "holds NaN or infinite numbers; it is damaged"));
    }
    let codes = match *array.shape.as_slice() {
        [width] | [1, width] if width == dim => Codes::broadcast(&data, rows, 1),
        [l, d] | [_, l, d] => Codes::new(l, d, data)?,
        _ => {
            let problem = format!("has shape {:?}; codes have shape (L,D) or (N,L,D)", array.shape);
            return Err(Error::file(file, problem));
        }
    };
    Ok((fitting(codes, rows, dim, &file)?, None))
}

fn fitting(codes: Codes, rows: usize, dim: usize, file: &Path) -> Result<Codes> {
    if (codes.rows(), codes.dim()) == (rows, dim) {
        return Ok(codes);
    }
    Err(Error::Shape {
        what: format!("codes of {}", file.display()),
        expected: format!("[N,{rows},{dim}]"),
        got: format!("[{},{},{}]", codes.count(), codes.rows(), codes.dim()),
    })
}
