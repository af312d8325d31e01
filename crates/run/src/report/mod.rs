//! What a run did, for a person to read: one self-contained page of HTML, and
//! tables as CSV.
//!
//! A [`Report`] is data: sections that hold blocks, one renderer a kind of block,
//! each in its own file. The page needs no script and no other file, and the same
//! report always gives the same bytes. Every text is escaped, whatever a file
//! name or a message holds.
//!
//! ```
//! use reelgan_run::report::{Better, Block, Card, LinePlot, Report, Section, Series};
//!
//! let loss = Series::new("pixel", vec![(0.0, 0.07), (50.0, 0.027), (100.0, 0.016)]);
//! let report = Report {
//!     title: "Inversion of talk.mp4".into(),
//!     sections: vec![
//!         Section::new("Quality", vec![Block::Cards(vec![Card::metric("MSE", 0.016, "", Better::Lower)])]),
//!         Section::new("Loss", vec![Block::Plots(vec![LinePlot {
//!             x_label: "step".into(),
//!             log_y: true,
//!             series: vec![loss],
//!             ..LinePlot::default()
//!         }])]),
//!     ],
//!     ..Report::default()
//! };
//! assert!(report.to_html().starts_with("<!DOCTYPE html>"));
//! ```

mod bars;
mod cards;
pub mod csv;
mod escape;
mod figure;
mod inline_image;
mod key_values;
mod notes;
mod number;
mod page;
mod plot;
mod table;
#[cfg(test)]
mod well_formed;

pub use bars::{Bar, Bars};
pub use cards::{Better, Card};
pub use figure::Figure;
pub use inline_image::InlineImage;
pub use key_values::{Group, KeyValues};
pub use notes::{Note, SYNTHETIC_NOTICE};
pub use number::significant;
pub use page::{Block, Report, Section};
pub use plot::{LinePlot, Series};
pub use table::{Cell, Column, Table};
