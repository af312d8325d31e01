//! Editing codes: along directions, over time, between codes.

mod along;
mod apply;
mod morph;
mod spec;

pub use along::{
    Along, FrameTimes, Interpolation, Key, Keyframes, Moment, Timed, edited_over_time,
};
pub use apply::{Edit, edited};
pub use morph::morph;
pub use spec::{EditSource, EditSpec};
