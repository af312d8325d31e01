//! Everything that can go wrong between a file and its arrays.

use std::io;
use std::path::PathBuf;

use crate::kind::Kind;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model file could not be read, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot read {}: {source}; check that the file exists and is readable", path.display())]
    Io {
        /// File asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another error, with the file it concerns.
    #[error("{}: {source}", path.display())]
    In {
        /// File being read.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The bytes end before the structure they announce.
    #[error("{format} is cut short: {what}; fetch or copy the file again")]
    Truncated {
        /// Container being read.
        format: &'static str,
        /// What was expected where.
        what: String,
    },
    /// The bytes contradict the format.
    #[error("{format} is malformed: {what}; the file is damaged, fetch or copy it again")]
    Malformed {
        /// Container being read.
        format: &'static str,
        /// What was found and what was expected.
        what: String,
    },
    /// Valid, but outside what this crate reads.
    #[error("{format}: {what} is not supported; save the weights as safetensors and read that")]
    Unsupported {
        /// Container being read.
        format: &'static str,
        /// The feature met.
        what: String,
    },
    /// A declared size or depth is beyond what the reader is willing to follow.
    #[error("{what} is {got}, the limit is {limit}; the file is damaged or made to exhaust memory")]
    Limit {
        /// The quantity.
        what: &'static str,
        /// Its declared value.
        got: u64,
        /// The largest value accepted.
        limit: u64,
    },
    /// A recognised file that holds no arrays at all.
    #[error("this is {kind}, not a model file: {advice}")]
    NotAModel {
        /// What the content says it is.
        kind: Kind,
        /// What the user can do.
        advice: &'static str,
    },
    /// A named part is absent.
    #[error("{container} has no {what}{}", if present.is_empty() { String::new() } else { format!("; it has {present}") })]
    Missing {
        /// Where it was looked for.
        container: String,
        /// The part looked for.
        what: String,
        /// A sample of what is there instead.
        present: String,
    },
    /// Two arrays end up under one name.
    #[error("two arrays are named `{name}`; the file cannot be read without losing one")]
    Duplicate {
        /// The name.
        name: String,
    },
}

impl Error {
    /// Adds the path of the file concerned, once.
    pub(crate) fn at(self, path: &std::path::Path) -> Error {
        match self {
            Error::Io { .. } | Error::In { .. } => self,
            other => Error::In { path: path.to_path_buf(), source: Box::new(other) },
        }
    }
}

/// Shorthand for [`Error::Malformed`].
pub(crate) fn malformed(format: &'static str, what: impl Into<String>) -> Error {
    Error::Malformed { format, what: what.into() }
}

/// Shorthand for [`Error::Unsupported`].
pub(crate) fn unsupported(format: &'static str, what: impl Into<String>) -> Error {
    Error::Unsupported { format, what: what.into() }
}
