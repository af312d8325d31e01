//! A picture in memory and its way to a file.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::error::{Error, Result};
use crate::images::Images;

/// The longest side of a picture; JPEG can say no larger one.
pub(super) const MAX_SIDE: usize = 65_535;

/// The most pixels of a picture: 384 MiB of bytes.
const MAX_PIXELS: usize = 1 << 27;

/// A picture for a person to look at.
///
/// # Shapes  `3 * width * height` bytes, interleaved RGB, rows from the top left;
/// both sides at least 1
/// # Range   sRGB, 0 to 255
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// Takes interleaved RGB bytes as a picture.
    ///
    /// # Errors  `Error::Shape` if a side is 0 or too long, or `rgb` does not hold
    /// `3 * width * height` bytes
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self> {
        let bytes = 3 * checked_pixels(width, height)?;
        if rgb.len() != bytes {
            return Err(Error::shape(
                "picture",
                format!("{bytes} bytes for {width}x{height} RGB"),
                rgb.len(),
            ));
        }
        Ok(Self { width, height, rgb })
    }

    /// A picture of one colour.
    ///
    /// # Errors  `Error::Shape` if a side is 0 or the picture would be too large
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Result<Self> {
        let rgb = colour.repeat(checked_pixels(width, height)?);
        Ok(Self { width, height, rgb })
    }

    /// Picture `k`, counted from 0, of `images`, at full size.
    ///
    /// # Errors  `Error::Value` if there is no such picture, `Error::Shape` if it is too large
    pub fn from_frame(images: &Images, k: usize) -> Result<Self> {
        if k >= images.count() {
            let problem = format!("there is no frame {} among {}", k + 1, images.count());
            return Err(Error::value("picture of a frame", problem));
        }
        checked_pixels(images.width(), images.height())?;
        Self::new(images.width(), images.height(), images.to_rgb8(k))
    }

    /// The width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes, `RGBRGB...`, rows from the top left.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The colour at column `x` of row `y`, `None` outside the picture.
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = 3 * (y * self.width + x);
        Some([self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]])
    }

    /// Lays `other` over this picture with its top left corner at `(x, y)`; what
    /// would lie outside is cut off.
    pub fn paste(&mut self, other: &Picture, x: usize, y: usize) {
        let columns = other.width.min(self.width.saturating_sub(x));
        let rows = other.height.min(self.height.saturating_sub(y));
        for row in 0..rows {
            let from = 3 * row * other.width;
            let to = 3 * ((y + row) * self.width + x);
            self.rgb[to..to + 3 * columns].copy_from_slice(&other.rgb[from..from + 3 * columns]);
        }
    }

    /// Mixes `colour` into the pixel `(x, y)`: 0 leaves it, 1 replaces it; a place
    /// outside the picture is left alone.
    pub(super) fn blend(&mut self, x: usize, y: usize, colour: [u8; 3], amount: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = 3 * (y * self.width + x);
        for (old, new) in self.rgb[at..at + 3].iter_mut().zip(colour) {
            let mixed = f32::from(*old) + (f32::from(new) - f32::from(*old)) * amount;
            *old = (mixed + 0.5) as u8;
        }
    }

    /// The picture as a PNG file, without loss.
    ///
    /// # Errors  `Error::Value` if the encoder refuses
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(
            &mut bytes,
            CompressionType::Default,
            FilterType::Adaptive,
        );
        self.encode(encoder)?;
        Ok(bytes)
    }

    /// The picture as a JPEG file of `quality` 1 (small) to 100 (faithful); a value
    /// outside is taken as the nearer end.
    ///
    /// # Errors  `Error::Value` if the encoder refuses
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
        self.encode(encoder)?;
        Ok(bytes)
    }

    fn encode(&self, encoder: impl ImageEncoder) -> Result<()> {
        // Both sides are at most MAX_SIDE, so the casts keep their value.
        let (width, height) = (self.width as u32, self.height as u32);
        encoder
            .write_image(&self.rgb, width, height, ExtendedColorType::Rgb8)
            .map_err(|e| Error::value("picture", format!("cannot be encoded: {e}")))
    }
}

/// `width * height`, if a picture of this size may be made.
pub(super) fn checked_pixels(width: usize, height: usize) -> Result<usize> {
    let limit = || {
        format!(
            "sides of 1 to {MAX_SIDE} pixels and at most {MAX_PIXELS} pixels in all \
             (use smaller tiles or fewer frames)"
        )
    };
    let pixels = width.saturating_mul(height);
    if pixels == 0 || pixels > MAX_PIXELS || width.max(height) > MAX_SIDE {
        return Err(Error::shape("picture", limit(), format!("{width}x{height}")));
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paste_puts_pixels_where_asked_and_cuts_the_rest() {
        let mut under = Picture::filled(5, 4, [0, 0, 0]).unwrap();
        let over = Picture::new(3, 2, (1..=18).collect()).unwrap();
        under.paste(&over, 3, 3);
        assert_eq!(under.pixel(3, 3), Some([1, 2, 3]));
        assert_eq!(under.pixel(4, 3), Some([4, 5, 6]));
        let touched = under.rgb().iter().filter(|&&v| v != 0).count();
        assert_eq!(touched, 6);
        under.paste(&over, 50, 50);
        assert_eq!(under.pixel(5, 0), None);
    }

    #[test]
    fn a_frame_keeps_its_channel_order_and_rows() {
        // Red grows along x, green along y; planar values as `Images` holds them.
        let red = [0.0, 0.5, 1.0, 0.0, 0.5, 1.0];
        let green = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        let blue = [0.2; 6];
        let data = [red, green, blue].concat();
        let images = Images::new(1, 2, 3, data).unwrap();
        let picture = Picture::from_frame(&images, 0).unwrap();
        assert_eq!((picture.width(), picture.height()), (3, 2));
        assert_eq!(picture.pixel(2, 0), Some([255, 0, 51]));
        assert_eq!(picture.pixel(1, 1), Some([128, 255, 51]));
        assert!(Picture::from_frame(&images, 1).is_err());
    }

    #[test]
    fn png_comes_back_bit_for_bit_and_jpeg_close() {
        let rgb: Vec<u8> = (0..16 * 8 * 3).map(|i| (i * 7 % 251) as u8).collect();
        let picture = Picture::new(16, 8, rgb.clone()).unwrap();
        let png = image::load_from_memory(&picture.to_png().unwrap()).unwrap();
        assert_eq!(png.into_rgb8().into_raw(), rgb);

        let flat = Picture::filled(16, 16, [200, 100, 50]).unwrap();
        let jpeg = image::load_from_memory(&flat.to_jpeg(255).unwrap()).unwrap();
        for (got, want) in jpeg.into_rgb8().into_raw().iter().zip(flat.rgb()) {
            assert!(got.abs_diff(*want) <= 2, "{got} {want}");
        }
    }

    #[test]
    fn sizes_are_checked_before_memory_is_taken() {
        for (w, h) in [(0, 4), (4, 0), (usize::MAX, 2), (70_000, 1), (60_000, 60_000)] {
            let error = Picture::filled(w, h, [0; 3]).unwrap_err().to_string();
            assert!(error.contains("fewer frames"), "{error}");
        }
        assert!(Picture::new(2, 2, vec![0; 11]).is_err());
    }
}
