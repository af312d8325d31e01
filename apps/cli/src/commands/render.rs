//! `reelgan render`: the reconstructions of a run again.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use reelgan::job::{self, RenderRequest};

use super::made;
use crate::console::Console;
use crate::failure::Ending;
use crate::frames::FrameNumbers;
use crate::interrupt;
use crate::tools::{Chosen, Programs};
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Examples:
  reelgan render run                            every frame, into run/renders/all
  reelgan render run --frames 1,3-5             some of them
  reelgan render run --noise-seed 7             with other fine detail: hair, pores
  reelgan render run -o frames                  into another folder";

/// Render the frames of a run from their codes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: PathBuf,
    /// Frames to render, counted from 1, such as 1,3,5-8 [default: all]
    #[arg(long, value_name = "LIST")]
    frames: Option<FrameNumbers>,
    /// Draw new noise inputs from this seed [default: the generator's own noise]
    #[arg(long, value_name = "N")]
    noise_seed: Option<u64>,
    /// The folder to write [default: RUN/renders/NAME]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    generator: Chosen,
    #[command(flatten)]
    programs: Programs,
}

/// Does it.
pub fn run(arguments: Arguments, console: &mut Console) -> Result<Ending> {
    let kit =
        arguments.programs.kit_of(&arguments.run, &arguments.generator, &console.device()?)?;
    let request = RenderRequest {
        frames: arguments.frames.map(|frames| frames.0),
        noise_seed: arguments.noise_seed,
        out: arguments.output,
    };
    interrupt::listen(console.meter.voice())?;
    let made = job::render(&kit, &arguments.run, &request, &mut Watcher::new(console))?;
    made::show(&made, console)
}
