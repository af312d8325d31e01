//! Directions: learned from scored samples, found in the weights, shipped.
//!
//! ```text
//! survey     faces drawn from a seed, read by the face networks, kept in shards
//! learn      most against least of an attribute: boundary, unit normal (InterFaceGAN)
//! svm        the linear support vector machine
//! factorise  without labels: SeFa, GANSpace
//! prior      how usual a code is
//! response   what directions do to other faces: units a strength brings, entanglement
//! summary    its tables
//! shipped    those that come with the program
//! ```

mod factorise;
mod learn;
mod principal;
mod prior;
mod response;
mod shipped;
mod summary;
mod survey;
pub mod svm;

pub use factorise::{ganspace, sefa};
pub use learn::{LearnConfig, learn};
pub(crate) use principal::principal;
pub use prior::CodePrior;
pub use response::{ResponseConfig, Responses, Seen};
pub use shipped::{find, named, shipped};
pub use survey::{Survey, SurveyConfig};
