//! `reelgan directions`: directions that ship, and learning new ones.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, value_parser};
use reelgan::directions::{Survey, SurveyConfig};
use reelgan::face::{FaceReader, Finding};
use reelgan::generator;
use reelgan::prelude::{Device, Store};

use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::duration;
use crate::tools::Chosen;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan directions learn -o learned --count 4000 --seed 1";

/// Directions: list what ships, learn new ones
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    Learn(Learn),
}

/// Learn directions of attributes from faces that the generator draws
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Learn {
    /// The folder to write: one file a direction, and the readings in scores/
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Faces to draw and read
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = value_parser!(u32).range(100..=1_000_000))]
    count: u32,
    /// Seed of the faces
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Truncation of the faces
    #[arg(long, value_name = "PSI", default_value_t = 1.0)]
    truncation: f32,
    #[command(flatten)]
    generator: Chosen,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    match &arguments.what {
        What::Learn(learn) => learned(learn, console),
    }
}

fn learned(arguments: &Learn, console: &mut Console) -> Result<Ending> {
    let store = Store::standard()?;
    let device = Device::flex();
    let generator = generator::load(&store, &arguments.generator.choice(), &device)?;
    // Generated faces fill the picture.
    let reader =
        FaceReader::with(&store, Finding { threshold: 0.3, ..Finding::default() }, &device)?;
    let config = SurveyConfig {
        count: arguments.count as usize,
        seed: arguments.seed,
        truncation: arguments.truncation,
    };
    interrupt::listen(console.meter.voice())?;
    let folder = arguments.output.join("scores");
    let mut pace = Pace::new();
    let mut progress = |done: usize, total: usize| {
        pace.mark(done);
        let left = pace.left(done, total).map(|t| format!(", {} left", duration(t)));
        let text = format!("face {done}/{total}{}", left.unwrap_or_default());
        let gauge = Gauge { label: "Reading faces", done: done as u64, total: total as u64 };
        console.meter.update(gauge, &text);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let survey = Survey::take(generator.as_ref(), &reader, config, &folder, &mut progress)?;
    let Some(survey) = survey else {
        console.tell("interrupted: the same command goes on");
        return Ok(Ending::Interrupted);
    };
    console.tell(&format!("{} of {} show a face", survey.faces(), config.count));
    Ok(Ending::Complete)
}
