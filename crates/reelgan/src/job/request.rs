//! What a caller asks for.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use reelgan_checkpoint::{Kind, detect};
use reelgan_run::clip::Selection;
use reelgan_run::images::Crop;
use serde::{Deserialize, Serialize};

use crate::align::Smoothing;
use crate::codes::Rows;
use crate::edit::{Along, Easing, TransferConfig};
use crate::invert::InvertConfig;
use crate::{Error, Result};

/// How input frames become squares of the generator's size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The face is found in every frame and cut out as the generator's training pictures
    /// were; needs [`super::Kit::faces`], or landmarks that were brought.
    Align(Aligning),
    /// The frames are such crops already: all of each, which must be square.
    Ready,
    /// This square of every frame.
    Crop(Crop),
    /// A square for each frame, in order, as photos need.
    Crops(Vec<Crop>),
    /// The largest square in the middle; said with a warning, since a face is
    /// seldom where the generator expects it.
    CentreSquare,
}

/// How faces are found and followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aligning {
    /// Which person, counted from 1: the one most present is the first.
    pub face: usize,
    /// Averaging of the squares over time; only for consecutive frames.
    pub smoothing: Smoothing,
    /// Landmarks of the clip's frames instead of those that the networks find: a file as
    /// `reelgan align` writes it.
    pub landmarks: Option<PathBuf>,
}

impl Default for Aligning {
    fn default() -> Self {
        Self { face: 1, smoothing: Smoothing::default(), landmarks: None }
    }
}

/// Where the flows between the frames come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowSource {
    /// Our own estimate.
    Dense,
    /// A folder of Middlebury `.flo` files, computed on the fitted frames.
    FloFolder(PathBuf),
    /// FlowNet2 with the weights in this file.
    #[serde(rename = "flownet2")]
    FlowNet2(PathBuf),
}

/// Bytes by which a file of weights is told from others.
const HEAD: u64 = 4096;

impl FlowSource {
    /// What lies at `path`: a folder of `.flo` files, or a file of weights as FlowNet2's are; known by
    /// its content, of which only the beginning is read.
    ///
    /// # Errors
    /// Neither of them.
    pub fn at(path: &Path) -> Result<Self> {
        const WANTED: &str = "give a folder of .flo files, or the weights of FlowNet2";
        let unread = |e| Error::file(path, format!("cannot be read ({e}); {WANTED}"));
        let kind = fs::metadata(path).map_err(unread)?.file_type();
        if kind.is_dir() {
            return Ok(Self::FloFolder(path.to_owned()));
        }
        if !kind.is_file() {
            return Err(Error::file(path, format!("is neither a file nor a folder; {WANTED}")));
        }
        let mut head = Vec::new();
        File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(unread)?;
        match detect(&head) {
            // Of a zip the end is needed to tell what it is; whoever reads all of it will say.
            Kind::TorchLegacy
            | Kind::TorchZip
            | Kind::BrokenZip
            | Kind::Zip
            | Kind::Npz
            | Kind::Pickle
            | Kind::Safetensors => Ok(Self::FlowNet2(path.to_owned())),
            other => Err(Error::file(path, format!("is {other}; {WANTED}"))),
        }
    }
}

/// A new inversion.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvertRequest {
    /// One image, several images, a folder of images, or a video.
    pub inputs: Vec<PathBuf>,
    /// Which frames of it.
    #[serde(with = "Chosen")]
    pub selection: Selection,
    /// Frames a second of pictures that are frames of a clip, which makes them consecutive;
    /// a video says so itself.
    pub fps: Option<f64>,
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

/// [`Selection`] on the disk.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Selection")]
pub(super) struct Chosen {
    start: usize,
    stride: usize,
    count: Option<usize>,
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
    pub edits: Vec<Along>,
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

/// What turns into what.
#[derive(Debug, Clone)]
pub enum MorphWay {
    /// One frame into another.
    Frames {
        /// Where it begins, counted from 1.
        from: usize,
        /// Where it ends, counted from 1.
        to: usize,
        /// Another run or file of codes that `to` is a frame of; `None` stays in the run.
        into: Option<PathBuf>,
        /// Pictures, both ends included.
        steps: usize,
        /// Pictures a second of the video.
        fps: f64,
    },
    /// The clip, while it plays, into the clip of another run or file of codes, frame by
    /// frame; where that has fewer, its last frame stays.
    Clip {
        /// The other.
        into: PathBuf,
    },
}

/// The way from one face to another.
#[derive(Debug, Clone)]
pub struct MorphRequest {
    /// From where to where.
    pub way: MorphWay,
    /// How the way is divided.
    pub easing: Easing,
    /// Rows that go the way; the others stay.
    pub rows: Rows,
    /// Where to; `None` takes a folder below `RUN/morphs`.
    pub out: Option<PathBuf>,
}

impl MorphRequest {
    /// Between two frames of a run, counted from 1, in even steps.
    pub fn between(from: usize, to: usize, steps: usize, fps: f64) -> Self {
        MorphWay::Frames { from, to, into: None, steps, fps }.into()
    }
}

impl From<MorphWay> for MorphRequest {
    fn from(way: MorphWay) -> Self {
        Self { way, easing: Easing::Linear, rows: Rows::ALL, out: None }
    }
}

/// The motion of a run on another face.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// A run or a file of codes.
    pub target: PathBuf,
    /// Which frame of it, counted from 1.
    pub frame: usize,
    /// What is carried over, and how.
    pub config: TransferConfig,
    /// Where to; `None` takes a folder below `RUN/transfers`.
    pub out: Option<PathBuf>,
}

/// Squares as on the command line, one after the other.
pub(super) fn in_words(crops: &[Crop]) -> String {
    crops.iter().map(Crop::to_string).collect::<Vec<_>>().join(" ")
}
