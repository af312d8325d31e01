//! Zip archives, of which only the directory is read until a member is asked for.
//!
//! A strict reader of its own: sizes come from the central directory alone (torch writes zeros into the
//! local headers), the directory is bounded by the bytes it really occupies, and stored members are
//! places in the file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::place::{Block, Coding};
use crate::source::{Source, Span};

const ZIP: &str = "zip";
const END: &[u8] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const MAX_COMMENT: usize = 0xffff;
const LOCATOR_SIZE: usize = 20;
/// Largest directory read: about half a million members.
const MAX_DIRECTORY: u64 = 64 << 20;
const ZIP64_EXTRA: u16 = 1;
/// A 32-bit size or offset that says "look in the 64-bit extension".
const SEE_ZIP64: u64 = u32::MAX as u64;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1;

/// What the central directory says of one member.
#[derive(Debug, Clone)]
struct Entry {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header: u64,
}

/// A zip whose directory has been read.
pub(crate) struct ZipFile<'a> {
    source: Source<'a>,
    entries: BTreeMap<String, Entry>,
}

impl<'a> ZipFile<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// If there is none, it leaves the file, or two members share a name (readers disagree about which
    /// one counts).
    pub(crate) fn new(source: Source<'a>) -> Result<ZipFile<'a>> {
        let bytes = directory(source)?;
        let mut directory = Reader::new(&bytes, ZIP);
        let mut entries = BTreeMap::new();
        while !directory.is_empty() {
            if directory.take(4)? != b"PK\x01\x02" {
                return Err(malformed(
                    ZIP,
                    format!("entry {} of the directory is damaged", entries.len()),
                ));
            }
            let (name, entry) = entry(&mut directory)?;
            if entries.contains_key(&name) {
                return Err(malformed(ZIP, format!("two members are named `{name}`")));
            }
            entries.insert(name, entry);
        }
        Ok(ZipFile { source, entries })
    }

    /// Names of all members, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Declared size of a member.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|e| e.size)
    }

    /// Where a member is and how it is packed.
    pub(crate) fn block(&self, name: &str) -> Result<Block> {
        let entry = self.entries.get(name).ok_or_else(|| self.missing(name))?;
        if entry.flags & ENCRYPTED != 0 {
            return Err(unsupported(ZIP, format!("the encryption of member `{name}`")));
        }
        let coding = match entry.method {
            STORED if entry.packed == entry.size => Coding::Plain,
            STORED => {
                return Err(malformed(ZIP, format!("stored member `{name}` declares two sizes")));
            }
            DEFLATED => Coding::Deflate { len: entry.size },
            other => {
                return Err(unsupported(
                    ZIP,
                    format!("compression method {other} of member `{name}`"),
                ));
            }
        };
        Ok(Block { span: self.packed(entry)?, coding, crc: Some(entry.crc) })
    }

    /// The content of one member, its check sum verified; memory taken for it is charged to `budget`.
    pub(crate) fn member(&self, name: &str, budget: &mut Budget) -> Result<Cow<'a, [u8]>> {
        let block = self.block(name)?;
        if block.coding != Coding::Plain || !self.source.is_memory() {
            budget.take(block.len())?;
        }
        block.read(self.source).map_err(|e| match e {
            Error::Malformed { format, what } => {
                malformed(format, format!("member `{name}`: {what}"))
            }
            other => other,
        })
    }

    /// [`Error::Missing`] with a few of the names that do exist.
    pub(crate) fn missing(&self, name: &str) -> Error {
        const SHOWN: usize = 8;
        let mut present: Vec<_> = self.names().take(SHOWN).map(|n| format!("`{n}`")).collect();
        if self.entries.len() > SHOWN {
            present.push(format!("{} more", self.entries.len() - SHOWN));
        }
        Error::Missing {
            container: "the archive".into(),
            what: format!("member `{name}`"),
            present: present.join(", "),
        }
    }

    /// The raw bytes of a member: they follow its local header, whose own sizes are ignored.
    fn packed(&self, entry: &Entry) -> Result<Span> {
        const HEADER: u64 = 30;
        let header = self.source.read(self.source.span(entry.header, HEADER, ZIP)?)?;
        let mut reader = Reader::new(&header, ZIP);
        if reader.take(4)? != b"PK\x03\x04" {
            return Err(malformed(ZIP, format!("no member header at offset {}", entry.header)));
        }
        reader.take(22)?;
        let (name, extra) = (reader.u16()?, reader.u16()?);
        // The header was inside the source, so this cannot overflow.
        let start = entry.header + HEADER + u64::from(name) + u64::from(extra);
        self.source.span(start, entry.packed, ZIP)
    }
}

