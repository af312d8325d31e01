//! What a run was asked for, kept until its manifest says so: a process that is killed while
//! it looks for faces and reads frames need not be asked again.

use std::fs;
use std::path::{Path, PathBuf};

use reelgan_run::{RunFolder, atomic};
use serde::{Deserialize, Serialize};

use super::InvertRequest;
use crate::{Error, Result};

/// The most bytes of such a file: some 100,000 paths and squares.
const MAX_FILE: u64 = 64 << 20;

/// A request, and where its paths count from.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub request: &'a InvertRequest,
    /// None for the present folder.
    pub base: Option<&'a Path>,
}

impl Wish<'_> {
    /// Where a path of the request leads.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.base.map_or(path.to_owned(), |base| base.join(path))
    }
}

#[derive(Serialize, Deserialize)]
struct Asked {
    /// The folder that the paths count from.
    base: PathBuf,
    request: InvertRequest,
}

/// Writes the request down.
///
/// # Errors
/// A disk that does not take it; a present folder that is gone.
pub(super) fn save(request: &InvertRequest, folder: &RunFolder) -> Result<()> {
    let base = std::env::current_dir().map_err(|e| Error::file(".", e.to_string()))?;
    let asked = Asked { base, request: request.clone() };
    let bytes = serde_json::to_vec_pretty(&asked)
        .map_err(|e| Error::setting("request", format!("cannot be written down: {e}")))?;
    Ok(atomic::write(&folder.request(), &bytes)?)
}

/// Reads the request and the folder that its paths count from, if they are there.
///
/// # Errors
/// A file that is damaged.
pub(super) fn read(folder: &RunFolder) -> Result<Option<(InvertRequest, PathBuf)>> {
    let path = folder.request();
    if !path.exists() {
        return Ok(None);
    }
    let asked: Asked = serde_json::from_slice(&atomic::read(&path, MAX_FILE)?).map_err(|e| {
        Error::file(&path, format!("cannot be read ({e}): remove the folder and begin again"))
    })?;
    Ok(Some((asked.request, asked.base)))
}

/// Removes it, if it is there.
///
/// # Errors
/// A file that cannot be removed.
pub(super) fn remove(folder: &RunFolder) -> Result<()> {
    match fs::remove_file(folder.request()) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(folder.request(), e.to_string()))
        }
        _ => Ok(()),
    }
}
