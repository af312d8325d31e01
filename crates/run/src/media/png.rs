//! PNG files that say where they come from.

use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::atomic;
use crate::error::{Error, Result};
use crate::images::Images;

/// What every generated picture and video says about itself.
pub const SYNTHETIC_NOTE: &str =
    "Synthetic edit: made by a generative network (reelgan), not a photograph";

/// The signature and the header chunk, which every PNG begins with.
const HEADER: usize = 8 + 25;

/// Where a picture's content comes from, noted in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user's own picture, at most cropped and scaled.
    Input,
    /// Made or changed by a generator; the file carries [`SYNTHETIC_NOTE`].
    Synthetic,
}

/// Writes picture `k`, counted from 0, as 8-bit RGB PNG, whole or not at all.
///
/// # Errors  `Error::Write`
/// # Panics  if `k >= images.count()`, as indexing a slice does
pub fn write_png(path: &Path, images: &Images, k: usize, origin: Origin) -> Result<()> {
    atomic::write(path, &encode_png(images, k, origin)?)
}

/// The bytes of that file; equal pictures give equal bytes.
///
/// # Errors  `Error::Shape` if a side is too long for a PNG
/// # Panics  if `k >= images.count()`, as indexing a slice does
pub fn encode_png(images: &Images, k: usize, origin: Origin) -> Result<Vec<u8>> {
    let side = |v: usize| {
        u32::try_from(v).map_err(|_| Error::shape("PNG", "sides of at most 4294967295 pixels", v))
    };
    let (width, height) = (side(images.width())?, side(images.height())?);
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&images.to_rgb8(k), width, height, ExtendedColorType::Rgb8)
        .map_err(|e| {
            Error::value("PNG", format!("{width}x{height} pixels cannot be encoded: {e}"))
        })?;

    let mut notes = text_chunk("Software", "reelgan");
    if origin == Origin::Synthetic {
        notes.extend(text_chunk("Comment", SYNTHETIC_NOTE));
    }
    png.splice(HEADER..HEADER, notes);
    Ok(png)
}

/// A `tEXt` chunk: length, type, keyword, zero, text, checksum.
///
/// # Source  PNG specification (W3C), sections 5.3 and 11.3.3.2
fn text_chunk(keyword: &str, text: &str) -> Vec<u8> {
    let content = [b"tEXt", keyword.as_bytes(), b"\0", text.as_bytes()].concat();
    let length = (content.len() - 4) as u32;
    let checksum = crc32(&content);
    [&length.to_be_bytes()[..], &content, &checksum.to_be_bytes()].concat()
}

/// The cyclic redundancy check of PNG, bit by bit: the texts are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}