/// The central directory, found through the end record, which may be followed by a comment.
fn directory(source: Source) -> Result<Cow<[u8]>> {
    let whole = source.len();
    let tail_start = whole.saturating_sub((LOCATOR_SIZE + END_SIZE + MAX_COMMENT) as u64);
    let tail = source.read(source.span(tail_start, whole - tail_start, ZIP)?)?;
    let found = tail.windows(END_SIZE).rposition(|w| w.starts_with(END));
    let found = found.ok_or_else(|| Error::Truncated {
        format: ZIP,
        what: "the directory at its end is missing".into(),
    })?;
    let end = tail_start + found as u64;
    let mut reader = Reader::new(&tail[found + 12..], ZIP);
    let (mut size, mut offset) = (u64::from(reader.u32()?), u64::from(reader.u32()?));
    let locator = found.checked_sub(LOCATOR_SIZE).map(|at| &tail[at..found]);
    if let Some(locator) = locator.filter(|l| l.starts_with(b"PK\x06\x07")) {
        let at = Reader::new(&locator[8..], ZIP).u64()?;
        (size, offset) = zip64_end(source, at, end)?;
    }
    if offset.checked_add(size).is_none_or(|last| last > end) {
        let what = format!("its directory of {size} bytes at offset {offset} leaves the file");
        return Err(Error::Truncated { format: ZIP, what });
    }
    if size > MAX_DIRECTORY {
        let what = "the size of the directory of a zip (bytes)";
        return Err(Error::Limit { what, got: size, limit: MAX_DIRECTORY });
    }
    source.read(source.span(offset, size, ZIP)?)
}

/// Size and offset of the directory from the 64-bit end record at `at`, which lies before `end`.
fn zip64_end(source: Source, at: u64, end: u64) -> Result<(u64, u64)> {
    const RECORD: u64 = 56;
    let span = source.span(at, RECORD, ZIP)?;
    let record = source.read(span)?;
    let mut reader = Reader::new(&record, ZIP);
    if reader.take(4)? != b"PK\x06\x06" || at + RECORD > end {
        return Err(malformed(ZIP, format!("no 64-bit end record at offset {at}")));
    }
    reader.take(36)?;
    Ok((reader.u64()?, reader.u64()?))
}

/// One record of the central directory, after its signature.
fn entry(r: &mut Reader) -> Result<(String, Entry)> {
    r.take(4)?;
    let (flags, method) = (r.u16()?, r.u16()?);
    r.take(4)?;
    let crc = r.u32()?;
    let (mut packed, mut size) = (u64::from(r.u32()?), u64::from(r.u32()?));
    let (name_len, extra_len, comment_len) = (r.u16()?, r.u16()?, r.u16()?);
    r.take(8)?;
    let mut header = u64::from(r.u32()?);
    let name = String::from_utf8_lossy(r.take(name_len.into())?).into_owned();
    let mut extra = Reader::new(r.take(extra_len.into())?, ZIP);
    r.take(comment_len.into())?;
    while let (Ok(id), Ok(len)) = (extra.u16(), extra.u16()) {
        let mut field = Reader::new(extra.take(len.into())?, ZIP);
        if id == ZIP64_EXTRA {
            // The extension holds only the fields that did not fit, in this order.
            for value in [&mut size, &mut packed, &mut header] {
                if *value == SEE_ZIP64 {
                    *value = field.u64()?;
                }
            }
        }
    }
    Ok((name, Entry { flags, method, crc, packed, size, header }))
}
