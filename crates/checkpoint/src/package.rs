//! One member out of a package as a registry serves it, without unpacking anything to disk.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::archive::ZipFile;
use crate::budget::Budget;
use crate::error::{Error, Result, malformed};
use crate::place::read_exactly;
use crate::source::Source;

const TAR: &str = "gzipped tar";
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// A tar has no directory: everything before the member is unpacked and dropped, up to this many bytes.
const MAX_WALK: u64 = 4 << 30;
/// Longest member name followed through the extension records of tar.
const MAX_NAME: u64 = 64 << 10;

/// Reads the member `member_path` of the wheel (zip), Python source package or npm package (gzipped tar)
/// at `archive_path`.
///
/// The name is compared as a whole string and nothing is written anywhere, so names such as `../x` have
/// no effect.
/// # Errors
/// [`Error::Missing`] if there is no such regular file, [`Error::Limit`] if it is larger than `max_bytes`
/// (checked on its declared size, and again on what really comes out, before memory is taken),
/// [`Error::Malformed`] if the archive is damaged; all of them name the archive.
pub fn member(archive_path: &Path, member_path: &str, max_bytes: u64) -> Result<Vec<u8>> {
    let io = |source| Error::Io { path: archive_path.to_path_buf(), source };
    let mut file = BufReader::new(File::open(archive_path).map_err(io)?);
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).map_err(io)?;
    file.rewind().map_err(io)?;
    let read = if magic == GZIP {
        // Streamed: a tar may be far larger than the member.
        tar_member(GzDecoder::new(file), member_path, max_bytes)
    } else {
        let file = file.into_inner();
        let len = file.metadata().map_err(io)?.len();
        zip_member(Source::file(&file, archive_path, len), member_path, max_bytes)
    };
    read.map_err(|e| e.at(archive_path))
}

/// [`member`] of a package held in memory; errors name no file.
///
/// # Errors
/// As [`member`].
pub fn member_of(archive: &[u8], member_path: &str, max_bytes: u64) -> Result<Vec<u8>> {
    if archive.starts_with(&GZIP) {
        tar_member(GzDecoder::new(archive), member_path, max_bytes)
    } else {
        zip_member(Source::memory(archive), member_path, max_bytes)
    }
}

fn zip_member(source: Source, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
    if !source.head(2)?.starts_with(b"PK") {
        return Err(malformed("package", "it is neither a zip (wheel) nor a gzipped tar"));
    }
    let zip = ZipFile::new(source)?;
    let size = zip.size(name).ok_or_else(|| zip.missing(name))?;
    if size > max_bytes {
        return Err(Error::Limit {
            what: "the size of the member (bytes)",
            got: size,
            limit: max_bytes,
        });
    }
    Ok(zip.member(name, &mut Budget::new(max_bytes))?.into_owned())
}

/// Walks the raw blocks so that the size of every extension record is checked before it is read.
fn tar_member(unpacked: impl Read, member: &str, max_bytes: u64) -> Result<Vec<u8>> {
    let damaged = |e: std::io::Error| malformed(TAR, e.to_string());
    let mut tar = tar::Archive::new(unpacked.take(MAX_WALK));
    let mut long_name = None;
    for entry in tar.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        let size = entry.header().entry_size().map_err(damaged)?;
        if kind.is_gnu_longname() {
            let name = read_exactly(&mut entry, size, MAX_NAME, TAR)?;
            long_name = Some(name.split(|&b| b == 0).next().unwrap_or_default().to_vec());
            continue;
        }
        if kind.is_pax_local_extensions() {
            let records = read_exactly(&mut entry, size, MAX_NAME, TAR)?;
            long_name = pax_path(&records).or(long_name);
            continue;
        }
        let name = long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        if kind.is_file() && name == member.as_bytes() {
            return read_exactly(&mut entry, size, max_bytes, TAR);
        }
    }
    Err(Error::Missing {
        container: "the archive".into(),
        what: format!("member `{member}`"),
        present: String::new(),
    })
}

/// The `path` of a pax extension: records are `length key=value` lines.
fn pax_path(records: &[u8]) -> Option<Vec<u8>> {
    tar::PaxExtensions::new(records)
        .flatten()
        .find(|e| e.key_bytes() == b"path")
        .map(|e| e.value_bytes().to_vec())
}
