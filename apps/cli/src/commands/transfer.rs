//! `reelgan transfer`: the motion of one clip on another face.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use reelgan::codes::Rows;
use reelgan::edit::{Motion, TransferConfig};
use reelgan::job::{self, TransferRequest};

use super::made;
use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::tools::{Chosen, Programs};
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Examples:
  reelgan transfer talk portrait -o moved                the motion of the run talk on the face of portrait
  reelgan transfer talk code.npy --motion principal --strength 1.5
  reelgan transfer talk portrait --strength -1 --rows ..8 -o opposite";

/// Carry the motion of a run over to another face
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The run whose motion is taken
    driver: PathBuf,
    /// The face that is moved: a run, or a file of codes (.npy, .safetensors)
    target: PathBuf,
    /// Which frame of the target, counted from 1
    #[arg(long, value_name = "FRAME", default_value_t = 1)]
    frame: usize,
    /// What of the motion: all of it, or its part along the direction it goes along most
    #[arg(long, value_name = "PART", value_parser = ["whole", "principal"], default_value = "whole")]
    motion: String,
    /// How much of it; negative does the opposite
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true)]
    strength: f32,
    /// Rows of the code that are moved, such as ..8
    #[arg(long, value_name = "START..END", default_value_t = Rows::ALL)]
    rows: Rows,
    /// The folder to write [default: below DRIVER/transfers]
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
        arguments.programs.kit_of(&arguments.driver, &arguments.generator, &console.device()?)?;
    let motion = match arguments.motion.as_str() {
        "principal" => Motion::Principal,
        _ => Motion::Whole,
    };
    let request = TransferRequest {
        target: arguments.target,
        frame: arguments.frame,
        config: TransferConfig { motion, strength: arguments.strength, rows: arguments.rows },
        out: arguments.output,
    };
    interrupt::listen(console.meter.voice())?;
    let watch = &mut Watcher::naming(console, "Transferring");
    let made = job::transfer(&kit, &arguments.driver, &request, watch)?;
    made::show(&made, console)
}
