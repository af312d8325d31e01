//! Rows of a code, and the spaces they make.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The space a direction lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// One vector for all rows.
    W,
    /// A vector for every row.
    WPlus,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Space::W => "w",
            Space::WPlus => "w+",
        })
    }
}

/// A range of code rows, counted from 0, the end excluded: `4..8`; `..` means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    start: usize,
    end: Option<usize>,
}

impl Rows {
    /// Every row.
    pub const ALL: Rows = Rows { start: 0, end: None };

    /// Rows `start` to `end - 1`.
    pub fn range(start: usize, end: usize) -> Self {
        Self { start, end: Some(end) }
    }

    /// The rows of a code with `rows` rows.
    ///
    /// # Errors
    /// [`Error::Setting`] if the range is empty or reaches past the last row.
    pub fn resolve(&self, rows: usize) -> Result<std::ops::Range<usize>> {
        let end = self.end.unwrap_or(rows);
        if self.start >= end || end > rows {
            return Err(Error::setting(
                format!("rows {self}"),
                format!("the generator has rows 0..{rows}; give a part of that, such as 4..8"),
            ));
        }
        Ok(self.start..end)
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) => write!(f, "{}..{end}", self.start),
            None if self.start == 0 => f.write_str(".."),
            None => write!(f, "{}..", self.start),
        }
    }
}

impl FromStr for Rows {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::setting(format!("rows {text}"), "expected START..END, such as 4..8, 4.. or ..8")
        };
        let (start, end) = text.split_once("..").ok_or_else(wrong)?;
        let number = |s: &str| s.trim().parse::<usize>().map_err(|_| wrong());
        Ok(Self {
            start: if start.trim().is_empty() { 0 } else { number(start)? },
            end: if end.trim().is_empty() { None } else { Some(number(end)?) },
        })
    }
}

impl Rows {
    /// Whether some row is in both.
    pub fn overlap(&self, other: &Self) -> bool {
        let ends = |rows: &Self| rows.end.unwrap_or(usize::MAX);
        self.start < ends(other) && other.start < ends(self)
    }
}
