//! Editing codes: along directions, over time, between codes.
//!
//! ```text
//! spec      age=+20y,smile~age=0.8   words -> EditSpec -> Edit
//! apply     w + a n (eq. 1), to a distance, whole clips
//! along     strengths at moments: age=0@0s,2@1s
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

pub use along::{
    Along, Interpolation, Key, Keyframes, Moment, ShotChoice, Timed, Timeline, edited_over_time,
};
pub use apply::{Edit, Measure, edited, edited_clip};
pub use morph::{Easing, mixed, morph, morph_clip, morph_eased, truncated};
pub use nonlinear::{FlowAttribute, LIGHT, flow_edited, open_flow};
pub use project::conditional;
pub use spec::{Amount, EditSource, EditSpec};
pub use transfer::{Motion, TransferConfig, transfer};
