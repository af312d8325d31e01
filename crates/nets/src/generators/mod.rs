//! Face generators: mapping (z to w) and synthesis (a code per layer to an image), and
//! the published layouts of their files.

mod affine;
pub mod layout;
mod mapping;
mod mobilestylegan;
mod network;
mod stylegan1;
mod stylegan2;

pub use affine::Affine;
pub use mapping::Mapping;
pub use mobilestylegan::MobileStyleGan;
pub use network::Network;
pub use stylegan1::{Arithmetic, StyleGan1};
pub use stylegan2::{StyleGan2, Styles};
