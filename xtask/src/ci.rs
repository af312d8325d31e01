//! `cargo xtask ci`: everything a change has to pass.

use std::path::Path;

use anyhow::Result;

use crate::command::{Command, flag};
use crate::stage::{OnFailure, Stage, run_all};
use crate::{layers, test, words};

/// The command.
pub const COMMAND: Command = Command {
    name: "ci",
    about: "format, lints, layers, words, tests, docs, examples (--keep-going)",
    run,
};

fn run(root: &Path, args: &[String]) -> Result<()> {
    let on_failure =
        if flag(args, "--keep-going")? { OnFailure::KeepGoing } else { OnFailure::Stop };
    run_all(root, &stages(), on_failure)
}

/// Quick checks first. All of them build in the release profile: one set of
/// artifacts serves the checks, the tests and the demo.
fn stages() -> Vec<Stage> {
    vec![
        Stage::cargo("fmt", "fmt --all --check"),
        Stage::task("layers", layers::run),
        Stage::task("words", words::run),
        Stage::cargo("clippy", "clippy --release --workspace --all-targets -- -D warnings"),
        test::models(),
        test::tests(),
        test::doctests(),
        Stage::cargo("docs", "doc --release --no-deps --workspace --lib")
            .with_env(&[("RUSTDOCFLAGS", "-D warnings")]),
        Stage::cargo("examples", "build --release --workspace --examples"),
    ]
}
