//! Perceptual networks: the trunks VGG16, AlexNet and SqueezeNet, the LPIPS distance
//! built on them, and the Inception network of FID.

mod alexnet;
mod conv;
mod in_domain;
mod inception;
mod lpips;
mod squeezenet;
mod trunk;
mod vgg16;

pub use alexnet::AlexNet;
pub use in_domain::InDomainVgg;
pub use inception::{FidInput, Inception};
pub use lpips::{Lpips, LpipsTarget};
pub use squeezenet::SqueezeNet;
pub use trunk::Trunk;
pub use vgg16::{Tap, Vgg16};
