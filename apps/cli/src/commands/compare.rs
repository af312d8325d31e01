//! `reelgan compare`: how far runs came, and how soon.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use reelgan::job::{self, Over, RunCurve};
use reelgan_run::atomic;

use crate::console::Console;
use crate::failure::Ending;
use crate::quantity::{counted, number};

const EXAMPLES: &str = "\
Examples:
  reelgan compare paper-run fast-run            who came how far; when each had what the first has
  reelgan compare paper-run fast-run -o beside  beside/report.html, curves.csv, pixel.svg, ...
  reelgan compare run-a run-b --over seconds -o beside";

/// Compare runs: the losses each came to, and how soon; needs no model
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folders that `reelgan invert` wrote, finished or not; the first is the measure of the others
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The folder to write: report.html, curves.csv and a plot of each loss term
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What the curves are drawn over
    #[arg(long, value_enum, default_value_t)]
    over: Axis,
}

/// [`Over`] by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Axis {
    /// pictures generated: the same on every machine, however busy
    #[default]
    Pictures,
    /// steps of the optimiser
    Steps,
    /// seconds of the optimisation, of finished runs of one window
    Seconds,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let curves = job::compare(&arguments.runs)?;
    let over = match arguments.over {
        Axis::Pictures => Over::Pictures,
        Axis::Steps => Over::Steps,
        Axis::Seconds => Over::Seconds,
    };
    if let Some(place) = &arguments.output {
        fs::create_dir_all(place).with_context(|| format!("{}", place.display()))?;
        atomic::write(&place.join("curves.csv"), job::compare_csv(&curves, over).as_bytes())?;
        for (term, plot) in job::compare_plots(&curves, over) {
            atomic::write(&place.join(format!("{term}.svg")), plot.to_svg().as_bytes())?;
        }
        atomic::write(&place.join("report.html"), job::compare_html(&curves, over).as_bytes())?;
    }
    console.answer(&curves, || words(&curves, arguments))?;
    Ok(Ending::Complete)
}

fn words(curves: &[RunCurve], arguments: &Arguments) -> String {
    let mut text = String::new();
    for (k, curve) in curves.iter().enumerate() {
        let Some(last) = curve.points.last() else { continue };
        let state = if curve.finished { "" } else { ", unfinished" };
        let _ = writeln!(
            text,
            "{}: preset {}, {}, {}, {}{state}",
            curve.run.display(),
            curve.preset,
            counted(curve.frames, "frame"),
            counted(last.step, "step"),
            counted(last.pictures, "picture"),
        );
        let terms: Vec<String> = last
            .terms
            .iter()
            .filter(|(_, value)| **value != 0.0)
            .map(|(name, value)| format!("{name} {}", number(*value)))
            .collect();
        let _ = writeln!(text, "  losses   {}", terms.join(", "));
        if !curve.metrics.is_empty() {
            let metrics = curve.metrics.iter().map(|(name, v)| format!("{name} {}", number(*v)));
            let _ = writeln!(text, "  metrics  {}", metrics.collect::<Vec<_>>().join(", "));
        }
        if k > 0 {
            let all = curves[0].points.last().map_or(0, |point| point.pictures);
            let _ = match curve.reached_at {
                Some(at) => writeln!(
                    text,
                    "  reached  the pixel term of {} after {}: {} times sooner",
                    curves[0].run.display(),
                    counted(at, "picture"),
                    number(all as f64 / at as f64),
                ),
                None => {
                    writeln!(text, "  never reached the pixel term of {}", curves[0].run.display())
                }
            };
        }
    }
    if let Some(place) = &arguments.output {
        let _ = writeln!(text, "written: {}", place.join("report.html").display());
    }
    text.trim_end().to_owned()
}
