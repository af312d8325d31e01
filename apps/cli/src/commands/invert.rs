//! `reelgan invert`: consecutive images become codes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};
use reelgan::invert::{InvertConfig, StopReason};
use reelgan::job::{
    self, Aligning, Crop, FfmpegSearch, Fit, FlowSource, InvertRequest, Outcome, RunSummary,
    Selection,
};
use reelgan::prelude::{Clip, Store};
use serde::Serialize;
use serde_json::json;

use super::show;
use crate::config;
use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::settings::Settings;
use crate::spelling::shell_word;
use crate::tools::{Chosen, Programs};
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Examples:
  reelgan invert talk.mp4 -o run                every frame of a clip; the face is found and followed
  reelgan invert a.jpg b.jpg -o pair            several photos of one person
  reelgan invert talk.mp4 --start 30 --stride 2 --count 5 --crop 280,20,400 -o run
  reelgan invert faces/crops --aligned -o run   crops that are ready, as `reelgan align` makes them
  reelgan invert frames/ -o run --preset paper --lr 0.02 --weight-pixel 5
  reelgan invert frames/ -o run2 --config run/config.toml --seed 1
  reelgan invert frames/ -o run3 --generator stylegan2-ffhq-config-f.pt
  reelgan invert --resume -o run                go on after Ctrl-C or a crash

A clip of more frames than --window is worked through in windows that overlap, each from where the
one before ended; a cut begins anew. Own crops fit best with the eyes at 0.38 and 0.62 of their width
and 0.47 of their height.
Where two sources set the same thing, a flag wins over the file, and the file over the preset.
Ctrl-C ends after the present step and saves everything; a second one ends at once.";

/// Turn consecutive images into codes: a video, a folder of images, or several images
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// One video, one folder of images, or one or more images in order
    #[arg(required_unless_present = "resume", value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The folder of the run: new or empty, or with --resume the one to go on with
    #[arg(short, long, value_name = "RUN")]
    output: PathBuf,
    /// Go on with the run in the folder; needs nothing but -o
    #[arg(long)]
    resume: bool,
    /// Write the codes as .npy files, too
    #[arg(long)]
    npy: bool,

    /// Which person to follow, the one most present first
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = value_parser!(u16).range(1..), help_heading = INPUT)]
    face: u16,
    /// Landmarks of the clip's frames instead of the networks': a landmarks.json as `reelgan align`
    /// writes it
    #[arg(long, value_name = "FILE", help_heading = INPUT)]
    landmarks: Option<PathBuf>,
    /// The frames are crops already, as `reelgan align` makes them
    #[arg(long, conflicts_with_all = ["crop", "face", "landmarks"], help_heading = INPUT)]
    aligned: bool,
    /// Take pictures as consecutive frames of a clip, so many a second
    #[arg(long, value_name = "F", help_heading = INPUT)]
    fps: Option<f64>,
    /// Square of the input that shows the face, in pixels: left edge, upper edge, size, and an angle
    /// in degrees, clockwise, if the head is not upright; once for all frames or once for each
    /// [default: the face is found]
    #[arg(long, value_name = "X,Y,SIZE[,ANGLE]", allow_hyphen_values = true,
        conflicts_with_all = ["face", "landmarks"], help_heading = INPUT)]
    crop: Vec<Crop>,
    /// Frames to leave out at the beginning
    #[arg(long, value_name = "N", help_heading = INPUT)]
    start: Option<usize>,
    /// Take every Nth frame, 1 or more [default: 1]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), help_heading = INPUT)]
    stride: Option<u32>,
    /// Frames to take, 1 or more [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), help_heading = INPUT)]
    count: Option<u32>,
    /// Optical flow between the frames: `dense` estimates it, a folder holds .flo files, a file holds
    /// the weights of FlowNet2 (FlowNet2_checkpoint.pth.tar) [default: dense]
    #[arg(long, value_name = "dense|FOLDER|FILE", help_heading = INPUT)]
    flow: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    generator: Chosen,
    #[command(flatten)]
    programs: Programs,
}

const INPUT: &str = "Input";

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let outcome =
        if arguments.resume { resume(arguments, console)? } else { begin(arguments, console)? };
    if outcome.stop == StopReason::Interrupted {
        return interrupted(&outcome, console);
    }
    let report = Report::of(&outcome)?;
    console.outcome(&report, || words(&report.summary))?;
    Ok(Ending::Complete)
}

fn begin(arguments: &Arguments, console: &mut Console) -> Result<Outcome> {
    let config = config::resolve(&arguments.settings)?;
    let store = Store::standard()?;
    let request = request(arguments, config, &arguments.programs.ffmpeg(&store))?;
    let kit = arguments.programs.kit(&store, &arguments.generator.choice(), &console.device()?)?;
    interrupt::listen(console.meter.voice())?;
    Ok(job::invert(&kit, &request, &arguments.output, &mut Watcher::new(console))?)
}

