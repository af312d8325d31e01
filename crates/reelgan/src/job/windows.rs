//! A clip of more frames than one window holds, window after window.
//!
//! Each window leaves one file with its codes and losses, and the next goes on from there;
//! the frames of one window are in memory, whatever the length of the clip.

use std::fs;

use reelgan_run::manifest::Manifest;
use reelgan_run::{Array, ArrayFile, RunFolder};

use super::begun::Begun;
use super::inputs::Kept;
use super::invert::Run;
use super::recorder::Recorder;
use super::watch::{Halt, Notice, Teller};
use super::{FlowSource, Kit, sealed};
use crate::codes::Codes;
use crate::flow::{FloFolder, FlowEstimator};
use crate::invert::{Inversion, Inverter, StepRecord, StopReason, Window, losses};
use crate::{Error, Result};

/// What a window found.
pub(super) struct Found {
    /// The codes of [`Window::frames`].
    pub codes: Codes,
    /// The loss of each of them.
    pub losses: Vec<f32>,
    /// The step that measured them.
    pub best_step: Option<usize>,
    /// Losses of all steps.
    pub history: Vec<StepRecord>,
    /// Why it ended.
    stop: StopReason,
}

impl Found {
    /// Why it ended before it should have, if it did.
    pub fn early(&self) -> Option<StopReason> {
        match &self.stop {
            reason @ StopReason::NotFinite { .. } => Some(reason.clone()),
            _ => None,
        }
    }
}

/// Finds the codes of every window that has none yet.
pub(super) fn optimise(kit: &Kit, run: &Run, teller: &mut Teller<'_>) -> Result<(), Halt> {
    let Run { folder, begun, manifest, .. } = run;
    let place = folder.windows_folder();
    fs::create_dir_all(&place)
        .map_err(|source| reelgan_run::Error::Write { path: place.clone(), source })?;
    let windows = begun.windows(manifest.frames);
    teller.stage("invert")?;
    for k in 0..windows.len() {
        let notice = Notice::Window { number: k + 1, total: windows.len() };
        if teller.tell(&notice).is_break() {
            return Err(Halt::Interrupted);
        }
        if !folder.window(k + 1).exists() {
            one(kit, run, &windows, k, teller)?;
        }
        // What it was on the way is of no more use.
        remove(&folder.window_state(k + 1))?;
    }
    Ok(())
}

/// One window, from its state on the disk if there is one.
fn one(
    kit: &Kit,
    run: &Run,
    windows: &[Window],
    k: usize,
    teller: &mut Teller<'_>,
) -> Result<(), Halt> {
    let Run { folder, begun, manifest, flow } = run;
    let window = &windows[k];
    let config = begun.invert.of_window(window);
    let flow = within(begun, window, flow.as_ref());
    let inverter = Inverter::new(kit.generator.as_ref(), &kit.nets, flow.get(), config.clone())?
        .with_room(super::invert::room(folder));
    inverter.remark().into_iter().for_each(|remark| teller.warn(remark));
    let count = window.all().len();
    let frames = Kept::new(folder, manifest.generator.resolution, window.all());
    let mut state = match window.anchor() {
        None => inverter.fresh(&frames)?,
        Some(anchor) => {
            let before = read(folder, manifest, begun, windows, k - 1)?.codes;
            let from = anchor - windows[k - 1].frames.start;
            let known: Vec<usize> = (from..before.count()).collect();
            inverter.continued(&before.select(&known)?, &frames)?
        }
    };
    let path = folder.window_state(k + 1);
    if path.exists() {
        state = sealed::load(state, &config, &path)?;
    }
    let flows = super::invert::needs_flow(&config, count);
    teller.clock.enter(if flows { "flow" } else { "invert" });
    let mut recorder = Recorder::new(teller, folder, &path, &config);
    let inversion = inverter.resume(&frames, state, &mut recorder)?;
    recorder.finish()?;
    teller.clock.enter("invert");
    if inversion.stop == StopReason::Interrupted {
        if !inversion.history.is_empty() {
            sealed::save(&inversion.state, &config, &path)?;
            teller.wrote(path);
        }
        return Err(Halt::Interrupted);
    }
    if let StopReason::NotFinite { .. } = inversion.stop {
        teller.warn(format!(
            "frames {} to {} ended early: {}; their codes are the best before that (a lower \
             learning rate may help)",
            window.frames.start + 1,
            window.frames.end,
            inversion.stop
        ));
    }
    save(&inversion, &folder.window(k + 1))?;
    teller.wrote(folder.window(k + 1));
    Ok(())
}

