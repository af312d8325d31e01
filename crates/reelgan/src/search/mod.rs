//! Directions found without labels, by learning: steps that a second network can tell
//! apart (Voynov and Babenko 2020).
//!
//! ```text
//! codes w, direction k, size e  ->  G(w), G(w + e a_k)  ->  reconstructor: k and e again
//! ```
//! Directions and reconstructor are learned together; the generator stays as it is.

mod reconstructor;
mod train;

pub use train::{Found, SearchConfig, search};
