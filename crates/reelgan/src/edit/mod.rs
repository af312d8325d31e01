//! Editing codes: along directions, between codes.

mod apply;
mod morph;
mod spec;

pub use apply::{Edit, edited};
pub use morph::morph;
pub use spec::{EditSource, EditSpec};
