//! Tensors of torch inside a pickle: views of storages that live elsewhere.

use std::borrow::Cow;

use super::PICKLE;
use super::numpy::{content, tuple};
use super::value::{Call, Value};
use crate::array::DType;
use crate::budget::Budget;
use crate::error::{Error, Result, malformed, unsupported};
use crate::place::{Block, Bytes, Entry, Layout};
use crate::source::Span;

/// A block of numbers that tensors are views of.
#[derive(Debug, Clone)]
pub(crate) struct Storage<'s> {
    pub(crate) dtype: DType,
    pub(crate) bytes: Bytes<'s>,
}

/// Where the storages of a container are found.
pub(crate) trait Storages {
    /// The bytes of a storage, or where they are.
    fn raw(&self, key: &str, budget: &mut Budget) -> Result<Bytes<'_>>;
}

/// A pickle on its own, without storages beside it.
pub(crate) struct NoStorages;

impl Storages for NoStorages {
    fn raw(&self, key: &str, _: &mut Budget) -> Result<Bytes<'_>> {
        Err(malformed(PICKLE, format!("it refers to storage `{key}`, and it stands alone")))
    }
}

/// How often a tensor may be wrapped (parameter, subclass) or a storage embedded in another stream.
const MAX_NESTING: usize = 8;

/// Reads a tensor; `None` if the call makes something else.
pub(super) fn read(
    call: &Call,
    storages: &dyn Storages,
    budget: &mut Budget,
    depth: usize,
) -> Option<Result<Entry>> {
    let name = call.path.strip_prefix("torch._utils.")?;
    match name {
        "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3" => {
            Some(rebuild(call, name == "_rebuild_tensor_v3", storages, budget, depth))
        }
        "_rebuild_parameter" | "_rebuild_parameter_with_state" => {
            Some(wrapped(call.args, storages, budget, depth))
        }
        "_rebuild_from_type_v2" => Some(typed(call.args, storages, budget, depth)),
        other if other.starts_with("_rebuild_") => {
            Some(Err(unsupported("torch", format!("the tensor form `{other}`"))))
        }
        _ => None,
    }
}

/// A parameter is its tensor.
fn wrapped(
    args: Value,
    storages: &dyn Storages,
    budget: &mut Budget,
    depth: usize,
) -> Result<Entry> {
    let inner = args.items().and_then(|mut i| i.next()).and_then(Value::call);
    check_nesting(depth)?;
    inner
        .and_then(|call| read(&call, storages, budget, depth + 1))
        .unwrap_or_else(|| Err(malformed(PICKLE, "a parameter holds no tensor")))
}

/// `(function, type, args, state)` is `function(*args)` of another type.
fn typed(args: Value, storages: &dyn Storages, budget: &mut Budget, depth: usize) -> Result<Entry> {
    let [function, _, args, _] = tuple(args)?;
    let path = function
        .as_global()
        .ok_or_else(|| malformed(PICKLE, "a typed tensor without a function"))?;
    check_nesting(depth)?;
    read(&Call::new(path, args), storages, budget, depth + 1)
        .unwrap_or_else(|| Err(unsupported("torch", format!("a tensor made by `{path}`"))))
}

fn check_nesting(depth: usize) -> Result<()> {
    if depth >= MAX_NESTING {
        return Err(Error::Limit {
            what: "the nesting of a tensor",
            got: depth as u64,
            limit: MAX_NESTING as u64,
        });
    }
    Ok(())
}

/// `(storage, offset, size, stride, ...)`, offset and strides in elements. The third form names the element
/// type at place 6, for types that have no class of storage.
fn rebuild(
    call: &Call,
    typed: bool,
    storages: &dyn Storages,
    budget: &mut Budget,
    depth: usize,
) -> Result<Entry> {
    let args: Vec<_> = call.args.items().into_iter().flatten().take(7).collect();
    let [storage, offset, size, stride, rest @ ..] = args.as_slice() else {
        return Err(malformed(PICKLE, "a tensor without a view"));
    };
    let sizes =
        |v: &Value| v.items().and_then(|i| i.map(Value::as_usize).collect::<Option<Vec<_>>>());
    let (Some(first), Some(shape), Some(strides)) = (offset.as_usize(), sizes(size), sizes(stride))
    else {
        return Err(malformed(PICKLE, "offset, size and stride of a tensor must be sizes"));
    };
    let Storage { mut dtype, bytes } = resolve(*storage, storages, budget, depth)?;
    if typed {
        let name = rest.get(2).and_then(|v| v.as_global());
        dtype = tensor_type(name.ok_or_else(|| malformed(PICKLE, "a tensor without a type"))?)?;
    }
    let layout = Layout { first, strides: Some(strides), ..Layout::rows(dtype, shape) };
    Entry::new(&bytes, layout, budget)
}

