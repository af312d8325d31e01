//! Tensors of torch inside a pickle: views of storages that live elsewhere.

use std::borrow::Cow;

use super::PICKLE;
use super::numpy::tuple;
use super::value::{Call, Value};
use crate::array::{Array, DType, byte_len, gather};
use crate::budget::Budget;
use crate::error::{Error, Result, malformed, unsupported};

/// A block of numbers that tensors are views of.
#[derive(Debug, Clone)]
pub(crate) struct Storage<'s> {
    pub(crate) dtype: DType,
    pub(crate) bytes: Cow<'s, [u8]>,
}

/// Where the storages of a container are found.
pub(crate) trait Storages {
    /// The raw bytes of a storage, at least `bytes` long.
    fn raw(&self, key: &str) -> Result<&[u8]>;
}

/// A pickle on its own, without storages beside it.
pub(crate) struct NoStorages;

impl Storages for NoStorages {
    fn raw(&self, key: &str) -> Result<&[u8]> {
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
) -> Option<Result<Array>> {
    let name = call.path.strip_prefix("torch._utils.")?;
    match name {
        "_rebuild_tensor" | "_rebuild_tensor_v2" => Some(rebuild(call, storages, budget, depth)),
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
) -> Result<Array> {
    let inner = args.items().and_then(|mut i| i.next()).and_then(Value::call);
    check_nesting(depth)?;
    inner
        .and_then(|call| read(&call, storages, budget, depth + 1))
        .unwrap_or_else(|| Err(malformed(PICKLE, "a parameter holds no tensor")))
}

/// `(function, type, args, state)` is `function(*args)` of another type.
fn typed(args: Value, storages: &dyn Storages, budget: &mut Budget, depth: usize) -> Result<Array> {
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

/// `(storage, offset, size, stride, ...)`, offset and strides in elements.
fn rebuild(
    call: &Call,
    storages: &dyn Storages,
    budget: &mut Budget,
    depth: usize,
) -> Result<Array> {
    let args: Vec<_> = call.args.items().into_iter().flatten().take(4).collect();
    let [storage, offset, size, stride] =
        args.try_into().map_err(|_| malformed(PICKLE, "a tensor without a view"))?;
    let sizes =
        |v: Value| v.items().and_then(|i| i.map(Value::as_usize).collect::<Option<Vec<_>>>());
    let (Some(offset), Some(shape), Some(strides)) =
        (offset.as_usize(), sizes(size), sizes(stride))
    else {
        return Err(malformed(PICKLE, "offset, size and stride of a tensor must be sizes"));
    };
    let storage = resolve(storage, storages, budget, depth)?;
    let count = byte_len(&shape, storage.dtype)?;
    let first = check_view(&storage, offset, &shape, &strides)?;
    budget.take(count as u64)?;
    let from = &storage.bytes[first..];
    let bytes = if is_contiguous(&shape, &strides) {
        from[..count].to_vec()
    } else {
        gather(from, &shape, &strides, storage.dtype.size())
    };
    Array::new(shape, storage.dtype, bytes)
}

/// Checks that every element lies in the storage; yields the byte where the view begins.
fn check_view(
    storage: &Storage,
    offset: usize,
    shape: &[usize],
    strides: &[usize],
) -> Result<usize> {
    let held = storage.bytes.len() / storage.dtype.size();
    let last = if shape.len() != strides.len() {
        None
    } else if shape.contains(&0) {
        return Ok(0);
    } else {
        shape
            .iter()
            .zip(strides)
            .try_fold(offset, |at, (&d, &s)| (d - 1).checked_mul(s)?.checked_add(at))
    };
    match last {
        Some(last) if last < held => Ok(offset * storage.dtype.size()),
        _ => {
            let what = format!("a tensor of shape {shape:?}, strides {strides:?}, offset {offset}");
            Err(malformed("torch", format!("{what} leaves its storage of {held} elements")))
        }
    }
}

fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = 1;
    shape.iter().zip(strides).rev().all(|(&d, &s)| {
        let fits = d == 1 || s == step;
        step *= d.max(1);
        fits
    })
}

/// Finds a storage: beside the pickle through its persistent id, or embedded as a stream of its own.
pub(crate) fn resolve<'s>(
    value: Value,
    storages: &'s dyn Storages,
    budget: &mut Budget,
    depth: usize,
) -> Result<Storage<'s>> {
    if let Some(id) = value.as_persistent() {
        return persistent(id, storages);
    }
    let call = value.call().filter(|c| c.path == "torch.storage._load_from_bytes");
    let call = call.ok_or_else(|| {
        malformed(PICKLE, "a tensor whose storage is neither beside nor inside the pickle")
    })?;
    check_nesting(depth)?;
    let [blob] = tuple(call.args)?;
    // Parsed anew at each use, so each use is paid for.
    budget.take(blob.bytes_bound() as u64)?;
    let blob = blob
        .as_bytes()
        .ok_or_else(|| malformed(PICKLE, "an embedded storage is no byte string"))?;
    crate::torch::embedded_storage(&blob, budget, depth + 1)
}

/// `('storage', class, key, location, numel[, view])`.
fn persistent<'s>(id: Value, storages: &'s dyn Storages) -> Result<Storage<'s>> {
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
    let raw = storages.raw(key)?;
    let (mut start, mut count) = (0, numel);
    // Files from before torch 0.4 may name a slice of another storage.
    if let Some(view) = rest.first().filter(|v| !v.is_none()) {
        let [_, offset, size] = tuple(*view)?;
        (start, count) =
            offset.as_usize().zip(size.as_usize()).ok_or_else(|| bad("the view has no place"))?;
    }
    let bytes = start
        .checked_mul(dtype.size())
        .zip(count.checked_mul(dtype.size()))
        .and_then(|(from, len)| raw.get(from..from.checked_add(len)?))
        .ok_or_else(|| {
            bad(&format!(
                "storage `{key}` has {} bytes, {count} x {dtype:?} are declared",
                raw.len()
            ))
        })?;
    Ok(Storage { dtype, bytes: Cow::Borrowed(bytes) })
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
            other => return Err(unsupported("torch", format!("the storage class `{other}`"))),
        },
    )
}
