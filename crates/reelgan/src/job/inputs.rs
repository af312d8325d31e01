//! Input frames: read, fitted, rounded to 8 bits, kept in the run folder.

use reelgan_run::clip::{Clip, Selection};
use reelgan_run::images::Crop;
use reelgan_run::manifest::{Input, Manifest};
use reelgan_run::media::{self, Origin};
use reelgan_run::{Images, RunFolder};
use sha2::{Digest, Sha256};

use super::watch::{Halt, Teller};
use super::{Fit, InvertRequest, Kit};
use crate::{Error, Result};

/// A crop with fewer pixels a side than this has little of a face left to show.
const SMALL_CROP: f64 = 128.0;

/// What an inversion works from.
pub(super) struct Inputs {
    /// The fitted frames, `[N,3,R,R]`, every value a multiple of 1/255.
    pub frames: Images,
    /// What each was called.
    pub names: Vec<String>,
    /// The files they came from.
    pub files: Vec<Input>,
    /// The square that was cut out: one for all, or one for each.
    pub crops: Vec<Crop>,
    /// Frames a second, if the input says so.
    pub fps: Option<f64>,
}

impl Inputs {
    /// Reads and fits the frames that are asked for, one at a time.
    pub fn read(kit: &Kit, request: &InvertRequest, teller: &mut Teller<'_>) -> Result<Self, Halt> {
        teller.stage("read")?;
        let clip = Clip::from_paths(&request.inputs, &kit.ffmpeg)?;
        let files = used(&clip, request.selection);
        let total = match clip.video() {
            Some(_) => request.selection.count.unwrap_or(0),
            None => files.len(),
        };
        let side = kit.generator.resolution();
        let mut crops = Vec::new();
        let (mut fitted, mut names) = (Vec::new(), Vec::new());
        let mut frames = clip.frames(request.selection)?;
        for frame in &mut frames {
            let frame = frame?;
            if crops.is_empty() {
                crops = chosen(&request.fit, &frame.images, teller);
            }
            let crop = match crops.as_slice() {
                [one] => one,
                several => several.get(fitted.len()).ok_or_else(|| miscounted(several.len()))?,
            };
            fitted.push(frame.images.fit(*crop, side)?.quantised());
            names.push(frame.name);
            teller.progress(fitted.len(), total)?;
        }
        for warning in frames.warnings() {
            teller.warn(warning.to_string());
        }
        let frames = Images::from_frames(fitted)?;
        if crops.len() > 1 && crops.len() != frames.count() {
            return Err(miscounted(crops.len()).into());
        }
        let fps = clip.video().and_then(|v| v.fps);
        Ok(Self {
            frames,
            names,
            files: files.iter().map(|path| Input::of(path)).collect::<Result<_, _>>()?,
            crops,
            fps: fps.map(|fps| fps / request.selection.stride as f64),
        })
    }

    /// Writes the frames into the run folder.
    pub fn save(&self, folder: &RunFolder, teller: &mut Teller<'_>) -> Result<()> {
        for k in 0..self.frames.count() {
            let path = folder.input(k + 1);
            media::write_png(&path, &self.frames, k, Origin::Input)?;
            teller.wrote(path);
        }
        Ok(())
    }

    /// The digest by which the frames are known again.
    pub fn sha256(&self) -> String {
        digest(&self.frames)
    }
}

/// Reads the frames of a run back.
///
/// # Errors
/// A frame that is missing, damaged, of another size, or not the one written.
pub(super) fn saved(folder: &RunFolder, manifest: &Manifest, sha256: &str) -> Result<Images> {
    let side = manifest.generator.resolution;
    let mut frames = Vec::new();
    for number in 1..=manifest.frames {
        let path = folder.input(number);
        let images = media::read(&path)?.images;
        if (images.height(), images.width()) != (side, side) {
            let problem = format!(
                "is {}x{} pixels, but the frames of this run are {side}x{side}; put the original file back",
                images.width(),
                images.height()
            );
            return Err(Error::file(path, problem));
        }
        frames.push(images);
    }
    let frames = Images::from_frames(frames)?;
    if digest(&frames) != sha256 {
        return Err(Error::file(
            folder.path().join("inputs"),
            "the frames in it are not those that the run began with; put the original files back, or begin a new run",
        ));
    }
    Ok(frames)
}

/// The files that a selection takes frames from.
fn used(clip: &Clip, selection: Selection) -> Vec<std::path::PathBuf> {
    let files = clip.files().iter().cloned();
    if clip.video().is_some() {
        return files.collect();
    }
    let Selection { start, stride, count } = selection;
    files.skip(start).step_by(stride.max(1)).take(count.unwrap_or(usize::MAX)).collect()
}

/// As many squares as frames, or one, are needed.
fn miscounted(crops: usize) -> Error {
    Error::setting(
        "crop",
        format!(
            "{crops} squares were given for another number of frames; give one for all, or one for each"
        ),
    )
}

/// The squares to cut out, with what there is to say about them.
fn chosen(fit: &Fit, first: &Images, teller: &mut Teller<'_>) -> Vec<Crop> {
    let crops = match fit {
        Fit::Crop(crop) => vec![*crop],
        Fit::Crops(crops) => crops.clone(),
        Fit::CentreSquare => {
            let crop = Crop::centre(first.height(), first.width());
            teller.warn(format!(
                "no crop was given, so the square in the middle is used (--crop {crop}); the result is \
                 best where the face fills it as in a passport photo"
            ));
            vec![crop]
        }
    };
    if let Some(small) = crops.iter().find(|crop| crop.size < SMALL_CROP) {
        teller.warn(format!(
            "the crop is only {0:.0}x{0:.0} pixels; the generator will invent what is not in it",
            small.size
        ));
    }
    crops
}

fn digest(frames: &Images) -> String {
    let mut hash = Sha256::new();
    for k in 0..frames.count() {
        hash.update(frames.to_rgb8(k));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
