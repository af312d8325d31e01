//! `cargo xtask layers`: imports point down only.
//!
//! Three checks: which crates a crate may depend on, which modules of the method a
//! module may import, and a few marks in the source (`unsafe`, unfinished code,
//! length). Each has its table at the top of its file.

mod crates;
mod modules;
mod source;

use std::path::Path;

use anyhow::Result;

use crate::command::{Command, no_arguments};
use crate::tree;

/// The command.
pub const COMMAND: Command = Command {
    name: "layers",
    about: "imports point down only; unsafe and unfinished code stay out",
    run,
};

/// Runs the three checks on a checkout and prints what they object to.
pub fn run(root: &Path, args: &[String]) -> Result<()> {
    no_arguments(args)?;
    let metadata = crates::metadata(root)?;
    let sources = tree::rust_sources(root)?;
    let mut problems = crates::check(&metadata);
    problems.extend(modules::check(&sources));
    problems.extend(source::check(&sources));
    for long in source::long_files(&sources) {
        println!("warning: {}: {}", long.place, long.what);
    }
    let passed = format!(
        "layers: {} packages, {} source files, imports point down only",
        metadata.packages.len(),
        sources.len()
    );
    tree::report(&problems, &passed)
}