/// Finds a storage: beside the pickle through its persistent id, or embedded as a stream of its own.
pub(crate) fn resolve<'s>(
    value: Value<'s>,
    storages: &'s dyn Storages,
    budget: &mut Budget,
    depth: usize,
) -> Result<Storage<'s>> {
    if let Some(id) = value.as_persistent() {
        return persistent(id, storages, budget);
    }
    let call = value.call().filter(|c| c.path == "torch.storage._load_from_bytes");
    let call = call.ok_or_else(|| {
        malformed(PICKLE, "a tensor whose storage is neither beside nor inside the pickle")
    })?;
    check_nesting(depth)?;
    let [blob] = tuple(call.args)?;
    let bytes = content(blob, budget)?;
    // Parsed anew at each use, so each use is paid for.
    budget.take(bytes.len())?;
    crate::torch::embedded_storage(blob.source(), &bytes, budget, depth + 1)
}

/// `('storage', class, key, location, numel[, view])`.
fn persistent<'s>(
    id: Value,
    storages: &'s dyn Storages,
    budget: &mut Budget,
) -> Result<Storage<'s>> {
    let bad = |what: &str| malformed("torch", format!("persistent id: {what}"));
    let parts: Vec<_> = id.items().into_iter().flatten().take(6).collect();
    let [tag, class, key, _, numel, rest @ ..] = parts.as_slice() else {
        return Err(bad("a tuple of 5 or 6 was expected"));
    };
    if tag.as_text() != Some("storage") {
        return Err(bad("it is no storage"));
    }
    let dtype =
        storage_type(class.as_global().ok_or_else(|| bad("the class of the storage is missing"))?)?;
    let key = key.as_text().ok_or_else(|| bad("the key is not text"))?;
    let numel = numel.as_usize().ok_or_else(|| bad("the size is no size"))?;
    let raw = storages.raw(key, budget)?;
    let (mut start, mut count) = (0, numel);
    // Files from before torch 0.4 may name a slice of another storage.
    if let Some(view) = rest.first().filter(|v| !v.is_none()) {
        let [_, offset, size] = tuple(*view)?;
        (start, count) =
            offset.as_usize().zip(size.as_usize()).ok_or_else(|| bad("the view has no place"))?;
    }
    let held = raw.len();
    let size = dtype.size() as u64;
    let bytes = (start as u64)
        .checked_mul(size)
        .zip((count as u64).checked_mul(size))
        .and_then(|(from, len)| part(raw, from, len))
        .ok_or_else(|| {
            bad(&format!("storage `{key}` has {held} bytes, {count} x {dtype:?} are declared"))
        })?;
    Ok(Storage { dtype, bytes })
}

/// `len` bytes at `from`, if they are there.
fn part(bytes: Bytes, from: u64, len: u64) -> Option<Bytes> {
    let end = from.checked_add(len).filter(|&end| end <= bytes.len())?;
    if (from, end) == (0, bytes.len()) {
        return Some(bytes);
    }
    let range = from as usize..end as usize;
    Some(match bytes {
        Bytes::Near(Cow::Borrowed(bytes)) => Bytes::Near(Cow::Borrowed(&bytes[range])),
        Bytes::Near(Cow::Owned(bytes)) => Bytes::Near(Cow::Owned(bytes[range].to_vec())),
        Bytes::Far(block) if block.is_plain() => {
            let start = block.span.start + from;
            Bytes::Far(Block::plain(Span { start, len }))
        }
        // A storage may be longer than declared, its beginning counts.
        Bytes::Far(block) if from == 0 => Bytes::Far(block),
        Bytes::Far(_) => return None,
    })
}

/// Element type of a storage class.
pub(crate) fn storage_type(class: &str) -> Result<DType> {
    Ok(
        match class.strip_prefix("torch.").and_then(|c| c.strip_suffix("Storage")).unwrap_or(class)
        {
            "Double" => DType::F64,
            "Float" => DType::F32,
            "Half" => DType::F16,
            "BFloat16" => DType::BF16,
            "Long" => DType::I64,
            "Int" => DType::I32,
            "Short" => DType::I16,
            "Char" => DType::I8,
            "Byte" => DType::U8,
            "Bool" => DType::Bool,
            // Counted in bytes; the tensor says what they are.
            "storage.Untyped" => DType::U8,
            _ => return Err(unsupported("torch", format!("the storage class `{class}`"))),
        },
    )
}

/// Element type by the name torch gives it.
fn tensor_type(name: &str) -> Result<DType> {
    Ok(match name.strip_prefix("torch.").unwrap_or(name) {
        "float64" => DType::F64,
        "float32" => DType::F32,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "int16" => DType::I16,
        "int8" => DType::I8,
        "uint64" => DType::U64,
        "uint32" => DType::U32,
        "uint16" => DType::U16,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        other => return Err(unsupported("torch", format!("element type `{other}`"))),
    })
}
