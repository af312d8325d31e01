//! What a task is.

use std::path::Path;

use anyhow::{Result, bail};

/// One task of the project.
pub struct Command {
    /// The word after `cargo xtask`.
    pub name: &'static str,
    /// One line for the list of tasks.
    pub about: &'static str,
    /// Runs the task on the checkout at the path with the words after the name.
    pub run: fn(&Path, &[String]) -> Result<()>,
}

/// Whether the only flag a task knows was given; any other word is an error.
pub fn flag(args: &[String], flag: &str) -> Result<bool> {
    match args {
        [] => Ok(false),
        [only] if only == flag => Ok(true),
        _ => bail!("unexpected arguments {args:?}; the only one known is `{flag}`"),
    }
}

/// For tasks without arguments.
pub fn no_arguments(args: &[String]) -> Result<()> {
    if args.is_empty() {
        return Ok(());
    }
    bail!("takes no arguments, got {args:?}")
}
