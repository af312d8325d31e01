//! Directions: learned from scored samples, found in the weights, shipped.

mod shipped;
mod survey;

pub use shipped::{find, shipped};
pub use survey::{Survey, SurveyConfig};
