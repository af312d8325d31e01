//! Perceptual networks: VGG16 features and the LPIPS distance built on them.

mod lpips;
mod vgg16;

pub use lpips::{Lpips, LpipsTarget};
pub use vgg16::{Tap, Vgg16};
