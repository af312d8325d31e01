//! Editing codes: along directions, over time, between codes.

mod along;
mod apply;
mod morph;
mod spec;

pub use along::{Along, FrameTimes, Interpolation, Key, Keyframes, Moment};
pub use apply::{Edit, edited, edited_each};
pub use morph::morph;
pub use spec::{EditSource, EditSpec};
