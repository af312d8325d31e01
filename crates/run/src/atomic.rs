//! Files that appear whole or not at all, and reading within a limit.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// How the names of unfinished files begin; [`crate::RunFolder`] removes those
/// that a killed process left behind.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes a file whole or not at all: beside its place, to the disk, then
/// renamed over what was there, with the folder's entry on the disk as well.
///
/// # Errors  `Error::Write` with the path and what to do; an earlier file of
/// that name is untouched and nothing else is left behind
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// As [`write()`], with content that a function writes piece by piece.
///
/// # Errors  as [`write()`]; an error of `fill` counts as one of writing
pub fn write_with(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let unfinished = Unfinished::beside(path)?;
    let fail = |e| Error::write(path, e);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&unfinished.temporary)
        .map_err(fail)?;
    fill(&mut file).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    drop(file);
    unfinished.finish()
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors  `Error::Read`; `Error::TooLarge` before more than `limit` bytes are held
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let fail = |e| Error::read(path, e);
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if metadata.is_dir() {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    let size = metadata.len();
    let too_large = |size: String| Error::TooLarge {
        path: path.to_owned(),
        what: size,
        limit: format!("{limit} bytes"),
    };
    if size > limit {
        return Err(too_large(format!("{size} bytes")));
    }
    let mut bytes = Vec::new();
    // The file may grow, and a device tells no size: the limit holds here again.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        return Err(too_large("more bytes than that".into()));
    }
    Ok(bytes)
}

/// A file being written beside its final place; removed on drop unless finished.
#[derive(Debug)]
pub(crate) struct Unfinished {
    /// Where to write.
    pub(crate) temporary: PathBuf,
    place: PathBuf,
    finished: bool,
}

impl Unfinished {
    /// A new name in the folder of `place` that keeps the extension, which
    /// programs such as ffmpeg go by.
    pub(crate) fn beside(place: &Path) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = place.file_name() else {
            return Err(Error::write(place, io::ErrorKind::IsADirectory.into()));
        };
        let mut temporary = std::ffi::OsString::from(format!(
            "{UNFINISHED}{}-{}-",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        temporary.push(name);
        Ok(Self {
            temporary: place.with_file_name(temporary),
            place: place.to_owned(),
            finished: false,
        })
    }

    /// Moves the file, already on the disk, to its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        let fail = |e| Error::write(&self.place, e);
        fs::rename(&self.temporary, &self.place).map_err(fail)?;
        sync_folder(&self.place).map_err(fail)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done if even this fails; the error that led
            // here is the one worth telling.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Puts the entry of `path` in its folder on the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// Other systems cannot open a folder as a file, and need not.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
