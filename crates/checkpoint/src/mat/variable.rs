//! One variable: a matrix of numbers, text, or a tree of them.

use super::element::{Element, Order, kinds};
use super::{HEADER, MAT};
use crate::array::{Array, DType, byte_len};
use crate::budget::Budget;
use crate::error::{Error, Result, malformed};
use crate::input::Input;
use crate::pickle::Found;
use crate::place::{Block, Bytes, Entry, Layout};
use crate::source::{Source, Span};

/// Deepest nesting of cells and structures.
const MAX_DEPTH: usize = 16;
/// Longest name or text kept.
const MAX_TEXT: u64 = 4096;
/// What naming an element costs, so that small cells cannot multiply without end.
const NAMED: u64 = 64;

/// Classes of matrices.
const CELL: u8 = 1;
const STRUCT: u8 = 2;
const CHAR: u8 = 4;
const SPARSE: u8 = 5;
/// What only MATLAB understands; such variables have no extents.
const OPAQUE: u8 = 17;

const COMPLEX: u32 = 0x0800;
const LOGICAL: u32 = 0x0200;

/// Finds what the matrix element at `span` holds.
pub(super) fn find(
    source: Source,
    span: Span,
    order: Order,
    found: &mut Found,
    budget: &mut Budget,
) -> Result<()> {
    Walk { source, order, found, budget }.matrix(span, None, 0)
}

struct Walk<'w> {
    source: Source<'w>,
    order: Order,
    found: &'w mut Found,
    budget: &'w mut Budget,
}

/// What stands in front of the content of a matrix.
struct Head {
    class: u8,
    flags: u32,
    shape: Vec<usize>,
    name: String,
}

impl Walk<'_> {
    /// A matrix; inside a tree it is called as its place there.
    fn matrix(&mut self, span: Span, place: Option<String>, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            let (got, limit) = (depth as u64, MAX_DEPTH as u64);
            return Err(Error::Limit { what: "the nesting of a MATLAB variable", got, limit });
        }
        // Empty elements of cells are written as nothing at all.
        if span.len == 0 {
            return Ok(());
        }
        let mut input = Input::new(self.source, span, MAT);
        let head = self.head(&mut input)?;
        let name = place.unwrap_or_else(|| head.name.clone());
        self.budget.take(NAMED + name.len() as u64)?;
        match (head.class, number_type(head.class)) {
            (CELL, _) => self.cell(&mut input, &head, &name, depth),
            (STRUCT, _) => self.structure(&mut input, &head, &name, depth),
            (CHAR, _) => self.text(&mut input, name),
            (_, Some(dtype)) if head.flags & COMPLEX == 0 => {
                self.numbers(&mut input, dtype, head, name)
            }
            (class, _) => {
                let what = match class {
                    SPARSE => "a sparse matrix",
                    6..=15 => "a complex array",
                    _ => "an object",
                };
                self.found.notes.insert(name, format!("{what}, left out"));
                Ok(())
            }
        }
    }

    fn head(&self, input: &mut Input) -> Result<Head> {
        let flags = Element::next(input, self.order)?;
        let flags = self.source.read(flags.span)?;
        let Some((flags, _)) = flags.split_first_chunk::<4>() else {
            return Err(malformed(MAT, "a variable without flags"));
        };
        let flags = self.order.u32(*flags);
        let class = (flags & 0xff) as u8;
        if !(1..=18).contains(&class) {
            return Err(malformed(MAT, format!("a variable of class {class}")));
        }
        if class == OPAQUE {
            let name = self.name(Element::next(input, self.order)?)?;
            return Ok(Head { class, flags, shape: Vec::new(), name });
        }
        let extents = Element::next(input, self.order)?;
        if extents.span.len > 4 * 32 {
            return Err(malformed(MAT, "a variable of more than 32 dimensions"));
        }
        let extents = self.source.read(extents.span)?;
        let extents = extents.as_chunks::<4>().0;
        let shape: Vec<usize> = extents.iter().map(|&c| self.order.u32(c) as usize).collect();
        byte_len(&shape, DType::F64)?;
        let name = self.name(Element::next(input, self.order)?)?;
        Ok(Head { class, flags, shape, name })
    }

    fn name(&self, element: Element) -> Result<String> {
        if element.span.len > MAX_TEXT {
            return Err(malformed(MAT, format!("a name of {} bytes", element.span.len)));
        }
        let bytes = self.source.read(element.span)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn numbers(&mut self, input: &mut Input, dtype: DType, head: Head, name: String) -> Result<()> {
        let element = Element::next(input, self.order)?;
        let stored = element.dtype()?;
        let logical = head.flags & LOGICAL != 0 && dtype == DType::U8;
        let dtype = if logical { DType::Bool } else { dtype };
        let expected = byte_len(&head.shape, stored)? as u64;
        if element.span.len != expected {
            let what = format!(
                "variable `{name}` of shape {:?} needs {expected} bytes, it has {}",
                head.shape, element.span.len
            );
            return Err(malformed(MAT, what));
        }
        let bytes = if self.source.is_temporary() {
            Bytes::Near(self.source.read(element.span)?)
        } else {
            Bytes::Far(Block::plain(element.span))
        };
        let big_endian = self.order == Order::Big;
        let layout = Layout { big_endian, ..Layout::columns(stored, head.shape) };
        let same = stored == dtype || (stored == DType::U8 && dtype == DType::Bool);
        let entry = if same {
            Entry::new(&bytes, Layout { dtype, ..layout }, self.budget)?
        } else {
            // Whole numbers are written in as few bytes as they fit.
            let entry = Entry::new(&bytes, layout, self.budget)?;
            let narrow = entry.into_array(self.source, &Default::default())?;
            self.budget.take((narrow.len() * dtype.size()) as u64)?;
            Entry::here(widened(narrow, dtype).ok_or_else(|| {
                malformed(MAT, format!("variable `{name}`: {stored:?} cannot hold {dtype:?}"))
            })?)
        };
        self.found.add(name, entry)
    }

    fn text(&mut self, input: &mut Input, name: String) -> Result<()> {
        let element = Element::next(input, self.order)?;
        if element.span.len > MAX_TEXT {
            return Ok(());
        }
        let bytes = self.source.read(element.span)?;
        let text = match element.kind {
            kinds::UINT16 | kinds::UTF16 => {
                let units = bytes.as_chunks::<2>().0.iter().map(|&c| self.order.u16(c));
                String::from_utf16_lossy(&units.collect::<Vec<_>>())
            }
            kinds::UTF8 | kinds::INT8 | kinds::UINT8 => {
                String::from_utf8_lossy(&bytes).into_owned()
            }
            other => return Err(malformed(MAT, format!("text of element type {other}"))),
        };
        self.budget.take(text.len() as u64)?;
        self.found.notes.insert(name, text);
        Ok(())
    }

    fn cell(&mut self, input: &mut Input, head: &Head, name: &str, depth: usize) -> Result<()> {
        for k in 0..count(&head.shape) {
            let element = self.inner(input)?;
            self.matrix(element.span, Some(format!("{name}.{k}")), depth + 1)?;
        }
        Ok(())
    }

    fn structure(
        &mut self,
        input: &mut Input,
        head: &Head,
        name: &str,
        depth: usize,
    ) -> Result<()> {
        let width = Element::next(input, self.order)?;
        let width = self.source.read(width.span)?;
        let width = width.first_chunk::<4>().map_or(0, |w| self.order.u32(*w) as usize);
        let names = Element::next(input, self.order)?;
        if width == 0 || names.span.len > MAX_TEXT * 16 {
            return Err(malformed(MAT, format!("the field names of structure `{name}`")));
        }
        let names = self.source.read(names.span)?;
        let fields: Vec<String> = names
            .chunks_exact(width)
            .map(|f| String::from_utf8_lossy(f.split(|&b| b == 0).next().unwrap_or(f)).into_owned())
            .collect();
        let elements = count(&head.shape);
        for k in 0..elements {
            let of = if elements == 1 { name.to_owned() } else { format!("{name}.{k}") };
            // A structure of many elements without fields must not be counted through.
            self.budget.take(NAMED)?;
            for field in &fields {
                let element = self.inner(input)?;
                self.matrix(element.span, Some(format!("{of}.{field}")), depth + 1)?;
            }
        }
        Ok(())
    }

    fn inner(&mut self, input: &mut Input) -> Result<Element> {
        let element = Element::next(input, self.order)?;
        if element.kind != kinds::MATRIX {
            let at = element.span.start.max(HEADER);
            return Err(malformed(MAT, format!("no variable inside a variable at offset {at}")));
        }
        Ok(element)
    }
}

