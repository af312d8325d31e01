//! Flows that the user computed elsewhere.

use std::path::PathBuf;

use reelgan_run::Flow;
use reelgan_run::images::Frames;

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
    first: usize,
}

impl FloFolder {
    /// Takes a folder; nothing is read yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), first: 0 }
    }

    /// The same for a part of the clip that begins with this frame of it, counted from 0.
    pub fn beginning_at(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// The file with the flow on frame `from`'s grid into frame `to`, both counted from 0.
    pub fn path(&self, from: usize, to: usize) -> PathBuf {
        // Saturating: an absurd index names a file that is not there.
        let number = |k: usize| k.saturating_add(self.first).saturating_add(1);
        let (from, to) = (number(from), number(to));
        self.folder.join(format!("flow_{from:04}_{to:04}.flo"))
    }
}

impl FlowEstimator for FloFolder {
    fn name(&self) -> String {
        "flo-files".into()
    }

    fn estimate(&self, frames: &dyn Frames, from: usize, to: usize) -> Result<Flow> {
        checked_frame(frames, from)?;
        checked_frame(frames, to)?;
        let path = self.path(from, to);
        // Anything but a missing file is told by the reader.
        if matches!(path.try_exists(), Ok(false)) {
            let number = |k: usize| k + self.first + 1;
            return Err(FlowError::Missing { path, from: number(from), to: number(to) });
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
