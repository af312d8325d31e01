//! What is made from the codes of a run: edits, morphs, renders.

use std::fs;
use std::path::{Path, PathBuf};

use reelgan_run::media::{self, Origin, SYNTHETIC_NOTE};
use reelgan_run::picture::{Picture, StripRow, evenly_spaced};
use reelgan_run::{Error as RunError, Images, RunFolder, atomic};
use serde_json::{Value, json};

use super::Kit;
use super::noise::Noises;
use super::page;
use super::pictures::{self, COLUMNS, Movie, tile_side};
use super::results;
use super::source::Source;
use super::watch::{Halt, Teller, Watch};
use crate::codes::{CodeFile, Trajectory};
use crate::{Error, Result};

/// The file that says what a folder was made for.
const REQUEST: &str = "request.json";

/// What became of an edit, a morph or a render.
#[derive(Debug, Clone)]
pub struct Made {
    /// Where it is.
    pub folder: PathBuf,
    /// Frames written.
    pub frames: usize,
    /// Whether it came to its end; if not, the same call does it again.
    pub finished: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The files written, in order.
    pub written: Vec<PathBuf>,
}

/// Everything that tells one kind from another.
pub(super) struct Plan {
    /// `edit`, `morph` or `recon`; begins the names of the frames.
    pub kind: &'static str,
    /// For the page.
    pub title: String,
    /// The label of its row in the strip.
    pub label: String,
    /// The folder.
    pub place: PathBuf,
    /// What was asked for: the same again may be written over.
    pub request: Value,
    /// The codes.
    pub trajectory: Trajectory,
    /// The noise inputs.
    pub noise: Noises,
    /// The frame of the run behind each code, counted from 0; none for a morph.
    pub frames: Option<Vec<usize>>,
    /// Whether the run's reconstructions are shown beside the frames.
    pub with_recon: bool,
    /// Frames a second of the video.
    pub fps: f64,
    /// Whether codes are also written as `.npy`.
    pub npy: bool,
}

/// Opens the run and makes what `plan` says, to the end or until asked to end.
pub(super) fn make(
    kit: &Kit,
    run: &Path,
    out: Option<&Path>,
    watch: &mut dyn Watch,
    plan: impl FnOnce(&Source) -> Result<Plan>,
) -> Result<Made> {
    let mut teller = Teller::new(watch);
    // Only what goes into the run itself needs it to hold still.
    let source = Source::open(kit, run, out.is_none())?;
    let mut plan = plan(&source)?;
    if let Some(out) = out {
        plan.place = out.to_owned();
    }
    claim(&plan, &source)?;
    let (frames, finished) = match write(kit, &source, &plan, &mut teller) {
        Ok(()) => (plan.trajectory.count(), true),
        Err(Halt::Interrupted) => (0, false),
        Err(Halt::Failed(error)) => return Err(error),
    };
    let Teller { warnings, written, .. } = teller;
    Ok(Made { folder: plan.place, frames, finished, warnings, written })
}

/// Takes a folder that is absent, empty, or holds the same thing already.
fn claim(plan: &Plan, source: &Source) -> Result<()> {
    let place = &plan.place;
    let failed = |source| RunError::Write { path: place.clone(), source };
    fs::create_dir_all(place).map_err(failed)?;
    let marker = place.join(REQUEST);
    let mut text = serde_json::to_string_pretty(&json!({
        "kind": plan.kind,
        "request": plan.request,
        "generator": source.file.generator,
        "notice": SYNTHETIC_NOTE,
    }))
    .expect("a request is plain data");
    text.push('\n');
    let mut entries = fs::read_dir(place).map_err(failed)?;
    if entries.next().is_some() && fs::read_to_string(&marker).ok().as_ref() != Some(&text) {
        return Err(Error::file(
            place,
            "already holds something else; choose another name or folder, or remove it first",
        ));
    }
    Ok(atomic::write(&marker, text.as_bytes())?)
}

