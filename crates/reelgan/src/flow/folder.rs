//! Flows that the user computed elsewhere.

use std::path::PathBuf;

use reelgan_run::{Flow, Images};

use super::error::{FlowError, Result};
use super::{FlowEstimator, checked_frame};

/// Reads Middlebury `.flo` files from a folder instead of estimating.
///
/// The flow on frame 1's grid that says where to look in frame 2 is
/// `flow_0001_0002.flo`: frames are counted from 1, four digits or more. Files
/// are read when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloFolder {
    folder: PathBuf,
}

impl FloFolder {
    /// Takes a folder; nothing is read yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file with the flow on frame `from`'s grid into frame `to`, both counted from 0.
    pub fn path(&self, from: usize, to: usize) -> PathBuf {
        // Saturating: an absurd index names a file that is not there.
        let (from, to) = (from.saturating_add(1), to.saturating_add(1));
        self.folder.join(format!("flow_{from:04}_{to:04}.flo"))
    }
}

impl FlowEstimator for FloFolder {
    fn name(&self) -> String {
        "flo-files".into()
    }

    fn estimate(&self, frames: &Images, from: usize, to: usize) -> Result<Flow> {
        checked_frame(frames, from)?;
        checked_frame(frames, to)?;
        let path = self.path(from, to);
        // Anything but a missing file is told by the reader.
        if matches!(path.try_exists(), Ok(false)) {
            return Err(FlowError::Missing { path, from: from + 1, to: to + 1 });
        }
        let flow = Flow::read(&path)?;
        if (flow.width(), flow.height()) != (frames.width(), frames.height()) {
            return Err(FlowError::FileSize {
                path,
                expected: format!("{}x{}", frames.width(), frames.height()),
                got: format!("{}x{}", flow.width(), flow.height()),
            });
        }
        Ok(flow)
    }
}
