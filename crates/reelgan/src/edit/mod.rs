//! Editing codes: along directions, over time, between codes.
//!
//! ```text
//! spec      age=+20y,smile~age=0.8   words -> EditSpec -> Edit
//! along     smile=0@0s,2@1s          an EditSpec and its strength over time
//! apply     w + a n (eq. 1), to a distance, whole clips, frame by frame
//! project   a direction without others (conditional edits)
//! morph     from one code to another
//! ```

mod along;
mod apply;
mod morph;
mod project;
mod spec;

pub use along::{Along, FrameTimes, Interpolation, Key, Keyframes, Moment};
pub use apply::{Edit, Measure, edited, edited_clip, edited_each};
pub use morph::morph;
pub use project::conditional;
pub use spec::{Amount, EditSource, EditSpec, check_conflicts};