fn request(
    arguments: &Arguments,
    config: InvertConfig,
    ffmpeg: &FfmpegSearch,
) -> Result<InvertRequest> {
    // Input that cannot be used is said before any model is loaded.
    Clip::from_paths(&arguments.inputs, ffmpeg)?;
    Ok(InvertRequest {
        inputs: arguments.inputs.clone(),
        selection: Selection {
            start: arguments.start.unwrap_or(0),
            stride: arguments.stride.unwrap_or(1) as usize,
            count: arguments.count.map(|n| n as usize),
        },
        fps: arguments.fps,
        fit: fit(arguments),
        flow: flow(arguments.flow.as_deref())?,
        config,
        npy: arguments.npy,
        command: command_words(),
    })
}

/// How frames are fitted, as the library takes it.
fn fit(arguments: &Arguments) -> Fit {
    match arguments.crop.as_slice() {
        [] if arguments.aligned => Fit::Ready,
        [] => Fit::Align(Aligning {
            face: arguments.face.into(),
            landmarks: arguments.landmarks.clone(),
            ..Aligning::default()
        }),
        [one] => Fit::Crop(*one),
        several => Fit::Crops(several.to_vec()),
    }
}

fn flow(source: Option<&Path>) -> Result<FlowSource> {
    match source {
        None => Ok(FlowSource::Dense),
        Some(word) if word == Path::new("dense") => Ok(FlowSource::Dense),
        Some(path) if path.exists() => FlowSource::at(path).context("--flow"),
        Some(other) => bail!(
            "--flow {0}: there is no file or folder {0}; give `dense`, a folder of .flo files, or \
             the weights of FlowNet2",
            other.display()
        ),
    }
}

/// The command for the record, the same wherever the program lies.
pub fn command_words() -> Vec<String> {
    let given = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once("reelgan".to_string()).chain(given).collect()
}

fn resume(arguments: &Arguments, console: &mut Console) -> Result<Outcome> {
    let run = &arguments.output;
    if arguments.settings.given() {
        same_settings(&job::show(run)?, &config::resolve(&arguments.settings)?)?;
    }
    let a = arguments;
    let about_input = !(a.inputs.is_empty() && a.crop.is_empty())
        || a.start.is_some()
        || a.stride.is_some()
        || a.count.is_some()
        || a.aligned
        || a.landmarks.is_some()
        || a.fps.is_some()
        || a.flow.is_some()
        || a.npy;
    if about_input {
        console.warn("--resume takes frames, crop, flow and files to write from the run; what was given of them here is not used");
    }
    let kit = arguments.programs.kit_of(run, &arguments.generator, &console.device()?)?;
    interrupt::listen(console.meter.voice())?;
    Ok(job::resume(&kit, run, &mut Watcher::new(console))?)
}

/// Refuses settings other than those the run began with.
pub fn same_settings(run: &RunSummary, now: &InvertConfig) -> Result<()> {
    let folder = run.folder.display();
    let Some(then) = run.config.get("invert") else {
        bail!("{folder}: the manifest does not say with which settings the run began");
    };
    let then: InvertConfig = serde_json::from_value(then.clone())?;
    match config::first_difference(&then, now) {
        None => Ok(()),
        Some((key, then, now)) => bail!(
            "the run in {folder} was begun with other settings ({key}: {then} then, {now} now); \
             leave the settings out to go on with it, or choose another folder with -o"
        ),
    }
}

/// A run and how it ended this time, as data.
#[derive(Debug, Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: RunSummary,
    interrupted: bool,
    warnings: &'a [String],
}

impl<'a> Report<'a> {
    fn of(outcome: &'a Outcome) -> Result<Self> {
        Ok(Self {
            summary: job::show(&outcome.folder)?,
            interrupted: outcome.stop == StopReason::Interrupted,
            warnings: &outcome.warnings,
        })
    }
}

fn words(summary: &RunSummary) -> String {
    let page = summary.folder.join("report.html");
    format!("{}\nLook at {}", show::words(summary), page.display())
}

/// Says how to go on, even if quiet: the user is there.
fn interrupted(outcome: &Outcome, console: &mut Console) -> Result<Ending> {
    if outcome.manifest.is_none() {
        let data = json!({ "folder": outcome.folder, "interrupted": true, "steps": 0 });
        console.outcome(&data, || format!("{}: not begun", outcome.folder.display()))?;
        console.tell("interrupted before anything was written: the same command begins again");
        return Ok(Ending::Interrupted);
    }
    let report = Report::of(outcome)?;
    let s = &report.summary;
    console.outcome(&report, || {
        format!(
            "{}: interrupted at step {} of {}",
            s.folder.display(),
            s.steps,
            s.steps_planned.unwrap_or(0)
        )
    })?;
    let folder = shell_word(&outcome.folder);
    console.tell(&format!(
        "interrupted, and everything is saved; go on with: reelgan invert --resume -o {folder}"
    ));
    Ok(Ending::Interrupted)
}
