//! Directions found without labels.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use reelgan::codes::{Direction, Rows};
use reelgan::directions;
use reelgan::search::SearchConfig;
use serde_json::{Value, json};

use super::shown::data;
use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::tools::Chosen;

/// Directions that change the styles of some rows most, out of the weights (SeFa)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions sefa -o sefa --rows 0..4 --count 10")]
pub(super) struct Sefa {
    /// The folder to write: sefa-1.safetensors, ...
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Rows of the code
    #[arg(long, value_name = "START..END", default_value_t = Rows::ALL)]
    rows: Rows,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: usize,
    #[command(flatten)]
    generator: Chosen,
}

/// Directions that codes spread along most (GANSpace); strength 1 is one deviation
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions pca -o pca --count 10 --samples 10000")]
pub(super) struct Pca {
    /// The folder to write: pca-1.safetensors, ...
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: usize,
    /// Codes drawn
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    samples: usize,
    /// Their seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    generator: Chosen,
}

/// Directions that a second network learns to tell apart (Voynov and Babenko)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions search -o found --count 32 --steps 2000")]
pub(super) struct Search {
    /// The folder to write: search-1.safetensors, ...
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How many
    #[arg(long, value_name = "N", default_value_t = SearchConfig::default().directions)]
    count: usize,
    /// Steps of the optimiser
    #[arg(long, value_name = "N", default_value_t = SearchConfig::default().steps)]
    steps: usize,
    /// Pairs of pictures a step
    #[arg(long, value_name = "N", default_value_t = SearchConfig::default().batch)]
    batch: usize,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = SearchConfig::default().rate)]
    rate: f64,
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    generator: Chosen,
}

/// SeFa.
pub(super) fn sefa(sefa: &Sefa, console: &Console) -> Result<Ending> {
    let generator = sefa.generator.load(&console.device()?)?;
    let found = directions::sefa(generator.as_ref(), sefa.rows, sefa.count)?;
    saved(&found, &sefa.output, console)
}

/// GANSpace.
pub(super) fn pca(pca: &Pca, console: &Console) -> Result<Ending> {
    let generator = pca.generator.load(&console.device()?)?;
    let Pca { count, samples, seed, .. } = *pca;
    let found = directions::ganspace(generator.as_ref(), count, samples, seed)?;
    saved(&found, &pca.output, console)
}

/// Writes directions, a file each.
fn saved(found: &[Direction], folder: &Path, console: &Console) -> Result<Ending> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot write {}", folder.display()))?;
    for direction in found {
        direction.save(&folder.join(format!("{}.safetensors", direction.name)))?;
    }
    let all: Vec<Value> = found.iter().map(data).collect();
    console.outcome(&json!({ "folder": folder, "directions": all }), || {
        let lines: Vec<String> =
            found.iter().map(|d| format!("{}: {}", d.name, d.provenance)).collect();
        lines.join("\n")
    })?;
    Ok(Ending::Complete)
}

pub(super) fn searched(arguments: &Search, console: &mut Console) -> Result<Ending> {
    let generator = arguments.generator.load(&console.device()?)?;
    let config = SearchConfig {
        directions: arguments.count,
        steps: arguments.steps,
        batch: arguments.batch,
        seed: arguments.seed,
        rate: arguments.rate,
        ..SearchConfig::default()
    };
    interrupt::listen(console.meter.voice())?;
    let mut progress = |step: usize, loss: f32| {
        let gauge = Gauge { label: "Searching", done: step as u64, total: config.steps as u64 };
        console.meter.update(gauge, &format!("step {step}/{}, loss {loss:.3}", config.steps));
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match reelgan::search::search(generator.as_ref(), &config, &mut progress)? {
        Some(found) => saved(&found.directions, &arguments.output, console),
        None => {
            console.tell("interrupted: nothing was written; fewer --steps end sooner");
            Ok(Ending::Interrupted)
        }
    }
}
