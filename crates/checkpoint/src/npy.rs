//! numpy's own files: one array (`.npy`), or a zip of them (`.npz`).

use crate::archive::ZipFile;
use crate::array::{Array, byte_len};
use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::pickle::{self, Flat, NoStorages, dense, element_type};

const NPY: &str = "npy";
/// Name of the array of a lone `.npy` file.
pub(crate) const LONE: &str = "array";
/// numpy pads headers to 64 bytes; only records with hundreds of fields need more than a few hundred.
const MAX_HEADER: u64 = 64 << 10;

/// Reads a `.npy` file (versions 1 to 3) of numbers: any byte order, rows or columns first.
///
/// # Errors
/// If it is damaged, or holds Python objects or records instead of numbers.
pub fn read(bytes: &[u8]) -> Result<Array> {
    let (header, data) = Header::parse(bytes)?;
    header.numbers(data)
}

/// Like [`read`], also for arrays of Python objects, which may hold several arrays.
pub(crate) fn read_any(bytes: &[u8], name: &str, budget: &mut Budget) -> Result<Flat> {
    let (header, data) = Header::parse(bytes)?;
    if let (None, _) = element_type("<", header.code())? {
        return pickle::flatten_with(pickle::parse(data)?.root(), ".", &NoStorages, budget);
    }
    budget.take(data.len() as u64)?;
    let array = header.numbers(data)?;
    Ok(Flat { arrays: [(name.to_owned(), array)].into(), ..Flat::default() })
}

/// Reads a `.npz` file; members give their names without `.npy`.
pub(crate) fn read_zip(bytes: &[u8]) -> Result<Flat> {
    let budget = &mut Budget::for_input(bytes.len());
    let zip = ZipFile::new(bytes)?;
    let mut all = Flat::default();
    for member in zip.names() {
        let Some(name) = member.strip_suffix(".npy") else { continue };
        let flat = read_any(&zip.member(member, budget)?, "", budget)?;
        let full =
            |key: String| if key.is_empty() { name.to_owned() } else { format!("{name}.{key}") };
        all.notes.extend(flat.notes.into_iter().map(|(k, v)| (full(k), v)));
        for (key, array) in flat.arrays {
            let name = full(key);
            if all.arrays.insert(name.clone(), array).is_some() {
                return Err(Error::Duplicate { name });
            }
        }
    }
    Ok(all)
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// The header and the bytes after it.
    fn parse(bytes: &[u8]) -> Result<(Header, &[u8])> {
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
        Ok((header, &bytes[reader.pos()..]))
    }

    /// `f4` of `<f4`.
    fn code(&self) -> &str {
        self.descr.trim_start_matches(['<', '>', '|', '='])
    }

    fn numbers(self, data: &[u8]) -> Result<Array> {
        let (dtype, endian) = element_type(self.descr.get(..1).unwrap_or("|"), self.code())?;
        let dtype = dtype.ok_or_else(|| unsupported(NPY, "an array of Python objects here"))?;
        let expected = byte_len(&self.shape, dtype)?;
        if data.len() < expected {
            let what =
                format!("shape {:?} needs {expected} bytes, {} are there", self.shape, data.len());
            return Err(Error::Truncated { format: NPY, what });
        }
        if data.len() > expected {
            return Err(malformed(
                NPY,
                format!("{} bytes follow the array", data.len() - expected),
            ));
        }
        dense(self.shape, (dtype, endian), self.fortran, data.to_vec())
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
