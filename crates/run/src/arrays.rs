//! Named arrays of numbers on disk: codes, directions, optimiser state.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::atomic;
use crate::error::{Error, Result};

mod rows;
mod writer;

pub use rows::ArrayRows;
pub use writer::ArrayWriter;

const KIND: &str = "safetensors file of f32 arrays";
/// The largest file read: 8 GiB, some hundred times the state of a long clip.
const MAX_FILE: u64 = 8 << 30;
/// The name the format keeps for its table of strings.
const METADATA: &str = "__metadata__";

/// Numbers with a shape, in C order (the last index runs fastest).
///
/// The product of `shape` equals the number of values; an empty shape is one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The sizes, outermost first.
    pub shape: Vec<usize>,
    /// The values.
    pub data: Vec<f32>,
}

impl Array {
    /// Takes values with a shape.
    ///
    /// # Errors  `Error::Shape` if the shape does not hold exactly these values
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Result<Self> {
        let array = Self { shape: shape.into(), data };
        array.check("array")?;
        Ok(array)
    }

    fn check(&self, what: &'static str) -> Result<()> {
        if volume(&self.shape) == Some(self.data.len()) {
            return Ok(());
        }
        Err(Error::shape(
            what,
            format!("the values of shape {:?}", self.shape),
            format!("{} values", self.data.len()),
        ))
    }
}

/// Arrays by name, with a table of strings beside them: one safetensors file.
///
/// Equal content gives equal bytes: names and metadata are written in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArrayFile {
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// What they are: strings by name.
    pub metadata: BTreeMap<String, String>,
}

impl ArrayFile {
    /// Reads a file.
    ///
    /// # Errors  `Error::Read`, `Error::TooLarge`; `Error::File` if it is no
    /// safetensors file or holds an array of another type than f32
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_bytes(&atomic::read(path, MAX_FILE)?).map_err(|e| e.at(path))
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors  `Error::Write`; `Error::Shape` if an array's shape does not fit
    /// its values; `Error::Value` if an array has the name the format reserves
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic::write(path, &self.to_bytes()?)
    }

    /// The array of this name.
    ///
    /// # Errors  `Error::Value` that lists the names there are
    pub fn get(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).ok_or_else(|| {
            let names: Vec<_> = self.arrays.keys().map(String::as_str).collect();
            Error::value(
                "arrays",
                format!("there is no array `{name}`, only: {}", names.join(", ")),
            )
        })
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors  `Error::Content`, as [`ArrayFile::read`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |e: &dyn std::fmt::Display| {
            Error::content(KIND, format!("{e}; it may be cut short or of another format"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| bad(&e))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| bad(&e))?;
        let mut out = Self::default();
        if let Some(strings) = header.metadata() {
            out.metadata.extend(strings.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(Error::content(
                    KIND,
                    format!("array `{name}` holds {:?} values, not F32", view.dtype()),
                ));
            }
            let words = view.data().chunks_exact(4);
            let data = words.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            out.arrays.insert(name, Array { shape: view.shape().to_vec(), data });
        }
        Ok(out)
    }

    /// The bytes of the file.
    ///
    /// The header is put together here and not by the `safetensors` crate, whose
    /// metadata is a hash map and comes out in another order every time.
    ///
    /// # Errors  `Error::Shape`, `Error::Value`, as [`ArrayFile::write`]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut shapes = BTreeMap::new();
        for (name, array) in &self.arrays {
            array.check("array to be written")?;
            shapes.insert(name.clone(), array.shape.clone());
        }
        let (head, values) = head(&shapes, &self.metadata)?;
        let mut bytes = Vec::with_capacity(head.len() + 4 * values);
        bytes.extend(head);
        for array in self.arrays.values() {
            bytes.extend(array.data.iter().flat_map(|v| v.to_le_bytes()));
        }
        Ok(bytes)
    }
}

/// What stands before the values, and how many values there are.
fn head(
    shapes: &BTreeMap<String, Vec<usize>>,
    metadata: &BTreeMap<String, String>,
) -> Result<(Vec<u8>, usize)> {
    let mut header = BTreeMap::new();
    if !metadata.is_empty() {
        header.insert(METADATA, serde_json::json!(metadata));
    }
    let mut end = 0usize;
    for (name, shape) in shapes {
        if name == METADATA {
            return Err(Error::value(
                "arrays",
                format!("no array may be called `{METADATA}`: safetensors reserves the name"),
            ));
        }
        let begin = end;
        let bytes = volume(shape).and_then(|n| n.checked_mul(4));
        end = bytes.and_then(|n| n.checked_add(begin)).ok_or_else(|| {
            Error::shape("array to be written", "a size that can be counted", format!("{shape:?}"))
        })?;
        let entry = serde_json::json!({
            "data_offsets": [begin, end], "dtype": "F32", "shape": shape,
        });
        header.insert(name, entry);
    }
    let mut text = serde_json::json!(header).to_string().into_bytes();
    // The format asks for values that begin on a multiple of 8.
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    Ok((bytes, end / 4))
}

fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size))
}

#[cfg(test)]
mod tests;
