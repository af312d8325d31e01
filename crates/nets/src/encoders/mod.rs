//! Encoders: from an image straight to the codes of a generator.
//!
//! ```text
//! layers       convolution with its batch norm, PReLU, squeeze-and-excitation
//! irse50       IR-SE-50: the backbone of pSp and e4e
//! map2style    the heads on it, one a code row
//! psp          pSp and e4e: backbone, feature pyramid, heads, mean code
//! in_domain    the in-domain encoder
//! ```
//!
//! All of them read their sizes from the weights, run in evaluation mode (the running
//! statistics of the batch norms), and let gradients through to the image.

mod in_domain;
mod irse50;
mod layers;
mod map2style;
mod psp;

pub use in_domain::InDomainEncoder;
pub use irse50::{IrSe50, Pyramid};
pub use map2style::Map2Style;
pub use psp::{Psp, PspKind};
