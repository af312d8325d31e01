//! Bytes that are read where they lie, so that a large file is never held whole.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::Crc;

use crate::error::{Error, Result};

/// A file, or a block of memory; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    backing: Backing<'a>,
    /// Whether it will be gone once the index is made, such as an unpacked member.
    temporary: bool,
}

#[derive(Debug, Clone, Copy)]
enum Backing<'a> {
    Memory(&'a [u8]),
    File { file: &'a File, path: &'a Path, len: u64 },
}

/// A part of a source, in bytes; made only by checks that it lies inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) len: u64,
}

/// What a piece of a source is read in while it is only passed over.
const PIECE: u64 = 256 << 10;

impl<'a> Source<'a> {
    /// The bytes of a whole file.
    pub(crate) fn memory(bytes: &'a [u8]) -> Source<'a> {
        Source { backing: Backing::Memory(bytes), temporary: false }
    }

    /// Bytes that were unpacked only to be looked through.
    pub(crate) fn unpacked(bytes: &'a [u8]) -> Source<'a> {
        Source { backing: Backing::Memory(bytes), temporary: true }
    }

    /// An open regular file of `len` bytes.
    pub(crate) fn file(file: &'a File, path: &'a Path, len: u64) -> Source<'a> {
        Source { backing: Backing::File { file, path, len }, temporary: false }
    }

    pub(crate) fn len(&self) -> u64 {
        match self.backing {
            Backing::Memory(bytes) => bytes.len() as u64,
            Backing::File { len, .. } => len,
        }
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Span {
        Span { start: 0, len: self.len() }
    }

    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.backing, Backing::Memory(_))
    }

    /// Whether places in it mean nothing later on.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// `len` bytes from `start`, if the source has them.
    pub(crate) fn span(&self, start: u64, len: u64, format: &'static str) -> Result<Span> {
        match start.checked_add(len) {
            Some(end) if end <= self.len() => Ok(Span { start, len }),
            _ => {
                let left = self.len().saturating_sub(start);
                let what = format!("{len} bytes expected at offset {start}, {left} are left");
                Err(Error::Truncated { format, what })
            }
        }
    }

    /// The bytes of a span; memory is taken for exactly these, and only from a file.
    pub(crate) fn read(&self, span: Span) -> Result<Cow<'a, [u8]>> {
        match self.backing {
            Backing::Memory(bytes) => {
                let range = span.start as usize..(span.start + span.len) as usize;
                Ok(Cow::Borrowed(bytes.get(range).ok_or_else(|| self.shrunk(span))?))
            }
            Backing::File { file, path, .. } => {
                let mut out = vec![0; usize::try_from(span.len).map_err(|_| self.shrunk(span))?];
                read_exact_at(file, &mut out, span.start)
                    .map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
                Ok(Cow::Owned(out))
            }
        }
    }

    /// Up to `len` bytes from the start.
    pub(crate) fn head(&self, len: u64) -> Result<Cow<'a, [u8]>> {
        self.read(Span { start: 0, len: len.min(self.len()) })
    }

    /// A span as a stream.
    pub(crate) fn stream(self, span: Span) -> Stream<'a> {
        Stream { source: self, left: span, window: Cow::Borrowed(&[]), at: 0 }
    }

    /// Check sum (CRC-32) of a span, in pieces.
    pub(crate) fn crc(self, span: Span) -> Result<u32> {
        let mut sum = Crc::new();
        self.pieces(span, |piece| sum.update(piece))?;
        Ok(sum.sum())
    }

    /// Number of characters of UTF-8 text in a span, in pieces.
    pub(crate) fn characters(self, span: Span) -> Result<u64> {
        let mut count = 0;
        self.pieces(span, |piece| {
            count += piece.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64;
        })?;
        Ok(count)
    }

    fn pieces(self, span: Span, mut each: impl FnMut(&[u8])) -> Result<()> {
        let mut done = 0;
        while done < span.len {
            let len = PIECE.min(span.len - done);
            each(&self.read(Span { start: span.start + done, len })?);
            done += len;
        }
        Ok(())
    }

    fn shrunk(&self, span: Span) -> Error {
        let what = format!("{} bytes at offset {} are not there", span.len, span.start);
        Error::Truncated { format: "file", what }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut start: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            got => {
                out = &mut out[got..];
                start += got as u64;
            }
        }
    }
    Ok(())
}

/// A span of a source as [`Read`].
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    source: Source<'a>,
    left: Span,
    window: Cow<'a, [u8]>,
    at: usize,
}

impl Read for Stream<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.window.len() {
            let next = Span { start: self.left.start, len: PIECE.min(self.left.len) };
            self.window = self.source.read(next).map_err(io::Error::other)?;
            self.left = Span { start: next.start + next.len, len: self.left.len - next.len };
            self.at = 0;
        }
        let ready = &self.window[self.at..];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.at += count;
        Ok(count)
    }
}
