//! Pictures as ffmpeg streams them: binary PPM, one after the other.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::media::{MAX_PIXELS, MAX_SIDE};

/// One 8-bit RGB picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Interleaved, `height * width * 3` bytes.
    pub(super) rgb: Vec<u8>,
}

/// Reads the next picture; none if the stream ends before it.
///
/// Only what ffmpeg writes is accepted: `P6`, two sizes and 255, each followed
/// by one white space, no comments.
///
/// # Errors  `UnexpectedEof` if the stream ends inside a picture, `InvalidData`
/// if it is something else; sizes are checked before memory is taken
pub(super) fn next(from: &mut impl BufRead) -> io::Result<Option<Picture>> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut magic = [0; 3];
    from.read_exact(&mut magic)?;
    if &magic[..2] != b"P6" || !magic[2].is_ascii_whitespace() {
        return Err(wrong("a picture does not begin with P6"));
    }
    let (width, height, top) = (number(from)?, number(from)?, number(from)?);
    let side = |v: u32| (1..=MAX_SIDE).contains(&v);
    if !side(width) || !side(height) || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(wrong(&format!("pictures of {width}x{height} pixels are too large or empty")));
    }
    if top != 255 {
        return Err(wrong("a picture does not have 8 bits a channel"));
    }
    let (width, height) = (width as usize, height as usize);
    let mut rgb = vec![0; 3 * width * height];
    from.read_exact(&mut rgb)?;
    Ok(Some(Picture { width, height, rgb }))
}

/// A decimal number of at most six digits and the white space after it.
fn number(from: &mut impl Read) -> io::Result<u32> {
    let mut value = 0;
    for digits in 0..=6 {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        match byte[0] {
            digit @ b'0'..=b'9' => value = value * 10 + u32::from(digit - b'0'),
            space if space.is_ascii_whitespace() && digits > 0 => return Ok(value),
            _ => break,
        }
    }
    Err(wrong("a picture's header holds something else than sizes"))
}

fn wrong(problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: &[u8] = b"P6\n2 1\n255\nabcdefP6\n1 1\n255\nxyz";

    #[test]
    fn pictures_follow_each_other() {
        let mut stream = TWO;
        let first = next(&mut stream).unwrap().unwrap();
        assert_eq!(first, Picture { width: 2, height: 1, rgb: b"abcdef".to_vec() });
        assert_eq!(next(&mut stream).unwrap().unwrap().rgb, b"xyz");
        assert_eq!(next(&mut stream).unwrap(), None);
    }

    #[test]
    fn every_cut_is_found() {
        for end in 1..17 {
            let error = next(&mut &TWO[..end]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{end}");
        }
    }

    #[test]
    fn other_things_are_refused_before_memory_is_taken() {
        for bad in [
            &b"P5\n1 1\n255\nabc"[..],
            b"P6 \n1 1\n255\nabc",
            b"P6\n# 1\n1 1\n255\nabc",
            b"P6\n0 1\n255\n",
            b"P6\n-1 1\n255\nabc",
            b"P6\n1 1\n65535\nabcdef",
            b"P6\n32769 1\n255\n",
            b"P6\n32768 32768\n255\n",
            b"P6\n99999999999999999999 1\n255\n",
        ] {
            let error = next(&mut &bad[..]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{}", bad.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let stream = [b"P6\n", &bytes[..]].concat();
            let _ = next(&mut &stream[..]);
        }
    }
}
