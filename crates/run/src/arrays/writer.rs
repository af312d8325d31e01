//! Arrays that are larger than memory should hold.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::head;
use crate::atomic::Unfinished;
use crate::error::{Error, Result};

/// A file of arrays that is handed over value by value: the same file as
/// [`super::ArrayFile::write`] makes of the same content.
#[derive(Debug)]
pub struct ArrayWriter {
    place: PathBuf,
    file: BufWriter<File>,
    unfinished: Unfinished,
    expected: usize,
    written: usize,
}

impl ArrayWriter {
    /// Begins a file with arrays of these shapes.
    ///
    /// # Errors  `Error::Write`; `Error::Shape`, `Error::Value` as for a whole file
    pub fn begin(
        path: &Path,
        shapes: &BTreeMap<String, Vec<usize>>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let (head, expected) = head(shapes, metadata)?;
        let unfinished = Unfinished::beside(path)?;
        let fail = |e| Error::write(path, e);
        let open = OpenOptions::new().write(true).create_new(true).open(&unfinished.temporary);
        let mut file = BufWriter::with_capacity(1 << 20, open.map_err(fail)?);
        file.write_all(&head).map_err(fail)?;
        Ok(Self { place: path.to_owned(), file, unfinished, expected, written: 0 })
    }

    /// Adds values: those of the first array by name, then those of the next.
    ///
    /// # Errors  `Error::Write`; `Error::Shape` for more than the arrays hold
    pub fn push(&mut self, values: &[f32]) -> Result<()> {
        self.written += values.len();
        if self.written > self.expected {
            return Err(self.miscounted());
        }
        for value in values {
            let written = self.file.write_all(&value.to_le_bytes());
            written.map_err(|e| Error::write(&self.place, e))?;
        }
        Ok(())
    }

    /// Puts the file in its place.
    ///
    /// # Errors  `Error::Write`; `Error::Shape` for fewer values than the arrays hold
    pub fn finish(self) -> Result<()> {
        if self.written != self.expected {
            return Err(self.miscounted());
        }
        let Self { place, file, unfinished, .. } = self;
        let fail = |e: io::Error| Error::write(&place, e);
        let file = file.into_inner().map_err(|e| fail(e.into_error()))?;
        file.sync_all().map_err(fail)?;
        drop(file);
        unfinished.finish()
    }

    fn miscounted(&self) -> Error {
        Error::shape(
            "arrays to be written",
            format!("{} values", self.expected),
            format!("{} values", self.written),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Array, ArrayFile};
    use super::*;

    #[test]
    fn pieces_make_the_file_that_is_written_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut whole = ArrayFile::default();
        let values = |n: usize| (0..n).map(|v| v as f32 / 3.0).collect::<Vec<_>>();
        whole.arrays.insert("b".into(), Array::new([2, 3], values(6)).unwrap());
        whole.arrays.insert("a".into(), Array::new([5], values(5)).unwrap());
        whole.metadata.insert("made by".into(), "a test".into());
        let (once, pieces) = (folder.path().join("once"), folder.path().join("pieces"));
        whole.write(&once).unwrap();
        let shapes = whole.arrays.iter().map(|(n, a)| (n.clone(), a.shape.clone())).collect();
        let mut writer = ArrayWriter::begin(&pieces, &shapes, &whole.metadata).unwrap();
        writer.push(&values(5)).unwrap();
        writer.push(&values(6)[..4]).unwrap();
        writer.push(&values(6)[4..]).unwrap();
        writer.finish().unwrap();
        assert_eq!(std::fs::read(&once).unwrap(), std::fs::read(&pieces).unwrap());
        // Too many and too few leave nothing behind.
        let place = folder.path().join("wrong");
        let mut writer = ArrayWriter::begin(&place, &shapes, &whole.metadata).unwrap();
        writer.push(&values(5)).unwrap();
        assert!(writer.finish().is_err());
        let mut writer = ArrayWriter::begin(&place, &shapes, &whole.metadata).unwrap();
        assert!(writer.push(&values(12)).is_err());
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
