//! The errors of this crate, grouped by kind. Every message says what went
//! wrong, with which file, what was expected, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with plain data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // --- values handed in by a caller -------------------------------------
    /// Two sizes that must agree do not, or a size is out of range.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// What was being built or combined.
        what: &'static str,
        /// The sizes that would have been right.
        expected: String,
        /// The sizes that came.
        got: String,
    },
    /// A value that cannot be used: not finite, out of range, contradictory.
    #[error("{what}: {problem}")]
    Value {
        /// What the value is for.
        what: &'static str,
        /// What is wrong with it and what would be right.
        problem: String,
    },

    // --- the file system ---------------------------------------------------
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}{}", path.display(), read_advice(source))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder could not be written; what was there before is as it was.
    #[error("cannot write {}: {source}{}", path.display(), write_advice(source))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    // --- the content of files ----------------------------------------------
    /// Bytes in memory that are not what they should be (see [`Error::at`]).
    #[error("not a usable {kind}: {problem}")]
    Content {
        /// What the bytes should have been.
        kind: &'static str,
        /// What is wrong with them.
        problem: String,
    },
    /// A file whose content is not what it should be.
    #[error("{} is not a usable {kind}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file should have been.
        kind: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is larger than this program is ready to take into memory.
    #[error("{} is too large: {what} (the limit is {limit})", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The size that was met.
        what: String,
        /// The largest size accepted.
        limit: String,
    },

    // --- consecutive images -------------------------------------------------
    /// There is no picture to work on.
    #[error(
        "no images in {place}; give PNG, JPEG, WebP, GIF, BMP or TIFF files, a folder of them, or a video"
    )]
    NoImages {
        /// Where pictures were looked for.
        place: String,
    },
    /// Consecutive images must have one size.
    #[error(
        "{} is {got} pixels, but {} is {expected}; consecutive images must have one size: \
         crop or scale them to the same width and height first",
        path.display(), first.display()
    )]
    MixedSizes {
        /// The first picture.
        first: PathBuf,
        /// Its `WIDTHxHEIGHT`.
        expected: String,
        /// The picture that differs.
        path: PathBuf,
        /// Its `WIDTHxHEIGHT`.
        got: String,
    },

    // --- video ----------------------------------------------------------------
    /// No ffmpeg program could be started.
    #[error(
        "video needs the ffmpeg program, and {tried}; install it (Debian, Ubuntu: apt install ffmpeg), \
         or run `reelgan models fetch ffmpeg`, or set REELGAN_FFMPEG to its path, \
         or work without it: give a folder of numbered images instead of a video"
    )]
    FfmpegMissing {
        /// Where it was looked for.
        tried: String,
    },
    /// The file holds no moving pictures.
    #[error("{} has no video stream{}; give a video file, an image or a folder of images", path.display(), detail(said))]
    NoVideo {
        /// The file.
        path: PathBuf,
        /// The last lines ffmpeg wrote, empty if none.
        said: String,
    },
    /// ffmpeg failed; `said` holds the last lines it wrote.
    #[error("ffmpeg could not {task} {} ({status}){}", path.display(), detail(said))]
    Ffmpeg {
        /// `read` or `write`.
        task: &'static str,
        /// The video.
        path: PathBuf,
        /// How the program ended.
        status: String,
        /// The last lines it wrote, empty if none.
        said: String,
    },

    // --- run folders ------------------------------------------------------------
    /// The output folder holds files that no run of ours wrote.
    #[error("{} is not empty and is not a run folder (it holds {found}); choose a new folder with -o, or empty this one", path.display())]
    FolderNotOurs {
        /// The folder.
        path: PathBuf,
        /// The name of one thing in it.
        found: String,
    },
    /// The output folder already holds a run.
    #[error(
        "{} already holds {run}; continue it with --resume, choose another folder with -o, or remove it first",
        path.display()
    )]
    FolderTaken {
        /// The folder.
        path: PathBuf,
        /// Which run is in it.
        run: String,
    },
    /// A folder that should hold a run does not, or not all of it.
    #[error("{} is not a complete run folder: {missing} is missing; {advice}", path.display())]
    FolderIncomplete {
        /// The folder.
        path: PathBuf,
        /// The names of what is missing, separated by commas.
        missing: String,
        /// What to do next.
        advice: &'static str,
    },
    /// Another process is writing this run.
    #[error("{} is being written by another reelgan process; wait for it to end, or choose another folder with -o", path.display())]
    FolderLocked {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    /// Names the file that the bytes of an [`Error::Content`] came from; other
    /// errors pass unchanged.
    pub fn at(self, path: &Path) -> Self {
        match self {
            Error::Content { kind, problem } => {
                Error::File { path: path.to_owned(), kind, problem }
            }
            other => other,
        }
    }

    pub(crate) fn shape(what: &'static str, expected: impl ToString, got: impl ToString) -> Self {
        Error::Shape { what, expected: expected.to_string(), got: got.to_string() }
    }

    pub(crate) fn value(what: &'static str, problem: impl Into<String>) -> Self {
        Error::Value { what, problem: problem.into() }
    }

    pub(crate) fn content(kind: &'static str, problem: impl Into<String>) -> Self {
        Error::Content { kind, problem: problem.into() }
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Error::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Error::Write { path: path.to_owned(), source }
    }
}

fn read_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the spelling of the path",
        io::ErrorKind::PermissionDenied => "; give yourself the right to read it",
        io::ErrorKind::IsADirectory => "; a file is needed here",
        io::ErrorKind::NotADirectory => "; part of this path is a file, not a folder",
        _ => "",
    }
}

fn write_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the disk is full: free some space or choose a folder on another disk (earlier files are untouched)"
        }
        io::ErrorKind::FileTooLarge => {
            "; the system refuses files of this size (see `ulimit -f`): raise the limit or choose another disk (earlier files are untouched)"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; this place is read-only for you: choose a folder that you can write to"
        }
        io::ErrorKind::NotFound => "; the folder it should lie in does not exist: create it first",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "; a file stands where a folder is needed: choose another name"
        }
        io::ErrorKind::IsADirectory => {
            "; a folder stands where a file is needed: choose another name"
        }
        _ => "",
    }
}

fn detail(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
