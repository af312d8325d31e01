//! Where the elements of an array lie, and fetching them from there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::array::{Array, DType, byte_len, gather, swap_bytes};
use crate::budget::Budget;
use crate::error::{Error, Result, malformed};
use crate::source::{Source, Span};

/// An array that is known but not yet read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    place: Place,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// The elements themselves, as [`Array`] has them.
    Here(Vec<u8>),
    There(View),
}

/// A part of a block.
#[derive(Debug, Clone, PartialEq)]
struct View {
    block: Block,
    /// Byte of the decoded block where the first element is.
    first: u64,
    /// Bytes from there to the end of the last element.
    reach: u64,
    /// Elements to go for a step along each axis; `None` if they follow each other.
    strides: Option<Vec<usize>>,
    big_endian: bool,
}

/// Bytes that the file holds as one piece: a storage, a member of an archive, a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) span: Span,
    pub(crate) coding: Coding,
    /// Check sum of the decoded bytes.
    pub(crate) crc: Option<u32>,
}

/// How the bytes of a block are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As they are.
    Plain,
    /// Compressed, with the length they unpack to.
    Deflate { len: u64 },
    /// Each byte as a character of UTF-8 text, so many of them.
    Latin1 { len: u64 },
}

/// Bytes that are at hand, or a block of the file.
#[derive(Debug, Clone)]
pub(crate) enum Bytes<'s> {
    Near(Cow<'s, [u8]>),
    Far(Block),
}

/// How elements lie in some bytes: `first` and `strides` count elements.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) first: usize,
    pub(crate) strides: Option<Vec<usize>>,
    pub(crate) big_endian: bool,
}

impl Layout {
    /// Little-endian elements, one after the other.
    pub(crate) fn rows(dtype: DType, shape: Vec<usize>) -> Layout {
        Layout { dtype, shape, first: 0, strides: None, big_endian: false }
    }

    /// The same with the first index running fastest.
    pub(crate) fn columns(dtype: DType, shape: Vec<usize>) -> Layout {
        let mut step = 1usize;
        let mut strides = Vec::with_capacity(shape.len());
        for &extent in &shape {
            strides.push(step);
            step = step.saturating_mul(extent.max(1));
        }
        Layout { strides: Some(strides), ..Layout::rows(dtype, shape) }
    }

    /// Elements from the first to behind the last, if that can be counted.
    fn reach(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        match &self.strides {
            None => self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)),
            Some(strides) if strides.len() == self.shape.len() => {
                let mut steps = self.shape.iter().zip(strides);
                steps.try_fold(1usize, |n, (&d, &s)| (d - 1).checked_mul(s)?.checked_add(n))
            }
            Some(_) => None,
        }
    }

    fn is_dense(&self) -> bool {
        let Some(strides) = &self.strides else { return true };
        let mut step = 1usize;
        self.shape.iter().zip(strides).rev().all(|(&d, &s)| {
            let fits = d == 1 || s == step;
            // Extents beside a zero may be anything.
            step = step.saturating_mul(d.max(1));
            fits
        })
    }
}

impl Block {
    /// A piece that is written as it is.
    pub(crate) fn plain(span: Span) -> Block {
        Block { span, coding: Coding::Plain, crc: None }
    }

    /// Whether places in it are places in the source.
    pub(crate) fn is_plain(&self) -> bool {
        self.coding == Coding::Plain && self.crc.is_none()
    }

    /// Length of the decoded bytes.
    pub(crate) fn len(&self) -> u64 {
        match self.coding {
            Coding::Plain => self.span.len,
            Coding::Deflate { len } | Coding::Latin1 { len } => len,
        }
    }

    /// All decoded bytes, which must have the declared length and check sum.
    pub(crate) fn read<'a>(&self, source: Source<'a>) -> Result<Cow<'a, [u8]>> {
        let bytes = match self.coding {
            Coding::Plain => source.read(self.span)?,
            Coding::Deflate { len } => {
                let packed = DeflateDecoder::new(source.stream(self.span));
                Cow::Owned(read_exactly(packed, len, len, "zip")?)
            }
            Coding::Latin1 { .. } => Cow::Owned(latin1(&source.read(self.span)?)?),
        };
        if let Some(crc) = self.crc {
            let mut sum = Crc::new();
            sum.update(&bytes);
            check(sum.sum(), crc, self.span)?;
        }
        Ok(bytes)
    }
}

impl Bytes<'_> {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Bytes::Near(bytes) => bytes.len() as u64,
            Bytes::Far(block) => block.len(),
        }
    }
}

impl Entry {
    /// An array that is at hand.
    pub(crate) fn here(array: Array) -> Entry {
        Entry { shape: array.shape, dtype: array.dtype, place: Place::Here(array.bytes) }
    }

    /// Elements of `bytes` that lie as `layout` says.
    ///
    /// All that reading it will take is charged to `budget` now, so the arrays of one file stay within its
    /// allowance however they are read.
    /// # Errors
    /// [`Error::Malformed`] if an element would lie outside, [`Error::Limit`] beyond the budget.
    pub(crate) fn new(bytes: &Bytes, layout: Layout, budget: &mut Budget) -> Result<Entry> {
        Entry::after(0, bytes, layout, budget)
    }

