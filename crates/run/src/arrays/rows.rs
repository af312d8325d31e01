//! Parts of an array on the disk, without the rest of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use super::KIND;
use crate::error::{Error, Result};

/// The longest header read, as the `safetensors` crate has it.
const MAX_HEADER: u64 = 100_000_000;

/// An array of an open file, of which entries along its first axis are read as they are
/// asked for.
#[derive(Debug)]
pub struct ArrayRows {
    path: PathBuf,
    file: File,
    begin: u64,
    count: usize,
    width: usize,
}

impl ArrayRows {
    /// Opens a file and finds an array in it.
    ///
    /// # Errors  `Error::Read`; `Error::File` if it is no safetensors file, or cut short, or
    /// the array is not there, holds other values than f32 or has no axis
    pub fn open(path: &Path, name: &str) -> Result<Self> {
        let fail = |e| Error::read(path, e);
        let bad = |problem: String| Error::content(KIND, problem).at(path);
        let mut file = File::open(path).map_err(fail)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(fail)?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER {
            return Err(bad(format!("its header of {length} bytes is too long")));
        }
        let mut head = length.to_le_bytes().to_vec();
        (&mut file).take(length).read_to_end(&mut head).map_err(fail)?;
        let (_, header) = SafeTensors::read_metadata(&head).map_err(|e| bad(e.to_string()))?;
        let info = header.info(name).ok_or_else(|| bad(format!("there is no array `{name}`")))?;
        let [count, inner @ ..] = info.shape.as_slice() else {
            return Err(bad(format!("array `{name}` is a single number")));
        };
        if info.dtype != Dtype::F32 {
            return Err(bad(format!("array `{name}` holds {:?} values, not F32", info.dtype)));
        }
        let begin = 8 + length + info.data_offsets.0 as u64;
        let end = 8 + length + info.data_offsets.1 as u64;
        if file.metadata().map_err(fail)?.len() < end {
            return Err(bad("it is cut short".into()));
        }
        // The header was checked: the offsets hold the product of the shape.
        let width = inner.iter().product();
        Ok(Self { path: path.to_owned(), file, begin, count: *count, width })
    }

    /// Entries along the first axis.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Values of one entry.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Entry `k`, counted from 0.
    ///
    /// # Errors  `Error::Read`; `Error::Value` if there is none
    pub fn read(&mut self, k: usize) -> Result<Vec<f32>> {
        if k >= self.count {
            return Err(Error::value(
                "arrays",
                format!(
                    "there is no entry {} among {} in {}",
                    k + 1,
                    self.count,
                    self.path.display()
                ),
            ));
        }
        let fail = |e| Error::read(&self.path, e);
        let at = self.begin + 4 * k as u64 * self.width as u64;
        self.file.seek(SeekFrom::Start(at)).map_err(fail)?;
        let mut bytes = vec![0; 4 * self.width];
        self.file.read_exact(&mut bytes).map_err(fail)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Array, ArrayFile};
    use super::*;

    #[test]
    fn entries_are_those_of_the_whole_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut whole = ArrayFile::default();
        whole.arrays.insert("other".into(), Array::new([3], vec![7.0; 3]).unwrap());
        let values: Vec<f32> = (0..24).map(|v| v as f32 - 5.5).collect();
        whole.arrays.insert("it".into(), Array::new([4, 2, 3], values.clone()).unwrap());
        whole.write(&path).unwrap();
        let mut rows = ArrayRows::open(&path, "it").unwrap();
        assert_eq!((rows.count(), rows.width()), (4, 6));
        for k in [2, 0, 3] {
            assert_eq!(rows.read(k).unwrap(), values[6 * k..6 * k + 6]);
        }
        assert!(rows.read(4).is_err());
        assert!(ArrayRows::open(&path, "none").is_err());
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 7, 8, 50, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            // The array whose values are there may still be read.
            assert!(ArrayRows::open(&path, "other").is_err(), "{length}");
        }
        std::fs::write(&path, [255; 64]).unwrap();
        assert!(ArrayRows::open(&path, "it").is_err());
    }
}
