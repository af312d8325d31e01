//! The program that fetches from a registry: found, told what to get, understood.

use std::path::Path;
use std::process::Command;

use crate::catalog::{Package, Registry};
use crate::error::{DownloadCause, Result};
use crate::npm::Npm;
use crate::python::Python;

/// Where one run of a client may write: nothing else is touched.
pub(crate) struct Places<'a> {
    /// The folder of the run.
    pub work: &'a Path,
    /// Where the archive is to appear.
    pub delivered: &'a Path,
    /// Unfinished files; their growth is what the user sees.
    pub scratch: &'a Path,
}

/// A client of one registry that was found on this machine.
pub(crate) enum Client {
    Pip(Python),
    Npm(Npm),
}

impl Client {
    /// The client of a registry.
    ///
    /// # Errors
    /// A sentence that says what was tried and what to install.
    pub fn find(registry: Registry) -> Result<Self, String> {
        match registry {
            Registry::PyPi => Python::find().map(Self::Pip),
            Registry::Npm => Npm::find().map(Self::Npm),
        }
    }

    /// Name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pip(_) => "pip",
            Self::Npm(_) => "npm",
        }
    }

    /// The call that fetches a package, ready to run.
    pub fn command(&self, package: &Package, places: &Places) -> Result<Command> {
        match self {
            Self::Pip(python) => python.download(package, places),
            Self::Npm(npm) => Ok(npm.pack(package, places)),
        }
    }

    /// Whether a file that appears during the run may be the archive.
    pub fn writes_archive_as(&self, file: &std::ffi::OsStr, package: &Package) -> bool {
        match self {
            Self::Pip(_) => file == package.archive,
            // npm names unfinished files by chance; its others are tiny.
            Self::Npm(_) => true,
        }
    }

    /// Reads the reason of a failure out of what the client wrote.
    pub fn diagnose(&self, log: &str) -> DownloadCause {
        match self {
            Self::Pip(_) => crate::python::diagnose(log),
            Self::Npm(_) => crate::npm::diagnose(log),
        }
    }
}

/// A message on one line, and not too long.
pub(crate) fn shortened(text: String) -> String {
    const LIMIT: usize = 400;
    match text.char_indices().nth(LIMIT) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None if text.is_empty() => "nothing".into(),
        None => text,
    }
}

/// The last lines of a log that are not empty, on one line.
pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_bounded() {
        assert!(shortened("ü".repeat(10_000)).chars().count() <= 403);
        assert_eq!(shortened(last_lines("a\n\n b \nc\nd\n")), "b; c; d");
        assert_eq!(shortened(last_lines("")), "nothing");
    }
}
