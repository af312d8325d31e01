//! The operators of frozen networks.
//!
//! Each operator has two paths with one meaning: our own kernels ([`cpu`]) on the
//! CPU, and a composition of stock operators ([`mod@reference`]) that runs on every
//! device, is obviously right, and is what the kernels are tested against.
//!
//! All images and feature maps are `[N,C,H,W]`, f32.

mod arrays;
mod conv3x3;
mod correlation;
pub mod cpu;
mod distance;
mod doubled;
mod epilogue;
mod fir;
mod frozen;
mod haar;
mod modulated;
mod pointwise;
mod quadratic;
pub mod reference;
mod resample;
mod separable;
mod window;

pub use arrays::{Arrays, Visitor};
pub use conv3x3::Conv3x3;
pub use correlation::correlation;
pub use cpu::haar::Rescale;
pub use distance::{SquaredDistance, UnitDistance};
pub use doubled::DoubledConv3x3;
pub use epilogue::LayerEpilogue;
pub use fir::fir_double;
pub use frozen::{FrozenOp, View, has_kernels};
pub use haar::{haar_up, haar_up_rescaled};
pub use modulated::ModulatedEpilogue;
pub use pointwise::Pointwise;
pub use quadratic::Quadratic;
pub use resample::{Warp, max_pool2, resize_bilinear};
pub use separable::Separable;
pub use window::{Window, WindowKind};
