//! Pictures made for people: strips, grids, heat maps, and the words on them.
//!
//! Everything here is 8-bit RGB, rows from the top left, in the colours that a
//! screen shows (sRGB); nothing here is measured on.

mod colormap;
mod draw;
mod fit;
mod gif;
mod glyphs;
mod grid;
mod heat;
mod layout;
mod raster;
mod strip;
mod text;
mod theme;

pub use colormap::heat_colour;
pub use gif::encode_gif;
pub use grid::Grid;
pub use heat::{HeatMap, shared_full_scale};
pub use layout::{Tile, TileRect, evenly_spaced};
pub use raster::Picture;
pub use strip::{Strip, StripRow};
pub use theme::Theme;
