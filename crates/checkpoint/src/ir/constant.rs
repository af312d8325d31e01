//! The binary half of a model.

use super::{Graph, IR, Layer};
use crate::array::{Array, DType, byte_len};
use crate::error::{Result, malformed, unsupported};

impl Graph {
    /// The value of a `Const` layer, out of the weights file `bin` of the same model.
    ///
    /// # Errors
    /// If the layer is no constant, its place leaves the file, or its size disagrees with its shape.
    pub fn constant(&self, layer: &Layer, bin: &[u8]) -> Result<Array> {
        let bad =
            |what: String| malformed(IR, format!("layer {} (`{}`): {what}", layer.id, layer.name));
        if layer.kind != "Const" {
            return Err(bad(format!("a Const was expected, it is a {}", layer.kind)));
        }
        let text = |key: &str| {
            layer.data.get(key).ok_or_else(|| bad(format!("attribute `{key}` is missing")))
        };
        let place = |key: &str| {
            let value = text(key)?;
            value.parse::<usize>().map_err(|_| bad(format!("{key} `{value}` is not a number")))
        };
        let dtype = element_type(text("element_type")?)?;
        let shape = parse_shape(text("shape")?)
            .ok_or_else(|| bad(format!("shape `{:?}`", layer.data.get("shape"))))?;
        let (offset, size) = (place("offset")?, place("size")?);
        let expected = byte_len(&shape, dtype)?;
        if size != expected {
            return Err(bad(format!(
                "shape {shape:?} needs {expected} bytes, {size} are declared"
            )));
        }
        let bytes =
            offset.checked_add(size).and_then(|end| bin.get(offset..end)).ok_or_else(|| {
                bad(format!(
                    "bytes {offset} + {size} lie outside the weights file of {} bytes",
                    bin.len()
                ))
            })?;
        Array::new(shape, dtype, bytes.to_vec())
    }
}

fn element_type(name: &str) -> Result<DType> {
    Ok(match name {
        "f64" => DType::F64,
        "f32" => DType::F32,
        "f16" => DType::F16,
        "bf16" => DType::BF16,
        "i64" => DType::I64,
        "i32" => DType::I32,
        "i16" => DType::I16,
        "i8" => DType::I8,
        "u64" => DType::U64,
        "u32" => DType::U32,
        "u16" => DType::U16,
        "u8" => DType::U8,
        "boolean" => DType::Bool,
        other => return Err(unsupported(IR, format!("element type `{other}`"))),
    })
}

/// `"1, 512"`; empty for a single number.
fn parse_shape(text: &str) -> Option<Vec<usize>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|d| d.trim().parse().ok()).collect()
}
