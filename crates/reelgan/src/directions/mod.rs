//! Directions: learned from scored samples, found in the weights, shipped.

mod survey;

pub use survey::{Survey, SurveyConfig};
