//! Any file to its arrays.

use std::collections::BTreeMap;
use std::path::Path;

use crate::array::NamedArrays;
use crate::error::Result;
use crate::index::{Index, find};
use crate::kind::{Kind, detect};
use crate::pickle::Flat;
use crate::source::Source;

/// Everything read from one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What the file is.
    pub kind: Kind,
    /// Its arrays by name.
    pub arrays: NamedArrays,
    /// Texts and numbers stored beside them: safetensors metadata, options of a training run.
    pub metadata: BTreeMap<String, String>,
}

/// Reads the file at `path`, whatever its extension; see [`Index`] for reading a part of it.
///
/// Names are joined by `.` in torch and MATLAB files and by `/` in plain pickles. The array of a lone `.npy`
/// is called `array`. An OpenVINO description is read with the `.bin` beside it; its arrays are the constants
/// under their layer names, with `#id` appended where a name occurs again. A list of quantised weights is
/// read with the files it names, which must be in its folder; their arrays are `f32`.
/// # Errors
/// [`Error::NotAModel`](crate::Error::NotAModel) for recognised files without arrays, otherwise what is
/// wrong with the content; every error names the file.
pub fn open(path: &Path) -> Result<Checkpoint> {
    Index::open(path)?.read()
}

/// Reads a whole file held in memory; see [`open`].
///
/// # Errors
/// As [`open`]; descriptions whose weights are in another file are refused.
pub fn read(bytes: &[u8]) -> Result<Checkpoint> {
    let kind = detect(bytes);
    let source = Source::memory(bytes);
    let Flat { arrays, notes } = find(kind, source)?.load(source)?;
    Ok(Checkpoint { kind, arrays, metadata: notes })
}
