use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba};

use super::*;
use crate::error::{Error, Result};

mod made;

use made::*;

fn decoded(bytes: &[u8]) -> Result<Still> {
    decode(bytes, Path::new("folder/picture.png"))
}

fn message(bytes: &[u8]) -> String {
    let text = decoded(bytes).unwrap_err().to_string();
    assert!(text.contains("folder/picture.png"), "{text}");
    text
}

fn rgb(bytes: &[u8]) -> Vec<u8> {
    let still = decoded(bytes).unwrap();
    assert_eq!(still.warnings, []);
    still.images.to_rgb8(0)
}

#[test]
fn every_lossless_format_gives_the_same_pixels() {
    let picture = noise(7, 5);
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff] {
        let still = decoded(&encode(&picture.clone().into(), format)).unwrap();
        assert_eq!((still.images.width(), still.images.height()), (7, 5));
        assert_eq!(still.images.to_rgb8(0), *picture.as_raw(), "{format:?}");
        assert_eq!(still.warnings, [], "{format:?}");
    }
}

#[test]
fn jpeg_and_gif_are_close() {
    let flat = RgbImage::from_pixel(16, 16, Rgb([200, 100, 50]));
    for format in [ImageFormat::Jpeg, ImageFormat::Gif] {
        for (got, want) in rgb(&encode(&flat.clone().into(), format)).iter().zip(flat.as_raw()) {
            assert!(got.abs_diff(*want) <= 3, "{format:?} {got} {want}");
        }
    }
}

#[test]
fn grey_becomes_rgb() {
    let grey = ImageBuffer::from_fn(2, 1, |x, _| Luma([10 + 100 * x as u8]));
    assert_eq!(rgb(&encode(&grey.into(), ImageFormat::Png)), [10, 10, 10, 110, 110, 110]);
}

#[test]
fn sixteen_bits_are_rounded() {
    // 257 times v is v of 255; 128 more is nearer to v, 129 more to v + 1.
    let values = [257u16 * 7, 257 * 7 + 128, 257 * 7 + 129, 65535, 0, 1];
    let wide = ImageBuffer::<Rgb<u16>, _>::from_raw(2, 1, values.to_vec()).unwrap();
    assert_eq!(rgb(&encode(&wide.into(), ImageFormat::Png)), [7, 7, 8, 255, 0, 0]);
    let grey = ImageBuffer::from_pixel(1, 1, Luma([257u16 * 9 + 129]));
    assert_eq!(rgb(&encode(&grey.into(), ImageFormat::Tiff)), [10, 10, 10]);
}

#[test]
fn transparency_is_laid_over_white() {
    let check = |image: DynamicImage, expected: &[u8]| {
        let still = decoded(&encode(&image, ImageFormat::Png)).unwrap();
        assert_eq!(still.images.to_rgb8(0), expected);
        assert!(
            matches!(still.warnings[..], [Warning::Transparent { .. }]),
            "{:?}",
            still.warnings
        );
    };
    // 0.2 * 100 + 0.8 * 255 = 224; nothing of a fully transparent pixel shows.
    let pixels = vec![100, 0, 255, 51, 1, 2, 3, 0, 4, 5, 6, 255];
    let rgba = ImageBuffer::<Rgba<u8>, _>::from_raw(3, 1, pixels).unwrap();
    check(rgba.into(), &[224, 204, 255, 255, 255, 255, 4, 5, 6]);
    check(ImageBuffer::from_pixel(1, 1, LumaA([100u8, 51])).into(), &[224; 3]);
    check(ImageBuffer::from_pixel(1, 1, LumaA([25700u16, 13107])).into(), &[224; 3]);
    // Opaque alpha changes nothing and is not worth a warning.
    let opaque = ImageBuffer::from_fn(16, 16, |x, y| Rgba([(16 * y + x) as u8, 0, 255, 255]));
    let expected: Vec<u8> = (0..=255).flat_map(|v| [v, 0, 255]).collect();
    assert_eq!(rgb(&encode(&opaque.into(), ImageFormat::Png)), expected);
}

#[test]
fn pictures_are_turned_upright() {
    // Upright: red on the left, blue on the right. Orientation 6 is stored
    // turned, so that turning it 90 degrees clockwise puts it right: blue above.
    let (red, blue) = (Rgb([255, 0, 0]), Rgb([0, 0, 255]));
    let stored = RgbImage::from_fn(16, 32, |_, y| if y < 16 { blue } else { red });
    let file = with_orientation(&encode(&stored.into(), ImageFormat::Jpeg), 6);
    let images = decoded(&file).unwrap().images;
    assert_eq!((images.width(), images.height()), (32, 16));
    let pixel = |x: usize| images.to_rgb8(0)[3 * (8 * 32 + x)..][..3].to_vec();
    assert!(pixel(4)[0] > 240 && pixel(4)[2] < 15, "{:?}", pixel(4));
    assert!(pixel(28)[0] < 15 && pixel(28)[2] > 240, "{:?}", pixel(28));
}

