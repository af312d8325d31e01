//! What a file is, by its content; names and extensions are not trusted.

use std::fmt;
use std::io::Read;

use flate2::read::GzDecoder;

use crate::archive::ZipFile;

/// First bytes of a torch file written before version 1.6: the pickle of a magic integer.
pub(crate) const TORCH_LEGACY_MAGIC: [u8; 15] =
    [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/// A container, recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// No bytes at all.
    Empty,
    /// Torch 1.6 and later.
    TorchZip,
    /// A torch file that carries compiled code beside its weights.
    TorchScript,
    /// Torch before 1.6.
    TorchLegacy,
    /// A zip of `.npy` members.
    Npz,
    /// A Python package as a zip.
    Wheel,
    /// Any other zip.
    Zip,
    /// Starts as a zip but has no readable directory at its end.
    BrokenZip,
    /// A binary Python pickle.
    Pickle,
    /// A single numpy array.
    Npy,
    /// MATLAB level 5.
    Mat5,
    /// dlib serialisation.
    Dlib,
    /// safetensors.
    Safetensors,
    /// A gzipped tar: Python source package or npm package.
    GzipTar,
    /// gzip of something else.
    Gzip,
    /// The graph half of an OpenVINO model; the weights are in the `.bin` beside it.
    IrXml,
    /// Other XML.
    Xml,
    /// A web page.
    Html,
    /// The placeholder that git-lfs leaves instead of a large file.
    LfsPointer,
    /// A picture.
    Picture,
    /// None of these.
    Unknown,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Empty => "an empty file",
            Kind::TorchZip => "a torch checkpoint (zip)",
            Kind::TorchScript => "a TorchScript archive",
            Kind::TorchLegacy => "a torch checkpoint (before version 1.6)",
            Kind::Npz => "a numpy archive (npz)",
            Kind::Wheel => "a Python wheel",
            Kind::Zip => "a zip archive",
            Kind::BrokenZip => "a zip archive that is cut short or damaged",
            Kind::Pickle => "a Python pickle",
            Kind::Npy => "a numpy array (npy)",
            Kind::Mat5 => "a MATLAB 5 file",
            Kind::Dlib => "a dlib model",
            Kind::Safetensors => "a safetensors file",
            Kind::GzipTar => "a gzipped tar archive",
            Kind::Gzip => "a gzip file",
            Kind::IrXml => "an OpenVINO model description (xml)",
            Kind::Xml => "an XML document",
            Kind::Html => "a web page (html)",
            Kind::LfsPointer => "a git-lfs pointer",
            Kind::Picture => "a picture",
            Kind::Unknown => "a file of unknown type",
        })
    }
}

/// Says what `bytes`, a whole file, are.
///
/// Looks at the first bytes, and inside zip and gzip only at names; never fails. A truncated file is
/// named after its beginning, except for zips, whose directory is at the end.
pub fn detect(bytes: &[u8]) -> Kind {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    match bytes {
        [] => Kind::Empty,
        _ if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => zip_kind(bytes),
        _ if starts(&TORCH_LEGACY_MAGIC) => Kind::TorchLegacy,
        [0x80, 2..=5, ..] => Kind::Pickle,
        _ if starts(b"\x93NUMPY") => Kind::Npy,
        _ if starts(b"MATLAB 5.0 MAT-file") => Kind::Mat5,
        [0x1f, 0x8b, ..] => gzip_kind(bytes),
        [0x01, 0x01, 0x81..=0x88, ..] => Kind::Dlib,
        _ if is_safetensors(bytes) => Kind::Safetensors,
        _ if is_picture(bytes) => Kind::Picture,
        _ if starts(b"version https://git-lfs") => Kind::LfsPointer,
        _ => markup_kind(bytes).unwrap_or(Kind::Unknown),
    }
}

fn zip_kind(bytes: &[u8]) -> Kind {
    let Ok(zip) = ZipFile::new(bytes) else {
        return Kind::BrokenZip;
    };
    let (mut pickle, mut code, mut wheel, mut npy, mut other) = (false, false, false, 0, 0);
    for name in zip.names() {
        match name.split_once('/') {
            Some((_, "data.pkl")) => pickle = true,
            Some((_, "constants.pkl")) => code = true,
            Some((_, rest)) if rest.starts_with("code/") => code = true,
            Some((top, "WHEEL")) if top.ends_with(".dist-info") => wheel = true,
            _ if name.ends_with(".npy") => npy += 1,
            _ => other += 1,
        }
    }
    match (pickle, code, wheel) {
        (true, true, _) => Kind::TorchScript,
        (true, false, _) => Kind::TorchZip,
        (false, _, true) => Kind::Wheel,
        _ if npy > 0 && other == 0 => Kind::Npz,
        _ => Kind::Zip,
    }
}

fn gzip_kind(bytes: &[u8]) -> Kind {
    let mut block = [0; 512];
    match GzDecoder::new(bytes).read_exact(&mut block) {
        Ok(()) if &block[257..262] == b"ustar" => Kind::GzipTar,
        _ => Kind::Gzip,
    }
}

fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((header, rest)) = bytes.split_first_chunk::<8>() else { return false };
    // The reference implementation refuses longer headers; whether the file is complete is the reader's question.
    (2..=100_000_000).contains(&u64::from_le_bytes(*header)) && rest.first() == Some(&b'{')
}

fn is_picture(bytes: &[u8]) -> bool {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    webp || [&b"\x89PNG\r\n"[..], b"\xff\xd8\xff", b"GIF8"].iter().any(|m| bytes.starts_with(m))
}

fn markup_kind(bytes: &[u8]) -> Option<Kind> {
    let head = &bytes[..bytes.len().min(4096)];
    let head = String::from_utf8_lossy(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head))
        .to_ascii_lowercase();
    let head = head.trim_start();
    if !head.starts_with('<') {
        return None;
    }
    if head.contains("<html") || head.starts_with("<!doctype html") {
        return Some(Kind::Html);
    }
    if head.starts_with("<net ") || (head.starts_with("<?xml") && head.contains("<net ")) {
        return Some(Kind::IrXml);
    }
    head.starts_with("<?xml").then_some(Kind::Xml)
}
