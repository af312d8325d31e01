//! The binary half of a model.

use super::{Graph, IR, Layer};
use crate::array::{Array, DType, byte_len};
use crate::budget::Budget;
use crate::error::{Result, malformed, unsupported};
use crate::pickle::Found;
use crate::place::{Block, Bytes, Checked, Entry, Layout};
use crate::source::Source;

impl Graph {
    /// The value of a `Const` layer, out of the weights file `bin` of the same model.
    ///
    /// # Errors
    /// If the layer is no constant, its place leaves the file, or its size disagrees with its shape.
    pub fn constant(&self, layer: &Layer, bin: &[u8]) -> Result<Array> {
        let source = Source::memory(bin);
        let budget = &mut Budget::for_input(source.len());
        self.place(layer, source, budget)?.into_array(source, &Checked::default())
    }

    /// Where the value of a `Const` layer is.
    pub(crate) fn place(&self, layer: &Layer, bin: Source, budget: &mut Budget) -> Result<Entry> {
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
            value.parse::<u64>().map_err(|_| bad(format!("{key} `{value}` is not a number")))
        };
        let dtype = element_type(text("element_type")?)?;
        let shape = parse_shape(text("shape")?)
            .ok_or_else(|| bad(format!("shape `{:?}`", layer.data.get("shape"))))?;
        let (offset, size) = (place("offset")?, place("size")?);
        let expected = byte_len(&shape, dtype)? as u64;
        if size != expected {
            return Err(bad(format!(
                "shape {shape:?} needs {expected} bytes, {size} are declared"
            )));
        }
        let span = bin.span(offset, size, IR).map_err(|_| {
            let held = bin.len();
            bad(format!("bytes {offset} + {size} lie outside the weights file of {held} bytes"))
        })?;
        Entry::new(&Bytes::Far(Block::plain(span)), Layout::rows(dtype, shape), budget)
    }

    /// The places of all constants, by the names of their layers; where a name occurs again, `#id` is
    /// appended.
    pub(crate) fn places(&self, bin: Source, budget: &mut Budget) -> Result<Found> {
        let mut found = Found::default();
        for layer in self.of_kind("Const") {
            // The same bytes may be shared by many constants.
            let entry = self.place(layer, bin, budget)?;
            let taken = found.entries.contains_key(&layer.name);
            let name =
                if taken { format!("{}#{}", layer.name, layer.id) } else { layer.name.clone() };
            found.add(name, entry)?;
        }
        Ok(found)
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
