//! The tagged pieces that files of MATLAB are made of.

use super::MAT;
use crate::array::DType;
use crate::error::{Result, malformed};
use crate::input::Input;
use crate::source::Span;

/// Types of elements.
pub(super) mod kinds {
    pub(crate) const INT8: u32 = 1;
    pub(crate) const UINT8: u32 = 2;
    pub(crate) const INT16: u32 = 3;
    pub(crate) const UINT16: u32 = 4;
    pub(crate) const INT32: u32 = 5;
    pub(crate) const UINT32: u32 = 6;
    pub(crate) const SINGLE: u32 = 7;
    pub(crate) const DOUBLE: u32 = 9;
    pub(crate) const INT64: u32 = 12;
    pub(crate) const UINT64: u32 = 13;
    pub(crate) const MATRIX: u32 = 14;
    pub(crate) const COMPRESSED: u32 = 15;
    pub(crate) const UTF8: u32 = 16;
    pub(crate) const UTF16: u32 = 17;
}

/// Byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// An element: its type and where its content is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) kind: u32,
    pub(super) span: Span,
}

impl Element {
    /// Passes over the next element and its padding.
    pub(super) fn next(input: &mut Input, order: Order) -> Result<Element> {
        let first = order.u32(input.array()?);
        // Content of up to four bytes shares the eight of the tag.
        if first >> 16 != 0 {
            let (kind, len) = (first & 0xffff, u64::from(first >> 16));
            if len > 4 {
                return Err(malformed(MAT, format!("a short element of {len} bytes")));
            }
            let span = Span { len, ..input.skip(4)? };
            return Ok(Element { kind, span });
        }
        let len = u64::from(order.u32(input.array()?));
        let span = input.skip(len)?;
        if first != kinds::COMPRESSED {
            // Some writers leave the padding of the last element out.
            let padding = (len.next_multiple_of(8) - len).min(input.rest().len);
            input.skip(padding)?;
        }
        Ok(Element { kind: first, span })
    }

    /// Type of the numbers in it.
    pub(super) fn dtype(&self) -> Result<DType> {
        Ok(match self.kind {
            kinds::INT8 => DType::I8,
            kinds::UINT8 => DType::U8,
            kinds::INT16 => DType::I16,
            kinds::UINT16 => DType::U16,
            kinds::INT32 => DType::I32,
            kinds::UINT32 => DType::U32,
            kinds::SINGLE => DType::F32,
            kinds::DOUBLE => DType::F64,
            kinds::INT64 => DType::I64,
            kinds::UINT64 => DType::U64,
            other => return Err(malformed(MAT, format!("numbers of element type {other}"))),
        })
    }
}
