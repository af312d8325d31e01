//! Files that no encoder at hand makes, put together chunk by chunk.

use super::*;

/// A PNG chunk; the checksum comes from another implementation than the one tested.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [name, content].concat();
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], &body, &crc32_by_division(&body).to_be_bytes()].concat()
}

/// CRC-32 by its definition, a division of polynomials: each byte enters with its
/// lowest bit first, and the first 32 bits and the remainder are inverted.
fn crc32_by_division(bytes: &[u8]) -> u32 {
    let bits = bytes.iter().flat_map(|b| (0..8).map(move |i| b >> i & 1));
    // Entry i is the coefficient of x^(31 - i).
    let mut remainder = [0u8; 32];
    for (i, bit) in bits.chain([0; 32]).enumerate() {
        let out = remainder[0];
        remainder.rotate_left(1);
        remainder[31] = bit ^ u8::from(i < 32);
        for power in [26, 23, 22, 16, 12, 11, 10, 8, 7, 5, 4, 2, 1, 0] {
            remainder[31 - power] ^= out;
        }
    }
    (0..32).fold(0, |crc, i| crc | u32::from(remainder[i] ^ 1) << i)
}

pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    let ihdr = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &ihdr), &chunk(b"IDAT", &[0x78, 0x9C])].concat()
}

/// The chunks of a PNG: name and content.
fn chunks(png: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let (mut at, mut all) = (8, Vec::new());
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let name = png[at + 4..at + 8].try_into().unwrap();
        let content = png[at + 8..at + 8 + length].to_vec();
        assert_eq!(png[at..at + 12 + length], chunk(&name, &content), "a wrong checksum");
        at += 12 + length;
        all.push((name, content));
    }
    all
}

/// The `tEXt` chunks of a PNG: keyword and text.
pub fn texts(png: &[u8]) -> Vec<(String, String)> {
    let texts = chunks(png).into_iter().filter(|(name, _)| name == b"tEXt");
    texts
        .map(|(_, content)| {
            let (keyword, text) = std::str::from_utf8(&content).unwrap().split_once('\0').unwrap();
            (keyword.to_owned(), text.to_owned())
        })
        .collect()
}

/// An APNG of two pictures, the first of which is the default image.
pub fn animated_png(pictures: &[RgbImage; 2]) -> Vec<u8> {
    let control = |sequence: u32| {
        let (w, h) = pictures[0].dimensions();
        let mut content = [sequence, w, h, 0, 0].map(u32::to_be_bytes).concat();
        content.extend([0, 1, 0, 10, 0, 0]);
        chunk(b"fcTL", &content)
    };
    let data = |picture: &RgbImage| -> Vec<u8> {
        let png = encode(&picture.clone().into(), ImageFormat::Png);
        chunks(&png).into_iter().filter(|(name, _)| name == b"IDAT").flat_map(|(_, c)| c).collect()
    };
    let first = encode(&pictures[0].clone().into(), ImageFormat::Png);
    let (head, _) = first.split_at(33);
    [
        head,
        &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        &control(0),
        &chunk(b"IDAT", &data(&pictures[0])),
        &control(1),
        &chunk(b"fdAT", &[&2u32.to_be_bytes()[..], &data(&pictures[1])].concat()),
        &chunk(b"IEND", &[]),
    ]
    .concat()
}

/// An animated WebP of two lossless pictures.
pub fn animated_webp(pictures: &[RgbImage; 2]) -> Vec<u8> {
    let riff = |name: &[u8], content: &[u8]| {
        let mut out = [name, &(content.len() as u32).to_le_bytes()[..], content].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    };
    let (w, h) = pictures[0].dimensions();
    let size = [w - 1, 0, 0, h - 1, 0, 0].map(|v| v as u8);
    let mut body = b"WEBP".to_vec();
    body.extend(riff(b"VP8X", &[&[0x02, 0, 0, 0][..], &size].concat()));
    body.extend(riff(b"ANIM", &[0; 6]));
    for picture in pictures {
        let still = encode(&picture.clone().into(), ImageFormat::WebP);
        // Behind "RIFF", the size and "WEBP" stands the one chunk of the picture.
        let frame = [&[0; 6][..], &size, &[100, 0, 0, 0], &still[12..]].concat();
        body.extend(riff(b"ANMF", &frame));
    }
    riff(b"RIFF", &body)
}

/// A TIFF whose directory is there twice.
pub fn two_page_tiff(picture: &RgbImage) -> Vec<u8> {
    let mut tiff = encode(&picture.clone().into(), ImageFormat::Tiff);
    assert_eq!(tiff[..4], *b"II*\0", "a little-endian classic TIFF");
    let offset = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize;
    let entries = usize::from(u16::from_le_bytes([tiff[offset], tiff[offset + 1]]));
    let next = offset + 2 + 12 * entries;
    let directory = tiff[offset..next + 4].to_vec();
    tiff.resize(tiff.len().next_multiple_of(2), 0);
    let second = (tiff.len() as u32).to_le_bytes();
    tiff[next..next + 4].copy_from_slice(&second);
    tiff.extend(directory);
    tiff
}

/// Adds an EXIF block that holds the orientation alone behind the start of a JPEG.
pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01".to_vec();
    // Tag 0x0112, one 16-bit number; no further directory.
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

/// A valid JPEG of four components and 8 x 8 pixels, all in the middle of their
/// range: one-bit codes for "no difference" and "end of block", then eight zero
/// bits of data.
pub fn cmyk_jpeg() -> Vec<u8> {
    let mut jpeg = b"\xFF\xD8\xFF\xEE\x00\x0EAdobe\x00\x64\0\0\0\0\0".to_vec();
    jpeg.extend(b"\xFF\xDB\x00\x43\0");
    jpeg.extend([1; 64]);
    jpeg.extend(b"\xFF\xC0\x00\x14\x08\x00\x08\x00\x08\x04");
    jpeg.extend((1..=4).flat_map(|id| [id, 0x11, 0]));
    for class in [0x00, 0x10] {
        jpeg.extend(b"\xFF\xC4\x00\x14");
        jpeg.extend([class, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    jpeg.extend(b"\xFF\xDA\x00\x0E\x04");
    jpeg.extend((1..=4).flat_map(|id| [id, 0]));
    jpeg.extend(b"\x00\x3F\x00\x00\xFF\xD9");
    jpeg
}
