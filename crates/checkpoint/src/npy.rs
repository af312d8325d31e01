//! numpy's own files: one array (`.npy`), or a zip of them (`.npz`).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

use crate::archive::ZipFile;
use crate::array::{Array, DType, byte_len};
use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::pickle::{self, Endian, Found, NoStorages, element_type, layout};
use crate::place::{Block, Bytes, Checked, Coding, Entry, Layout};
use crate::source::Source;

const NPY: &str = "npy";
/// Name of the array of a lone `.npy` file.
pub(crate) const LONE: &str = "array";
/// numpy pads headers to 64 bytes; only records with hundreds of fields need more than a few hundred.
const MAX_HEADER: u64 = 64 << 10;
/// Magic, version and length in front of the header.
const PREFIX: u64 = 12;

/// Reads a `.npy` file (versions 1 to 3) of numbers: any byte order, rows or columns first.
///
/// # Errors
/// If it is damaged, or holds Python objects or records instead of numbers.
pub fn read(bytes: &[u8]) -> Result<Array> {
    let source = Source::memory(bytes);
    let (header, at) = Header::parse(bytes)?;
    let (dtype, endian) = header.element_type()?;
    let dtype = dtype.ok_or_else(|| unsupported(NPY, "an array of Python objects here"))?;
    let block = Block::plain(source.whole());
    let budget = &mut Budget::for_input(source.len());
    header.numbers((dtype, endian), at, block, budget)?.load(source, &Checked::default())
}

/// Finds the array of a `.npy` file, or the arrays if it holds Python objects.
pub(crate) fn index(source: Source) -> Result<Found> {
    let budget = &mut Budget::for_input(source.len());
    file(source, Block::plain(source.whole()), LONE, budget)
}

/// Finds the arrays of a `.npz` file; members give their names without `.npy`.
pub(crate) fn index_zip(source: Source) -> Result<Found> {
    let budget = &mut Budget::for_input(source.len());
    let zip = ZipFile::new(source)?;
    let mut all = Found::default();
    for member in zip.names() {
        let Some(name) = member.strip_suffix(".npy") else { continue };
        let found = file(source, zip.block(member)?, "", budget)?;
        let full =
            |key: String| if key.is_empty() { name.to_owned() } else { format!("{name}.{key}") };
        all.notes.extend(found.notes.into_iter().map(|(k, v)| (full(k), v)));
        for (key, entry) in found.entries {
            all.add(full(key), entry)?;
        }
    }
    Ok(all)
}

/// One file that is, or lies in, the block of `source`.
fn file(source: Source, block: Block, name: &str, budget: &mut Budget) -> Result<Found> {
    let head = head(source, &block)?;
    let (header, at) = Header::parse(&head)?;
    let (Some(dtype), endian) = header.element_type()? else {
        if block.coding != Coding::Plain || !source.is_memory() {
            budget.take(block.len())?;
        }
        let bytes = block.read(source)?;
        let objects = Source::unpacked(&bytes[at as usize..]);
        let (tree, _) = pickle::parse_at(objects, objects.whole())?;
        return pickle::find(&tree, ".", &NoStorages, budget);
    };
    let mut found = Found::default();
    found.add(name.to_owned(), header.numbers((dtype, endian), at, block, budget)?)?;
    Ok(found)
}

/// As much of a block as a header can take.
fn head<'a>(source: Source<'a>, block: &Block) -> Result<Cow<'a, [u8]>> {
    let len = block.len().min(PREFIX + MAX_HEADER);
    if block.coding == Coding::Plain {
        return source.read(source.span(block.span.start, len, NPY)?);
    }
    let mut out = Vec::new();
    let unpacked = DeflateDecoder::new(source.stream(block.span)).take(len).read_to_end(&mut out);
    unpacked.map_err(|e| malformed(NPY, e.to_string()))?;
    Ok(out.into())
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// The header, and where the elements begin.
    fn parse(bytes: &[u8]) -> Result<(Header, u64)> {
        let mut reader = Reader::new(bytes, NPY);
        if reader.take(6)? != b"\x93NUMPY" {
            return Err(malformed(NPY, "the magic bytes are missing"));
        }
        let [major, _] = reader.array()?;
        let len = match major {
            1 => u64::from(reader.u16()?),
            2 | 3 => u64::from(reader.u32()?),
            other => return Err(unsupported(NPY, format!("version {other}"))),
        };
        if len > MAX_HEADER {
            return Err(Error::Limit {
                what: "the length of the header of an npy file",
                got: len,
                limit: MAX_HEADER,
            });
        }
        let text = std::str::from_utf8(reader.take(len)?)
            .map_err(|_| malformed(NPY, "the header is not text"))?;
        let header = Literal(text).header().ok_or_else(|| {
            unsupported(
                NPY,
                format!("the header `{}`", text.trim().chars().take(200).collect::<String>()),
            )
        })?;
        Ok((header, reader.pos() as u64))
    }

    /// `f4` of `<f4`.
    fn code(&self) -> &str {
        self.descr.trim_start_matches(['<', '>', '|', '='])
    }

    fn element_type(&self) -> Result<(Option<DType>, Endian)> {
        element_type(self.descr.get(..1).unwrap_or("|"), self.code())
    }

    fn numbers(
        self,
        (dtype, endian): (DType, Endian),
        at: u64,
        block: Block,
        budget: &mut Budget,
    ) -> Result<Entry> {
        let expected = byte_len(&self.shape, dtype)? as u64;
        let held = block.len().saturating_sub(at);
        if held < expected {
            let what = format!("shape {:?} needs {expected} bytes, {held} are there", self.shape);
            return Err(Error::Truncated { format: NPY, what });
        }
        if held > expected {
            return Err(malformed(NPY, format!("{} bytes follow the array", held - expected)));
        }
        let skip = usize::try_from(at).map_err(|_| malformed(NPY, "the header is too long"))?;
        let layout: Layout = layout(self.shape, (dtype, endian), self.fortran);
        Entry::after(skip, &Bytes::Far(block), layout, budget)
    }
}

/// The Python literal `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 18), }`, its keys in any order.
struct Literal<'t>(&'t str);

impl<'t> Literal<'t> {
    fn header(mut self) -> Option<Header> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.token("{")?;
        while self.token("}").is_none() {
            let key = self.quoted()?;
            self.token(":")?;
            match key {
                "descr" => descr = Some(self.quoted()?.to_owned()),
                "fortran_order" => fortran = Some(self.boolean()?),
                "shape" => shape = Some(self.sizes()?),
                _ => return None,
            }
            if self.token(",").is_none() {
                self.token("}")?;
                break;
            }
        }
        self.0.trim().is_empty().then_some(())?;
        Some(Header { descr: descr?, fortran: fortran?, shape: shape? })
    }

    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn quoted(&mut self) -> Option<&'t str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (inside, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        Some(inside)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.token("True").map(|()| true).or_else(|| self.token("False").map(|()| false))
    }

    fn sizes(&mut self) -> Option<Vec<usize>> {
        self.token("(")?;
        let (inside, rest) = self.0.split_once(')')?;
        self.0 = rest;
        let parts = inside.split(',').map(str::trim).filter(|p| !p.is_empty());
        // Python 2 writes long integers with a suffix.
        parts.map(|p| p.strip_suffix('L').unwrap_or(p).parse().ok()).collect()
    }
}
