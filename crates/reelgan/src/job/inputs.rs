//! Input frames: read, fitted, rounded to 8 bits, kept in the run folder.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

use reelgan_run::clip::Clip;
use reelgan_run::images::{Crop, Frames};
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

/// Frames that stay in memory after they were looked at: a window of them, most often.
const RECENT: usize = 8;

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

/// Frames of a run, read back when they are looked at.
pub(super) struct Kept<'a> {
    folder: &'a RunFolder,
    side: usize,
    frames: Range<usize>,
    /// Those that were looked at last, the latest at the end.
    recent: RefCell<VecDeque<(usize, Images)>>,
}

impl<'a> Kept<'a> {
    /// Some of a run's frames, counted from 0; nothing is read yet.
    pub fn new(folder: &'a RunFolder, side: usize, frames: Range<usize>) -> Self {
        Self { folder, side, frames, recent: RefCell::default() }
    }
}

impl Frames for Kept<'_> {
    fn count(&self) -> usize {
        self.frames.len()
    }

    fn height(&self) -> usize {
        self.side
    }

    fn width(&self) -> usize {
        self.side
    }

    fn values(&self, k: usize) -> reelgan_run::Result<Cow<'_, [f32]>> {
        assert!(k < self.count(), "there are {} frames", self.count());
        let mut recent = self.recent.borrow_mut();
        let latest = match recent.iter().position(|(frame, _)| *frame == k) {
            Some(place) => recent.remove(place).expect("it was found there"),
            None => (k, one(self.folder, self.side, self.frames.start + k)?),
        };
        if recent.len() == RECENT {
            recent.pop_front();
        }
        let values = latest.1.data().to_vec();
        recent.push_back(latest);
        Ok(Cow::Owned(values))
    }
}

/// Reads one frame of a run back, counted from 0.
///
/// # Errors
/// A frame that is missing, damaged or of another size.
pub(super) fn one(folder: &RunFolder, side: usize, k: usize) -> reelgan_run::Result<Images> {
    let path = folder.input(k + 1);
    let images = media::read(&path)?.images;
    if (images.height(), images.width()) == (side, side) {
        return Ok(images);
    }
    let problem = format!(
        "it is {}x{} pixels, but the frames of this run are {side}x{side}; put the original file back",
        images.width(),
        images.height()
    );
    Err(reelgan_run::Error::File { path, kind: "input frame", problem })
}

/// Checks that the frames of a run are those that it began with.
///
/// # Errors
/// As [`one`]; other frames.
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

#[cfg(test)]
mod tests {
    use reelgan_run::folder::Existing;

    use super::*;

    /// A run folder with so many frames of 2x2, each of one grey of its own.
    fn folder(place: &Path, frames: usize) -> RunFolder {
        let folder = RunFolder::create(place, Existing::Refuse).unwrap();
        for k in 0..frames {
            let grey = Images::new(1, 2, 2, vec![k as f32 / 255.0; 12]).unwrap();
            media::write_png(&folder.input(k + 1), &grey, 0, Origin::Input).unwrap();
        }
        folder
    }

    #[test]
    fn frames_are_read_when_they_are_looked_at_and_few_are_held() {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(place.path(), 2 * RECENT + 3);
        let kept = Kept::new(&folder, 2, 3..2 * RECENT + 3);
        assert_eq!((kept.count(), kept.height(), kept.width()), (2 * RECENT, 2, 2));
        let last = kept.count() - 1;
        let order = (0..=last).chain([0, last, 1, last, 0, 0]);
        for k in order {
            let grey = (k + 3) as f32 / 255.0;
            assert_eq!(*kept.values(k).unwrap(), [grey; 12], "at {k}");
            assert!(kept.recent.borrow().len() <= RECENT);
            assert_eq!(kept.recent.borrow().back().map(|(frame, _)| *frame), Some(k));
        }
        // What was looked at last is there without its file.
        std::fs::remove_file(folder.input(last + 4)).unwrap();
        assert!(kept.values(last).is_ok());
        std::fs::remove_file(folder.input(8)).unwrap();
        assert!(kept.values(4).unwrap_err().to_string().contains("frame_0008.png"));
    }

    #[test]
    fn a_frame_of_another_size_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(place.path(), 2);
        let error = Kept::new(&folder, 4, 0..2).values(1).unwrap_err().to_string();
        for part in ["frame_0002.png", "2x2", "4x4", "put the original file back"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
