//! A whole clip, one frame at a time.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use reelgan_run::clip::{Encoding, Layout, Retouch, Selection};
use reelgan_run::media::{self, Origin};
use reelgan_run::{Clip, Error as RunError, Images};

use super::patch::{Patch, PatchConfig, patch};
use super::places::{Place, Places};
use crate::align::check_folder;
use crate::{Error, Result};

/// How crops go back into a clip.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PasteConfig {
    /// Each of them.
    pub patch: PatchConfig,
    /// What is shown: the edited clip, or the source, the reconstruction and the edit
    /// side by side.
    pub layout: Layout,
    /// How a video is encoded.
    pub encoding: Encoding,
}

/// What goes back into a frame: squares of the generator's size, `[1,3,S,S]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Crops {
    /// The edited crop.
    pub edited: Images,
    /// The reconstruction, for a comparison.
    pub recon: Option<Images>,
}

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Frames done.
    pub done: usize,
    /// Frames there are.
    pub total: usize,
}

/// What became of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    /// The video, or the folder of pictures.
    pub out: PathBuf,
    /// Frames in it.
    pub frames: usize,
    /// Frames that changed.
    pub changed: usize,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Puts the crop of every place back into its frame; `crops` gives them by their
/// number in `places`. A video becomes the video `out`, which appears whole or not at
/// all; pictures become PNG files in the folder `out`, which must be new or empty.
/// `None` if whoever is told ended the work.
///
/// A frame of a video without a place stays as it is. Memory does not grow with the
/// length of the clip.
///
/// # Errors
/// Places for other frames than the clip has, files that cannot be read or written, an
/// ffmpeg that is missing or fails, those of `crops`.
pub fn paste(
    clip: &Clip,
    places: &Places,
    crops: &mut dyn FnMut(usize) -> Result<Crops>,
    (out, config): (&Path, &PasteConfig),
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Pasted>> {
    let mut work = Work { clip, places: &places.places, next: 0, changed: 0, crops, config };
    if clip.video().is_some() { work.video(out, tell) } else { work.pictures(out, tell) }
}

struct Work<'a> {
    clip: &'a Clip,
    places: &'a [Place],
    /// The first place that is not yet done.
    next: usize,
    changed: usize,
    crops: &'a mut dyn FnMut(usize) -> Result<Crops>,
    config: &'a PasteConfig,
}