fn count(shape: &[usize]) -> usize {
    // The size was checked with eight bytes an element; but where one extent is 0 the others
    // may be anything.
    if shape.contains(&0) { 0 } else { shape.iter().product() }
}

fn number_type(class: u8) -> Option<DType> {
    Some(match class {
        6 => DType::F64,
        7 => DType::F32,
        8 => DType::I8,
        9 => DType::U8,
        10 => DType::I16,
        11 => DType::U16,
        12 => DType::I32,
        13 => DType::U32,
        14 => DType::I64,
        15 => DType::U64,
        _ => return None,
    })
}

/// The same numbers in a type that holds each exactly; MATLAB narrows only where nothing is lost.
fn widened(array: Array, to: DType) -> Option<Array> {
    let Array { shape, dtype, bytes } = array;
    let whole = |f: fn(&[u8]) -> i64| bytes.chunks_exact(dtype.size()).map(f).collect::<Vec<i64>>();
    let values = match dtype {
        DType::I8 => whole(|c| i64::from(c[0] as i8)),
        DType::U8 => whole(|c| i64::from(c[0])),
        DType::I16 => whole(|c| i64::from(i16::from_le_bytes([c[0], c[1]]))),
        DType::U16 => whole(|c| i64::from(u16::from_le_bytes([c[0], c[1]]))),
        DType::I32 => whole(|c| i64::from(i32::from_le_bytes([c[0], c[1], c[2], c[3]]))),
        DType::U32 => whole(|c| i64::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]]))),
        _ => return None,
    };
    let mut out = Vec::with_capacity(values.len() * to.size());
    for v in values {
        match to {
            DType::F64 => out.extend((v as f64).to_le_bytes()),
            DType::F32 => out.extend((v as f32).to_le_bytes()),
            DType::I64 | DType::U64 => out.extend(v.to_le_bytes()),
            DType::I32 => out.extend(i32::try_from(v).ok()?.to_le_bytes()),
            DType::U32 => out.extend(u32::try_from(v).ok()?.to_le_bytes()),
            DType::I16 => out.extend(i16::try_from(v).ok()?.to_le_bytes()),
            DType::U16 => out.extend(u16::try_from(v).ok()?.to_le_bytes()),
            DType::Bool | DType::U8 => out.extend(u8::try_from(v).ok()?.to_le_bytes()),
            DType::I8 => out.extend(i8::try_from(v).ok()?.to_le_bytes()),
            DType::F16 | DType::BF16 => return None,
        }
    }
    Array::new(shape, to, out).ok()
}
