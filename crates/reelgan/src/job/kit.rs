//! What every job needs: the loaded models, and where to find ffmpeg.

use burn::tensor::Device;
use reelgan_models::Store;
use reelgan_models::catalog::FFMPEG;
use reelgan_run::clip::FfmpegSearch;

use crate::Result;
use crate::face::{FACE_NETS, FaceReader, Finding};
use crate::generator::{self, Choice, Generator};
use crate::perceptual::{self, PerceptualNets};

/// The models of a job, loaded once and used for as many jobs as wanted.
pub struct Kit {
    /// The generator.
    pub generator: Box<dyn Generator>,
    /// The networks of the perceptual loss and of LPIPS.
    pub nets: PerceptualNets,
    /// The face networks, which find faces and tell how alike they are; `None` where they
    /// were not fetched.
    pub faces: Option<FaceReader>,
    /// Where to look for ffmpeg, which is needed for video only.
    pub ffmpeg: FfmpegSearch,
}

impl Kit {
    /// Loads a generator of the catalogue and the perceptual networks; the files'
    /// SHA-256 are checked. An ffmpeg in the cache serves where the system has none.
    ///
    /// # Errors
    /// A model that was not fetched (the error says how), a changed file, wrong weights.
    pub fn open(store: &Store, generator: &str, device: &Device) -> Result<Self> {
        Self::with(store, &Choice::Catalogue(generator.into()), device)
    }

    /// Loads any generator, as [`generator::load`], and the rest as [`Kit::open`].
    ///
    /// # Errors
    /// As [`generator::load`] and [`Kit::open`].
    pub fn with(store: &Store, generator: &Choice, device: &Device) -> Result<Self> {
        Ok(Self {
            generator: generator::load(store, generator, device)?,
            nets: perceptual::open(store, device)?,
            faces: faces(store, device)?,
            ffmpeg: ffmpeg(store),
        })
    }
}

/// How sure the detector must be: a face that fills the picture is found less surely.
const THRESHOLD: f64 = 0.3;

/// The face networks, if they are in the cache.
fn faces(store: &Store, device: &Device) -> Result<Option<FaceReader>> {
    if store.path(FACE_NETS).is_err() {
        // Whoever needs them says that they are missing.
        return Ok(None);
    }
    let finding = Finding { threshold: THRESHOLD, ..Finding::default() };
    FaceReader::with(store, finding, device).map(Some)
}

/// The search for ffmpeg, with the program of the cache to fall back on.
fn ffmpeg(store: &Store) -> FfmpegSearch {
    let search = FfmpegSearch::default();
    if search.find().is_ok() {
        return search;
    }
    // Not fetched, or not for this machine: a job that needs it says so itself.
    FfmpegSearch { fallback: store.path(FFMPEG.name).ok(), ..search }
}