impl Work<'_> {
    fn video(
        &mut self,
        out: &Path,
        tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Option<Pasted>> {
        let times = self.clip.times()?.expect("a video has times");
        let total = times.count();
        let mut warnings = self.check(total)?;
        let mut writer = None;
        let mut frames = self.clip.frames(Selection::default())?;
        let mut done = 0;
        for frame in frames.by_ref() {
            let frame = frame?.images;
            let size = (frame.width(), frame.height());
            let writer = match &mut writer {
                Some(writer) => writer,
                none => {
                    let how = (self.config.layout, self.config.encoding);
                    none.insert(Retouch::begin(self.clip, &times, size, out, how)?)
                }
            };
            let patches = self.patches(done, &frame)?;
            let blank = || vec![0; 4 * size.0 * size.1];
            let rgba = |patch: &Option<Patch>| patch.as_ref().map_or_else(blank, Patch::rgba);
            let rgba: Vec<Vec<u8>> = patches.iter().map(rgba).collect();
            writer.push(&rgba.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
            done += 1;
            if tell(Progress { done, total }).is_break() {
                return Ok(None);
            }
        }
        warnings.extend(frames.warnings().iter().map(ToString::to_string));
        let Some(writer) = writer else { return Err(self.miscounted(0)) };
        if self.next < self.places.len() {
            return Err(self.miscounted(done));
        }
        warnings.extend(writer.warnings().iter().cloned());
        writer.finish()?;
        Ok(Some(self.pasted(out, done, warnings)))
    }

    fn pictures(
        &mut self,
        out: &Path,
        tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Option<Pasted>> {
        // Pictures need not have one size, so each is read by itself.
        let files = self.clip.files();
        let warnings = self.check(files.len())?;
        check_folder(out)?;
        fs::create_dir_all(out).map_err(|source| RunError::Write { path: out.into(), source })?;
        for (k, file) in files.iter().enumerate() {
            let source = media::read(file)?.images;
            let patches = self.patches(k, &source)?;
            let shown = |patch: &Option<Patch>| {
                patch.as_ref().map_or_else(|| Ok(source.clone()), |patch| patch.over(&source))
            };
            let mut row = patches.iter().map(shown).collect::<Result<Vec<_>>>()?;
            if self.config.layout == Layout::Compare {
                row.insert(0, source.clone());
            }
            let path = out.join(format!("{:04}.png", k + 1));
            media::write_png(&path, &beside(&row)?, 0, Origin::Synthetic)?;
            if tell(Progress { done: k + 1, total: files.len() }).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(self.pasted(out, files.len(), warnings)))
    }

    /// The patches of frame `k`, as many as the layout has.
    fn patches(&mut self, k: usize, frame: &Images) -> Result<Vec<Option<Patch>>> {
        let count = self.config.layout.patches();
        let Some(place) = self.places.get(self.next).filter(|place| place.frame == k) else {
            return Ok(vec![None; count]);
        };
        let number = self.next;
        self.next += 1;
        let crops = (self.crops)(number)?;
        let put = |crop: &Images| patch(frame, crop, place, &self.config.patch);
        let edited = put(&crops.edited)?;
        self.changed += usize::from(edited.is_some());
        match (self.config.layout, &crops.recon) {
            (Layout::Plain, _) => Ok(vec![edited]),
            (Layout::Compare, Some(recon)) => Ok(vec![put(recon)?, edited]),
            (Layout::Compare, None) => {
                Err(Error::setting("comparison", "there are no reconstructions to compare with"))
            }
        }
    }

    /// Refuses places that cannot be those of the clip; tells of frames without any.
    fn check(&self, total: usize) -> Result<Vec<String>> {
        let (Some(first), Some(last)) = (self.places.first(), self.places.last()) else {
            return Err(self.miscounted(total));
        };
        if last.frame >= total {
            return Err(self.miscounted(total));
        }
        if last.frame - first.frame + 1 != self.places.len() {
            return Err(Error::setting(
                "crops",
                format!(
                    "they are {} of frames {} to {}, but a clip with unchanged frames between \
                     changed ones flickers; make them of all its frames",
                    self.places.len(),
                    first.frame + 1,
                    last.frame + 1
                ),
            ));
        }
        let left = total - self.places.len();
        let text = || {
            format!(
                "{left} of {total} frames have no crop and stay as they are: the crops are those \
                 of frames {} to {}",
                first.frame + 1,
                last.frame + 1
            )
        };
        Ok(if left > 0 { vec![text()] } else { Vec::new() })
    }

    fn miscounted(&self, total: usize) -> Error {
        let wanted = self.places.last().map_or(1, |place| place.frame + 1);
        let path = self.clip.files().first().cloned().unwrap_or_default();
        Error::file(
            path,
            format!(
                "has {total} frames, but the transforms are for frame {wanted}, too; give the clip \
                 that they were made from"
            ),
        )
    }

    fn pasted(&self, out: &Path, frames: usize, warnings: Vec<String>) -> Pasted {
        Pasted { out: out.to_owned(), frames, changed: self.changed, warnings }
    }
}

/// Pictures of one size side by side.
fn beside(row: &[Images]) -> Result<Images> {
    let [first, rest @ ..] = row else { unreachable!("a layout shows at least one picture") };
    if rest.is_empty() {
        return Ok(first.clone());
    }
    let (height, width) = (first.height(), first.width());
    let mut data = Vec::with_capacity(row.len() * 3 * height * width);
    for line in 0..3 * height {
        row.iter().for_each(|p| data.extend_from_slice(&p.frame(0)[line * width..][..width]));
    }
    Ok(Images::new(1, height, row.len() * width, data)?)
}
