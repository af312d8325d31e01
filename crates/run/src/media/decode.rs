//! From the bytes of an image file to RGB.

use std::io::Cursor;
use std::path::Path;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{
    AnimationDecoder, ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader,
    Limits,
};

use super::{Warning, jpeg, tiff};
use crate::atomic;
use crate::error::{Error, Result};
use crate::images::Images;

const KIND: &str = "image";
/// The longest side of a picture that is decoded.
pub const MAX_SIDE: u32 = 32_768;
/// The most pixels of a picture that is decoded: 1.5 GiB as `f32`.
pub const MAX_PIXELS: u64 = 1 << 27;
/// The most memory a decoder may take: 8 bytes for each of `MAX_PIXELS`.
const MAX_ALLOC: u64 = 8 * MAX_PIXELS;
/// The largest image file read.
const MAX_FILE: u64 = 1 << 30;
/// The formats that are read, all with a signature in their first bytes.
const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Bmp,
    ImageFormat::Tiff,
];

/// One picture read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// The picture, `[1,3,H,W]` in `[0,1]`, every value a multiple of 1/255.
    pub images: Images,
    /// What the user should know about it.
    pub warnings: Vec<Warning>,
}

/// Reads an image file; see the [module](super) for what becomes of each kind.
///
/// # Errors  `Error::Read`, `Error::TooLarge`; `Error::File` if it is no image,
/// is cut short, or has colours that cannot be known
pub fn read(path: &Path) -> Result<Still> {
    decode(&atomic::read(path, MAX_FILE)?, path)
}

/// Decodes the bytes of an image file; `path` is for messages alone.
///
/// # Errors  as [`read`]
pub fn decode(bytes: &[u8], path: &Path) -> Result<Still> {
    let format = format_of(bytes).ok_or_else(|| unknown(bytes).at(path))?;
    if format == ImageFormat::Jpeg {
        check_jpeg(bytes).map_err(|e| e.at(path))?;
    }
    let image = pixels(bytes, format, path)?;
    let mut warnings = Vec::new();
    if has_more(bytes, format) {
        warnings.push(Warning::Animated { path: path.to_owned() });
    }
    let (height, width) = (image.height() as usize, image.width() as usize);
    let (rgb, transparent) = to_rgb8(image);
    if transparent {
        warnings.push(Warning::Transparent { path: path.to_owned() });
    }
    Ok(Still { images: Images::from_rgb8(height, width, &rgb)?, warnings })
}

/// Whether a file that begins with these bytes (32 are enough) is an image of a
/// format that is read.
pub fn is_image(beginning: &[u8]) -> bool {
    format_of(beginning).is_some()
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    image::guess_format(bytes).ok().filter(|f| FORMATS.contains(f))
}

fn unknown(bytes: &[u8]) -> Error {
    let problem = if bytes.is_empty() {
        "the file is empty".to_owned()
    } else {
        let start = bytes[..bytes.len().min(8)].escape_ascii();
        format!(
            "its content (it begins with `{start}`) is not PNG, JPEG, WebP, GIF, BMP or TIFF; convert it to one of these"
        )
    };
    Error::content(KIND, problem)
}

fn check_jpeg(bytes: &[u8]) -> Result<()> {
    let survey = jpeg::Survey::of(bytes);
    if survey.components == Some(4) {
        return Err(Error::content(
            KIND,
            "it is a CMYK picture for print, whose colours depend on a press; convert it to RGB first",
        ));
    }
    if !survey.complete {
        return Err(Error::content(KIND, "the JPEG data is cut short; copy or download it again"));
    }
    Ok(())
}

/// Decodes within the limits and turns the picture upright.
fn pixels(bytes: &[u8], format: ImageFormat, path: &Path) -> Result<DynamicImage> {
    let fail = |e: ImageError| match e {
        ImageError::Limits(_) => too_large(path, "its decoded size"),
        other => Error::content(KIND, format!("{other}; it may be cut short or damaged")).at(path),
    };
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fail)?;

    let (width, height) = decoder.dimensions();
    let area = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || area > MAX_PIXELS {
        return Err(too_large(path, &format!("{width}x{height} pixels")));
    }
    if area == 0 {
        return Err(Error::content(KIND, format!("it declares {width}x{height} pixels")).at(path));
    }
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        let problem =
            "it holds floating-point values, whose range is not known; save it with 8 or 16 bits";
        return Err(Error::content(KIND, problem).at(path));
    }
    let orientation = decoder.orientation().map_err(fail)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(fail)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn too_large(path: &Path, what: &str) -> Error {
    Error::TooLarge {
        path: path.to_owned(),
        what: what.to_owned(),
        limit: format!("sides of {MAX_SIDE} and {MAX_PIXELS} pixels in all; scale it down first"),
    }
}

/// Whether the file holds pictures after the first.
fn has_more(bytes: &[u8], format: ImageFormat) -> bool {
    let bytes = Cursor::new(bytes);
    match format {
        ImageFormat::Gif => GifDecoder::new(bytes).is_ok_and(|mut d| {
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(MAX_ALLOC);
            d.set_limits(limits).is_ok() && d.into_frames().take(2).count() == 2
        }),
        ImageFormat::WebP => WebPDecoder::new(bytes).is_ok_and(|d| d.has_animation()),
        ImageFormat::Png => PngDecoder::new(bytes).is_ok_and(|d| d.is_apng().unwrap_or(false)),
        ImageFormat::Tiff => tiff::has_more_pages(bytes.into_inner()),
        _ => false,
    }
}

/// Interleaved 8-bit RGB, and whether anything was transparent.
fn to_rgb8(image: DynamicImage) -> (Vec<u8>, bool) {
    if !image.color().has_alpha() {
        return (image.into_rgb8().into_raw(), false);
    }
    // 16 bits hold 8-bit values exactly (times 257), so one path serves both.
    let image = image.into_rgba16();
    let mut transparent = false;
    let mut rgb = Vec::with_capacity(3 * image.len() / 4);
    for pixel in image.pixels() {
        let [r, g, b, alpha] = pixel.0;
        transparent |= alpha != u16::MAX;
        rgb.extend([r, g, b].map(|v| over_white(v, alpha)));
    }
    (rgb, transparent)
}

/// One value laid over white, rounded to 8 bits once.
fn over_white(v: u16, alpha: u16) -> u8 {
    let full = u64::from(u16::MAX);
    let alpha = u64::from(alpha);
    let mixed = alpha * u64::from(v) + (full - alpha) * full;
    // `mixed / full^2 * 255`, rounded half up; at most 255.
    ((mixed * 255 * 2 + full * full) / (2 * full * full)) as u8
}
