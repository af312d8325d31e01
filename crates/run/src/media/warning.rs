//! What a user should know about an input that could be read all the same.

use std::fmt;
use std::path::PathBuf;

/// Something worth telling about an input; nothing in this crate prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A file of several pictures of which only the first is used.
    Animated {
        /// The file.
        path: PathBuf,
    },
    /// A picture with transparent parts, laid over white.
    Transparent {
        /// The file.
        path: PathBuf,
    },
    /// Things in a folder of images that are no images.
    Ignored {
        /// The folder.
        folder: PathBuf,
        /// Their names, in order.
        names: Vec<String>,
    },
    /// The clip ended before as many frames as asked for.
    FewerFrames {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// A video that ffmpeg read to its end, but not without complaint.
    Damaged {
        /// The video.
        path: PathBuf,
        /// The last lines ffmpeg wrote.
        said: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Animated { path } => write!(
                f,
                "{} holds several pictures; only the first is used (make it a video to use them all)",
                path.display()
            ),
            Warning::Transparent { path } => {
                write!(f, "{} is partly transparent; it is laid over white", path.display())
            }
            Warning::Ignored { folder, names } => {
                let few: Vec<_> = names.iter().take(3).map(String::as_str).collect();
                let more = if names.len() > few.len() { ", ..." } else { "" };
                write!(
                    f,
                    "ignored {} that are no images in {}: {}{more}",
                    names.len(),
                    folder.display(),
                    few.join(", ")
                )
            }
            Warning::FewerFrames { wanted, found } => {
                write!(f, "{wanted} frames were asked for, but there are only {found}")
            }
            Warning::Damaged { path, said } => {
                write!(f, "{} may be damaged; ffmpeg says: {said}", path.display())
            }
        }
    }
}
