//! `reelgan train`: what the project learns from a generator's own samples.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use reelgan::encode::start::{self, FitConfig};
use reelgan::perceptual;
use reelgan::prelude::Store;
use serde_json::json;

use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::duration;
use crate::tools::Chosen;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan train encoder -o start.safetensors    the file that ships was made so
  reelgan train encoder -o start.safetensors --count 2000 --seed 1";

/// Learn from a generator's own samples
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What to learn.
#[derive(Debug, Subcommand)]
enum What {
    Encoder(Encoder),
}

/// The learned start of inversions: features of a face to a code of W
///
/// Draws samples of the generator and fits a linear map from pooled VGG16 features to W by
/// ridge regression. The same seed gives the same file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Encoder {
    /// The file to write, .safetensors
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Samples to draw, 100 or more; each takes about 50 kB of memory twice
    #[arg(long, value_name = "N", default_value_t = FitConfig::default().count)]
    count: usize,
    /// Seed of the samples
    #[arg(long, value_name = "N", default_value_t = FitConfig::default().seed)]
    seed: u64,
    /// Directions of W that are predicted, those of largest variance
    #[arg(long, value_name = "N", default_value_t = FitConfig::default().rank)]
    rank: usize,
    /// Ridge, relative to the mean squared length of the features, above 0
    #[arg(long, value_name = "R", default_value_t = FitConfig::default().ridge)]
    ridge: f64,
    #[command(flatten)]
    generator: Chosen,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let What::Encoder(arguments) = &arguments.what;
    check(&arguments.output)?;
    let device = console.device()?;
    let generator = arguments.generator.load(&device)?;
    let vgg16 = perceptual::open(&Store::standard()?, &device)?.vgg16();
    let &Encoder { count, seed, rank, ridge, .. } = arguments;
    interrupt::listen(console.meter.voice())?;
    let mut pace = Pace::new();
    let config = FitConfig { count, seed, rank, ridge };
    let map = start::fit(generator.as_ref(), vgg16, config, &mut |done| {
        pace.mark(done);
        let left = pace.left(done, count).map(|t| format!(", {} left", duration(t)));
        let text = format!("sample {done}/{count}{}", left.unwrap_or_default());
        let gauge = Gauge { label: "Sampling", done: done as u64, total: count as u64 };
        console.meter.update(gauge, &text);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let Some(map) = map else {
        console.tell("interrupted: the same command does it again");
        return Ok(Ending::Interrupted);
    };
    map.save(&arguments.output)?;
    let data = json!({
        "file": arguments.output,
        "generator": map.generator(),
        "report": map.report(),
    });
    console.outcome(&data, || {
        format!(
            "{}: explains {:.1} % of the variance of W on samples it did not see",
            arguments.output.display(),
            100.0 * map.report().explained
        )
    })?;
    Ok(Ending::Complete)
}

/// Refuses what would only fail after the work.
fn check(output: &Path) -> Result<()> {
    if !output.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors")) {
        let said = format!("--output {}: give a name that ends in .safetensors", output.display());
        return Err(Usage(said).into());
    }
    let parent = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() || output.is_dir() {
        bail!("cannot write {}: give a file in a folder that exists", output.display());
    }
    Ok(())
}
