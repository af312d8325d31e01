//! `reelgan directions`: directions that ship, learning new ones, measuring what they do.

mod found;
mod learn;
mod shown;

use anyhow::Result;
use clap::{Args, Subcommand};
use reelgan::codes::Direction;
use reelgan::directions;
use reelgan::edit::EditSpec;
use reelgan::generator::Generator;

use crate::console::Console;
use crate::failure::Ending;

const EXAMPLES: &str = "\
Examples:
  reelgan directions list
  reelgan directions info age
  reelgan directions learn -o learned --count 4000 --seed 1
  reelgan directions measure learned/age.safetensors learned/smile.safetensors -o measured
  reelgan directions sefa -o sefa --rows 0..4
  reelgan directions pca -o pca
  reelgan directions search -o found --count 32";

/// Directions: list what ships, learn new ones, measure what they do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    List(shown::List),
    Info(shown::Info),
    Learn(learn::Learn),
    Measure(learn::Measure),
    Sefa(found::Sefa),
    Pca(found::Pca),
    Search(found::Search),
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    match &arguments.what {
        What::List(_) => shown::list(console),
        What::Info(info) => shown::about(info, console),
        What::Learn(learn) => learn::learned(learn, console),
        What::Measure(measure) => learn::measured(measure, console),
        What::Sefa(sefa) => found::sefa(sefa, console),
        What::Pca(pca) => found::pca(pca, console),
        What::Search(search) => found::searched(search, console),
    }
}

/// The directions named, or those that ship.
///
/// # Errors
/// As [`EditSpec::direction_of`].
pub fn named(texts: &[String], generator: &dyn Generator) -> reelgan::Result<Vec<Direction>> {
    if texts.is_empty() {
        return Ok(directions::shipped());
    }
    let (rows, identity) = (generator.rows(), generator.identity());
    texts.iter().map(|text| EditSpec::direction_of(text, rows, identity)).collect()
}
