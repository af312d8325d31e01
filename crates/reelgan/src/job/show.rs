//! What a run was, for people and programs; needs no model.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use reelgan_run::manifest::{
    Better, Generator, Input, Manifest, Measurements, Network, State, Timing,
};
use reelgan_run::{ArrayFile, Error as RunError, RunFolder};
use serde::Serialize;

use super::begun::Begun;
use super::request::in_words;
use super::windows;
use crate::Result;

/// A run in a few lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// Its folder.
    pub folder: PathBuf,
    /// `running` (begun, perhaps interrupted) or `finished`.
    pub state: State,
    /// Why it ended, once it has.
    pub stop_reason: Option<String>,
    /// Number of frames.
    pub frames: usize,
    /// The preset that the settings began from.
    pub preset: String,
    /// Steps taken; of an unfinished run those that are on the disk.
    pub steps: u64,
    /// Steps planned.
    pub steps_planned: Option<u64>,
    /// The step whose codes were kept, counted from 0.
    pub best_step: Option<u64>,
    /// The loss terms at that step; `null` where one was no finite number.
    pub losses: BTreeMap<String, f64>,
    /// The metrics by name.
    pub metrics: BTreeMap<String, MetricSummary>,
    /// The generator.
    pub generator: Generator,
    /// The perceptual network.
    pub perceptual: Option<Network>,
    /// The network that estimated the flows, if one did.
    pub flow: Option<Network>,
    /// The seed of everything random.
    pub seed: u64,
    /// What it ran on.
    pub device: String,
    /// The files that the images came from.
    pub inputs: Vec<Input>,
    /// The square that was used, as `x,y,size`.
    pub crop: String,
    /// Every setting.
    pub config: serde_json::Value,
    /// Seconds by stage, if known.
    pub seconds: BTreeMap<String, f64>,
    /// The most memory held at once, in bytes, if known.
    pub peak_memory: Option<u64>,
    /// Files of the run itself, relative to the folder, in order.
    pub files: Vec<String>,
    /// Folders of edits, morphs and renders made from it.
    pub made: Vec<String>,
    /// That its pictures are no photographs.
    pub notice: String,
}

/// One metric of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricSummary {
    /// Mean over the frames.
    pub mean: f64,
    /// Unit; empty if it has none.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// One value a frame.
    pub frames: Vec<f64>,
}

/// Reads what a run folder says of its run.
///
/// # Errors
/// A folder without a manifest, damaged files.
pub fn show(run: &Path) -> Result<RunSummary> {
    let manifest = Manifest::read(&run.join("manifest.json")).map_err(|e| no_run(run, e))?;
    let metrics = optional(Measurements::read(&run.join("measurements.json")))?;
    let timing = optional(Timing::read(&run.join("timing.json")))?.unwrap_or_default();
    let steps = match manifest.state {
        State::Finished => manifest.steps_done,
        State::Running => steps_on_disk(run)?.max(manifest.steps_done),
    };
    let begun = Begun::of(&RunFolder::open_any(run), &manifest).ok();
    let steps_planned = begun.map(|begun| begun.steps(manifest.frames) as u64);
    let (files, made) = contents(run)?;
    Ok(RunSummary {
        folder: run.to_owned(),
        state: manifest.state,
        stop_reason: manifest.stop_reason,
        frames: manifest.frames,
        preset: manifest.preset,
        steps,
        steps_planned,
        best_step: manifest.best_step,
        losses: manifest.losses,
        metrics: metrics.unwrap_or_default().metrics.into_iter().map(summarised).collect(),
        generator: manifest.generator,
        perceptual: manifest.perceptual,
        flow: manifest.flow,
        seed: manifest.seed,
        device: manifest.device,
        inputs: manifest.inputs,
        crop: match manifest.crops.as_slice() {
            many @ [_, _, ..] if many.len() == manifest.frames && many.len() > 8 => {
                format!("{} squares, in transforms.json", many.len())
            }
            few => in_words(few),
        },
        config: manifest.config,
        seconds: timing.seconds,
        peak_memory: timing.peak_memory,
        files,
        made,
        notice: manifest.notice,
    })
}

fn summarised((name, m): (String, reelgan_run::manifest::Metric)) -> (String, MetricSummary) {
    (name, MetricSummary { mean: m.mean, unit: m.unit, better: m.better, frames: m.frames })
}

/// A folder without a manifest is told apart from one whose manifest is damaged.
fn no_run(run: &Path, error: RunError) -> RunError {
    match error {
        RunError::Read { source, .. }
            if run.is_dir() && source.kind() == std::io::ErrorKind::NotFound =>
        {
            RunError::FolderIncomplete {
                path: run.to_owned(),
                missing: "manifest.json".into(),
                advice: "give a folder that `reelgan invert` wrote",
            }
        }
        other => other,
    }
}

/// What a file says that need not be there yet.
fn optional<T>(read: reelgan_run::Result<T>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(RunError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}

/// Steps that an unfinished run could go on from.
fn steps_on_disk(run: &Path) -> Result<u64> {
    if run.join("windows").is_dir() {
        return Ok(windows::steps_on_disk(&RunFolder::open_any(run))? as u64);
    }
    let state = optional(ArrayFile::read(&run.join("state.safetensors")))?;
    let history = state.as_ref().and_then(|file| file.arrays.get("history"));
    Ok(history.and_then(|a| a.shape.first().copied()).unwrap_or(0) as u64)
}

/// The run's files, and the folders of what was made from it.
fn contents(run: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let (mut files, mut made) = (Vec::new(), Vec::new());
    for name in names(run)? {
        let path = run.join(&name);
        if !path.is_dir() {
            files.push(name);
        } else if ["edits", "morphs", "renders"].contains(&name.as_str()) {
            made.extend(names(&path)?.into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            files.extend(names(&path)?.into_iter().map(|inner| format!("{name}/{inner}")));
        }
    }
    Ok((files, made))
}

/// The names in a folder, in order, without hidden ones.
fn names(folder: &Path) -> Result<Vec<String>> {
    let fail = |source| RunError::Read { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
