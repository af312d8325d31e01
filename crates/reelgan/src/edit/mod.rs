//! Editing codes: along directions, over time, between codes.
//!
//! ```text
//! spec      age=+20y,smile~age=0.8   words -> EditSpec -> Edit
//! along     smile=0@0s,2@1s          an EditSpec and its strength over time
//! apply     w + a n (eq. 1), to a distance, whole clips, frame by frame
//! project   a direction without others (conditional edits)
//! morph     from one code to another, mixing rows, truncation
//! nonlinear along the flow of StyleFlow
//! transfer  the motion of one clip on another face
//! ```

mod along;
mod apply;
mod morph;
mod nonlinear;
mod project;
mod spec;
mod transfer;

pub use along::{Along, FrameTimes, Interpolation, Key, Keyframes, Moment};
pub use apply::{Edit, Measure, edited, edited_clip, edited_each};
pub use morph::{Easing, mixed, morph, morph_eased, truncated};
pub use nonlinear::{FlowAttribute, LIGHT, flow_edited, open_flow};
pub use project::conditional;
pub use spec::{Amount, EditSource, EditSpec, check_conflicts};
pub use transfer::{Motion, TransferConfig, transfer};