fn write(kit: &Kit, source: &Source, plan: &Plan, teller: &mut Teller<'_>) -> Result<(), Halt> {
    let generator = kit.generator.as_ref();
    let codes = plan.trajectory.codes();
    let file = plan.place.join("codes.safetensors");
    let trajectory = plan.trajectory.clone();
    CodeFile { generator: generator.identity().clone(), trajectory }.save(&file)?;
    teller.wrote(file);
    if plan.npy {
        let place = plan.place.join("npy");
        results::save_npy(&codes, &place)?;
        teller.wrote(place);
    }
    teller.stage("render")?;
    let mut gallery = Gallery::new(plan, codes.count());
    let mut movie = match codes.count() {
        1 => Movie::none(),
        _ => {
            let side = generator.resolution();
            let size = (gallery.rows.len() * side, side);
            Movie::begin(kit, &plan.place.join("video.mp4"), size, plan.fps, teller)?
        }
    };
    for k in 0..codes.count() {
        let image = results::one(generator, &codes, k, &plan.noise.get(generator, k)?)?;
        let number = plan.frames.as_ref().map_or(k, |frames| frames[k]) + 1;
        let path = plan.place.join(format!("{}_{number:04}.png", plan.kind));
        media::write_png(&path, &image, 0, Origin::Synthetic)?;
        teller.wrote(path);
        let row = shown_beside(kit, source, plan, k, image)?;
        movie.push(&row.iter().collect::<Vec<_>>(), teller)?;
        gallery.add(k, number, &row)?;
        teller.progress(k + 1, codes.count())?;
    }
    movie.finish(teller)?;
    finish(plan, gallery, teller)?;
    Ok(())
}

/// Strip and page.
fn finish(plan: &Plan, gallery: Gallery, teller: &mut Teller<'_>) -> Result<()> {
    let side = gallery.side;
    let strip = pictures::compose(gallery.rows, gallery.captions, side)?;
    pictures::write_picture(&plan.place.join("strip.png"), &strip, teller)?;
    let html = page::of_made(&plan.title, &plan.request, &strip, &teller.warnings)?;
    pictures::write_page(&plan.place.join("report.html"), &html, teller)
}

/// The pictures of one column, from top to bottom.
fn shown_beside(
    kit: &Kit,
    source: &Source,
    plan: &Plan,
    k: usize,
    image: Images,
) -> Result<Vec<Images>> {
    let mut row = Vec::new();
    if let Some(frames) = &plan.frames {
        row.push(source.input(frames[k])?);
        if plan.with_recon {
            row.push(source.recon(kit, frames[k])?);
        }
    }
    row.push(image);
    Ok(row)
}

/// The small pictures that the strip is made of.
struct Gallery {
    columns: Vec<usize>,
    side: usize,
    rows: Vec<StripRow>,
    captions: Vec<String>,
}

impl Gallery {
    fn new(plan: &Plan, count: usize) -> Self {
        let mut labels = Vec::new();
        if plan.frames.is_some() {
            labels.push("input");
            if plan.with_recon {
                labels.push("reconstruction");
            }
        }
        labels.push(&plan.label);
        Self {
            columns: evenly_spaced(count, COLUMNS),
            side: tile_side(count),
            rows: labels.into_iter().map(|label| StripRow::new(label, Vec::new())).collect(),
            captions: Vec::new(),
        }
    }

    fn add(&mut self, k: usize, number: usize, pictures: &[Images]) -> Result<()> {
        if !self.columns.contains(&k) {
            return Ok(());
        }
        for (row, images) in self.rows.iter_mut().zip(pictures) {
            row.tiles.push(Some(Picture::from_frame(images, 0)?.thumbnail(self.side)?));
        }
        self.captions.push(number.to_string());
        Ok(())
    }
}

/// A place below the run for something of that name.
///
/// # Errors
/// [`Error::Setting`] for a name that is no plain folder name.
pub(super) fn place(folder: &RunFolder, kind: &str, name: &str) -> Result<PathBuf> {
    let plain = !name.is_empty()
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|'])
        && !name.contains(char::is_control);
    if !plain {
        return Err(Error::setting(
            format!("name `{name}`"),
            "must be a plain name for a folder, without slashes",
        ));
    }
    Ok(folder.path().join(kind).join(name))
}
