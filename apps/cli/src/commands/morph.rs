//! `reelgan morph`: the way from one frame of a run to another.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, value_parser};
use reelgan::codes::Rows;
use reelgan::edit::Easing;
use reelgan::job::{self, MorphRequest, MorphWay};

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
  reelgan morph run --from 1 --to 1 --into other --rows 8..   colours only
  reelgan morph run --into other                the whole clip, while it plays, into another";

/// Render the straight way between the codes of two frames, or of two clips
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: PathBuf,
    /// The frame it begins with, counted from 1; without --from and --to the whole clip goes over
    /// into --into, frame by frame
    #[arg(long, value_name = "FRAME", requires = "to", required_unless_present = "into")]
    from: Option<usize>,
    /// The frame it ends with, counted from 1
    #[arg(long, value_name = "FRAME", requires = "from", required_unless_present = "into")]
    to: Option<usize>,
    /// Pictures from --from to --to, both ends included, 2 to 10000
    #[arg(long, value_name = "N", default_value_t = STEPS, value_parser = value_parser!(u16).range(2..=10_000))]
    steps: u16,
    /// Pictures a second of their video, 0.1 to 240
    #[arg(long, value_name = "RATE", default_value_t = FPS)]
    fps: f64,
    /// Another run, or a file of codes (.npy, .safetensors), that --to is a frame of; of a clip
    /// that is shorter the last frame stays
    #[arg(long, value_name = "RUN|FILE")]
    into: Option<PathBuf>,
    /// How the way is divided: linear, smooth (slow at both ends), in, out
    #[arg(long, value_name = "EASING", default_value_t)]
    easing: Easing,
    /// Rows of the code that go the way; the others stay, so the end is a style mix
    #[arg(long, value_name = "START..END", default_value_t = Rows::ALL)]
    rows: Rows,
    /// The folder to write [default: RUN/morphs/FROM-TO, or RUN/morphs/INTO]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    generator: Chosen,
    #[command(flatten)]
    programs: Programs,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let Arguments { steps, fps, easing, rows, .. } = *arguments;
    if !(0.1..=240.0).contains(&fps) {
        return Err(Usage(format!("--fps {fps}: give a number from 0.1 to 240")).into());
    }
    let kit =
        arguments.programs.kit_of(&arguments.run, &arguments.generator, &console.device()?)?;
    let (out, into) = (arguments.output.clone(), arguments.into.clone());
    let way = match (arguments.from.zip(arguments.to), into) {
        (Some((from, to)), into) => MorphWay::Frames { from, to, into, steps: steps.into(), fps },
        (None, Some(into)) => MorphWay::Clip { into },
        (None, None) => return Err(Usage("give --from and --to, or --into".into()).into()),
    };
    let request = MorphRequest { way, easing, rows, out };
    interrupt::listen(console.meter.voice())?;
    let made =
        job::morph(&kit, &arguments.run, &request, &mut Watcher::naming(console, "Morphing"))?;
    made::show(&made, console)
}
