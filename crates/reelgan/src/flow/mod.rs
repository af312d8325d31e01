//! Dense optical flow between the input frames.
//!
//! A flow is backward: on the grid of frame `from` it says where to look in
//! frame `to`, so that `warp(to, flow)` looks like `from`. The paper took its
//! flows from FlowNet2, which [`FlowNet2Flow`] runs for those who have its weights;
//! [`DenseFlow`] needs none, [`FloFolder`] takes flows computed by any other program.
//!
//! ```
//! use reelgan::flow::{DenseFlow, FlowEstimator, visibility, warp};
//! use reelgan_run::Images;
//!
//! # fn main() -> Result<(), reelgan::flow::FlowError> {
//! let frames = Images::new(2, 16, 16, vec![0.5; 2 * 3 * 16 * 16])?;
//! let there = DenseFlow::default().estimate(&frames, 0, 1)?;
//! let back = DenseFlow::default().estimate(&frames, 1, 0)?;
//! let first_again = warp(&frames.select(&[1])?, &there)?;
//! let seen_in_both = visibility(&there, &back)?;
//! # assert!(first_again.data().iter().all(|v| (v - 0.5).abs() < 1e-6));
//! # assert!(seen_in_both.iter().all(|v| *v == 1.0));
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;

use reelgan_run::Flow;
use reelgan_run::images::Frames;

mod dense;
mod error;
mod exposure;
mod flownet2;
mod folder;
mod plane;
mod points;
mod pyramid;
mod resample;
mod sor;
mod variational;
mod visibility;

#[cfg(test)]
mod tests;

pub use dense::DenseFlow;
pub use error::{FlowError, Result};
pub use flownet2::FlowNet2Flow;
pub use folder::FloFolder;
pub use points::follow;
pub use resample::warp;
pub use visibility::visibility;

/// A source of dense flow between two frames of a set.
pub trait FlowEstimator: Sync {
    /// Short name for manifests and reports.
    fn name(&self) -> String;

    /// Flow on frame `from`'s grid that says where to look in frame `to`:
    /// `warp(frames[to], flow)` looks like `frames[from]`. Frames count from 0.
    /// # Shapes   frames `[N,3,H,W]`, result `[1,2,H,W]`
    /// # Range    frames `[0,1]`; flow in pixels
    /// # Errors   `FlowError::Shape` if there is no such frame; what else the
    /// source of the frames or of the flow can refuse
    fn estimate(&self, frames: &dyn Frames, from: usize, to: usize) -> Result<Flow>;

    /// Lets go of memory that only estimating needs; a later estimate takes it up again. Called when
    /// the flows of a run are there.
    fn release(&self) {}
}

/// Refuses a frame that is not there.
fn checked_frame(frames: &dyn Frames, k: usize) -> Result<()> {
    if k < frames.count() {
        return Ok(());
    }
    Err(FlowError::Shape {
        what: "the frame to find a flow for".into(),
        expected: format!("one of frames 1 to {}", frames.count()),
        got: format!("frame {}", k.saturating_add(1)),
    })
}

/// The values of a frame, `[3,H,W]`, unless one of them is no picture's.
fn checked_values(frames: &dyn Frames, k: usize) -> Result<Cow<'_, [f32]>> {
    let values = frames.values(k)?;
    // Far beyond any picture, and far from overflow where values are squared.
    match values.iter().find(|value| !(-1e3..=1e3).contains(*value)) {
        None => Ok(values),
        Some(&value) => Err(FlowError::Pixel { frame: k + 1, value }),
    }
}
