//! Input frames: read, fitted, rounded to 8 bits, kept in the run folder.

use std::ops::Range;
use std::path::{Path, PathBuf};

use reelgan_run::clip::Clip;
use reelgan_run::images::Crop;
use reelgan_run::manifest::{Input, Manifest};
use reelgan_run::media::{self, Origin};
use reelgan_run::{Images, RunFolder};
use sha2::{Digest, Sha256};

use super::asked::Wish;
use super::squares::Squares;
use super::watch::{Halt, Teller};
use super::{Kit, Selection};
use crate::align::{Shots, each_frame};
use crate::{Error, Result};

/// What an inversion works from: frames in the run folder, and what is known of them.
pub(super) struct Inputs {
    /// What each frame was called.
    pub names: Vec<String>,
    /// The files they came from.
    pub files: Vec<Input>,
    /// The square that was cut out: one for all, or one for each.
    pub crops: Vec<Crop>,
    /// Frames a second, if the frames are consecutive.
    pub fps: Option<f64>,
    /// The digest by which the frames are known again.
    pub sha256: String,
    /// The shots, in order; one for pictures that are not consecutive.
    pub shots: Vec<Range<usize>>,
    /// Frames, counted from 0, in which the face was looked for and not found.
    pub without_face: Vec<usize>,
    /// Unsteadiness of the squares before and after averaging, if that was done.
    pub jitter: Option<[f64; 2]>,
}

impl Inputs {
    /// Reads the frames that are asked for, one at a time, and writes them into the run
    /// folder as squares of the generator's size.
    pub fn read(
        kit: &Kit,
        wish: Wish<'_>,
        folder: &RunFolder,
        teller: &mut Teller<'_>,
    ) -> Result<Self, Halt> {
        let request = wish.request;
        let paths: Vec<PathBuf> = request.inputs.iter().map(|path| wish.path(path)).collect();
        let clip = Clip::from_paths(&paths, &kit.ffmpeg)?;
        let rate = request.fps.or_else(|| {
            let fps = clip.video().and_then(|video| video.fps);
            fps.map(|fps| fps / request.selection.stride.max(1) as f64)
        });
        let squares = Squares::find(kit, &clip, wish, rate, folder, teller)?;
        teller.stage("read")?;
        let side = kit.generator.resolution();
        let mut reading = Reading { squares, side, folder, taken: Taken::default() };
        reading.all(&clip, request.selection, teller)?;
        let Reading { squares, taken, .. } = reading;
        squares.check_count(taken.names.len())?;
        squares.save_given(&taken.sizes, &taken.names, side, folder, teller)?;
        let consecutive = clip.video().is_some() || request.fps.is_some();
        let count = taken.names.len();
        let files = used(&clip, request.selection);
        Ok(Self {
            files: files.iter().map(|path| input(path, wish.base)).collect::<Result<_, _>>()?,
            crops: squares.crops(),
            fps: rate,
            sha256: hexadecimal(taken.hash),
            shots: if consecutive {
                taken.shots.ranges()
            } else {
                std::iter::once(0..count).collect()
            },
            without_face: squares.without_face(),
            jitter: squares.jitter(),
            names: taken.names,
        })
    }
}

/// What is gathered while frames go by.
#[derive(Default)]
struct Taken {
    names: Vec<String>,
    sizes: Vec<(usize, usize)>,
    hash: Sha256,
    shots: Shots,
}

struct Reading<'a> {
    squares: Squares,
    side: usize,
    folder: &'a RunFolder,
    taken: Taken,
}

