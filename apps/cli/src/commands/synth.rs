//! `reelgan synth`: sequences with known codes and known edits.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum, value_parser};
use reelgan::synth::{Kind, Set, SynthConfig};
use serde_json::json;

use super::directions;
use crate::console::Console;
use crate::failure::Ending;
use crate::frames::FrameNumbers;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::counted;
use crate::tools::Chosen;

const EXAMPLES: &str = "\
Examples:
  reelgan synth -o linear --kind linear --count 1000 --frames 5 --seed 0
  reelgan synth -o curved --kind nonlinear --count 100
  reelgan synth -o linear --count 1000 --images 1-20    pictures of the first 20, too";

/// Synthesise sequences whose codes and edits are known, to measure inversions with
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder to write; the same command goes on where it was interrupted
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How the frames of a sequence differ
    #[arg(long, value_enum, default_value_t)]
    kind: Way,
    /// Sequences
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Frames of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    frames: u16,
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Truncation of the faces
    #[arg(long, value_name = "PSI", default_value_t = 0.7)]
    truncation: f32,
    /// Directions, names or files, separated by commas [default: all that ship]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    along: Vec<String>,
    /// Render the frames of these sequences, counted from 1, such as 1-20
    #[arg(long, value_name = "LIST")]
    images: Option<FrameNumbers>,
    #[command(flatten)]
    generator: Chosen,
}

/// [`Kind`] by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Way {
    /// each frame moved along one direction, both at random (paper 4.2)
    #[default]
    Linear,
    /// frames along a curve between two directions; curves of our own, not StyleFlow's
    Nonlinear,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let generator = arguments.generator.load(&console.device()?)?;
    let generator = generator.as_ref();
    let all = directions::named(&arguments.along, generator)?;
    let config = SynthConfig {
        kind: match arguments.kind {
            Way::Linear => Kind::Linear,
            Way::Nonlinear => Kind::Curved,
        },
        count: arguments.count as usize,
        frames: arguments.frames.into(),
        seed: arguments.seed,
        truncation: arguments.truncation,
        ..SynthConfig::default()
    };
    interrupt::listen(console.meter.voice())?;
    let set = Set::create(generator, &all, &config, &arguments.output)?;
    let which: Vec<usize> = match &arguments.images {
        None => Vec::new(),
        Some(numbers) => numbers.0.iter().map(|k| k - 1).collect(),
    };
    let mut progress = |done: usize, total: usize| {
        let gauge = Gauge { label: "Rendering", done: done as u64, total: total as u64 };
        console.meter.update(gauge, &format!("sequence {done}/{total}"));
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let finished = set.write_images(generator, &which, &mut progress)?;
    let data = json!({
        "folder": arguments.output,
        "sequences": set.sequences().len(),
        "rendered": which.len(),
        "finished": finished,
        "set": set.contents(),
    });
    console.outcome(&data, || {
        format!("{}: {}", arguments.output.display(), counted(set.sequences().len(), "sequence"))
    })?;
    if finished {
        return Ok(Ending::Complete);
    }
    console.tell("interrupted: the same command goes on");
    Ok(Ending::Interrupted)
}
