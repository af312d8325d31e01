//! A run's edit back in the clip that the run was made from.

use std::path::{Path, PathBuf};

use reelgan_run::Clip;
use reelgan_run::clip::Layout;

use super::edit::plan_at;
use super::made::Plan;
use super::results;
use super::source::Source;
use super::watch::{Halt, Notice, Teller, Watch};
use super::{EditRequest, Kit, Selection};
use crate::edit::Timeline;
use crate::paste::{self, Crops, PasteConfig, Pasted, Places, Progress};
use crate::{Error, Result};

/// A run's edit to be put back into its clip.
#[derive(Debug, Clone, Default)]
pub struct PasteRequest {
    /// The edit. All frames of the run are edited; name and folder are not used.
    pub edit: EditRequest,
    /// The clip, if it is not where the run found it.
    pub clip: Option<PathBuf>,
    /// The video to write, or the folder where the clip was pictures.
    pub out: PathBuf,
    /// How.
    pub config: PasteConfig,
}

/// Edits the frames of a run and puts them back into its clip, one frame at a time.
/// `None` if whoever watches ended it: nothing is left, and the same call begins again.
///
/// Keyframes count at the time at which the clip itself shows a frame.
///
/// # Errors
/// A folder that is no run or has no `transforms.json`, a clip that is not there any
/// more or has changed; those of [`super::edit`](super::edit()) and
/// [`paste::paste`](crate::paste::paste()).
pub fn paste(
    kit: &Kit,
    run: &Path,
    request: &PasteRequest,
    watch: &mut dyn Watch,
) -> Result<Option<Pasted>> {
    if request.edit.edits.is_empty() {
        return Err(Error::setting("edits", "name at least one, such as motion=1.5"));
    }
    if request.edit.frames.is_some() {
        return Err(Error::setting("frames", "a clip takes all frames of the run"));
    }
    let mut teller = Teller::new(watch);
    let source = Source::open(kit, run, false)?;
    let clip = Clip::from_paths(&files(&source, request)?, &kit.ffmpeg)?;
    let places = placed(&source, &clip)?;
    let plan = plan_at(kit, &source, &request.edit, times(&clip, &source)?)?;
    match work(kit, (&source, &plan), (&clip, &places), request, &mut teller) {
        Ok(pasted) => Ok(Some(pasted)),
        Err(Halt::Interrupted) => Ok(None),
        Err(Halt::Failed(error)) => Err(error),
    }
}

fn work(
    kit: &Kit,
    (source, plan): (&Source, &Plan),
    (clip, places): (&Clip, &Places),
    request: &PasteRequest,
    teller: &mut Teller<'_>,
) -> Result<Pasted, Halt> {
    teller.stage("render")?;
    let generator = kit.generator.as_ref();
    let codes = plan.trajectory.codes();
    let compare = request.config.layout == Layout::Compare;
    let mut crops = |k: usize| -> Result<Crops> {
        let edited = results::one(generator, &codes, k, &plan.noise.get(generator, k)?)?;
        let recon = if compare { Some(source.recon(kit, k)?) } else { None };
        Ok(Crops { edited, recon })
    };
    let mut tell =
        |Progress { done, total }| teller.tell(&Notice::Progress { stage: "render", done, total });
    let how = (request.out.as_path(), &request.config);
    let pasted = paste::paste(clip, places, &mut crops, how, &mut tell)?;
    let pasted = pasted.ok_or(Halt::Interrupted)?;
    pasted.warnings.iter().for_each(|text| teller.warn(text.clone()));
    teller.wrote(&pasted.out);
    Ok(pasted)
}

/// Where the frames of the run belong.
fn placed(source: &Source, clip: &Clip) -> Result<Places> {
    let mut places = Places::open(source.folder.path())?;
    let (count, found) = (source.codes.count(), places.places.len());
    if found != count {
        return Err(Error::file(
            source.folder.path().join("transforms.json"),
            format!("is for {found} frames, but the run has {count}; put the original file back"),
        ));
    }
    // Of pictures the run remembers only those that it has.
    let all = clip.video().is_none() && clip.files().len() == count;
    let Selection { start, stride, .. } =
        if all { Selection::default() } else { source.selection() };
    for (k, place) in places.places.iter_mut().enumerate() {
        place.frame = start + k * stride;
    }
    Ok(places)
}

/// The clip that was named, or the files that the run remembers.
fn files(source: &Source, request: &PasteRequest) -> Result<Vec<PathBuf>> {
    if let Some(clip) = &request.clip {
        return Ok(vec![clip.clone()]);
    }
    let files: Vec<PathBuf> =
        source.manifest.inputs.iter().map(|input| PathBuf::from(&input.path)).collect();
    match files.iter().find(|file| !file.is_file()) {
        None => Ok(files),
        Some(gone) => Err(Error::file(
            gone,
            "the run was made from this file, but it is not there; say where it is with --clip",
        )),
    }
}

/// When the clip shows the frames of the run.
fn times(clip: &Clip, source: &Source) -> Result<Timeline> {
    let count = source.codes.count();
    let Selection { start, stride, .. } = source.selection();
    let Some(times) = clip.times()? else {
        return Ok(source.fps().map_or(Timeline::unknown(count), |fps| {
            Timeline::new((0..count).map(|k| (start + k * stride) as f64 / fps).collect())
        }));
    };
    let seconds: Vec<f64> = times.seconds().into_iter().skip(start).step_by(stride).collect();
    if seconds.len() < count {
        let path = clip.files().first().cloned().unwrap_or_default();
        return Err(Error::file(
            path,
            format!(
                "has {} frames, too few for the {count} of the run; give the clip that it was made from",
                times.count()
            ),
        ));
    }
    Ok(Timeline::new(seconds.into_iter().take(count).collect()))
}
