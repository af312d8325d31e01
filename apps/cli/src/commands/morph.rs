//! `reelgan morph`: the way from one frame of a run to another.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, value_parser};
use reelgan::codes::Rows;
use reelgan::edit::Easing;
use reelgan::job::{self, MorphRequest};

use super::made;
use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::interrupt;
use crate::tools::{Chosen, Programs};
use crate::watcher::Watcher;

/// Pictures of a morph if none are asked for.
pub const STEPS: u16 = 24;
/// Pictures a second if nothing else is asked for.
pub const FPS: f64 = 12.0;

const EXAMPLES: &str = "\
Examples:
  reelgan morph run --from 1 --to 5             into run/morphs/1-5
  reelgan morph run --from 1 --to 5 --steps 60 --fps 30 --easing smooth -o smooth
  reelgan morph run --from 1 --to 3 --into other       to frame 3 of another run
  reelgan morph run --from 1 --to 1 --into other --rows 8..   colours only";

/// Render the straight way between the codes of two frames
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: PathBuf,
    /// The frame it begins with, counted from 1
    #[arg(long, value_name = "FRAME")]
    from: usize,
    /// The frame it ends with, counted from 1
    #[arg(long, value_name = "FRAME")]
    to: usize,
    /// Pictures, both ends included, 2 to 10000
    #[arg(long, value_name = "N", default_value_t = STEPS, value_parser = value_parser!(u16).range(2..=10_000))]
    steps: u16,
    /// Pictures a second of the video, 0.1 to 240
    #[arg(long, value_name = "RATE", default_value_t = FPS)]
    fps: f64,
    /// Another run, or a file of codes (.npy, .safetensors), that --to is a frame of
    #[arg(long, value_name = "RUN|FILE")]
    into: Option<PathBuf>,
    /// How the way is divided: linear, smooth (slow at both ends), in, out
    #[arg(long, value_name = "EASING", default_value_t)]
    easing: Easing,
    /// Rows of the code that go the way; the others stay, so the end is a style mix
    #[arg(long, value_name = "START..END", default_value_t = Rows::ALL)]
    rows: Rows,
    /// The folder to write [default: RUN/morphs/FROM-TO]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    generator: Chosen,
    #[command(flatten)]
    programs: Programs,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let Arguments { from, to, steps, fps, easing, rows, .. } = *arguments;
    if !(0.1..=240.0).contains(&fps) {
        return Err(Usage(format!("--fps {fps}: give a number from 0.1 to 240")).into());
    }
    let kit = arguments.programs.kit_of(&arguments.run, &arguments.generator)?;
    let out = arguments.output.clone();
    let into = arguments.into.clone();
    let request = MorphRequest { from, to, steps: steps.into(), fps, into, easing, rows, out };
    interrupt::listen(console.meter.voice())?;
    let made =
        job::morph(&kit, &arguments.run, &request, &mut Watcher::naming(console, "Morphing"))?;
    made::show(&made, console)
}
