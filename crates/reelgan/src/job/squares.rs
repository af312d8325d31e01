//! Which square of each input frame an inversion takes.

use std::ops::ControlFlow;

use reelgan_run::clip::Clip;
use reelgan_run::images::Crop;
use reelgan_run::{Images, RunFolder, atomic};
use serde_json::json;

use super::asked::Wish;
use super::request::in_words;
use super::watch::{Halt, Teller};
use super::{Aligning, Fit, Kit};
use crate::align::{self, AlignConfig, Alignment, Progress, Source, Survey, Template};
use crate::{Error, Result};

/// A crop with fewer pixels a side than this has little of a face left to show.
const SMALL_CROP: f64 = 128.0;

/// The squares, as far as they are known before the frames are.
pub(super) enum Squares {
    /// Found beforehand, one a frame.
    Aligned(Box<Alignment>),
    /// One for all frames, or one for each.
    Given(Vec<Crop>),
    /// All of each frame, which is square.
    Ready(Option<Crop>),
    /// In the middle of the first frame.
    Middle(Option<Crop>),
}

impl Squares {
    /// Takes what the request says; looks for the face in every frame if it says so, and
    /// writes landmarks and transforms.
    pub fn find(
        kit: &Kit,
        clip: &Clip,
        wish: Wish<'_>,
        fps: Option<f64>,
        folder: &RunFolder,
        teller: &mut Teller<'_>,
    ) -> Result<Self, Halt> {
        let given = |crops: Vec<Crop>, teller: &mut Teller<'_>| {
            crops.iter().for_each(|crop| remark(crop, &mut |text| teller.warn(text)));
            Self::Given(crops)
        };
        Ok(match &wish.request.fit {
            Fit::Crop(crop) => given(vec![*crop], teller),
            Fit::Crops(crops) => given(crops.clone(), teller),
            Fit::Ready => Self::Ready(None),
            Fit::CentreSquare => Self::Middle(None),
            Fit::Align(aligning) => {
                teller.stage("align")?;
                let survey = surveyed(kit, clip, wish, aligning, teller)?;
                survey.warnings.iter().for_each(|text| teller.warn(text.clone()));
                let config = AlignConfig {
                    template: Template::ffhq(kit.generator.resolution())?,
                    face: aligning.face,
                    smoothing: aligning.smoothing,
                    fps,
                };
                let found = align::plan(&survey, &config)?;
                tell_of(&found, teller);
                let files = [folder.landmarks(), folder.transforms()];
                align::write_transforms(&survey, &found, [&files[0], &files[1]])?;
                files.into_iter().for_each(|path| teller.wrote(path));
                Self::Aligned(Box::new(found))
            }
        })
    }

    /// Whether frames may have sizes of their own.
    pub fn fit_any_size(&self) -> bool {
        matches!(self, Self::Aligned(_))
    }

    /// The square of frame `k`, counted from 0.
    ///
    /// # Errors
    /// More frames than squares; a frame that is not square though it should be.
    pub fn of(&mut self, k: usize, frame: &Images, warn: &mut dyn FnMut(String)) -> Result<Crop> {
        match self {
            Self::Aligned(found) => {
                let placed = found.placements.get(k).map(|placement| placement.crop);
                placed.ok_or_else(|| miscounted(found.placements.len()))
            }
            Self::Given(crops) => match crops.as_slice() {
                [one] => Ok(*one),
                several => several.get(k).copied().ok_or_else(|| miscounted(several.len())),
            },
            Self::Ready(crop) => whole(crop, frame),
            Self::Middle(crop) => Ok(*crop.get_or_insert_with(|| {
                let crop = Crop::centre(frame.height(), frame.width());
                warn(format!(
                    "no crop was given, so the square in the middle is used (--crop {}); the result is \
                     best where the face fills it as in a passport photo",
                    in_words(&[crop])
                ));
                remark(&crop, warn);
                crop
            })),
        }
    }

    /// Refuses squares for more frames than there are.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check_count(&self, frames: usize) -> Result<()> {
        let squares = match self {
            Self::Aligned(found) => found.placements.len(),
            Self::Given(crops) if crops.len() > 1 => crops.len(),
            _ => frames,
        };
        if squares == frames { Ok(()) } else { Err(miscounted(squares)) }
    }

    /// One square for all frames, or one for each.
    pub fn crops(&self) -> Vec<Crop> {
        match self {
            Self::Aligned(found) => found.placements.iter().map(|p| p.crop).collect(),
            Self::Given(crops) => crops.clone(),
            Self::Ready(crop) | Self::Middle(crop) => crop.iter().copied().collect(),
        }
    }

    /// Frames, counted from 0, in which the face was looked for and not found.
    pub fn without_face(&self) -> Vec<usize> {
        let Self::Aligned(found) = self else { return Vec::new() };
        let placements = found.placements.iter().enumerate();
        placements.filter(|(_, p)| p.source == Source::Neighbours).map(|(k, _)| k).collect()
    }

    /// Unsteadiness of the squares before and after averaging.
    pub fn jitter(&self) -> Option<[f64; 2]> {
        if let Self::Aligned(found) = self { found.jitter } else { None }
    }

    /// Writes the transforms of squares that were not found but given, as those of found
    /// ones are: what puts edited crops back needs no more.
    ///
    /// # Errors
    /// A disk that does not take them.
    pub fn save_given(
        &self,
        sizes: &[(usize, usize)],
        names: &[String],
        side: usize,
        folder: &RunFolder,
        teller: &mut Teller<'_>,
    ) -> Result<()> {
        if matches!(self, Self::Aligned(_)) {
            return Ok(());
        }
        let crops = self.crops();
        let frames = sizes.iter().zip(names).enumerate().map(|(k, ((width, height), name))| {
            let crop = crops.get(k).or(crops.first());
            json!({
                "name": name, "width": width, "height": height,
                "crop": crop, "source": Source::Given, "box": null, "score": null,
            })
        });
        let all = json!({
            "template": null, "side": side, "fps": null, "people": null, "jitter_px": null,
            "frames": frames.collect::<Vec<_>>(),
        });
        let mut bytes = serde_json::to_vec_pretty(&all).expect("plain data");
        bytes.push(b'\n');
        atomic::write(&folder.transforms(), &bytes)?;
        teller.wrote(folder.transforms());
        Ok(())
    }
}

