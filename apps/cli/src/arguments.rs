//! The words of the command line.

use std::process::ExitCode;

use clap::{Args, Parser};
use reelgan::prelude::DeviceName;

use crate::commands::Command;

const EXAMPLES: &str = "\
Examples:
  reelgan demo                                  fetch the models, invert and edit a short clip
  reelgan invert talk.mp4 --crop 280,20,400 -o run
  reelgan edit run --along motion=1.5
  reelgan show run

`reelgan COMMAND --help` has examples of each command.
Pictures made by reelgan are synthetic, and their files say so.";

/// Turn a video, or several photos of one person, into editable codes of a face generator.
#[derive(Debug, Parser)]
#[command(
    name = "reelgan",
    version,
    after_help = EXAMPLES,
    arg_required_else_help = true,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Print one JSON object on standard output and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no summary; warnings and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads to compute with [default: one for each processor]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Where the networks compute: cpu, or vulkan, metal, cuda, wgpu with :NUMBER of the adapter,
    /// as far as this program was built with them
    #[arg(long, global = true, value_name = "NAME", default_value_t)]
    pub device: DeviceName,
}

/// Reads the command line; on help or a mistake everything is said and the code returned.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        // Nothing can be done about a closed terminal.
        let _ = error.print();
        // 2 for a mistake, 0 for help and version.
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Examples of a command and those below it, as words.
    fn examples(command: &clap::Command) -> Vec<Vec<String>> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter_map(|line| line.strip_prefix("  reelgan "));
        // What an example does stands behind it, two spaces away.
        let mut found: Vec<Vec<String>> = lines
            .map(|line| line.split("  ").next().unwrap_or(line))
            .map(|line| line.split_whitespace().map(String::from).collect())
            .collect();
        assert!(
            !found.is_empty() || command.get_name() == "help",
            "{} has none",
            command.get_name()
        );
        for below in command.get_subcommands() {
            found.extend(examples(below));
        }
        found
    }

    #[test]
    fn every_example_is_a_valid_command_line() {
        for words in examples(&Cli::command()) {
            let line = std::iter::once("reelgan".to_string()).chain(words.clone());
            assert!(Cli::try_parse_from(line).is_ok(), "{words:?}");
        }
    }
}