    /// [`new`](Self::new) for elements that begin after `skip` bytes of something else.
    pub(crate) fn after(
        skip: usize,
        bytes: &Bytes,
        layout: Layout,
        budget: &mut Budget,
    ) -> Result<Entry> {
        let size = layout.dtype.size();
        let count = byte_len(&layout.shape, layout.dtype)?;
        let held = bytes.len().saturating_sub(skip as u64) / size as u64;
        let inside = |reach: &usize| match *reach {
            0 => true,
            reach => (layout.first as u64).checked_add(reach as u64).is_some_and(|n| n <= held),
        };
        let reach = layout.reach().filter(inside).ok_or_else(|| outside(&layout, held))?;
        budget.take(count as u64)?;
        let strides = if layout.is_dense() { None } else { layout.strides };
        let reach = (reach * size) as u64;
        let first = if reach == 0 { 0 } else { (skip + layout.first * size) as u64 };
        if strides.is_some() {
            budget.take(reach)?;
        }
        let arrange = |bytes: &[u8]| {
            arranged(bytes, &layout.shape, strides.as_deref(), size, layout.big_endian)
        };
        let place = match bytes {
            Bytes::Near(bytes) => {
                Place::Here(arrange(&bytes[first as usize..(first + reach) as usize]))
            }
            Bytes::Far(block) => {
                if block.coding != Coding::Plain {
                    budget.take(block.len())?;
                }
                let big_endian = layout.big_endian;
                Place::There(View { block: *block, first, reach, strides, big_endian })
            }
        };
        Ok(Entry { shape: layout.shape, dtype: layout.dtype, place })
    }

    /// [`load`](Self::load) of an array that is needed once.
    pub(crate) fn into_array(self, source: Source, seen: &Checked) -> Result<Array> {
        match self.place {
            Place::Here(bytes) => Array::new(self.shape, self.dtype, bytes),
            Place::There(_) => self.load(source, seen),
        }
    }

    /// Reads the bytes of the array, and those that lie between its elements.
    pub(crate) fn load(&self, source: Source, seen: &Checked) -> Result<Array> {
        let bytes = match &self.place {
            Place::Here(bytes) => bytes.clone(),
            Place::There(view) => self.fetch(view, source, seen)?,
        };
        Array::new(self.shape.clone(), self.dtype, bytes)
    }

    fn fetch(&self, view: &View, source: Source, seen: &Checked) -> Result<Vec<u8>> {
        let range = view.first as usize..(view.first + view.reach) as usize;
        let whole = view.reach == view.block.len();
        let bytes = if view.block.coding == Coding::Plain && !whole {
            seen.verify(&view.block, source)?;
            let start = view.block.span.start + view.first;
            source.read(Span { start, len: view.reach })?
        } else {
            let bytes = view.block.read(source)?;
            match bytes {
                bytes if whole => bytes,
                Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
                Cow::Owned(bytes) => Cow::Owned(bytes[range].to_vec()),
            }
        };
        if view.strides.is_none() && !view.big_endian {
            return Ok(bytes.into_owned());
        }
        let size = self.dtype.size();
        Ok(arranged(&bytes, &self.shape, view.strides.as_deref(), size, view.big_endian))
    }
}

/// Blocks whose check sum was found right; a storage of many tensors is summed once.
#[derive(Debug, Default)]
pub(crate) struct Checked(Mutex<BTreeSet<Span>>);

impl Checked {
    fn verify(&self, block: &Block, source: Source) -> Result<()> {
        let Some(crc) = block.crc else { return Ok(()) };
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known().contains(&block.span) {
            return Ok(());
        }
        check(source.crc(block.span)?, crc, block.span)?;
        known().insert(block.span);
        Ok(())
    }
}

fn check(got: u32, expected: u32, span: Span) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    let what = format!("the member at byte {} does not match its check sum", span.start);
    Err(malformed("zip", what))
}

fn arranged(
    bytes: &[u8],
    shape: &[usize],
    strides: Option<&[usize]>,
    size: usize,
    big_endian: bool,
) -> Vec<u8> {
    let mut out = match strides {
        Some(strides) => gather(bytes, shape, strides, size),
        None => bytes.to_vec(),
    };
    if big_endian {
        swap_bytes(&mut out, size);
    }
    out
}

fn outside(layout: &Layout, held: u64) -> Error {
    let Layout { shape, strides, first, .. } = layout;
    let how = match strides {
        Some(strides) => format!(", strides {strides:?}, offset {first}"),
        None => String::new(),
    };
    malformed("array", format!("shape {shape:?}{how} leaves the {held} elements that are stored"))
}

/// Text of code points below 256 as bytes.
pub(crate) fn latin1(text: &[u8]) -> Result<Vec<u8>> {
    let bad = || malformed("pickle", "a byte string written as text has other characters");
    let text = std::str::from_utf8(text).map_err(|_| bad())?;
    text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| bad())).collect()
}

/// Reads exactly `size` bytes, which may not exceed `max`; memory grows with what really arrives.
pub(crate) fn read_exactly(
    from: impl Read,
    size: u64,
    max: u64,
    format: &'static str,
) -> Result<Vec<u8>> {
    if size > max {
        return Err(Error::Limit { what: "the size of the member (bytes)", got: size, limit: max });
    }
    let mut out = Vec::new();
    let got = from.take(size.saturating_add(1)).read_to_end(&mut out);
    let got = got.map_err(|e| malformed(format, e.to_string()))? as u64;
    if got != size {
        let really = if got > size { "more" } else { "fewer" };
        return Err(malformed(
            format,
            format!("a member declares {size} bytes and holds {really}"),
        ));
    }
    Ok(out)
}
