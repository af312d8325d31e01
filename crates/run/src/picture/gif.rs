//! Animated pictures that every browser shows.

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbaImage};

use super::raster::{MAX_SIDE, Picture};
use crate::error::{Error, Result};

/// Pictures of one size as an animated GIF that repeats for ever, `rate` pictures a second
/// (0.1 to 50); 256 colours a picture.
///
/// # Errors  `Error::Value` for no picture, another rate, or an encoder that refuses;
/// `Error::Shape` if the sizes differ
pub fn encode_gif(pictures: &[Picture], rate: f64) -> Result<Vec<u8>> {
    let refused = |e: image::ImageError| Error::value("GIF", format!("cannot be encoded: {e}"));
    let Some(first) = pictures.first() else {
        return Err(Error::value("GIF", "needs at least one picture"));
    };
    if !(0.1..=50.0).contains(&rate) {
        return Err(Error::value("GIF", format!("{rate} pictures a second is not 0.1 to 50")));
    }
    let (width, height) = (first.width(), first.height());
    if width.max(height) > MAX_SIDE {
        return Err(Error::shape("GIF", format!("sides of at most {MAX_SIDE}"), width.max(height)));
    }
    let mut bytes = Vec::new();
    {
        // 10 is the encoder's usual balance of speed and colours.
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
        encoder.set_repeat(Repeat::Infinite).map_err(refused)?;
        for picture in pictures {
            if (picture.width(), picture.height()) != (width, height) {
                let got = format!("{}x{}", picture.width(), picture.height());
                return Err(Error::shape("GIF", format!("pictures of {width}x{height}"), got));
            }
            let (pixels, _) = picture.rgb().as_chunks::<3>();
            let rgba = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
            let image = RgbaImage::from_raw(width as u32, height as u32, rgba)
                .expect("a picture holds its pixels");
            let delay =
                Delay::from_saturating_duration(std::time::Duration::from_secs_f64(1.0 / rate));
            encoder.encode_frame(Frame::from_parts(image, 0, 0, delay)).map_err(refused)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::AnimationDecoder;
    use image::codecs::gif::GifDecoder;

    use super::*;

    #[test]
    fn pictures_and_their_times_come_back() {
        let colours = [[250, 0, 0], [0, 0, 250]];
        let pictures = colours.map(|c| Picture::filled(8, 4, c).unwrap());
        let bytes = encode_gif(&pictures, 5.0).unwrap();
        let frames = GifDecoder::new(std::io::Cursor::new(bytes)).unwrap().into_frames();
        let frames = frames.collect_frames().unwrap();
        assert_eq!(frames.len(), 2);
        for (frame, colour) in frames.iter().zip(colours) {
            let (num, den) = frame.delay().numer_denom_ms();
            assert_eq!(num / den, 200);
            let pixel = frame.buffer().get_pixel(7, 3).0;
            assert!(pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 2), "{pixel:?}");
        }
    }

    #[test]
    fn what_makes_no_animation_is_refused() {
        let one = Picture::filled(2, 2, [0; 3]).unwrap();
        assert!(encode_gif(&[], 5.0).is_err());
        assert!(encode_gif(std::slice::from_ref(&one), 0.0).is_err());
        assert!(encode_gif(&[one, Picture::filled(3, 2, [0; 3]).unwrap()], 5.0).is_err());
    }
}
