//! What a caller asks for.

use std::path::PathBuf;

use reelgan_run::clip::Selection;
use reelgan_run::images::Crop;
use serde::{Deserialize, Serialize};

use crate::edit::EditSpec;
use crate::invert::InvertConfig;

/// How input frames become squares of the generator's size.
#[derive(Debug, Clone, PartialEq)]
pub enum Fit {
    /// This square of every frame.
    Crop(Crop),
    /// A square for each frame, in order, as photos need.
    Crops(Vec<Crop>),
    /// The largest square in the middle; said with a warning, since a face is
    /// seldom where the generator expects it.
    CentreSquare,
}

/// Where the flows between the frames come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowSource {
    /// Our own estimate.
    Dense,
    /// A folder of Middlebury `.flo` files, computed on the fitted frames.
    FloFolder(PathBuf),
}

/// A new inversion.
#[derive(Debug, Clone)]
pub struct InvertRequest {
    /// One image, several images, a folder of images, or a video.
    pub inputs: Vec<PathBuf>,
    /// Which frames of it.
    pub selection: Selection,
    /// How they are fitted to the generator.
    pub fit: Fit,
    /// Where flows come from.
    pub flow: FlowSource,
    /// Settings of the inversion.
    pub config: InvertConfig,
    /// Whether the codes are also written as `npy/0001.npy`, ...
    pub npy: bool,
    /// The words of the command, for the record.
    pub command: Vec<String>,
}

/// Reconstructions of a run again.
#[derive(Debug, Clone, Default)]
pub struct RenderRequest {
    /// Which frames, counted from 1; `None` takes all.
    pub frames: Option<Vec<usize>>,
    /// Draw new noise inputs from this seed; `None` takes the generator's own.
    pub noise_seed: Option<u64>,
    /// Where to; `None` takes a folder below `RUN/renders`.
    pub out: Option<PathBuf>,
}

/// The noise inputs of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EditNoise {
    /// That of the frames that are edited: their own where the run optimised it. It
    /// holds fine detail of the original, which a large edit leaves behind as a ghost.
    #[default]
    Original,
    /// The generator's own.
    Fixed,
}

/// A run's frames with directions added to their codes.
#[derive(Debug, Clone, Default)]
pub struct EditRequest {
    /// What to add, in order.
    pub edits: Vec<EditSpec>,
    /// Which frames, counted from 1; `None` takes all.
    pub frames: Option<Vec<usize>>,
    /// The noise inputs.
    pub noise: EditNoise,
    /// Name of the folder below `RUN/edits`; `None` makes one from the edits.
    pub name: Option<String>,
    /// Where to instead.
    pub out: Option<PathBuf>,
    /// Whether the codes are also written as `npy/0001.npy`, ...
    pub npy: bool,
}

/// The way from one frame of a run to another.
#[derive(Debug, Clone)]
pub struct MorphRequest {
    /// Where it begins, counted from 1.
    pub from: usize,
    /// Where it ends, counted from 1.
    pub to: usize,
    /// Pictures, both ends included.
    pub steps: usize,
    /// Pictures a second of the video.
    pub fps: f64,
    /// Where to; `None` takes a folder below `RUN/morphs`.
    pub out: Option<PathBuf>,
}

/// Squares as on the command line, one after the other.
pub(super) fn in_words(crops: &[Crop]) -> String {
    crops.iter().map(Crop::to_string).collect::<Vec<_>>().join(" ")
}
