//! Tensors in, tensors out: frozen networks and the operators they are made of.
//!
//! ```text
//! device       where they compute, by name
//! weights      named arrays, checked while they are taken out
//! ops          the operators: fast frozen-weight kernels on the CPU, stock operators elsewhere
//! generators   MobileStyleGAN, StyleGAN1: mapping (z -> w) and synthesis (codes -> image)
//! encoders     pSp, e4e and the in-domain encoder: image -> codes
//! styleflow    the conditional flow between codes and attribute-free codes (nonlinear edits)
//! perceptual   VGG16 features and the LPIPS distance
//! faces        detector, 68 landmarks, identity, age and gender, expression
//! flownet2     optical flow between two images
//! ```
//!
//! Nothing in here knows the inversion method. All weights are frozen: gradients
//! flow to inputs, styles and noise, never to weights.

pub mod device;
pub mod encoders;
pub mod error;
pub mod faces;
pub mod flownet2;
pub mod generators;
pub mod ops;
pub mod perceptual;
pub mod styleflow;
pub mod weights;

pub use device::DeviceName;
pub use error::{Error, Result};
pub use weights::Weights;
