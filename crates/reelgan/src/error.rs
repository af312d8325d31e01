//! What can go wrong, grouped by kind.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An operand has another shape than the operation needs.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// The operand.
        what: String,
        /// What it should have been.
        expected: String,
        /// What it was.
        got: String,
    },
    /// A frame that is not there was asked for (counted from 1).
    #[error("there is no frame {asked}: the run has frames 1 to {count}")]
    Frame {
        /// The number asked for.
        asked: usize,
        /// How many there are.
        count: usize,
    },
    /// Codes, a direction or a run belong to another generator.
    #[error(
        "{what} belongs to the generator {theirs}, but the generator here is {ours}; use the one it was made with"
    )]
    OtherGenerator {
        /// What was to be used.
        what: String,
        /// Its generator.
        theirs: String,
        /// The generator at hand.
        ours: String,
    },
    /// No frame has a face.
    #[error(
        "no face was found in {}; give frames with a face of at least some 40 pixels, seen from \
         the front, bring landmarks with --landmarks, or tell `invert` the square with --crop",
        if *frames == 1 { "the picture".into() } else { format!("any of {frames} frames") }
    )]
    NoFace {
        /// How many frames were looked at.
        frames: usize,
    },
    /// A setting makes no sense.
    #[error("{setting}: {problem}")]
    Setting {
        /// The setting, as the user writes it.
        setting: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A file does not hold what it should.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Anything from the plain data floor: images, clips, run folders.
    #[error(transparent)]
    Run(#[from] reelgan_run::Error),
    /// Weights on disk.
    #[error(transparent)]
    Models(#[from] reelgan_models::Error),
    /// Weights in a network.
    #[error(transparent)]
    Nets(#[from] reelgan_nets::Error),
    /// A foreign file.
    #[error(transparent)]
    Checkpoint(#[from] reelgan_checkpoint::Error),
    /// Optical flow.
    #[error(transparent)]
    Flow(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn setting(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), problem: problem.into() }
    }

    pub(crate) fn file(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::File { path: path.into(), problem: problem.into() }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
