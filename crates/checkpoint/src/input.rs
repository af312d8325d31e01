//! A cursor over a source that cannot leave its span.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::source::{Source, Span};

/// How much of a file is read at once; small, since many pickles embed small streams.
const WINDOW: u64 = 16 << 10;

/// Little-endian reads in order, bounds checked and named.
///
/// Memory is borrowed; of a file a window is held.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    source: Source<'a>,
    end: u64,
    format: &'static str,
    window: Cow<'a, [u8]>,
    window_start: u64,
    /// Next byte, counted in the window.
    at: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn new(source: Source<'a>, span: Span, format: &'static str) -> Input<'a> {
        let window = Cow::Borrowed(&[][..]);
        let (window_start, end) = (span.start, span.start + span.len);
        Input { source, end, format, window, window_start, at: 0 }
    }

    /// Offset of the next byte in the source.
    pub(crate) fn pos(&self) -> u64 {
        self.window_start + self.at as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pos() == self.end
    }

    /// What is left.
    pub(crate) fn rest(&self) -> Span {
        Span { start: self.pos(), len: self.end - self.pos() }
    }

    /// Passes over `len` bytes.
    pub(crate) fn skip(&mut self, len: u64) -> Result<Span> {
        self.need(len)?;
        let span = Span { start: self.pos(), len };
        let inside = usize::try_from(len).ok().filter(|&n| n <= self.window.len() - self.at);
        match inside {
            Some(len) => self.at += len,
            None => {
                self.window = Cow::Borrowed(&[]);
                (self.window_start, self.at) = (span.start + len, 0);
            }
        }
        Ok(span)
    }

    /// The next `len` bytes.
    pub(crate) fn take(&mut self, len: u64) -> Result<Cow<'a, [u8]>> {
        self.fill(len)?;
        // The window now holds them, so they fit a usize.
        let from = self.at;
        self.at += len as usize;
        Ok(match &self.window {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[from..self.at]),
            Cow::Owned(bytes) => Cow::Owned(bytes[from..self.at].to_vec()),
        })
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.fill(N as u64)?;
        let mut out = [0; N];
        out.copy_from_slice(&self.window[self.at..self.at + N]);
        self.at += N;
        Ok(out)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Bytes up to the next newline, which is consumed and left out.
    pub(crate) fn line(&mut self) -> Result<Cow<'a, [u8]>> {
        let start = self.pos();
        let mut seen = 0;
        loop {
            let ready = &self.window[self.at..];
            if let Some(found) = ready[seen..].iter().position(|&b| b == b'\n') {
                let line = self.take((seen + found) as u64)?;
                self.at += 1;
                return Ok(line);
            }
            seen = ready.len();
            let left = self.end - start;
            if seen as u64 == left {
                let what = format!("a line starting at offset {start} has no end");
                return Err(Error::Truncated { format: self.format, what });
            }
            let wanted = (seen as u64 * 2).clamp(1, left);
            self.fill(wanted)?;
        }
    }

    /// Makes the window hold the next `len` bytes.
    fn fill(&mut self, len: u64) -> Result<()> {
        if len <= (self.window.len() - self.at) as u64 {
            return Ok(());
        }
        self.need(len)?;
        let start = self.pos();
        let whole = self.end - start;
        // Memory costs nothing to look at.
        let size = if self.source.is_memory() { whole } else { whole.min(len.max(WINDOW)) };
        self.window = self.source.read(Span { start, len: size })?;
        (self.window_start, self.at) = (start, 0);
        Ok(())
    }

    fn need(&self, len: u64) -> Result<()> {
        let left = self.end - self.pos();
        if len > left {
            let what = format!("{len} bytes expected at offset {}, {left} are left", self.pos());
            return Err(Error::Truncated { format: self.format, what });
        }
        Ok(())
    }
}
