//! Encoders as the method sees them: images in, codes out, in one pass.
//!
//! An encoder belongs to one generator: its codes mean nothing to another.

mod network;
mod resize;
pub mod start;

pub use network::{Encoder, EncoderKind};
