//! Quantised weights of models for the browser: a list (`weights_manifest.json`) and files of raw numbers.
//!
//! The list names the files of each group and the arrays that lie in them one after the other. A quantised
//! array is one whole number an element, `value = f32(scale * number + min)`.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

use half::f16;
use serde::Deserialize;

use crate::array::{Array, DType, NamedArrays, byte_len};
use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::pickle::Found;
use crate::place::{Checked, Entry};
use crate::source::Source;

const SHARDS: &str = "weights_manifest.json";
/// Largest list read; those of large models take a few hundred kilobytes.
pub(crate) const MAX_MANIFEST: u64 = 16 << 20;
/// Most files, and bytes in all of them, that one list may name.
const MAX_FILES: usize = 4096;
const MAX_SHARDS: u64 = 2 << 30;

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
    weights: Vec<Weight>,
}

#[derive(Deserialize)]
struct Weight {
    name: String,
    shape: Vec<usize>,
    dtype: String,
    quantization: Option<Quantization>,
}

#[derive(Deserialize)]
struct Quantization {
    dtype: String,
    #[serde(default)]
    scale: Option<f64>,
    #[serde(default)]
    min: Option<f64>,
}

/// A model file that holds the list among other things.
#[derive(Deserialize)]
struct Model {
    #[serde(rename = "weightsManifest")]
    groups: Vec<Group>,
}

/// Reads a list of one group with the bytes of its files, one after the other in the order of `paths`.
///
/// # Errors
/// If the list is malformed, or its arrays do not use up the bytes exactly.
pub fn read(manifest: &[u8], shards: &[u8]) -> Result<NamedArrays> {
    let budget = &mut Budget::for_input((manifest.len() + shards.len()) as u64);
    let mut found = Found::default();
    match groups(manifest)?.as_slice() {
        [group] => group.arrays(shards, &mut found, budget)?,
        many => return Err(unsupported(SHARDS, format!("{} groups in one piece", many.len()))),
    }
    let checked = Checked::default();
    let nowhere = Source::memory(&[]);
    let load = |(name, entry): (String, Entry)| Ok((name, entry.into_array(nowhere, &checked)?));
    found.entries.into_iter().map(load).collect()
}

/// Reads the arrays of a list at `path` with the files in its folder.
pub(crate) fn beside(path: &Path, manifest: &[u8]) -> Result<Found> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut found = Found::default();
    let mut left = MAX_SHARDS;
    for group in groups(manifest)? {
        let mut shards = Vec::new();
        for name in &group.paths {
            // A list may only name its neighbours.
            let mut parts = Path::new(name).components();
            let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
                return Err(unsupported(SHARDS, format!("the path `{name}` to another folder")));
            };
            let shard = folder.join(name);
            let io = |source| Error::Io { path: shard.clone(), source };
            let mut file = File::open(&shard).map_err(io)?.take(left + 1);
            let got = file.read_to_end(&mut shards).map_err(io)? as u64;
            left = left.checked_sub(got).ok_or(Error::Limit {
                what: "the size of the files of a list of weights (bytes)",
                got: MAX_SHARDS + 1,
                limit: MAX_SHARDS,
            })?;
        }
        let budget = &mut Budget::for_input((manifest.len() + shards.len()) as u64);
        group.arrays(&shards, &mut found, budget)?;
    }
    Ok(found)
}

fn groups(manifest: &[u8]) -> Result<Vec<Group>> {
    let manifest = manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(manifest);
    let damaged = |e: serde_json::Error| malformed(SHARDS, e.to_string());
    let groups = match manifest.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice::<Model>(manifest).map_err(damaged)?.groups,
        _ => serde_json::from_slice::<Vec<Group>>(manifest).map_err(damaged)?,
    };
    let files: usize = groups.iter().map(|g| g.paths.len()).sum();
    if groups.is_empty() || files > MAX_FILES {
        return Err(malformed(SHARDS, format!("{} groups of {files} files", groups.len())));
    }
    Ok(groups)
}

impl Group {
    fn arrays(&self, shards: &[u8], found: &mut Found, budget: &mut Budget) -> Result<()> {
        let mut reader = Reader::new(shards, SHARDS);
        for weight in &self.weights {
            let array = weight.array(&mut reader, budget)?;
            found.add(weight.name.clone(), Entry::here(array))?;
        }
        if !reader.is_empty() {
            let left = shards.len() - reader.pos();
            let what = format!("{left} bytes of {} belong to no array", self.paths.join(", "));
            return Err(malformed(SHARDS, what));
        }
        Ok(())
    }
}

impl Weight {
    fn array(&self, shards: &mut Reader, budget: &mut Budget) -> Result<Array> {
        let bad = |what: &str| malformed(SHARDS, format!("array `{}`: {what}", self.name));
        let dtype = element_type(&self.dtype)?;
        let stored = match &self.quantization {
            Some(q) => element_type(&q.dtype)?,
            None => dtype,
        };
        // The number of elements is checked by what is there before memory is taken.
        let raw = shards.take(byte_len(&self.shape, stored)? as u64)?;
        budget.take(byte_len(&self.shape, dtype)? as u64)?;
        let Some(quantization) = &self.quantization else {
            return Array::new(self.shape.clone(), dtype, raw.to_vec());
        };
        if dtype != DType::F32 {
            return Err(bad("only float32 is ever quantised"));
        }
        let numbers: Vec<f32> = match (stored, quantization.scale, quantization.min) {
            (DType::F16, _, _) => {
                raw.as_chunks().0.iter().map(|&c| f16::from_le_bytes(c).to_f32()).collect()
            }
            (DType::U8 | DType::U16, Some(scale), Some(min)) => {
                let value = |q: u16| (f64::from(q) * scale + min) as f32;
                match stored {
                    DType::U8 => raw.iter().map(|&q| value(q.into())).collect(),
                    _ => raw.as_chunks().0.iter().map(|&c| value(u16::from_le_bytes(c))).collect(),
                }
            }
            _ => return Err(bad("quantised without scale and min, or to an unknown type")),
        };
        if stored != DType::F16 && numbers.iter().any(|v| !v.is_finite()) {
            return Err(bad("its scale and min give numbers that are not finite"));
        }
        let bytes = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
        Array::new(self.shape.clone(), dtype, bytes)
    }
}

fn element_type(name: &str) -> Result<DType> {
    Ok(match name {
        "float32" => DType::F32,
        "float16" => DType::F16,
        "int32" => DType::I32,
        "uint8" => DType::U8,
        "uint16" => DType::U16,
        "bool" => DType::Bool,
        other => return Err(unsupported(SHARDS, format!("element type `{other}`"))),
    })
}
