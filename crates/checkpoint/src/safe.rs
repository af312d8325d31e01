//! safetensors.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};

use crate::array::{Array, DType};
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::pickle::Flat;

const SAFETENSORS: &str = "safetensors";

/// Reads a safetensors file; its metadata become notes.
pub(crate) fn read(bytes: &[u8]) -> Result<Flat> {
    check_places(bytes)?;
    let damaged = |e| malformed(SAFETENSORS, format!("{e}"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut arrays = BTreeMap::new();
    for (name, view) in file.iter() {
        let array =
            Array::new(view.shape().to_vec(), element_type(view.dtype())?, view.data().to_vec())?;
        arrays.insert(name.to_owned(), array);
    }
    let notes = header.metadata().clone().unwrap_or_default().into_iter().collect();
    Ok(Flat { arrays, notes })
}

/// The library adds up declared offsets before comparing them with the length of the file, which
/// overflows on hostile ones; here they are compared first.
fn check_places(bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(bytes, SAFETENSORS);
    let len = reader.u64()?;
    let header = reader.take(len)?;
    let data = (bytes.len() - reader.pos()) as u64;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)
        .map_err(|e| malformed(SAFETENSORS, format!("the header is not JSON: {e}")))?;
    for (name, entry) in &header {
        if name == "__metadata__" {
            continue;
        }
        let end =
            entry.get("data_offsets").and_then(|o| o.get(1)).and_then(serde_json::Value::as_u64);
        match end {
            Some(end) if end <= data => {}
            Some(end) => {
                let what =
                    format!("tensor `{name}` ends at byte {end} of the {data} that are there");
                return Err(Error::Truncated { format: SAFETENSORS, what });
            }
            None => return Err(malformed(SAFETENSORS, format!("tensor `{name}` has no place"))),
        }
    }
    Ok(())
}

fn element_type(dtype: Dtype) -> Result<DType> {
    Ok(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool,
        other => return Err(unsupported(SAFETENSORS, format!("element type {other:?}"))),
    })
}
