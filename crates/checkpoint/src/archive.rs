//! Zip archives held in memory.
//!
//! A strict reader of its own: sizes come from the central directory alone (torch writes zeros into the
//! local headers), the directory is bounded by the bytes it really occupies, and stored members are
//! borrowed from the input instead of being copied, which halves the memory for large checkpoints.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use flate2::{Crc, read::DeflateDecoder};

use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};

const ZIP: &str = "zip";
const END: &[u8] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const MAX_COMMENT: usize = 0xffff;
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
    bytes: &'a [u8],
    entries: BTreeMap<String, Entry>,
}

impl<'a> ZipFile<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// If there is none, it leaves the file, or two members share a name (readers disagree about which
    /// one counts).
    pub(crate) fn new(bytes: &'a [u8]) -> Result<ZipFile<'a>> {
        let mut directory = Reader::new(directory(bytes)?, ZIP);
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
        Ok(ZipFile { bytes, entries })
    }

    /// Names of all members, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Declared size of a member.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|e| e.size)
    }

    /// The content of one member, its check sum verified. What has to be unpacked is charged to `budget`.
    pub(crate) fn member(&self, name: &str, budget: &mut Budget) -> Result<Cow<'a, [u8]>> {
        let entry = self.entries.get(name).ok_or_else(|| self.missing(name))?;
        if entry.flags & ENCRYPTED != 0 {
            return Err(unsupported(ZIP, format!("the encryption of member `{name}`")));
        }
        let packed = self.packed(entry)?;
        let content = match entry.method {
            STORED if entry.packed == entry.size => Cow::Borrowed(packed),
            STORED => {
                return Err(malformed(ZIP, format!("stored member `{name}` declares two sizes")));
            }
            DEFLATED => {
                budget.take(entry.size)?;
                Cow::Owned(read_exactly(DeflateDecoder::new(packed), entry.size, entry.size, ZIP)?)
            }
            other => {
                return Err(unsupported(
                    ZIP,
                    format!("compression method {other} of member `{name}`"),
                ));
            }
        };
        let mut sum = Crc::new();
        sum.update(&content);
        if sum.sum() != entry.crc {
            return Err(malformed(ZIP, format!("member `{name}` does not match its check sum")));
        }
        Ok(content)
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
    fn packed(&self, entry: &Entry) -> Result<&'a [u8]> {
        let mut reader = Reader::new(self.bytes, ZIP);
        reader.take(entry.header)?;
        if reader.take(4)? != b"PK\x03\x04" {
            return Err(malformed(ZIP, format!("no member header at offset {}", entry.header)));
        }
        reader.take(22)?;
        let (name, extra) = (reader.u16()?, reader.u16()?);
        reader.take(u64::from(name) + u64::from(extra))?;
        reader.take(entry.packed)
    }
}

/// Finds the central directory through the end record, which may be followed by a comment.
fn directory(bytes: &[u8]) -> Result<&[u8]> {
    let tail_start = bytes.len().saturating_sub(END_SIZE + MAX_COMMENT);
    let tail = &bytes[tail_start..];
    let end = tail
        .windows(END_SIZE)
        .rposition(|w| w.starts_with(END))
        .map(|at| tail_start + at)
        .ok_or_else(|| Error::Truncated {
            format: ZIP,
            what: "the directory at its end is missing".into(),
        })?;
    let mut reader = Reader::new(&bytes[end + 12..], ZIP);
    let (mut size, mut offset) = (u64::from(reader.u32()?), u64::from(reader.u32()?));
    if let Some(wide) = zip64_end(bytes, end)? {
        (size, offset) = wide;
    }
    let mut reader = Reader::new(&bytes[..end], ZIP);
    reader.take(offset)?;
    reader.take(size)
}

/// Size and offset of the directory from the 64-bit end record, if a locator stands before the end record.
fn zip64_end(bytes: &[u8], end: usize) -> Result<Option<(u64, u64)>> {
    let Some(locator) =
        end.checked_sub(20).map(|at| &bytes[at..end]).filter(|l| l.starts_with(b"PK\x06\x07"))
    else {
        return Ok(None);
    };
    let at = Reader::new(&locator[8..], ZIP).u64()?;
    let mut reader = Reader::new(&bytes[..end], ZIP);
    reader.take(at)?;
    if reader.take(4)? != b"PK\x06\x06" {
        return Err(malformed(ZIP, format!("no 64-bit end record at offset {at}")));
    }
    reader.take(36)?;
    Ok(Some((reader.u64()?, reader.u64()?)))
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
