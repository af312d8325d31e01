//! Scaling a picture for display.

use std::borrow::Cow;

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgb};

use super::raster::{Picture, checked_pixels};
use crate::error::Result;

impl Picture {
    /// The picture at exactly this size, smoothed when it shrinks (Lanczos, each
    /// result pixel gathers every source pixel under it).
    ///
    /// # Errors  `Error::Shape` if a side is 0 or the result would be too large
    pub fn resized(&self, width: usize, height: usize) -> Result<Picture> {
        checked_pixels(width, height)?;
        if (width, height) == (self.width(), self.height()) {
            return Ok(self.clone());
        }
        let (from_width, from_height) = (self.width() as u32, self.height() as u32);
        let source: ImageBuffer<Rgb<u8>, &[u8]> =
            ImageBuffer::from_raw(from_width, from_height, self.rgb())
                .expect("a picture holds as many bytes as its sides say");
        let scaled = imageops::resize(&source, width as u32, height as u32, FilterType::Lanczos3);
        Picture::new(width, height, scaled.into_raw())
    }

    /// The picture shrunk, its proportions kept, so that no side is longer than
    /// `side` (at least 1) pixels; a picture that is small enough stays as it is.
    pub fn thumbnail(&self, side: usize) -> Result<Picture> {
        let side = side.max(1);
        if self.width().max(self.height()) <= side {
            return Ok(self.clone());
        }
        let (width, height) = fitted((self.width(), self.height()), (side, side));
        self.resized(width, height)
    }

    /// The picture scaled up or down to fit into `width` x `height`, proportions kept.
    pub(super) fn fitted(&self, width: usize, height: usize) -> Result<Cow<'_, Picture>> {
        let size = fitted((self.width(), self.height()), (width, height));
        if size == (self.width(), self.height()) {
            return Ok(Cow::Borrowed(self));
        }
        self.resized(size.0, size.1).map(Cow::Owned)
    }
}

/// The largest size of the proportions of `picture` inside `frame`, sides at least 1.
fn fitted(picture: (usize, usize), frame: (usize, usize)) -> (usize, usize) {
    // Exact in u128 for any sides.
    let (pw, ph) = (picture.0 as u128, picture.1 as u128);
    let (fw, fh) = (frame.0 as u128, frame.1 as u128);
    let rounded = |a: u128, b: u128| ((2 * a + b) / (2 * b)).max(1) as usize;
    if pw * fh >= ph * fw {
        (frame.0, rounded(ph * fw, pw))
    } else {
        (rounded(pw * fh, ph), frame.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportions_are_kept() {
        assert_eq!(fitted((1350, 1350), (256, 256)), (256, 256));
        assert_eq!(fitted((400, 200), (100, 100)), (100, 50));
        assert_eq!(fitted((200, 400), (100, 100)), (50, 100));
        assert_eq!(fitted((65_535, 1), (10, 10)), (10, 1));
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let picture = Picture::filled(97, 61, [12, 200, 77]).unwrap();
        let small = picture.resized(13, 29).unwrap();
        assert!(small.rgb().chunks(3).all(|p| p == [12, 200, 77]));
    }

    #[test]
    fn fine_stripes_average_out_instead_of_aliasing() {
        // Columns alternate 0 and 255; picking single pixels would give one of the two.
        let rgb = (0..64 * 64).flat_map(|i| [if i % 2 == 0 { 0 } else { 255 }; 3]);
        let picture = Picture::new(64, 64, rgb.collect()).unwrap();
        let small = picture.resized(8, 8).unwrap();
        let inner = small.pixel(4, 4).unwrap()[0];
        assert!((118..=138).contains(&inner), "{inner}");
    }

    #[test]
    fn a_thumbnail_never_grows() {
        let picture = Picture::filled(20, 10, [1, 2, 3]).unwrap();
        assert_eq!(picture.thumbnail(64).unwrap(), picture);
        let small = picture.thumbnail(8).unwrap();
        assert_eq!((small.width(), small.height()), (8, 4));
    }
}
