//! Synthesised sequences with known codes and known edits (paper 4.2).
//!
//! ```text
//! sequence   one code, its frames, and an edit that none of them contains
//! set        many of them on disk: shards of codes, specifications, checksums
//! ```

mod sequence;
mod set;

pub use sequence::{Change, Kind, Sequence, SynthConfig, sequence};
pub use set::{Set, SetFile};
