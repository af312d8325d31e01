//! Two sets of pictures.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use reelgan_run::clip::Selection;
use reelgan_run::{Clip, Error as RunError, Images, media};

use super::result::{Evaluation, Measured, Scope};
use crate::Result;
use crate::job::{FfmpegSearch, Notice, Watch};
use crate::metric::fid::{self, FidInput, FidNetwork, Gathered, Statistics, frechet_distance};

/// Pictures of any sizes, or what is known of them.
#[derive(Debug)]
pub struct Set {
    path: PathBuf,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Pictures(Clip),
    Statistics(Statistics),
}

/// Fewer pictures than features leave the covariance singular and the distance biased.
const FEW: usize = 2048;

impl Set {
    /// Opens a folder of pictures, a video, or a statistics file (`.npz`, by its content).
    ///
    /// # Errors
    /// A path that is none of these.
    pub fn open(path: &Path, ffmpeg: &FfmpegSearch) -> Result<Self> {
        let source = match is_archive(path)? {
            true => Source::Statistics(Statistics::read(path)?),
            false => Source::Pictures(Clip::from_paths(&[path.to_owned()], ffmpeg)?),
        };
        Ok(Self { path: path.to_owned(), source })
    }

    /// Whether its features have yet to be computed.
    fn is_pictures(&self) -> bool {
        matches!(self.source, Source::Pictures(_))
    }

    /// The statistics of its features; none if the watcher asked to end.
    fn statistics(
        &self,
        network: Option<&FidNetwork>,
        watch: &mut dyn Watch,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Statistics>> {
        let clip = match &self.source {
            Source::Statistics(known) => return Ok(Some(known.clone())),
            Source::Pictures(clip) => clip,
        };
        let network = network.expect("pictures have a network");
        warnings.extend(clip.warnings().iter().map(ToString::to_string));
        let total = if clip.video().is_some() { 0 } else { clip.files().len() };
        let _ = watch.on(&Notice::Stage { name: "features" });
        let mut gathered = Gathered::default();
        for images in pictures(clip)? {
            gathered.add(&network.features(&images?, 0)?)?;
            let done = gathered.count();
            if watch.on(&Notice::Progress { stage: "features", done, total }).is_break() {
                return Ok(None);
            }
        }
        if gathered.count() < FEW {
            warnings.push(format!(
                "{} holds {} pictures: below {FEW} the distance grows as sets get smaller; compare it with distances of sets of this size only",
                self.path.display(),
                gathered.count()
            ));
        }
        gathered.statistics().map(Some)
    }
}

/// Frames of a video, or stills that may differ in size.
fn pictures(clip: &Clip) -> Result<Box<dyn Iterator<Item = Result<Images>> + '_>> {
    if clip.video().is_some() {
        let frames = clip.frames(Selection::default())?;
        return Ok(Box::new(frames.map(|frame| Ok(frame?.images))));
    }
    Ok(Box::new(clip.files().iter().map(|path| Ok(media::read(path)?.images))))
}

/// Whether a file is a zip, which no picture or video is.
fn is_archive(path: &Path) -> Result<bool> {
    let failed = |source| RunError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    File::open(path).and_then(|f| f.take(4).read_to_end(&mut beginning)).map_err(failed)?;
    Ok(beginning == *b"PK\x03\x04")
}

/// The Frechet inception distance of two sets, and the statistics of both; none if the
/// watcher asked to end. `load` gives the network that takes pictures as `input` says; it
/// is called only if a set holds pictures.
///
/// # Errors
/// Pictures that cannot be read; fewer than two; statistics of another network.
pub fn measure_sets(
    sets: [&Set; 2],
    input: FidInput,
    load: impl FnOnce(FidInput) -> Result<FidNetwork>,
    watch: &mut dyn Watch,
) -> Result<Option<(Evaluation, [Statistics; 2])>> {
    let mut warnings = Vec::new();
    let network = match sets.iter().any(|set| set.is_pictures()) {
        true => Some(load(input)?),
        false => None,
    };
    let [reference, judged] = sets;
    let network = network.as_ref();
    let Some(a) = reference.statistics(network, watch, &mut warnings)? else { return Ok(None) };
    let Some(b) = judged.statistics(network, watch, &mut warnings)? else { return Ok(None) };
    let _ = watch.on(&Notice::Stage { name: "distance" });
    let distance = frechet_distance(&a, &b)?;
    let evaluation = Evaluation {
        reference: reference.path.display().to_string(),
        judged: judged.path.display().to_string(),
        frames: Vec::new(),
        metrics: vec![Measured::new(&fid::info(input), Scope::Set, vec![distance])?],
        warnings,
    };
    Ok(Some((evaluation, [a, b])))
}
