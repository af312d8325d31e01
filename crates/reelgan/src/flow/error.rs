//! What can go wrong with flows.

use std::path::PathBuf;

/// Errors of flow estimation, warping and flow files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// Sizes or counts that do not belong together.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which input.
        what: String,
        /// What would have been right.
        expected: String,
        /// What was there.
        got: String,
    },
    /// A pixel that no picture has.
    #[error("frame {frame} holds the pixel value {value}; flow needs pixels in [0,1]")]
    Pixel {
        /// Which frame, counted from 1.
        frame: usize,
        /// The value.
        value: f32,
    },
    /// A setting of the estimator out of its range.
    #[error("flow setting `{name}` is {got}; expected {expected}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Allowed values.
        expected: &'static str,
        /// What was set.
        got: String,
    },
    /// A flow file that the user promised and that is not there.
    #[error(
        "flow file {path} is missing: expected the flow on frame {from}'s grid that says where to \
         look in frame {to}; add it to the folder, or leave the folder out to have flows computed"
    )]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
        /// Frame whose grid the flow has, counted from 1.
        from: usize,
        /// Frame the flow points into, counted from 1.
        to: usize,
    },
    /// A flow file of another size than the images.
    #[error(
        "flow file {path} is {got}, but the frames are {expected}; compute it on frames of that size"
    )]
    FileSize {
        /// The file.
        path: PathBuf,
        /// Size of the frames.
        expected: String,
        /// Size of the flow.
        got: String,
    },
    /// A weight file that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] reelgan_checkpoint::Error),
    /// A file with other weights than a flow network's.
    #[error("{path}: {source}; give the weights of FlowNet2, such as FlowNet2_checkpoint.pth.tar")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: Box<reelgan_nets::Error>,
    },
    /// An error of the plain data underneath (reading a file, building images).
    #[error(transparent)]
    Data(#[from] reelgan_run::Error),
}

/// Result of flow operations.
pub type Result<T> = std::result::Result<T, FlowError>;

impl From<FlowError> for crate::Error {
    /// Boxed, so that the floor below does not know this one.
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Data(error) => Self::Run(error),
            FlowError::Checkpoint(error) => Self::Checkpoint(error),
            other => Self::Flow(Box::new(other)),
        }
    }
}
