//! Any checkpoint as safetensors.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::index::Index;

const METADATA: &str = "__metadata__";

/// Writes the arrays `names` (from, to) of a checkpoint as safetensors, one at a time: a header padded to
/// eight bytes, then the elements in the order of the new names. Equal input gives equal bytes.
///
/// # Errors
/// Of reading, in the inner result; of writing, in the outer one. A file that was begun is then useless.
pub fn write_safetensors(
    index: &Index,
    names: &BTreeMap<String, String>,
    metadata: &BTreeMap<String, String>,
    out: &mut impl Write,
) -> io::Result<Result<()>> {
    // New names in order; two old ones cannot get the same one.
    let by_new: BTreeMap<&str, &str> =
        names.iter().map(|(from, to)| (to.as_str(), from.as_str())).collect();
    assert_eq!(by_new.len(), names.len(), "new names are distinct");
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.into(), json!(metadata));
    }
    let mut end = 0;
    for (&to, &from) in &by_new {
        let Some(info) = index.get(from) else {
            return Ok(index.array(from).map(drop));
        };
        let start = end;
        end += info.bytes();
        let place: Value = json!({
            "dtype": info.dtype.name(), "shape": info.shape, "data_offsets": [start, end],
        });
        header.insert(to.into(), place);
    }
    let mut text = serde_json::to_vec(&header)?;
    text.resize(text.len().next_multiple_of(8), b' ');
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(&text)?;
    for from in by_new.values() {
        match index.array(from) {
            Ok(array) => out.write_all(&array.bytes)?,
            Err(e) => return Ok(Err(e)),
        }
    }
    Ok(Ok(()))
}
