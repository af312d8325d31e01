//! Edited crops back into the frames that they were cut out of.
//!
//! ```text
//! places   transforms and landmarks of `align` -> a place for every frame
//! mask     which pixels of a frame are the face: a soft outline
//! colour   the low-frequency difference to the source along the outline, taken out
//! patch    one frame: crop -> inverse transform -> colour -> blend
//! stream   a whole clip, one frame at a time
//! ```
//!
//! Pixels outside the mask are never computed: of a video they go from its decoder
//! to the encoder (see [`reelgan_run::clip::Retouch`]).

mod colour;
mod mask;
mod patch;
mod places;
mod stream;

pub use mask::{Mask, Region};
pub use patch::{Patch, PatchConfig, patch};
pub use places::{Place, Places};
pub use stream::{Crops, PasteConfig, Pasted, Progress, paste};