#[test]
fn of_several_pictures_the_first_is_taken() {
    let pictures = [
        RgbImage::from_pixel(6, 4, Rgb([255, 0, 0])),
        RgbImage::from_pixel(6, 4, Rgb([0, 0, 255])),
    ];
    let mut gif = Vec::new();
    let frames = pictures.clone().map(|p| image::Frame::new(DynamicImage::from(p).into_rgba8()));
    GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
    for file in
        [gif, animated_webp(&pictures), animated_png(&pictures), two_page_tiff(&pictures[0])]
    {
        let still = decoded(&file).unwrap();
        assert!(matches!(still.warnings[..], [Warning::Animated { .. }]), "{:?}", still.warnings);
        // The palette of the GIF is off by one.
        let rgb = still.images.to_rgb8(0);
        let mut pairs = rgb.iter().zip(pictures[0].as_raw());
        assert!(pairs.all(|(got, want)| got.abs_diff(*want) <= 1), "{rgb:?}");
    }
}

#[test]
fn cmyk_jpeg_is_refused() {
    assert!(message(&cmyk_jpeg()).contains("CMYK"));
}

#[test]
fn floating_point_is_refused() {
    let image = ImageBuffer::from_pixel(2, 2, Rgb([0.5f32, 2.0, f32::NAN]));
    assert!(message(&encode(&image.into(), ImageFormat::Tiff)).contains("floating-point"));
}

#[test]
fn files_cut_short_are_refused() {
    let picture = DynamicImage::from(noise(40, 30));
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        let whole = encode(&picture, format);
        for part in [0, 1, 2, 10, 50, 90] {
            message(&whole[..whole.len() * part / 100]);
        }
    }
    let jpeg = encode(&picture, ImageFormat::Jpeg);
    for end in (0..jpeg.len()).step_by(7) {
        message(&jpeg[..end]);
    }
    assert!(message(&jpeg[..jpeg.len() - 2]).contains("cut short"));
}

#[test]
fn bytes_behind_a_jpeg_do_no_harm() {
    let mut jpeg = encode(&noise(9, 9).into(), ImageFormat::Jpeg);
    let before = rgb(&jpeg);
    jpeg.extend(b"\xFF\xD8 a preview or a video that a telephone put here");
    assert_eq!(rgb(&jpeg), before);
}

#[test]
fn fakes_are_refused() {
    assert!(message(b"").contains("empty"));
    assert!(message(b"<!DOCTYPE html>").contains("begins with `<!DOCTYP`"));
    assert!(message(b"\x89PNG\r\n\x1a\nnot really").contains("not a usable image"));
    assert!(message(b"\0\0\0\x20ftypheic\0\0\0\0").contains("convert it"));
    assert!(message(&[0xFF; 600]).contains("not PNG"));
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    for (width, height) in [(100_000, 1), (32_768, 32_768), (u32::MAX >> 1, u32::MAX >> 1)] {
        let error = decoded(&png_header(width, height)).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    assert!(decoded(&png_header(0, 5)).is_err());
}

#[test]
fn no_flipped_byte_makes_it_panic() {
    let picture = DynamicImage::from(noise(11, 6));
    for format in
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff]
    {
        let whole = encode(&picture, format);
        for at in 0..whole.len().min(400) {
            for to in [0, 0x7F, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = to;
                let _ = decoded(&bytes);
            }
        }
    }
}

#[test]
fn missing_and_unreadable_files() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(&folder.path().join("absent.png")).unwrap_err().to_string();
    assert!(error.contains("absent.png") && error.contains("check the spelling"), "{error}");
    assert!(matches!(read(folder.path()), Err(Error::Read { .. })));
}

#[test]
fn png_files_keep_every_bit_and_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frame.png");
    let picture = noise(9, 4);
    let images = crate::Images::from_rgb8(4, 9, picture.as_raw()).unwrap();
    for (origin, comment) in [(Origin::Input, None), (Origin::Synthetic, Some(SYNTHETIC_NOTE))] {
        write_png(&path, &images, 0, origin).unwrap();
        assert_eq!(read(&path).unwrap(), Still { images: images.clone(), warnings: vec![] });
        let texts = texts(&std::fs::read(&path).unwrap());
        let expected = [("Software", "reelgan")].into_iter().chain(comment.map(|c| ("Comment", c)));
        assert_eq!(texts, expected.map(|(k, t)| (k.into(), t.into())).collect::<Vec<_>>());
        assert_eq!(encode_png(&images, 0, origin).unwrap(), std::fs::read(&path).unwrap());
    }
}

#[test]
fn warnings_read_well() {
    let names = ["a.txt", "b", "c", "d"].map(String::from).to_vec();
    let text = Warning::Ignored { folder: "clip".into(), names }.to_string();
    assert_eq!(text, "ignored 4 that are no images in clip: a.txt, b, c, ...");
}

/// Pixels that no two neighbours share.
fn noise(width: u32, height: u32) -> RgbImage {
    ImageBuffer::from_fn(width, height, |x, y| {
        let v = (x * 7919 + y * 104_729 + x * y * 31) as u8;
        Rgb([v, v.wrapping_mul(57), v ^ 0x5A])
    })
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
