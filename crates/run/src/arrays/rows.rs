//! Parts of an array on the disk, without the rest of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{KIND, volume};
use crate::error::{Error, Result};

/// The longest header read, as the `safetensors` crate has it.
const MAX_HEADER: u64 = 100_000_000;

/// What the header says of an array.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

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
        let file_length = file.metadata().map_err(fail)?.len();
        let mut head = Vec::new();
        (&mut file).take(length).read_to_end(&mut head).map_err(fail)?;
        let header: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&head).map_err(|e| bad(format!("its header: {e}")))?;
        let entry = header.get(name).ok_or_else(|| bad(format!("there is no array `{name}`")))?;
        let Entry { dtype, shape, data_offsets: [first, last] } =
            Entry::deserialize(entry).map_err(|e| bad(format!("array `{name}`: {e}")))?;
        let [count, inner @ ..] = shape.as_slice() else {
            return Err(bad(format!("array `{name}` is a single number")));
        };
        if dtype != "F32" {
            return Err(bad(format!("array `{name}` holds {dtype} values, not F32")));
        }
        let bytes = volume(&shape).and_then(|n| n.checked_mul(4)).map(|n| n as u64);
        if bytes.is_none() || last.checked_sub(first) != bytes {
            return Err(bad(format!("array `{name}` has shape {shape:?} in {first} to {last}")));
        }
        let begin = 8 + length;
        let end = last.checked_add(begin);
        if end.is_none_or(|end| end > file_length) {
            return Err(bad("it is cut short".into()));
        }
        let width = volume(inner).ok_or_else(|| bad(format!("array `{name}` of {shape:?}")))?;
        Ok(Self { path: path.to_owned(), file, begin: begin + first, count: *count, width })
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
            assert!(ArrayRows::open(&path, "other").is_err(), "{length}");
        }
        // A header that promises more than can be.
        let text =
            br#"{"it":{"dtype":"F32","shape":[2,4611686018427387904],"data_offsets":[0,8]}}"#;
        let mut long = (text.len() as u64).to_le_bytes().to_vec();
        long.extend(text);
        long.extend([0; 8]);
        std::fs::write(&path, &long).unwrap();
        assert!(ArrayRows::open(&path, "it").is_err());
        std::fs::write(&path, [255; 64]).unwrap();
        assert!(ArrayRows::open(&path, "it").is_err());
    }
}
