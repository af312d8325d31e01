//! Networks that find and read faces.
//!
//! ```text
//! detector     boxes and scores
//! landmarks    68 points of a face
//! identity     a descriptor that is near for pictures of one person; differentiable in the image
//! age_gender   years, and the probability of male
//! expression   seven probabilities
//! ```
//!
//! Every network takes images `[N,3,H,W]`, RGB in `[0,1]`, of any size, and brings
//! them to its own input as [`Input`] says: zeros to a square, bilinear, minus a
//! mean colour. All weights come from one file; each reads the names below its own
//! prefix and refuses missing, misshapen and superfluous ones.
//!
//! # Source
//! The models of face-api.js (V. Mandic's 1.7.15); results agree with its own
//! within the tolerances of `golden/README.md`.

mod age_gender;
mod dense;
mod detector;
mod expression;
mod identity;
mod input;
mod landmarks;
mod layers;

pub use age_gender::AgeGender;
pub use detector::{Detector, FaceBox};
pub use expression::{EXPRESSIONS, Expression};
pub use identity::Identity;
pub use input::{Input, Padding};
pub use landmarks::Landmarks68;

/// Name of the networks in errors, for [`crate::Weights`].
pub const NETWORK: &str = "set of face networks";
