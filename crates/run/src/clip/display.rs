//! How far players turn an MP4 or QuickTime file.
//!
//! Which option of ffmpeg writes that has changed with its versions, and filters
//! lose it; in the file it is nine numbers at a known place.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Quarter turns, clockwise, that a player makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u8);

impl Turn {
    /// Of the degrees that ffmpeg tells (anticlockwise); none for other angles.
    pub(super) fn of(degrees: f64) -> Option<Self> {
        let quarters = -degrees / 90.0;
        ((quarters - quarters.round()).abs() < 0.01)
            .then(|| Self(quarters.round().rem_euclid(4.0) as u8))
    }

    /// Whether nothing is turned.
    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The filter that turns an upright picture to how it is stored.
    pub(super) fn undo(self) -> &'static str {
        match self.0 {
            1 => "transpose=cclock",
            2 => "hflip,vflip",
            3 => "transpose=clock",
            _ => "null",
        }
    }

    /// The matrix of a track header, `a b u c d v x y w`, for frames of this size.
    ///
    /// # Source  ISO/IEC 14496-12, 6.2.2: (x, y, 1) times the matrix is where a
    /// player puts a pixel; a translation keeps it in the positive quadrant
    fn matrix(self, (width, height): (u32, u32)) -> [u8; 36] {
        const ONE: i32 = 1 << 16;
        let fixed = |side: u32| i32::try_from(side << 16).unwrap_or(0);
        let (w, h) = (fixed(width.min(32_767)), fixed(height.min(32_767)));
        let (a, b, c, d, x, y) = match self.0 {
            1 => (0, ONE, -ONE, 0, h, 0),
            2 => (-ONE, 0, 0, -ONE, w, h),
            3 => (0, -ONE, ONE, 0, 0, w),
            _ => (ONE, 0, 0, ONE, 0, 0),
        };
        let numbers = [a, b, 0, c, d, 0, x, y, 1 << 30];
        let mut bytes = [0; 36];
        for (to, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

/// Writes the turn into the header of every track with pictures.
///
/// # Errors  `Error::Write`; `Error::File` if the file is not as ffmpeg writes them
pub(super) fn turn(path: &Path, turn: Turn) -> Result<()> {
    let edit = || -> io::Result<usize> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let end = file.metadata()?.len();
        let mut turned = 0;
        for (kind, from, to) in boxes(&mut file, 0, end)? {
            if &kind == b"moov" {
                turned += turn_tracks(&mut file, from, to, turn)?;
            }
        }
        Ok(turned)
    };
    match edit() {
        Ok(0) => Err(Error::content("MP4 file", "it has no track header").at(path)),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::InvalidData => {
            Err(Error::content("MP4 file", e.to_string()).at(path))
        }
        Err(e) => Err(Error::write(path, e)),
    }
}

fn turn_tracks(file: &mut File, from: u64, to: u64, turn: Turn) -> io::Result<usize> {
    let mut turned = 0;
    for (kind, from, to) in boxes(file, from, to)? {
        if &kind != b"trak" {
            continue;
        }
        for (kind, from, to) in boxes(file, from, to)? {
            if &kind == b"tkhd" {
                turned += usize::from(turn_header(file, from, to, turn)?);
            }
        }
    }
    Ok(turned)
}

/// Matrix, width and height are the last 44 bytes of a track header of any version;
/// tracks of sound have no size.
fn turn_header(file: &mut File, from: u64, to: u64, turn: Turn) -> io::Result<bool> {
    let at = to.checked_sub(44).filter(|at| *at >= from).ok_or_else(|| wrong("a short header"))?;
    let mut last = [0; 44];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut last)?;
    let side = |k: usize| u32::from(u16::from_be_bytes([last[k], last[k + 1]]));
    let size = (side(36), side(40));
    if size == (0, 0) {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&turn.matrix(size))?;
    Ok(true)
}

/// Kind, begin and end of the content of each box from `at` to `end`.
fn boxes(file: &mut File, mut at: u64, end: u64) -> io::Result<Vec<([u8; 4], u64, u64)>> {
    let mut found = Vec::new();
    while at < end {
        let mut head = [0; 16];
        let short = (end - at).min(16) as usize;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head[..short])?;
        let (size, kind, long) = (&head[..4], &head[4..8], &head[8..]);
        let (size, header) = match u32::from_be_bytes(size.try_into().expect("four bytes")) {
            0 => (end - at, 8),
            1 => (u64::from_be_bytes(long.try_into().expect("eight bytes")), 16),
            size => (u64::from(size), 8),
        };
        let next = at.checked_add(size).filter(|next| size >= header && *next <= end);
        let next = next.ok_or_else(|| wrong("a box that is longer than what holds it"))?;
        found.push((kind.try_into().expect("four bytes"), at + header, next));
        at = next;
    }
    Ok(found)
}

fn wrong(problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it has {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles() {
        for (degrees, quarters) in [(0.0, 0), (-90.0, 1), (90.0, 3), (180.0, 2), (-180.0, 2)] {
            assert_eq!(Turn::of(degrees), Some(Turn(quarters)), "{degrees}");
        }
        assert_eq!((Turn::of(45.0), Turn::of(f64::NAN)), (None, None));
    }

    #[test]
    fn corners_go_where_a_player_shows_them() {
        // The upper left pixel of a frame of 4 x 3.
        let shown = |turn: Turn| {
            let m = turn.matrix((4, 3));
            let number = |k: usize| {
                f64::from(i32::from_be_bytes(m[4 * k..4 * k + 4].try_into().unwrap())) / 65_536.0
            };
            let at = |x: f64, y: f64| {
                (
                    x * number(0) + y * number(3) + number(6),
                    x * number(1) + y * number(4) + number(7),
                )
            };
            (at(0.5, 0.5), at(3.5, 0.5))
        };
        assert_eq!(shown(Turn(0)), ((0.5, 0.5), (3.5, 0.5)));
        // A quarter clockwise, shown as 3 x 4: upper left goes to upper right.
        assert_eq!(shown(Turn(1)), ((2.5, 0.5), (2.5, 3.5)));
        assert_eq!(shown(Turn(2)), ((3.5, 2.5), (0.5, 2.5)));
        assert_eq!(shown(Turn(3)), ((0.5, 3.5), (0.5, 0.5)));
    }

    #[test]
    fn damaged_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        for bytes in [
            &b""[..],
            b"\0\0\0\x08moov",
            b"\0\0\0\x09moov",
            b"\0\0\0\x04moov",
            b"\0\0\0\x18moov\0\0\0\x10trak\0\0\0\x08tkhd",
            b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(turn(&path, Turn(1)).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
