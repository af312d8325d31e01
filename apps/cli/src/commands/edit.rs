//! `reelgan edit`: a run's frames with directions added to their codes.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use reelgan::edit::Along;
use reelgan::job::{self, EditNoise, EditRequest, PasteRequest};

use super::paste::{HEADING as PASTE, Pasting};
use super::{made, paste};
use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::frames::FrameNumbers;
use crate::interrupt;
use crate::tools::{Chosen, Programs};
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Directions and how far:
  age=+20y              twenty years older; `reelgan directions list` names those that ship
  smile~age=0.8         a direction without its part along another
  yaw:..8=-15deg        on rows 0 to 7 only: low rows turn the head, high rows colour it
  age=@2                to distance 2 from its boundary, wherever the face was
  motion=1.5            the whole motion of the clip, from its first to its last frame
  motion.2=-1           the motion from frame 2 to frame 3, backwards
  mine.npy:4..8=2       a direction from a file (.npy, .safetensors, .pt)

Over time:
  smile=0@0s,2@1s,0@3s           at seconds of the clip, straight lines between them
  age=0y@1f,20y@25f,smooth       at frames counted from 1, a curve between them
  age=+20y#2                     in the second shot only; #1+3 for the first and third

Examples:
  reelgan edit run --along age=+20y,smile=0.8   into run/edits/age=20y+smile=0.8
  reelgan edit run --along motion=1 --along mine.npy:4..8=-2 --name younger
  reelgan edit run --along motion=2 --frames 1,5 -o edited
  reelgan edit run --along motion=2 --noise fixed   after --preset ours++
  reelgan edit run --along age=+20y --paste -o older.mp4              the whole clip, edited
  reelgan edit run --along smile=0@0s,2@1s --paste --compare -o both.mp4";

/// Add directions to the codes of a run and render the result
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: PathBuf,
    /// A direction and how far, at all times or at moments; any number of them, with commas or
    /// flags between them, added in order
    #[arg(long, required = true, value_name = "NAME[:ROWS]=AMOUNT[@TIME,...][#SHOTS]")]
    along: Vec<Edits>,
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
    /// The folder to write instead; with --paste the video (.mp4, .mov, .mkv), or a folder where the
    /// clip is pictures
    #[arg(short, long, value_name = "DIR|VIDEO")]
    output: Option<PathBuf>,
    /// Write the edited codes as .npy files, too
    #[arg(long)]
    npy: bool,
    /// Put the edited faces back into the clip that the run was made from
    #[arg(long, requires = "output", conflicts_with_all = ["frames", "name", "npy"], help_heading = PASTE)]
    paste: bool,
    /// With --paste: the clip, if it is not where the run found it
    #[arg(long, value_name = "VIDEO", requires = "paste", help_heading = PASTE)]
    clip: Option<PathBuf>,
    #[command(flatten)]
    pasting: Pasting,
    #[command(flatten)]
    generator: Chosen,
    #[command(flatten)]
    programs: Programs,
}

/// What one `--along` says.
#[derive(Debug, Clone)]
struct Edits(Vec<Along>);

impl FromStr for Edits {
    type Err = reelgan::Error;

    fn from_str(text: &str) -> reelgan::Result<Self> {
        Along::list(text).map(Self)
    }
}

/// Does it.
pub fn run(arguments: Arguments, console: &mut Console) -> Result<Ending> {
    if !arguments.paste && arguments.pasting.given() {
        let flags = "--region, --feather, --colour, --codec, --quality and --compare";
        return Err(Usage(format!("{flags} say how to --paste; add it")).into());
    }
    let kit =
        arguments.programs.kit_of(&arguments.run, &arguments.generator, &console.device()?)?;
    let out = arguments.output.clone();
    let request = EditRequest {
        edits: arguments.along.into_iter().flat_map(|edits| edits.0).collect(),
        frames: arguments.frames.map(|frames| frames.0),
        name: arguments.name,
        out: arguments.output.filter(|_| !arguments.paste),
        noise: match arguments.noise.as_str() {
            "fixed" => EditNoise::Fixed,
            _ => EditNoise::Original,
        },
        npy: arguments.npy,
    };
    interrupt::listen(console.meter.voice())?;
    let watcher = &mut Watcher::naming(console, "Editing");
    match out.filter(|_| arguments.paste) {
        None => {
            let made = job::edit(&kit, &arguments.run, &request, watcher)?;
            made::show(&made, console)
        }
        Some(out) => {
            let config = arguments.pasting.config();
            let request = PasteRequest { edit: request, clip: arguments.clip, out, config };
            let pasted = job::paste(&kit, &arguments.run, &request, watcher)?;
            paste::show(pasted.as_ref(), console)
        }
    }
}
