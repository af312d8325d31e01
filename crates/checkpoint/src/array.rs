//! The one thing every container yields: a named block of numbers.

use std::collections::BTreeMap;

use half::{bf16, f16};

use crate::error::{Error, Result, malformed};

/// Arrays by name, in name order.
pub type NamedArrays = BTreeMap<String, Array>;

/// Largest number of dimensions accepted anywhere.
const MAX_RANK: usize = 32;

/// Type of the elements of an [`Array`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum DType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl DType {
    /// All types.
    pub const ALL: [DType; 13] = [
        DType::F64,
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::I64,
        DType::I32,
        DType::I16,
        DType::I8,
        DType::U64,
        DType::U32,
        DType::U16,
        DType::U8,
        DType::Bool,
    ];

    /// The name that safetensors uses, such as `F32`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F64 => "F64",
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            DType::I64 => "I64",
            DType::I32 => "I32",
            DType::I16 => "I16",
            DType::I8 => "I8",
            DType::U64 => "U64",
            DType::U32 => "U32",
            DType::U16 => "U16",
            DType::U8 => "U8",
            DType::Bool => "BOOL",
        }
    }

    /// The type of that [`name`](Self::name).
    pub fn named(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 | DType::U64 => 8,
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::F16 | DType::BF16 | DType::I16 | DType::U16 => 2,
            DType::I8 | DType::U8 | DType::Bool => 1,
        }
    }
}

/// A dense array: row-major elements, each little-endian, without gaps.
///
/// Arrays made by this crate hold exactly `product(shape) * dtype.size()` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Extents, outermost first; empty for a single number.
    pub shape: Vec<usize>,
    /// Type of one element.
    pub dtype: DType,
    /// The elements.
    pub bytes: Vec<u8>,
}

impl Array {
    /// Checks that `bytes` is what `shape` and `dtype` call for.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the sizes disagree, [`Error::Limit`] for more than 32 dimensions.
    pub fn new(shape: Vec<usize>, dtype: DType, bytes: Vec<u8>) -> Result<Array> {
        let expected = byte_len(&shape, dtype)?;
        if bytes.len() != expected {
            let what = format!(
                "{dtype:?} array of shape {shape:?} needs {expected} bytes, it has {}",
                bytes.len()
            );
            return Err(malformed("array", what));
        }
        Ok(Array { shape, dtype, bytes })
    }

    /// Number of elements; 1 for an array without dimensions.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether some extent is 0.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The elements as `f32`, in row-major order; wider numbers are rounded to the nearest.
    pub fn to_f32(&self) -> Vec<f32> {
        fn map<const N: usize>(bytes: &[u8], f: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            let (chunks, _) = bytes.as_chunks::<N>();
            chunks.iter().map(|&c| f(c)).collect()
        }
        let b = &self.bytes;
        match self.dtype {
            DType::F64 => map(b, |c| f64::from_le_bytes(c) as f32),
            DType::F32 => map(b, f32::from_le_bytes),
            DType::F16 => map(b, |c| f16::from_le_bytes(c).to_f32()),
            DType::BF16 => map(b, |c| bf16::from_le_bytes(c).to_f32()),
            DType::I64 => map(b, |c| i64::from_le_bytes(c) as f32),
            DType::I32 => map(b, |c| i32::from_le_bytes(c) as f32),
            DType::I16 => map(b, |c| f32::from(i16::from_le_bytes(c))),
            DType::I8 => map(b, |c| f32::from(i8::from_le_bytes(c))),
            DType::U64 => map(b, |c| u64::from_le_bytes(c) as f32),
            DType::U32 => map(b, |c| u32::from_le_bytes(c) as f32),
            DType::U16 => map(b, |c| f32::from(u16::from_le_bytes(c))),
            DType::U8 => map(b, |[c]| f32::from(c)),
            DType::Bool => map(b, |[c]| f32::from(u8::from(c != 0))),
        }
    }
}

/// Bytes of an array of this shape, with every step checked.
pub(crate) fn byte_len(shape: &[usize], dtype: DType) -> Result<usize> {
    if shape.len() > MAX_RANK {
        let limit = MAX_RANK as u64;
        return Err(Error::Limit {
            what: "the number of dimensions",
            got: shape.len() as u64,
            limit,
        });
    }
    // A zero extent makes the array empty whatever the other extents say.
    if shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(dtype.size(), |n, &d| n.checked_mul(d))
        .filter(|&n| isize::try_from(n).is_ok())
        .ok_or_else(|| malformed("array", format!("the shape {shape:?} is larger than any memory")))
}

/// Reverses the bytes of every element of `size` bytes, in place.
pub(crate) fn swap_bytes(bytes: &mut [u8], size: usize) {
    if size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}

/// Collects the elements at `sum(index * stride)`, row-major. The caller has checked that the largest
/// index lies inside `bytes`; strides count elements of `size` bytes.
pub(crate) fn gather(bytes: &[u8], shape: &[usize], strides: &[usize], size: usize) -> Vec<u8> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let count: usize = shape.iter().product();
    let mut out = Vec::with_capacity(count * size);
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    loop {
        out.extend_from_slice(&bytes[at * size..(at + 1) * size]);
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return out;
            }
            axis -= 1;
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}
