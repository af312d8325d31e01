//! Tensors in, tensors out: frozen networks and the operators they are made of.
//!
//! ```text
//! weights      named arrays, checked while they are taken out
//! ops          the operators: fast frozen-weight kernels on the CPU, stock operators elsewhere
//! generators   MobileStyleGAN, StyleGAN1: mapping (z -> w) and synthesis (codes -> image)
//! perceptual   VGG16 features and the LPIPS distance
//! flownet2     optical flow between two images
//! ```
//!
//! Nothing in here knows the inversion method. All weights are frozen: gradients
//! flow to inputs, styles and noise, never to weights.

pub mod error;
pub mod flownet2;
pub mod generators;
pub mod ops;
pub mod perceptual;
pub mod weights;

pub use error::{Error, Result};
pub use weights::Weights;
