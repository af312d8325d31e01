//! Perceptual networks: VGG16 features and the LPIPS distance built on them.

mod in_domain;
mod lpips;
mod vgg16;

pub use in_domain::InDomainVgg;
pub use lpips::{Lpips, LpipsTarget};
pub use vgg16::{Tap, Vgg16};
