//! An inversion in a run folder, from its inputs to its report.

use std::path::{Path, PathBuf};

use reelgan_run::clip::Clip;
use reelgan_run::folder::Existing;
use reelgan_run::manifest::{Manifest, Measurements, State as RunState};
use reelgan_run::{RunFolder, atomic};

use super::asked::Wish;
use super::begun::{self, Begun};
use super::inputs::{self, Inputs, Kept};
use super::recorder::Recorder;
use super::watch::{Halt, Teller, Watch};
use super::{
    FlowSource, InvertRequest, Kit, asked, noise, page, pictures, results, sealed, table, windows,
};
use crate::codes::{CodeReader, Trajectory};
use crate::flow::{DenseFlow, FloFolder, FlowEstimator, FlowNet2Flow};
use crate::invert::{Inversion, InvertConfig, Inverter, StepRecord, StopReason};
use crate::objective::Room;
use crate::{Error, Result};

/// What became of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run folder.
    pub folder: PathBuf,
    /// Why it ended; [`StopReason::Interrupted`] if it can be continued with [`resume`].
    pub stop: StopReason,
    /// The manifest, once there is one.
    pub manifest: Option<Manifest>,
    /// The measurements of a finished run.
    pub measurements: Option<Measurements>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The files written, in order.
    pub written: Vec<PathBuf>,
}

