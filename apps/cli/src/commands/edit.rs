//! `reelgan edit`: a run's frames with directions added to their codes.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use reelgan::edit::EditSpec;
use reelgan::job::{self, EditNoise, EditRequest};

use super::made;
use crate::console::Console;
use crate::failure::Ending;
use crate::frames::FrameNumbers;
use crate::interrupt;
use crate::tools::{Chosen, Programs};
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Directions:
  motion=1.5            the whole motion of the clip, from its first to its last frame
  motion.2=-1           the motion from frame 2 to frame 3, backwards
  age.npy=2             a direction from a file (.npy or .safetensors)
  age.npy:4..8=2        on rows 4 to 7 only: low rows turn the head, high rows colour it

Examples:
  reelgan edit run --along motion=1.5           into run/edits/motion=1.5
  reelgan edit run --along motion=1 --along age.npy:4..8=-2 --name younger
  reelgan edit run --along motion=2 --frames 1,5 -o edited
  reelgan edit run --along motion=2 --noise fixed   after --preset ours++";

/// Add directions to the codes of a run and render the result
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: PathBuf,
    /// A direction and its strength; any number of them, added in order
    #[arg(long, required = true, value_name = "NAME[:ROWS]=STRENGTH")]
    along: Vec<EditSpec>,
    /// Frames to edit, counted from 1, such as 1,3,5-8 [default: all]
    #[arg(long, value_name = "LIST")]
    frames: Option<FrameNumbers>,
    /// Noise inputs, where the run optimised them: those of the frames, which keep their fine detail
    /// and may leave ghosts of it, or the generator's own
    #[arg(long, value_name = "NOISE", value_parser = ["original", "fixed"], default_value = "original")]
    noise: String,
    /// Name of the folder below RUN/edits [default: made from the directions]
    #[arg(long, conflicts_with = "output")]
    name: Option<String>,
    /// The folder to write instead
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Write the edited codes as .npy files, too
    #[arg(long)]
    npy: bool,
    #[command(flatten)]
    generator: Chosen,
    #[command(flatten)]
    programs: Programs,
}

/// Does it.
pub fn run(arguments: Arguments, console: &mut Console) -> Result<Ending> {
    let kit = arguments.programs.kit_of(&arguments.run, &arguments.generator)?;
    let request = EditRequest {
        edits: arguments.along,
        frames: arguments.frames.map(|frames| frames.0),
        name: arguments.name,
        out: arguments.output,
        noise: match arguments.noise.as_str() {
            "fixed" => EditNoise::Fixed,
            _ => EditNoise::Original,
        },
        npy: arguments.npy,
    };
    interrupt::listen(console.meter.voice())?;
    let made = job::edit(&kit, &arguments.run, &request, &mut Watcher::naming(console, "Editing"))?;
    made::show(&made, console)
}
