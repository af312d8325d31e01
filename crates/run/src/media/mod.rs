//! Still pictures in and out.
//!
//! Anything that people call an image becomes 8-bit RGB:
//!
//! | file | what happens |
//! |---|---|
//! | PNG, JPEG, WebP, GIF, BMP, TIFF | read by content; the name's extension does not matter |
//! | grey, grey with alpha, palette | made RGB |
//! | 16 bits a channel | rounded to 8 |
//! | transparent parts | laid over white, with [`Warning::Transparent`] |
//! | EXIF orientation | applied |
//! | animated GIF, WebP, PNG; TIFF of several pages | the first picture, with [`Warning::Animated`] |
//! | CMYK JPEG, floating-point TIFF | refused: their colours are not defined without more knowledge |
//! | cut short, of another kind, absurdly large | refused |
//!
//! Colour profiles are not applied: values are taken as sRGB.

mod decode;
mod jpeg;
mod png;
mod tiff;
mod warning;

pub use decode::{MAX_PIXELS, MAX_SIDE, Still, decode, is_image, read};
pub use png::{Origin, SYNTHETIC_NOTE, encode_png, write_png};
pub use warning::Warning;

#[cfg(test)]
mod tests;
