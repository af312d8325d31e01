//! safetensors.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::array::{DType, byte_len};
use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::pickle::Found;
use crate::place::{Block, Bytes, Entry, Layout};
use crate::source::{Source, Span};

const SAFETENSORS: &str = "safetensors";
/// The reference implementation refuses longer headers.
pub(crate) const MAX_HEADER: u64 = 100_000_000;
const METADATA: &str = "__metadata__";

/// What the header says of one tensor.
#[derive(Deserialize)]
struct Place {
    dtype: String,
    shape: Vec<usize>,
    /// First byte and the one after the last, counted from the end of the header.
    data_offsets: (u64, u64),
}

/// Finds the arrays of a safetensors file; its metadata become notes.
///
/// As the reference implementation, refuses files whose tensors overlap or leave gaps.
pub(crate) fn index(source: Source) -> Result<Found> {
    let len = Reader::new(&source.head(8)?, SAFETENSORS).u64()?;
    if len > MAX_HEADER {
        let what = "the length of the header of safetensors";
        return Err(Error::Limit { what, got: len, limit: MAX_HEADER });
    }
    let header = source.span(8, len, SAFETENSORS)?;
    let mut header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&source.read(header)?)
            .map_err(|e| malformed(SAFETENSORS, format!("the header is not JSON: {e}")))?;
    let mut found = Found::default();
    if let Some(metadata) = header.remove(METADATA) {
        found.notes = serde_json::from_value(metadata)
            .map_err(|e| malformed(SAFETENSORS, format!("the metadata are not texts: {e}")))?;
    }
    let data = Span { start: 8 + len, len: source.len() - 8 - len };
    let budget = &mut Budget::for_input(source.len());
    let mut places = Vec::with_capacity(header.len());
    for (name, place) in header {
        let place: Place = serde_json::from_value(place)
            .map_err(|e| malformed(SAFETENSORS, format!("tensor `{name}`: {e}")))?;
        places.push(place.data_offsets);
        found.add(name.clone(), place.entry(&name, data, budget)?)?;
    }
    no_gaps(places, data.len)?;
    Ok(found)
}

impl Place {
    fn entry(self, name: &str, data: Span, budget: &mut Budget) -> Result<Entry> {
        let (start, end) = self.data_offsets;
        if end > data.len {
            let what =
                format!("tensor `{name}` ends at byte {end} of the {} that are there", data.len);
            return Err(Error::Truncated { format: SAFETENSORS, what });
        }
        let dtype = element_type(&self.dtype)?;
        let expected = byte_len(&self.shape, dtype)? as u64;
        let held = end.checked_sub(start);
        if held != Some(expected) {
            let what = format!(
                "tensor `{name}` of shape {:?} needs {expected} bytes, {start} to {end} are declared",
                self.shape
            );
            return Err(malformed(SAFETENSORS, what));
        }
        let block = Block::plain(Span { start: data.start + start, len: expected });
        Entry::new(&Bytes::Far(block), Layout::rows(dtype, self.shape), budget)
    }
}

fn no_gaps(mut places: Vec<(u64, u64)>, len: u64) -> Result<()> {
    places.sort_unstable();
    let mut at = 0;
    for (start, end) in places {
        if start != at {
            let what = format!("a tensor begins at byte {start}, the one before it ends at {at}");
            return Err(malformed(SAFETENSORS, what));
        }
        at = end;
    }
    if at != len {
        let what = format!("the tensors end at byte {at}, the data at {len}");
        return Err(malformed(SAFETENSORS, what));
    }
    Ok(())
}

fn element_type(name: &str) -> Result<DType> {
    DType::named(name).ok_or_else(|| unsupported(SAFETENSORS, format!("element type `{name}`")))
}
