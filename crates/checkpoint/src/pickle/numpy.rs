//! Arrays of numpy inside a pickle.

use super::PICKLE;
use super::value::{Call, Raw, Value};
use crate::array::{DType, byte_len};
use crate::budget::Budget;
use crate::error::{Error, Result, malformed, unsupported};
use crate::place::{Block, Bytes, Coding, Entry, Layout};

/// What numpy stores.
pub(super) enum Stored<'p> {
    Numbers(Entry),
    /// An array of Python objects: its elements, in row-major order.
    Objects(Value<'p>),
}

/// An element type with its byte order; `None` stands for Python objects.
pub(crate) type Ordered = (Option<DType>, Endian);

/// Order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

/// Reads an array or a scalar; `None` if the call makes something else.
pub(super) fn read<'p>(call: &Call<'p>, budget: &mut Budget) -> Option<Result<Stored<'p>>> {
    let name =
        call.path.strip_prefix("numpy.core.").or_else(|| call.path.strip_prefix("numpy._core."))?;
    match name {
        "multiarray._reconstruct" => Some(reconstruct(call, budget)),
        "multiarray.scalar" => Some(scalar(call, budget)),
        "numeric._frombuffer" => Some(from_buffer(call, budget)),
        _ => None,
    }
}

/// `_reconstruct(...)` with the state `(version, shape, dtype, is_fortran, raw)`.
fn reconstruct<'p>(call: &Call<'p>, budget: &mut Budget) -> Result<Stored<'p>> {
    let state = call.state.ok_or_else(|| bad("an array without a state"))?;
    let [_, shape, dtype, fortran, raw] = tuple(state)?;
    let fortran = fortran.as_bool().ok_or_else(|| bad("the order of an array is no boolean"))?;
    let shape = shape_of(shape)?;
    match dtype_of(dtype)? {
        (None, _) => {
            let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            let items =
                raw.items().ok_or_else(|| bad("the elements of an object array are no list"))?;
            if count != Some(items.len()) || (fortran && shape.len() > 1) {
                return Err(bad("an object array and its shape disagree"));
            }
            Ok(Stored::Objects(raw))
        }
        (Some(dtype), endian) => numbers(shape, (dtype, endian), fortran, raw, budget),
    }
}

/// `scalar(dtype, raw)`.
fn scalar<'p>(call: &Call<'p>, budget: &mut Budget) -> Result<Stored<'p>> {
    let [dtype, raw] = tuple(call.args)?;
    match dtype_of(dtype)? {
        (Some(dtype), endian) => numbers(Vec::new(), (dtype, endian), false, raw, budget),
        (None, _) => Err(unsupported(PICKLE, "a numpy scalar of type object")),
    }
}

/// `_frombuffer(raw, dtype, shape, order)`.
fn from_buffer<'p>(call: &Call<'p>, budget: &mut Budget) -> Result<Stored<'p>> {
    let [raw, dtype, shape, order] = tuple(call.args)?;
    let fortran = order.as_text() == Some("F");
    match dtype_of(dtype)? {
        (Some(dtype), endian) => numbers(shape_of(shape)?, (dtype, endian), fortran, raw, budget),
        (None, _) => Err(unsupported(PICKLE, "a buffer of Python objects")),
    }
}

fn numbers<'p>(
    shape: Vec<usize>,
    (dtype, endian): (DType, Endian),
    fortran: bool,
    raw: Value<'p>,
    budget: &mut Budget,
) -> Result<Stored<'p>> {
    let expected = byte_len(&shape, dtype)?;
    let raw = content(raw, budget)?;
    if raw.len() != expected as u64 {
        return Err(bad(format!(
            "an array of shape {shape:?} needs {expected} bytes, it has {}",
            raw.len()
        )));
    }
    Entry::new(&raw, layout(shape, (dtype, endian), fortran), budget).map(Stored::Numbers)
}

/// How numpy lays out an array.
pub(crate) fn layout(shape: Vec<usize>, (dtype, endian): (DType, Endian), fortran: bool) -> Layout {
    let layout = match fortran && shape.len() > 1 {
        true => Layout::columns(dtype, shape),
        false => Layout::rows(dtype, shape),
    };
    Layout { big_endian: endian == Endian::Big, ..layout }
}

/// The bytes of a string, or where they are.
pub(super) fn content<'p>(value: Value<'p>, budget: &mut Budget) -> Result<Bytes<'p>> {
    let source = value.source();
    let raw = value.raw().ok_or_else(|| bad("the content of an array is no byte string"))?;
    let block = match raw {
        Raw::Short(bytes) => return Ok(Bytes::Near(bytes)),
        Raw::Long { at, latin1: false } => Block::plain(at),
        Raw::Long { at, latin1: true } => {
            // Counted anew at each use, so each use is paid for.
            budget.take(at.len)?;
            let len = source.characters(at)?;
            Block { coding: Coding::Latin1 { len }, ..Block::plain(at) }
        }
    };
    if !source.is_temporary() {
        return Ok(Bytes::Far(block));
    }
    budget.take(block.len())?;
    block.read(source).map(Bytes::Near)
}

/// `dtype(code, align, copy)`, whose state holds the byte order.
fn dtype_of(value: Value) -> Result<Ordered> {
    let call = value
        .call()
        .filter(|c| c.path == "numpy.dtype")
        .ok_or_else(|| bad("the type of an array is no dtype"))?;
    let code = call.args.items().and_then(|mut a| a.next()).and_then(Value::as_text);
    let code = code.ok_or_else(|| bad("a dtype without a code"))?;
    let order = call.state.and_then(|s| s.items()?.nth(1)).and_then(Value::as_text).unwrap_or("|");
    element_type(order, code)
}

/// An element type such as `f4`, with its order `<`, `>`, `=` or `|`.
pub(crate) fn element_type(order: &str, code: &str) -> Result<Ordered> {
    let endian = if order == ">" { Endian::Big } else { Endian::Little };
    let dtype = match code {
        "f8" => DType::F64,
        "f4" => DType::F32,
        "f2" => DType::F16,
        "i8" => DType::I64,
        "i4" => DType::I32,
        "i2" => DType::I16,
        "i1" => DType::I8,
        "u8" => DType::U64,
        "u4" => DType::U32,
        "u2" => DType::U16,
        "u1" => DType::U8,
        "b1" | "?" => DType::Bool,
        "O" | "O8" | "O4" => return Ok((None, endian)),
        other => return Err(unsupported("numpy array", format!("element type `{other}`"))),
    };
    Ok((Some(dtype), endian))
}

fn shape_of(value: Value) -> Result<Vec<usize>> {
    let extents = value.items().and_then(|i| i.map(Value::as_usize).collect::<Option<Vec<_>>>());
    extents.ok_or_else(|| bad("a shape is not a tuple of sizes"))
}

/// The elements of a tuple of a known length.
pub(super) fn tuple<const N: usize>(value: Value) -> Result<[Value; N]> {
    let items: Vec<_> = value.items().into_iter().flatten().take(N + 1).collect();
    items
        .try_into()
        .map_err(|v: Vec<_>| bad(format!("a tuple of {N} was expected, it has {}", v.len())))
}

fn bad(what: impl Into<String>) -> Error {
    malformed(PICKLE, what)
}
