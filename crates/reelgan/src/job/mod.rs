//! An inversion bound to a run folder, and what is made from one afterwards.
//!
//! ```text
//! inputs -> invert -> results -> pictures -> page
//!    |         |         |          |          report.html
//!    |         |         |          strip.png, video.mp4
//!    |         |         codes.safetensors, npy/, losses.csv, frames/, measurements.json, frames.csv
//!    |         noise/, noise_losses.csv after the second stage
//!    |         state.safetensors while it runs; windows/ of a clip longer than one
//!    inputs/, transforms.json, landmarks.json, manifest.json, config.toml
//! ```
//!
//! Whatever the length of a clip, the frames of one window are in memory: they are read
//! and written one at a time, each window leaves a file and the next goes on from it, and
//! codes are joined and rendered from the disk. `request.json` is there until the manifest
//! is, so that a process killed while it looks for faces can be gone on from, too.
//!
//! Input frames are fitted to the generator, rounded to 8 bits and written first;
//! everything after works from those very values. So a folder needs nothing but
//! itself to go on, and [`resume`] ends with the bytes of an uninterrupted run: only
//! `timing.json` and `report.html`, which hold durations, differ between equal runs.

mod asked;
mod begun;
mod clock;
mod compare;
mod edit;
mod inputs;
mod invert;
mod kit;
mod made;
mod morph;
mod noise;
mod page;
mod paste;
mod pictures;
mod recorder;
mod render;
mod request;
mod results;
mod sealed;
mod show;
mod source;
mod squares;
mod sweep;
mod table;
mod transfer;
mod watch;
mod windows;

pub use compare::{
    CurvePoint, Over, RunCurve, compare, compare_csv, compare_html, compare_plots, compare_table,
};
pub use edit::edit;
pub use invert::{Outcome, invert, resume};
pub use kit::Kit;
pub use made::Made;
pub use morph::morph;
pub use paste::{PasteRequest, paste};
pub use render::render;
pub use request::{
    Aligning, EditNoise, EditRequest, Fit, FlowSource, InvertRequest, MorphRequest, MorphWay,
    RenderRequest, TransferRequest,
};
pub use show::{MetricSummary, RunSummary, show};
pub use sweep::{Sheets, SweepRequest, sweep};
pub use transfer::transfer;
pub use watch::{Notice, Watch};

pub use reelgan_run::clip::{FfmpegSearch, Selection};
pub use reelgan_run::images::Crop;
