//! `cargo xtask test`: every test, with the models they need.

use std::path::Path;

use anyhow::Result;

use crate::command::{Command, flag};
use crate::stage::{OnFailure, Stage, cargo, run_all};

/// The command.
pub const COMMAND: Command = Command {
    name: "test",
    about: "fetch the models if missing, then every test (--keep-going)",
    run,
};

fn run(root: &Path, args: &[String]) -> Result<()> {
    let on_failure =
        if flag(args, "--keep-going")? { OnFailure::KeepGoing } else { OnFailure::Stop };
    let stages = [models(), tests(), doctests()];
    run_all(root, &stages, on_failure)
}

/// Brings the models into the cache; quick when they are there.
pub fn models() -> Stage {
    Stage::cargo("models", "run --release --bin reelgan -- models fetch --all")
}

/// Unit and integration tests, by nextest where it is installed.
pub fn tests() -> Stage {
    let probe = cargo().args(["nextest", "--version"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Stage::cargo("tests", "nextest run --release --workspace");
    }
    println!("cargo-nextest is not installed: running cargo test instead, one test after another");
    // Heavy tests must not share the memory; without nextest that means all of them.
    Stage::cargo("tests", "test --release --workspace --tests -- --test-threads=1")
}

/// Examples in the documentation.
pub fn doctests() -> Stage {
    Stage::cargo("doctests", "test --release --workspace --doc")
}
