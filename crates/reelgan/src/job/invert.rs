//! An inversion in a run folder, from its inputs to its report.

use std::path::{Path, PathBuf};

use reelgan_run::folder::Existing;
use reelgan_run::manifest::{Manifest, Measurements, State as RunState};
use reelgan_run::{Images, RunFolder, atomic};

use super::begun::{self, Begun};
use super::inputs::{self, Inputs};
use super::recorder::Recorder;
use super::watch::{Halt, Teller, Watch};
use super::{FlowSource, InvertRequest, Kit, noise, page, pictures, results, sealed};
use crate::Result;
use crate::flow::{DenseFlow, FloFolder, FlowEstimator, FlowNet2Flow};
use crate::invert::{Inversion, InvertConfig, Inverter, StopReason};

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
    manifest: Manifest,
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
    let inputs = Inputs::read(kit, request, teller)?;
    let flow = flow(kit, &request.flow, &request.config, inputs.frames.count(), teller)?;
    let folder = RunFolder::create(out, Existing::Refuse)?;
    inputs.save(&folder, teller)?;
    let begun = Begun::new(request, &inputs, &teller.warnings)?;
    let manifest = begun::manifest(kit, request, &inputs, &begun)?;
    atomic::write(&folder.config(), settings.as_bytes())?;
    teller.wrote(folder.config());
    manifest.write(&folder.manifest())?;
    teller.wrote(folder.manifest());
    proceed(kit, Run { folder, manifest, begun, flow }, &inputs.frames, teller)
}

fn go_on(kit: &Kit, out: &Path, teller: &mut Teller<'_>) -> Result<(Manifest, StopReason), Halt> {
    let folder = RunFolder::create(out, Existing::Resume)?;
    if !folder.manifest().exists() {
        return Err(Halt::from(reelgan_run::Error::FolderIncomplete {
            path: out.to_owned(),
            missing: "manifest.json".into(),
            advice: "the run ended before its inputs were saved: remove the folder and begin again",
        }));
    }
    let manifest = Manifest::read(&folder.manifest())?;
    begun::check_same(kit, &folder, &manifest)?;
    let begun = Begun::of(&folder, &manifest)?;
    if manifest.state == RunState::Finished {
        teller.warn("this run was finished already; nothing was done".into());
        return Ok((manifest, StopReason::Finished));
    }
    begun::check_same_flow(&manifest, &begun)?;
    teller.clock.add_earlier(&folder.timing());
    // Whoever asks to end here is heard at the next stage, where the run is at hand.
    let _ = teller.stage("read");
    for warning in &begun.warnings {
        teller.warn(warning.clone());
    }
    let frames = inputs::saved(&folder, &manifest, &begun.frames_sha256)?;
    let flow = flow(kit, &begun.flow, &begun.invert, frames.count(), teller)?;
    proceed(kit, Run { folder, manifest, begun, flow }, &frames, teller)
}

/// Whether an inversion of so many frames asks for flows.
fn needs_flow(config: &InvertConfig, frames: usize) -> bool {
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
    frames: &Images,
    teller: &mut Teller<'_>,
) -> Result<(Manifest, StopReason), Halt> {
    match advance(kit, &mut run, frames, teller) {
        Err(Halt::Interrupted) => {
            teller.clock.timing().write(&run.folder.timing())?;
            Ok((run.manifest, StopReason::Interrupted))
        }
        Err(failed) => Err(failed),
        Ok(stop) => Ok((run.manifest, stop)),
    }
}

fn advance(
    kit: &Kit,
    run: &mut Run,
    frames: &Images,
    teller: &mut Teller<'_>,
) -> Result<StopReason, Halt> {
    let inversion = optimise(kit, run, frames, teller)?;
    begun::note_progress(&mut run.manifest, &inversion);
    let codes = results::write_codes(kit, &run.folder, &run.begun, &inversion, teller)?;
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
    run.manifest.stop_reason = Some(inversion.stop.to_string());
    noise::optimise(kit, run, frames, &codes, teller)?;
    let rendered = results::render(kit, &run.folder, frames, &codes, &run.begun, teller)?;
    let strip = pictures::strip(kit, &run.folder, &inversion.trajectory, &rendered, teller)?;
    let manifest = Manifest { state: RunState::Finished, ..run.manifest.clone() };
    let pages = page::Contents {
        manifest: &manifest,
        settings: &run.begun,
        history: &inversion.history,
        rendered: &rendered,
        strip: &strip,
    };
    page::write(&pages, &run.folder, teller)?;
    teller.clock.timing().write(&run.folder.timing())?;
    // Last: a manifest that says "finished" means that everything is there.
    manifest.write(&run.folder.manifest())?;
    run.manifest = manifest;
    Ok(inversion.stop)
}

/// Runs the optimisation, from the state in the folder if there is one.
fn optimise(
    kit: &Kit,
    run: &Run,
    frames: &Images,
    teller: &mut Teller<'_>,
) -> Result<Inversion, Halt> {
    let config = &run.begun.invert;
    let inverter =
        Inverter::new(kit.generator.as_ref(), &kit.nets, run.flow.as_ref(), config.clone())?;
    let mut state = inverter.fresh(frames.count());
    if run.folder.state().exists() {
        state = sealed::load(state, config, &run.folder.state())?;
    }
    let first = if needs_flow(config, frames.count()) { "flow" } else { "invert" };
    teller.stage(first)?;
    let mut recorder = Recorder::new(teller, &run.folder, config);
    let inversion = inverter.resume(frames, state, &mut recorder)?;
    recorder.finish()?;
    if !inversion.history.is_empty() {
        sealed::save(&inversion.state, config, &run.folder.state())?;
        teller.wrote(run.folder.state());
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
