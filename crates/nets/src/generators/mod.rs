//! Face generators: mapping (z to w) and synthesis (a code per layer to an image).

mod affine;
mod mapping;
mod mobilestylegan;
mod stylegan1;

pub use affine::Affine;
pub use mapping::Mapping;
pub use mobilestylegan::MobileStyleGan;
pub use stylegan1::StyleGan1;
