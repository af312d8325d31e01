//! The terms of the objective, each a small struct or function over tensors.

mod consistency;
mod image;
mod lpips;
mod perceptual;
mod pixel;
mod smoothness;
mod spread;

pub use consistency::WarpTerm;
pub use image::{Along, ImageLoss, ImageTerms, ImageTermsBuilder, ImageWeights};
pub use lpips::{LpipsTerm, inner_face};
pub use perceptual::{Perceptual, PerceptualTarget};
pub use pixel::PixelTarget;
pub use smoothness::smoothness;
pub use spread::spread;
