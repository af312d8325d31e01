//! `reelgan demo`: everything once, on a short clip that comes with a package.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, value_parser};
use reelgan::generator::Choice;
use reelgan::invert::{InvertConfig, Preset, StopReason};
use reelgan::job::{
    self, Crop, EditRequest, Fit, FlowSource, InvertRequest, Kit, Made, MorphRequest, RunSummary,
    Selection,
};
use reelgan::prelude::Store;
use reelgan_models::catalog::CARPHONE;
use reelgan_run::manifest::State;
use serde::Serialize;
use serde_json::{Value, json};

use super::{invert, made, models, morph, show};
use crate::config;
use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::settings::{self, Settings};
use crate::spelling::shell_word;
use crate::tools::{Programs, needed};
use crate::watcher::Watcher;

/// The head of the man, in pixels of the decoded frames of 193 x 144.
const CROP: Crop = Crop { x: 34.0, y: 13.0, size: 98.0, angle: -13.0 };
/// Where he turns his head.
const SELECTION: Selection = Selection { start: 52, stride: 1, count: Some(5) };
/// Enough to be seen, and not yet a caricature.
const EDIT: &str = "motion=1";
/// From the first to the last frame.
const MORPH: (usize, usize) = (1, 5);

const EXAMPLES: &str = "\
Examples:
  reelgan demo                                  into ./reelgan-demo
  reelgan demo -o /tmp/demo --preset fast
  reelgan demo --steps 20                       a first look, much sooner

A demo that was interrupted goes on when it is called again.";

/// Fetch the models, invert five frames of a talking head, edit and morph them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder of the run
    #[arg(short, long, value_name = "DIR", default_value = "reelgan-demo")]
    output: PathBuf,
    /// The named settings
    #[arg(long, value_name = "NAME", value_parser = settings::preset(), hide_possible_values = true)]
    preset: Option<Preset>,
    /// Steps of the optimiser, 1 or more [default: the preset's]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    steps: Option<u32>,
    #[command(flatten)]
    programs: Programs,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let config = config::resolve(&Settings::of(arguments.preset, arguments.steps))?;
    let store = Store::standard()?;
    models::fetch(&store, &needed(), console)?;
    let clip = store.path(CARPHONE.name)?;
    let kit = arguments.programs.kit(&store, &Choice::default(), &console.device()?)?;
    interrupt::listen(console.meter.voice())?;

    let out = &arguments.output;
    if !inverted(&kit, clip, config, out, console)? {
        return interrupted(out, console);
    }
    let Some(edit) = edited(&kit, out, console)? else { return interrupted(out, console) };
    let Some(morph) = morphed(&kit, out, console)? else { return interrupted(out, console) };
    let report =
        Report { summary: job::show(out)?, edit: made::data(&edit), morph: made::data(&morph) };
    console.outcome(&report, || words(&report.summary, &edit, &morph))?;
    Ok(Ending::Complete)
}

/// The inversion, begun or continued; whether it came to its end.
fn inverted(
    kit: &Kit,
    clip: PathBuf,
    config: InvertConfig,
    out: &Path,
    console: &mut Console,
) -> Result<bool> {
    let outcome = match begun(out)? {
        Some(run) => {
            invert::same_settings(&run, &config)?;
            if run.state == State::Finished {
                console.note(&format!("{} holds the inversion already", out.display()));
                return Ok(true);
            }
            job::resume(kit, out, &mut Watcher::new(console))?
        }
        None => {
            let request = InvertRequest {
                inputs: vec![clip],
                selection: SELECTION,
                fps: None,
                fit: Fit::Crop(CROP),
                flow: FlowSource::Dense,
                config,
                npy: false,
                command: invert::command_words(),
            };
            job::invert(kit, &request, out, &mut Watcher::new(console))?
        }
    };
    Ok(outcome.stop != StopReason::Interrupted)
}

/// A demo that was begun in the folder. Anything else there is for the library to refuse.
fn begun(out: &Path) -> Result<Option<RunSummary>> {
    if !out.join("manifest.json").exists() {
        return Ok(None);
    }
    let run = job::show(out)?;
    let same_clip = match run.inputs.as_slice() {
        [one] => one.sha256 == CARPHONE.members[0].sha256,
        _ => false,
    };
    let same = same_clip && run.crop == CROP.to_string() && Some(run.frames) == SELECTION.count;
    Ok(same.then_some(run))
}

fn edited(kit: &Kit, out: &Path, console: &mut Console) -> Result<Option<Made>> {
    let request = EditRequest { edits: vec![EDIT.parse()?], ..EditRequest::default() };
    let made = job::edit(kit, out, &request, &mut Watcher::naming(console, "Editing"))?;
    Ok(made.finished.then_some(made))
}

fn morphed(kit: &Kit, out: &Path, console: &mut Console) -> Result<Option<Made>> {
    let (from, to) = MORPH;
    let request = MorphRequest::between(from, to, morph::STEPS.into(), morph::FPS);
    let made = job::morph(kit, out, &request, &mut Watcher::naming(console, "Morphing"))?;
    Ok(made.finished.then_some(made))
}

/// The demo as data: the run, and what was made from it.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    summary: RunSummary,
    edit: Value,
    morph: Value,
}

fn words(run: &RunSummary, edit: &Made, morph: &Made) -> String {
    let file = |folder: &Path, name: &str| folder.join(name).display().to_string();
    let mut text = show::words(run);
    text.push_str("\nLook at\n");
    let mut line = |file: String, what: &str| text.push_str(&format!("  {file:<42} {what}\n"));
    line(file(&run.folder, "report.html"), "everything on one page");
    line(file(&run.folder, "strip.png"), "frames, reconstructions, an edit");
    line(file(&edit.folder, "strip.png"), "more of the clip's own motion");
    line(file(&morph.folder, "strip.png"), "from the first frame to the last");
    text
}

fn interrupted(out: &Path, console: &mut Console) -> Result<Ending> {
    let data = json!({ "folder": out, "interrupted": true });
    console.outcome(&data, || format!("{}: interrupted", out.display()))?;
    console.tell(&format!(
        "interrupted: the same command goes on, and `reelgan invert --resume -o {}` finishes the inversion alone",
        shell_word(out)
    ));
    Ok(Ending::Interrupted)
}