impl Reading<'_> {
    fn all(
        &mut self,
        clip: &Clip,
        selection: Selection,
        teller: &mut Teller<'_>,
    ) -> Result<(), Halt> {
        let total = match clip.video() {
            Some(_) => selection.count.unwrap_or(0),
            None => used(clip, selection).len(),
        };
        if self.squares.fit_any_size() {
            let mut halted = false;
            let mut written = Vec::new();
            let warnings = each_frame(
                clip,
                selection,
                "read",
                &mut |p| {
                    halted = teller.progress(p.done, total.max(p.total)).is_err();
                    match halted {
                        true => std::ops::ControlFlow::Break(()),
                        false => std::ops::ControlFlow::Continue(()),
                    }
                },
                &mut |_, name, picture| {
                    written.push(self.one(name, picture, &mut |_| ())?);
                    Ok(())
                },
            )?;
            written.into_iter().for_each(|path| teller.wrote(path));
            let Some(warnings) = warnings else { return Err(Halt::Interrupted) };
            warnings.into_iter().for_each(|text| teller.warn(text));
            return if halted { Err(Halt::Interrupted) } else { Ok(()) };
        }
        let mut frames = clip.frames(selection)?;
        for frame in &mut frames {
            let frame = frame?;
            let path = self.one(frame.name, &frame.images, &mut |text| teller.warn(text))?;
            teller.wrote(path);
            teller.progress(self.taken.names.len(), total)?;
        }
        for warning in frames.warnings() {
            teller.warn(warning.to_string());
        }
        Ok(())
    }

    /// Fits a frame, writes it, and notes what is to be known of it.
    fn one(
        &mut self,
        name: String,
        picture: &Images,
        warn: &mut dyn FnMut(String),
    ) -> Result<PathBuf> {
        let k = self.taken.names.len();
        let crop = self.squares.of(k, picture, warn)?;
        let fitted = picture.fit(crop, self.side)?.quantised();
        let path = self.folder.input(k + 1);
        media::write_png(&path, &fitted, 0, Origin::Input)?;
        self.taken.hash.update(fitted.to_rgb8(0));
        self.taken.shots.push(picture);
        self.taken.names.push(name);
        self.taken.sizes.push((picture.width(), picture.height()));
        Ok(path)
    }
}

/// A file for the record, by its path as it was given.
fn input(path: &Path, base: Option<&Path>) -> Result<Input> {
    let mut input = Input::of(path)?;
    if let Some(given) = base.and_then(|base| path.strip_prefix(base).ok()) {
        input.path = given.to_string_lossy().into_owned();
    }
    Ok(input)
}

/// Reads frames of a run back, `[M,3,R,R]`.
///
/// # Errors
/// A frame that is missing, damaged or of another size.
pub(super) fn load(folder: &RunFolder, side: usize, frames: Range<usize>) -> Result<Images> {
    let all: Result<Vec<Images>> = frames.map(|k| one(folder, side, k)).collect();
    Ok(Images::from_frames(all?)?)
}

/// Reads one frame of a run back, counted from 0.
///
/// # Errors
/// As [`load`].
pub(super) fn one(folder: &RunFolder, side: usize, k: usize) -> Result<Images> {
    let path = folder.input(k + 1);
    let images = media::read(&path)?.images;
    if (images.height(), images.width()) == (side, side) {
        return Ok(images);
    }
    let problem = format!(
        "is {}x{} pixels, but the frames of this run are {side}x{side}; put the original file back",
        images.width(),
        images.height()
    );
    Err(Error::file(path, problem))
}

/// Checks that the frames of a run are those that it began with.
///
/// # Errors
/// As [`load`]; other frames.
pub(super) fn check(folder: &RunFolder, manifest: &Manifest, sha256: &str) -> Result<()> {
    let mut hash = Sha256::new();
    for k in 0..manifest.frames {
        hash.update(one(folder, manifest.generator.resolution, k)?.to_rgb8(0));
    }
    if hexadecimal(hash) == sha256 {
        return Ok(());
    }
    Err(Error::file(
        folder.path().join("inputs"),
        "the frames in it are not those that the run began with; put the original files back, or begin a new run",
    ))
}

/// The files that a selection takes frames from.
fn used(clip: &Clip, selection: Selection) -> Vec<PathBuf> {
    let files = clip.files().iter().cloned();
    if clip.video().is_some() {
        return files.collect();
    }
    let Selection { start, stride, count } = selection;
    files.skip(start).step_by(stride.max(1)).take(count.unwrap_or(usize::MAX)).collect()
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
