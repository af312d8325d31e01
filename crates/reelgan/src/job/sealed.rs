//! States on disk that notice a changed byte.

use std::path::Path;

use reelgan_run::ArrayFile;
use sha2::{Digest, Sha256};

use crate::invert::{InvertConfig, State};
use crate::{Error, Result};

const SEAL: &str = "sha256";

/// Writes a state with a digest of its numbers, whole or not at all.
///
/// # Errors
/// A disk that does not take it.
pub(super) fn save(state: &State, config: &InvertConfig, path: &Path) -> Result<()> {
    // Named so that the folder clears it away if this process dies here.
    let bare = path.with_file_name(".unfinished-state");
    state.save(config, &bare)?;
    let mut file = ArrayFile::read(&bare)?;
    seal(&mut file);
    file.write(path)?;
    std::fs::remove_file(&bare).map_err(|e| Error::file(&bare, e.to_string()))
}

/// Reads a state into `fresh`, as [`State::load`].
///
/// # Errors
/// As [`State::load`]; a file whose numbers are not those that were written.
pub(super) fn load(fresh: State, config: &InvertConfig, path: &Path) -> Result<State> {
    read(path)?;
    State::load(fresh, config, path)
}

/// Notes a digest of the numbers in the file itself.
pub(super) fn seal(file: &mut ArrayFile) {
    file.metadata.insert(SEAL.into(), digest(file));
}

/// Reads a sealed file.
///
/// # Errors
/// A file whose numbers are not those that were written.
pub(super) fn read(path: &Path) -> Result<ArrayFile> {
    let mut file = ArrayFile::read(path)?;
    let seal = file.metadata.remove(SEAL);
    if seal.as_deref() == Some(&digest(&file)) {
        return Ok(file);
    }
    Err(Error::file(
        path,
        "was changed since it was written, so the run cannot go on from it; put the original \
         back, or remove the file to begin the optimisation again",
    ))
}

fn digest(file: &ArrayFile) -> String {
    let mut hash = Sha256::new();
    for (key, value) in &file.metadata {
        hash.update(format!("{key}={value}\n"));
    }
    for (name, array) in &file.arrays {
        hash.update(format!("{name}{:?}\n", array.shape));
        for value in &array.data {
            hash.update(value.to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