/// Looks at every frame, with landmarks from the networks or from a file.
fn surveyed(
    kit: &Kit,
    clip: &Clip,
    wish: Wish<'_>,
    aligning: &Aligning,
    teller: &mut Teller<'_>,
) -> Result<Survey, Halt> {
    let selection = wish.request.selection;
    let mut tell = |p: Progress| match teller.progress(p.done, p.total) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let survey = match &aligning.landmarks {
        Some(path) => {
            let brought = align::read_landmarks(&wish.path(path))?;
            align::survey_some_with(clip, selection, brought, &mut tell)?
        }
        None => {
            let reader = kit.faces.as_ref().ok_or_else(|| {
                Error::setting(
                    "face",
                    "the networks that find it are not there: `reelgan models fetch face-nets` gets \
                     them; without them, say where the face is with --crop or --landmarks",
                )
            })?;
            align::survey_some(clip, selection, reader, &mut tell)?
        }
    };
    survey.ok_or(Halt::Interrupted)
}

/// Says what the user should know of an alignment.
fn tell_of(found: &Alignment, teller: &mut Teller<'_>) {
    let missing = found.without_face();
    if missing > 0 {
        teller.warn(format!(
            "{missing} of {} frames without the face: their squares come from the frames around them",
            found.placements.len()
        ));
    }
    let smallest = found.placements.iter().map(|p| p.crop);
    if let Some(crop) = smallest.min_by(|a, b| a.size.total_cmp(&b.size)) {
        remark(&crop, &mut |text| teller.warn(text));
    }
}

/// Warns of a square that has little of a face.
fn remark(crop: &Crop, warn: &mut dyn FnMut(String)) {
    if crop.size < SMALL_CROP {
        warn(format!(
            "the crop is only {0:.0}x{0:.0} pixels; the generator will invent what is not in it",
            crop.size
        ));
    }
}

/// All of a frame that is square.
fn whole(crop: &mut Option<Crop>, frame: &Images) -> Result<Crop> {
    let (width, height) = (frame.width(), frame.height());
    if width != height {
        return Err(Error::setting(
            "--aligned",
            format!("a frame is {width}x{height} pixels, but crops that are ready are square"),
        ));
    }
    Ok(*crop.get_or_insert(Crop::upright(0.0, 0.0, width as f64)))
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
