//! The commands: one file each, from flags to what is shown.

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::arguments::Cli;
use crate::console::Console;
use crate::failure::Ending;

mod align;
mod batch;
mod compare;
mod convert;
mod demo;
mod directions;
mod edit;
mod editability;
mod encode;
mod inspect;
mod invert;
mod made;
mod measure;
mod models;
mod morph;
mod paste;
mod render;
mod sample;
mod show;
mod styleflow;
mod sweep;
mod synth;
mod train;
mod transfer;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(demo::Arguments),
    // Boxed: it has far more flags than the others.
    Invert(Box<invert::Arguments>),
    Align(align::Arguments),
    Directions(directions::Arguments),
    Edit(edit::Arguments),
    Paste(paste::Arguments),
    Batch(batch::Arguments),
    Encode(encode::Arguments),
    Morph(morph::Arguments),
    Transfer(transfer::Arguments),
    Sweep(sweep::Arguments),
    Styleflow(styleflow::Arguments),
    Synth(synth::Arguments),
    Editability(editability::Arguments),
    Train(train::Arguments),
    Render(render::Arguments),
    Show(show::Arguments),
    Compare(compare::Arguments),
    Measure(measure::Arguments),
    Sample(sample::Arguments),
    Models(models::Arguments),
    Inspect(inspect::Arguments),
    Convert(convert::Arguments),
}

/// Runs a command to its end.
///
/// # Errors
/// Whatever keeps it from doing what was asked.
pub fn run(cli: Cli) -> Result<Ending> {
    if let Some(threads) = cli.global.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build_global()
            .context("cannot start the threads")?;
    }
    let console = &mut Console::new(&cli.global);
    match cli.command {
        Command::Demo(arguments) => demo::run(&arguments, console),
        Command::Invert(arguments) => invert::run(&arguments, console),
        Command::Align(arguments) => align::run(&arguments, console),
        Command::Directions(arguments) => directions::run(&arguments, console),
        Command::Compare(arguments) => compare::run(&arguments, console),
        Command::Edit(arguments) => edit::run(arguments, console),
        Command::Paste(arguments) => paste::run(&arguments, console),
        Command::Batch(arguments) => batch::run(&arguments, console),
        Command::Encode(arguments) => encode::run(&arguments, console),
        Command::Morph(arguments) => morph::run(&arguments, console),
        Command::Transfer(arguments) => transfer::run(arguments, console),
        Command::Sweep(arguments) => sweep::run(&arguments, console),
        Command::Styleflow(arguments) => styleflow::run(&arguments, console),
        Command::Synth(arguments) => synth::run(&arguments, console),
        Command::Editability(arguments) => editability::run(&arguments, console),
        Command::Train(arguments) => train::run(&arguments, console),
        Command::Render(arguments) => render::run(arguments, console),
        Command::Show(arguments) => show::run(&arguments, console),
        Command::Measure(arguments) => measure::run(&arguments, console),
        Command::Sample(arguments) => sample::run(&arguments, console),
        Command::Models(arguments) => models::run(&arguments, console),
        Command::Inspect(arguments) => inspect::run(&arguments, console),
        Command::Convert(arguments) => convert::run(&arguments, console),
    }
}
