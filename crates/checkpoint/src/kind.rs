//! What a file is, by its content; names and extensions are not trusted.

use std::fmt;
use std::io::Read;

use flate2::read::GzDecoder;

use crate::archive::ZipFile;
use crate::error::Result;
use crate::safe::MAX_HEADER;
use crate::source::Source;

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
    /// The list of the quantised weights of a model for the browser; they are in the `.bin` beside it.
    ShardManifest,
    /// Hierarchical data format, which MATLAB 7.3 and Keras write.
    Hdf5,
    /// safetensors.
    Safetensors,
    /// A gzipped tar: Python source package or npm package.
    GzipTar,
    /// gzip of something else.
    Gzip,
    /// A tar archive as it is.
    Tar,
    /// Compressed by another method: xz, bzip2, zstd, 7z or rar.
    Compressed,
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
    /// Text of another kind.
    Text,
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
            Kind::ShardManifest => "a list of quantised weights (weights_manifest.json)",
            Kind::Hdf5 => "an HDF5 file",
            Kind::Tar => "a tar archive",
            Kind::Compressed => "a compressed file",
            Kind::Text => "a text",
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
    // Memory can always be read.
    detect_in(Source::memory(bytes)).unwrap_or(Kind::Unknown)
}

/// How much of a file is looked at.
const HEAD: u64 = 4096;

/// [`detect`] for any source; fails only if it cannot be read.
pub(crate) fn detect_in(source: Source) -> Result<Kind> {
    let head = source.head(HEAD)?;
    let bytes = head.as_ref();
    let starts = |magics: &[&[u8]]| magics.iter().any(|m| bytes.starts_with(m));
    Ok(match bytes {
        [] => Kind::Empty,
        _ if starts(&[b"PK\x03\x04", b"PK\x05\x06"]) => zip_kind(source),
        _ if starts(&[&TORCH_LEGACY_MAGIC]) => Kind::TorchLegacy,
        [0x80, 2..=5, ..] => Kind::Pickle,
        _ if starts(&[b"\x93NUMPY"]) => Kind::Npy,
        _ if starts(&[b"MATLAB 5.0 MAT-file"]) => Kind::Mat5,
        _ if starts(&[b"\x89HDF\r\n\x1a\n", b"MATLAB 7.3 MAT-file"]) => Kind::Hdf5,
        [0x1f, 0x8b, ..] => gzip_kind(source),
        _ if bytes.get(257..262) == Some(b"ustar") => Kind::Tar,
        _ if starts(&COMPRESSED) => Kind::Compressed,
        [0x01, 0x01, 0x81..=0x88, ..] => Kind::Dlib,
        _ if is_safetensors(bytes) => Kind::Safetensors,
        _ if is_picture(bytes) => Kind::Picture,
        _ if starts(&[b"version https://git-lfs"]) => Kind::LfsPointer,
        _ if starts(&PICKLE_TEXT) => Kind::Pickle,
        _ => text_kind(bytes),
    })
}

/// xz, bzip2, zstd, 7z, rar.
const COMPRESSED: [&[u8]; 5] =
    [b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"];

/// How pickles of protocols 0 and 1, which have no mark of their own, begin if they hold a dict, a list or
/// an array.
const PICKLE_TEXT: [&[u8]; 8] =
    [b"(dp", b"(lp", b"}q", b"]q", b"cnumpy", b"ccopy_reg", b"ccollections", b"ctorch"];

fn zip_kind(source: Source) -> Kind {
    let Ok(zip) = ZipFile::new(source) else {
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

fn gzip_kind(source: Source) -> Kind {
    let mut block = [0; 512];
    match GzDecoder::new(source.stream(source.whole())).read_exact(&mut block) {
        Ok(()) if &block[257..262] == b"ustar" => Kind::GzipTar,
        _ => Kind::Gzip,
    }
}

fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((header, rest)) = bytes.split_first_chunk::<8>() else { return false };
    // Whether the file is complete is the reader's question.
    (2..=MAX_HEADER).contains(&u64::from_le_bytes(*header)) && rest.first() == Some(&b'{')
}

fn is_picture(bytes: &[u8]) -> bool {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    webp || [&b"\x89PNG\r\n"[..], b"\xff\xd8\xff", b"GIF8"].iter().any(|m| bytes.starts_with(m))
}

fn text_kind(bytes: &[u8]) -> Kind {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let head = head.trim_start();
    if head.starts_with('<') {
        return markup_kind(head);
    }
    if head.starts_with(['[', '{']) && head.contains("\"weights") {
        return Kind::ShardManifest;
    }
    // The window may end inside a character.
    let is_text = |end: usize| std::str::from_utf8(&bytes[..end]).is_ok();
    let control = bytes.iter().any(|&b| b < b' ' && !b"\t\n\r\x0c".contains(&b));
    let cut = (bytes.len().saturating_sub(3)..=bytes.len()).rev().any(is_text);
    if cut && !control { Kind::Text } else { Kind::Unknown }
}

fn markup_kind(head: &str) -> Kind {
    if head.contains("<html") || head.starts_with("<!doctype html") {
        return Kind::Html;
    }
    if head.starts_with("<net ") || (head.starts_with("<?xml") && head.contains("<net ")) {
        return Kind::IrXml;
    }
    if head.starts_with("<?xml") { Kind::Xml } else { Kind::Text }
}

/// What to do with a file that holds no arrays.
pub(crate) fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::Empty => "nothing was written or downloaded; fetch it again",
        Kind::Html => {
            "a download page was saved instead of the file; follow its link and save that"
        }
        Kind::LfsPointer => "run `git lfs pull` in that repository to replace it by the file",
        Kind::BrokenZip => "the end of the file is missing; fetch or copy it again",
        Kind::Wheel | Kind::GzipTar | Kind::Tar | Kind::Zip => {
            "take the weights file out of the archive and give that"
        }
        Kind::Gzip | Kind::Compressed => "unpack it and give what comes out",
        Kind::Hdf5 => "save the arrays as .npz, or with `-v7` in MATLAB, and give that",
        Kind::IrXml => "the weights are in the .bin beside it; open it by its path",
        Kind::ShardManifest => "the weights are in the files it names; open it by its path",
        Kind::Picture => "give the weights of a model here, pictures elsewhere",
        Kind::Text | Kind::Xml => {
            "look inside: it may be the message of a download that failed; fetch the file again"
        }
        _ => {
            "expected torch, pickle, npy, npz, mat, dlib, safetensors, or the .xml or \
             weights_manifest.json beside a .bin"
        }
    }
}
