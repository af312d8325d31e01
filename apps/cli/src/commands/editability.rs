//! `reelgan editability`: how well inversions can be edited, on synthesised sequences.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::{ArgGroup, Args, value_parser};
use reelgan::directions::CodePrior;
use reelgan::evaluate::{self, CompareKit, CompareRequest, EditJudge, Effort, Stand};
use reelgan::face::{FaceReader, Finding};
use reelgan::flow::DenseFlow;
use reelgan::generator;
use reelgan::invert::{Event, Preset};
use reelgan::metric::{LpipsAt, LpipsSize, Mse};
use reelgan::perceptual;
use reelgan::prelude::Store;
use reelgan::synth::Set;
use serde_json::json;

use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::tools::Chosen;

const EXAMPLES: &str = "\
Examples:
  reelgan synth -o linear --count 20
  reelgan editability linear -o compared --seconds 60 --by-means-of default
  reelgan editability linear -o compared --presets i2s,paper --steps 500 --count 3
The same command goes on where it was interrupted; a larger --count adds sequences.";

/// Invert synthesised sequences with several presets and compare their edits with the truth
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("effort").required(true))]
pub struct Arguments {
    /// The folder that `reelgan synth` wrote
    set: PathBuf,
    /// The folder to write: editability.md, sheet.png, sequences/
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Presets, separated by commas
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "i2s,no-mac,no-icc,default"
    )]
    presets: Vec<Preset>,
    /// Losses, rates and start of this preset for all; what is free and what ties the frames
    /// together stays each one's own [default: each its own]
    #[arg(long, value_name = "PRESET")]
    by_means_of: Option<Preset>,
    /// Sequences, from the first on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    count: u32,
    /// Steps of each inversion
    #[arg(long, value_name = "N", group = "effort", value_parser = value_parser!(u32).range(1..=100_000))]
    steps: Option<u32>,
    /// Seconds of each inversion: as many steps as each preset makes in that time on this
    /// machine, measured first
    #[arg(long, value_name = "S", group = "effort")]
    seconds: Option<f64>,
    #[command(flatten)]
    generator: Chosen,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let (store, device) = (Store::standard()?, console.device()?);
    let set = Set::open(&arguments.set)?;
    let generator = generator::load(&store, &arguments.generator.choice(), &device)?;
    let nets = perceptual::open(&store, &device)?;
    // Generated faces fill the picture.
    let finding = Finding { threshold: 0.3, ..Finding::default() };
    let kit = CompareKit {
        judge: EditJudge {
            generator: generator.as_ref(),
            lpips: &LpipsAt::new(nets.lpips().clone(), LpipsSize::Side256, device.clone()),
            mse: &Mse,
            reader: &FaceReader::with(&store, finding, &device)?,
            prior: &CodePrior::of(generator.as_ref(), 10_000, 0)?,
        },
        nets: &nets,
        flow: &DenseFlow::default(),
    };
    let effort = match (arguments.steps, arguments.seconds) {
        (_, Some(seconds)) => Effort::Seconds(seconds),
        (steps, None) => Effort::Steps(steps.expect("one of the two is required") as usize),
    };
    let request = CompareRequest {
        presets: arguments.presets.clone(),
        means: arguments.by_means_of,
        effort,
        count: arguments.count as usize,
        out: arguments.output.clone(),
    };
    interrupt::listen(console.meter.voice())?;
    let compared = evaluate::compare(&kit, &set, &request, &mut |stand| {
        show(stand, console);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let data = json!({
        "folder": arguments.output, "finished": compared.finished, "records": compared.records,
    });
    console.outcome(&data, || evaluate::table(&arguments.presets, &compared.records))?;
    if compared.finished {
        return Ok(Ending::Complete);
    }
    console.tell("interrupted: the same command goes on");
    Ok(Ending::Interrupted)
}

fn show(stand: &Stand<'_>, console: &mut Console) {
    let Event::Step { record, total, .. } = stand.event else { return };
    let [done, all] = stand.done;
    let text = format!(
        "inversion {}/{all}: sequence {}, {}, step {}/{total}",
        done + 1,
        stand.sequence,
        stand.preset,
        record.step + 1
    );
    let gauge = Gauge { label: "Inverting", done: done as u64, total: all as u64 };
    console.meter.update(gauge, &text);
}