/// A source of flows for the frames of a window.
pub(super) enum Within<'a> {
    /// One that looks at the frames alone.
    Any(&'a dyn FlowEstimator),
    /// One that counts the frames of the clip.
    Files(FloFolder),
}

impl Within<'_> {
    pub fn get(&self) -> &dyn FlowEstimator {
        match self {
            Self::Any(flow) => *flow,
            Self::Files(files) => files,
        }
    }
}

/// The run's source of flows for the frames of a window.
pub(super) fn within<'a>(
    begun: &Begun,
    window: &Window,
    flow: &'a dyn FlowEstimator,
) -> Within<'a> {
    match &begun.flow {
        FlowSource::FloFolder(path) => {
            Within::Files(FloFolder::new(path).beginning_at(window.all().start))
        }
        _ => Within::Any(flow),
    }
}

fn remove(path: &std::path::Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path, e.to_string())),
        _ => Ok(()),
    }
}

fn save(inversion: &Inversion, path: &std::path::Path) -> Result<()> {
    let variables = inversion.state.best_variables();
    let (codes, held) = (variables.codes(), variables.held());
    let found = codes.select(&(held..codes.count()).collect::<Vec<_>>())?;
    let losses = inversion.best.as_ref().map_or(Vec::new(), |best| best.frames.clone());
    let mut file = ArrayFile::default();
    let shape = [found.count(), found.rows(), found.dim()];
    file.arrays.insert("codes".into(), Array::new(shape, found.data().to_vec())?);
    file.arrays.insert("losses".into(), Array::new([losses.len()], losses)?);
    losses::put(&mut file, &inversion.history)?;
    if let Some(best) = &inversion.best {
        file.metadata.insert("best_step".into(), best.step.to_string());
    }
    let stop = serde_json::to_string(&inversion.stop).expect("a reason is plain data");
    file.metadata.insert("stop".into(), stop);
    sealed::seal(&mut file);
    Ok(file.write(path)?)
}

/// Reads what window `k`, counted from 0, found.
///
/// # Errors
/// A file that is missing or was changed.
pub(super) fn read(
    folder: &RunFolder,
    manifest: &Manifest,
    begun: &Begun,
    windows: &[Window],
    k: usize,
) -> Result<Found> {
    let path = folder.window(k + 1);
    let file = sealed::read(&path)?;
    let reelgan_run::manifest::Generator { rows, dim, .. } = manifest.generator;
    let (window, config) = (&windows[k], begun.invert.of_window(&windows[k]));
    let wrong = |what: &str| Error::file(&path, format!("does not fit its run: {what}"));
    let codes = file.get("codes")?;
    if codes.shape != [window.frames.len(), rows, dim] {
        return Err(wrong(&format!("codes of shape {:?}", codes.shape)));
    }
    let history = losses::records(&file, &config, &path)?;
    let best_step = file.metadata.get("best_step").and_then(|text| text.parse().ok());
    if best_step.is_some_and(|step: usize| step >= history.len()) {
        return Err(wrong("its best step is none of its steps"));
    }
    let stop = file.metadata.get("stop").and_then(|text| serde_json::from_str(text).ok());
    let mut losses = file.get("losses")?.data.clone();
    if losses.is_empty() {
        // No step gave a finite loss.
        losses = vec![f32::NAN; window.frames.len()];
    }
    Ok(Found {
        codes: Codes::new(rows, dim, codes.data.clone())?,
        losses,
        best_step,
        history,
        stop: stop.ok_or_else(|| wrong("it does not say why it ended"))?,
    })
}

/// Steps that the windows on the disk and the one under way have taken.
pub(super) fn steps_on_disk(folder: &RunFolder) -> Result<usize> {
    let steps = |path: &std::path::Path| -> Result<Option<usize>> {
        if !path.exists() {
            return Ok(None);
        }
        Ok(ArrayFile::read(path)?.get("history")?.shape.first().copied())
    };
    let mut all = 0;
    for number in 1.. {
        match steps(&folder.window(number))? {
            Some(taken) => all += taken,
            None => return Ok(all + steps(&folder.window_state(number))?.unwrap_or(0)),
        }
    }
    Ok(all)
}