/// Begins a run in the folder `out`, which must be absent or empty, and brings it to its end.
///
/// # Errors
/// Inputs that cannot be used, settings that make no sense, a folder that holds
/// something else or cannot be written. An interruption is no error, and neither is
/// a loss that stops being finite: the outcome says so.
pub fn invert(
    kit: &Kit,
    request: &InvertRequest,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Outcome> {
    request.config.check()?;
    request.config.gradients.check(kit.generator.as_ref())?;
    let settings = begun::toml(&request.config)?;
    let mut teller = Teller::new(watch);
    let end = begin(kit, request, &settings, out, &mut teller);
    concluded(out, end, teller)
}

/// Continues a run that was interrupted or killed, from its folder alone; ends with
/// the same bytes as if it had never stopped.
///
/// # Errors
/// A folder without a run, other models than the run began with, a damaged or
/// missing file; the folder is left as it was.
pub fn resume(kit: &Kit, out: &Path, watch: &mut dyn Watch) -> Result<Outcome> {
    let mut teller = Teller::new(watch);
    let end = go_on(kit, out, &mut teller);
    concluded(out, end, teller)
}

/// A run at any time: its place, its manifest, its settings, where its flows come from.
pub(super) struct Run {
    pub(super) folder: RunFolder,
    pub(super) manifest: Manifest,
    pub(super) begun: Begun,
    pub(super) flow: Box<dyn FlowEstimator>,
}

fn begin(
    kit: &Kit,
    request: &InvertRequest,
    settings: &str,
    out: &Path,
    teller: &mut Teller<'_>,
) -> Result<(Manifest, StopReason), Halt> {
    for remark in kit.generator.provenance().remarks() {
        teller.warn(remark);
    }
    // Input that cannot be opened leaves no trace.
    Clip::from_paths(&request.inputs, &kit.ffmpeg)?.frames(request.selection)?;
    let there = out.exists();
    let folder = RunFolder::create(out, Existing::Refuse)?;
    asked::save(request, &folder)?;
    match take_in(kit, Wish { request, base: None }, settings, &folder, teller) {
        Ok((manifest, begun, flow)) => proceed(kit, Run { folder, manifest, begun, flow }, teller),
        // Everything that was taken in is there, whatever went wrong after.
        Err(halt) if folder.manifest().exists() => Err(halt),
        Err(halt) => {
            // The same command begins again.
            folder.discard(there)?;
            teller.written.clear();
            Err(halt)
        }
    }
}

/// A run with its inputs in the folder, before its first step.
type Ready = (Manifest, Begun, Box<dyn FlowEstimator>);

/// Reads the inputs and writes down what the run is.
fn take_in(
    kit: &Kit,
    wish: Wish<'_>,
    settings: &str,
    folder: &RunFolder,
    teller: &mut Teller<'_>,
) -> Result<Ready, Halt> {
    let request = wish.request;
    let inputs = Inputs::read(kit, wish, folder, teller)?;
    let begun = Begun::new(wish, &inputs, &teller.warnings)?;
    let flow = flow(kit, &begun.flow, &request.config, inputs.names.len(), teller)?;
    let manifest = begun::manifest(kit, request, &inputs, &begun)?;
    atomic::write(&folder.config(), settings.as_bytes())?;
    teller.wrote(folder.config());
    manifest.write(&folder.manifest())?;
    teller.wrote(folder.manifest());
    asked::remove(folder)?;
    Ok((manifest, begun, flow))
}

fn go_on(kit: &Kit, out: &Path, teller: &mut Teller<'_>) -> Result<(Manifest, StopReason), Halt> {
    let folder = RunFolder::create(out, Existing::Resume)?;
    if !folder.manifest().exists() {
        return begin_again(kit, folder, teller);
    }
    let manifest = Manifest::read(&folder.manifest())?;
    begun::check_same(kit, &folder, &manifest)?;
    let begun = Begun::of(&folder, &manifest)?;
    if manifest.state == RunState::Finished {
        teller.warn("this run was finished already; nothing was done".into());
        return Ok((manifest, StopReason::Finished));
    }
    begun::check_same_flow(&manifest, &begun)?;
    asked::remove(&folder)?;
    teller.clock.add_earlier(&folder.timing());
    // Whoever asks to end here is heard at the next stage, where the run is at hand.
    let _ = teller.stage("read");
    for warning in &begun.warnings {
        teller.warn(warning.clone());
    }
    inputs::check(&folder, &manifest, &begun.frames_sha256)?;
    let flow = flow(kit, &begun.flow, &begun.invert, manifest.frames, teller)?;
    proceed(kit, Run { folder, manifest, begun, flow }, teller)
}

/// Goes on with a run that was killed while it took its inputs in.
fn begin_again(
    kit: &Kit,
    folder: RunFolder,
    teller: &mut Teller<'_>,
) -> Result<(Manifest, StopReason), Halt> {
    let Some((request, base)) = asked::read(&folder)? else {
        return Err(Halt::from(reelgan_run::Error::FolderIncomplete {
            path: folder.path().to_owned(),
            missing: "manifest.json".into(),
            advice: "the run ended before its inputs were saved: remove the folder and begin again",
        }));
    };
    for remark in kit.generator.provenance().remarks() {
        teller.warn(remark);
    }
    let settings = begun::toml(&request.config)?;
    let wish = Wish { request: &request, base: Some(&base) };
    match take_in(kit, wish, &settings, &folder, teller) {
        Ok((manifest, begun, flow)) => proceed(kit, Run { folder, manifest, begun, flow }, teller),
        Err(halt) => Err(halt),
    }
}

/// Whether an inversion of so many frames asks for flows.
pub(super) fn needs_flow(config: &InvertConfig, frames: usize) -> bool {
    config.weights.need_flow() && frames > 1
}

/// The source of the flows. Weights are read here, before anything is written: whether they fit is
/// not to be found out later.
fn flow(
    kit: &Kit,
    source: &FlowSource,
    config: &InvertConfig,
    frames: usize,
    teller: &mut Teller<'_>,
) -> Result<Box<dyn FlowEstimator>, Halt> {
    Ok(match source {
        FlowSource::Dense => Box::new(DenseFlow::default()),
        FlowSource::FloFolder(path) => Box::new(FloFolder::new(path)),
        FlowSource::FlowNet2(path) => {
            let net = FlowNet2Flow::new(path, kit.generator.device());
            if needs_flow(config, frames) {
                teller.stage("flow")?;
                net.load()?;
            }
            Box::new(net)
        }
    })
}

/// From the frames in the folder to the end, or as far as the watcher lets it.
fn proceed(
    kit: &Kit,
    mut run: Run,
    teller: &mut Teller<'_>,
) -> Result<(Manifest, StopReason), Halt> {
    match advance(kit, &mut run, teller) {
        Err(Halt::Interrupted) => {
            teller.clock.timing().write(&run.folder.timing())?;
            Ok((run.manifest, StopReason::Interrupted))
        }
        Err(failed) => Err(failed),
        Ok(stop) => Ok((run.manifest, stop)),
    }
}

fn advance(kit: &Kit, run: &mut Run, teller: &mut Teller<'_>) -> Result<StopReason, Halt> {
    let optimised = optimise(kit, run, teller)?;
    run.manifest.stop_reason = Some(optimised.stop.to_string());
    let (rows, dim) = (run.manifest.generator.rows, run.manifest.generator.dim);
    let mut codes = CodeReader::open(&run.folder.codes(), rows, dim)?;
    if codes.count() != run.manifest.frames {
        let problem = format!("holds {} codes for {} frames", codes.count(), run.manifest.frames);
        return Err(Error::file(run.folder.codes(), problem).into());
    }
    noise::optimise(kit, run, &mut codes, teller)?;
    let rendered = results::render(kit, run, &mut codes, teller)?;
    let frames = table::write(run, &optimised, &rendered.measurements, teller)?;
    let strip = pictures::strip(kit, run, &optimised, &mut codes, &rendered, teller)?;
    let manifest = Manifest { state: RunState::Finished, ..run.manifest.clone() };
    let pages = page::Contents {
        manifest: &manifest,
        settings: &run.begun,
        history: &optimised.history,
        passes: optimised.passes,
        frames: &frames,
        rendered: &rendered,
        strip: &strip,
    };
    page::write(&pages, &run.folder, teller)?;
    teller.clock.timing().write(&run.folder.timing())?;
    // Last: a manifest that says "finished" means that everything is there.
    manifest.write(&run.folder.manifest())?;
    run.manifest = manifest;
    Ok(optimised.stop)
}

/// What the optimisation came to, beside the codes in their file.
pub(super) struct Optimised {
    pub stop: StopReason,
    /// Losses of every step; the steps of several windows are counted on.
    pub history: Vec<StepRecord>,
    /// The loss of every frame.
    pub losses: Vec<f32>,
    /// Pictures that were generated on the way, over all frames and steps.
    pub passes: usize,
    /// The whole trajectory, if it was found at once.
    pub trajectory: Option<Trajectory>,
}

/// Runs the optimisation and writes the codes.
fn optimise(kit: &Kit, run: &mut Run, teller: &mut Teller<'_>) -> Result<Optimised, Halt> {
    let windows = run.begun.windows(run.manifest.frames);
    if windows.len() > 1 {
        windows::optimise(kit, run, teller)?;
        return Ok(results::join(kit, run, &windows, teller)?);
    }
    let inversion = at_once(kit, run, teller)?;
    begun::note_progress(&mut run.manifest, &inversion);
    results::write_codes(kit, &run.folder, &run.begun, &inversion, teller)?;
    if inversion.stop == StopReason::Interrupted {
        run.manifest.write(&run.folder.manifest())?;
        return Err(Halt::Interrupted);
    }
    if let StopReason::NotFinite { .. } = inversion.stop {
        teller.warn(format!(
            "the optimisation ended early: {}; the codes are the best before that (a lower learning rate may help)",
            inversion.stop
        ));
    }
    let losses = inversion.best.map_or(vec![f32::NAN; run.manifest.frames], |best| best.frames);
    Ok(Optimised {
        stop: inversion.stop,
        passes: run.begun.invert.passes(inversion.history.len(), run.manifest.frames),
        history: inversion.history,
        losses,
        trajectory: Some(inversion.trajectory),
    })
}

/// Where an inversion puts what memory has no room for: beside its results, where there must be
/// space anyway.
pub(super) fn room(folder: &RunFolder) -> Room {
    Room { folder: folder.path().to_owned(), ..Room::default() }
}

/// All frames as one window, from the state in the folder if there is one.
fn at_once(kit: &Kit, run: &Run, teller: &mut Teller<'_>) -> Result<Inversion, Halt> {
    let Run { folder, begun, manifest, .. } = run;
    let (config, count) = (&begun.invert, manifest.frames);
    let inverter =
        Inverter::new(kit.generator.as_ref(), &kit.nets, run.flow.as_ref(), config.clone())?
            .with_room(room(folder));
    inverter.remark().into_iter().for_each(|remark| teller.warn(remark));
    let first = if needs_flow(config, count) { "flow" } else { "invert" };
    teller.stage(first)?;
    let frames = Kept::new(folder, manifest.generator.resolution, 0..count);
    let mut state = inverter.fresh(&frames)?;
    if folder.state().exists() {
        state = sealed::load(state, config, &folder.state())?;
    }
    let path = folder.state();
    let mut recorder = Recorder::new(teller, folder, &path, config);
    let inversion = inverter.resume(&frames, state, &mut recorder)?;
    recorder.finish()?;
    if !inversion.history.is_empty() {
        sealed::save(&inversion.state, config, &path)?;
        teller.wrote(path);
    }
    Ok(inversion)
}

fn concluded(
    out: &Path,
    end: Result<(Manifest, StopReason), Halt>,
    teller: Teller<'_>,
) -> Result<Outcome> {
    let (manifest, stop) = match end {
        Ok((manifest, stop)) => (Some(manifest), stop),
        // Before anything was written.
        Err(Halt::Interrupted) => (None, StopReason::Interrupted),
        Err(Halt::Failed(error)) => return Err(error),
    };
    let finished = manifest.as_ref().is_some_and(|m| m.state == RunState::Finished);
    let measurements =
        if finished { Some(Measurements::read(&out.join("measurements.json"))?) } else { None };
    Ok(Outcome {
        folder: out.to_owned(),
        stop,
        manifest,
        measurements,
        warnings: teller.warnings,
        written: teller.written,
    })
}
