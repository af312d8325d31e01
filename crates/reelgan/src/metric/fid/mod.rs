//! The Frechet inception distance between two sets of pictures.
//!
//! ```text
//! network     Inception features of pictures (2048)
//! statistics  mean and covariance of features, gathered one by one; .npz files
//! distance    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2)
//! symmetric   eigenvalues and factors of symmetric matrices
//! ```

mod distance;
mod network;
mod statistics;
mod symmetric;

pub use distance::frechet_distance;
pub use network::{FidNetwork, info};
pub use statistics::{Gathered, Statistics};

pub use reelgan_nets::perceptual::FidInput;
