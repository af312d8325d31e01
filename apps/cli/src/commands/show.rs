//! `reelgan show`: what a run was.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use reelgan::job::{self, RunSummary};
use reelgan_run::manifest::{Better, State};

use crate::console::Console;
use crate::failure::Ending;
use crate::quantity::{bytes, counted, duration, number};

const EXAMPLES: &str = "\
Examples:
  reelgan show run
  reelgan show run --json                       everything, for programs";

/// Say what a run was: frames, settings, losses, metrics, files; needs no model
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: PathBuf,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let summary = job::show(&arguments.run)?;
    console.answer(&summary, || words(&summary))?;
    Ok(Ending::Complete)
}

/// A run in a few lines.
pub fn words(s: &RunSummary) -> String {
    let mut text = match (&s.state, &s.stop_reason) {
        (State::Finished, Some(reason)) => format!("{}: finished, {reason}\n", s.folder.display()),
        (State::Finished, None) => format!("{}: finished\n", s.folder.display()),
        (State::Running, _) => format!(
            "{0}: unfinished; go on with `reelgan invert --resume -o {0}`\n",
            s.folder.display()
        ),
    };
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:<13} {value}");
        }
    };
    let side = s.generator.resolution;
    line("frames", format!("{}, {side} x {side} px, crop {}", s.frames, s.crop));
    line("inputs", inputs(s));
    line("generator", format!("{} ({})", s.generator.name, short(&s.generator.sha256)));
    let flow = s.flow.as_ref().map(|n| format!("{} ({})", n.name, short(&n.sha256)));
    line("flow", flow.unwrap_or_default());
    line("settings", format!("preset {}, {}, seed {}", s.preset, steps(s), s.seed));
    line("loss", losses(s));
    for (name, metric) in &s.metrics {
        let better = match metric.better {
            Better::Lower => "lower is better",
            Better::Higher => "higher is better",
        };
        let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
        line(
            name,
            match metric.mean.is_nan() {
                true => "not defined in any frame".into(),
                false => format!("{}{unit} ({better})", number(metric.mean)),
            },
        );
    }
    line("time", time(s));
    line("files", folded(&s.files));
    line("made", s.made.join(", "));
    text
}

fn steps(s: &RunSummary) -> String {
    match s.steps_planned {
        Some(planned) => format!("{} of {planned} steps", s.steps),
        None => counted(usize::try_from(s.steps).unwrap_or(usize::MAX), "step"),
    }
}

fn inputs(s: &RunSummary) -> String {
    /// Beyond this many files their number says more.
    const NAMED: usize = 3;
    let mut names: Vec<&str> = s.inputs.iter().take(NAMED).map(|i| i.path.as_str()).collect();
    let more = s.inputs.len().saturating_sub(NAMED);
    let more = format!("and {more} more");
    if s.inputs.len() > NAMED {
        names.push(&more);
    }
    names.join(", ")
}

fn losses(s: &RunSummary) -> String {
    let Some(total) = s.losses.get("total") else { return String::new() };
    let terms: Vec<String> = s
        .losses
        .iter()
        .filter(|(name, value)| *name != "total" && **value != 0.0)
        .map(|(name, value)| format!("{name} {}", number(*value)))
        .collect();
    let best = s.best_step.map_or(String::new(), |step| format!(", at step {}", step + 1));
    format!("{} ({}){best}", number(*total), terms.join(", "))
}

fn time(s: &RunSummary) -> String {
    let of = |seconds: &f64| std::time::Duration::try_from_secs_f64(*seconds).unwrap_or_default();
    let mut parts: Vec<String> =
        s.seconds.iter().map(|(name, v)| format!("{name} {}", duration(of(v)))).collect();
    parts.extend(s.peak_memory.map(|peak| format!("peak memory {}", bytes(peak))));
    parts.join(", ")
}

/// Files of the folder itself by name, those further down by their number.
fn folded(files: &[String]) -> String {
    let mut words = Vec::new();
    let mut below: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        match file.split_once('/') {
            Some((folder, _)) => *below.entry(folder).or_default() += 1,
            None => words.push(file.clone()),
        }
    }
    words.extend(below.into_iter().map(|(folder, n)| format!("{folder}/ ({n})")));
    words.join(", ")
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
