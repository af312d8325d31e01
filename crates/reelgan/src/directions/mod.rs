//! Directions: learned from scored samples, found in the weights, shipped.
//!
//! ```text
//! survey     faces drawn from a seed, read by the face networks, kept in shards
//! learn      most against least of an attribute: boundary, unit normal (InterFaceGAN)
//! svm        the linear support vector machine
//! factorise  without labels: SeFa, GANSpace
//! prior      how usual a code is
//! response   other faces moved along directions and read again
//! effect     what that says: units a strength brings, monotony, who a face stays
//! summary    its tables, with the entanglement
//! shipped    those that come with the program
//! ```

mod effect;
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
