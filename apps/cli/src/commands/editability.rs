//! `reelgan editability`: how well inversions can be edited, on synthesised sequences.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use reelgan::directions::CodePrior;
use reelgan::edit::{Edit, EditSpec};
use reelgan::evaluate::{EditJudge, Editability, editability};
use reelgan::face::{FaceReader, Finding};
use reelgan::flow::DenseFlow;
use reelgan::generator::{self, Generator};
use reelgan::invert::{Event, Inverter, Preset};
use reelgan::metric::{LpipsAt, LpipsSize, Mse};
use reelgan::perceptual::{self, PerceptualNets};
use reelgan::prelude::{Device, Images, Store};
use reelgan::synth::Set;
use reelgan_run::atomic;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::tools::Chosen;

const EXAMPLES: &str = "\
Examples:
  reelgan synth -o linear --count 20
  reelgan editability linear -o compared --presets i2s,no-mac,no-icc,default --steps 100 --count 20
The same command goes on where it was interrupted; a larger --count adds sequences.";

/// Invert synthesised sequences with several presets and compare their edits with the truth
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder that `reelgan synth` wrote
    set: PathBuf,
    /// The folder to write
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
    /// Sequences, from the first on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    count: u32,
    /// Steps of each inversion; the presets take nearly the same time for a step
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=100_000))]
    steps: u32,
    #[command(flatten)]
    generator: Chosen,
}

/// One inversion, judged: a file of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    sequence: usize,
    preset: Preset,
    steps: usize,
    test: String,
    strength: f32,
    seconds: f64,
    editability: Editability,
}

/// Everything that is loaded once.
struct Kit {
    generator: Box<dyn Generator>,
    nets: PerceptualNets,
    reader: FaceReader,
    prior: CodePrior,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let (store, device) = (Store::standard()?, Device::flex());
    let set = Set::open(&arguments.set)?;
    let generator = generator::load(&store, &arguments.generator.choice(), &device)?;
    let kit = Kit {
        prior: CodePrior::of(generator.as_ref(), 10_000, 0)?,
        nets: perceptual::open(&store, &device)?,
        reader: FaceReader::with(
            &store,
            Finding { threshold: 0.3, ..Finding::default() },
            &device,
        )?,
        generator,
    };
    interrupt::listen(console.meter.voice())?;
    let count = (arguments.count as usize).min(set.sequences().len());
    let mut records = Vec::new();
    for k in 0..count {
        for &preset in &arguments.presets {
            let name = format!("{:04}-{}-{}.json", k + 1, preset.name(), arguments.steps);
            let path = arguments.output.join("sequences").join(name);
            let record = match path.exists() {
                true => stored(&path)?,
                false => match one(&kit, &set, k, preset, arguments, console)? {
                    None => {
                        console.tell("interrupted: the same command goes on");
                        return Ok(Ending::Interrupted);
                    }
                    Some(record) => {
                        let folder = arguments.output.join("sequences");
                        std::fs::create_dir_all(&folder)
                            .with_context(|| format!("cannot write {}", folder.display()))?;
                        let text = serde_json::to_string_pretty(&record).context("plain data")?;
                        atomic::write(&path, format!("{text}\n").as_bytes())?;
                        record
                    }
                },
            };
            records.push(record);
        }
    }
    let words = table(&arguments.presets, &records);
    atomic::write(&arguments.output.join("editability.md"), words.as_bytes())?;
    let data = json!({ "folder": arguments.output, "records": records });
    console.outcome(&data, || words.clone())?;
    Ok(Ending::Complete)
}

fn stored(path: &Path) -> Result<Record> {
    let bytes = atomic::read(path, 1 << 20)?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is no record; remove it and run again", path.display()))
}

/// Inverts sequence `k` and judges it; `None` if asked to end.
fn one(
    kit: &Kit,
    set: &Set,
    k: usize,
    preset: Preset,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<Option<Record>> {
    let generator = kit.generator.as_ref();
    let truth = set.codes(generator, k)?;
    // What a picture file would hold.
    let frames = rounded(&generator::render(generator, &truth)?)?;
    let mut config = preset.config();
    config.steps = arguments.steps as usize;
    let flow = DenseFlow::default();
    let inverter = Inverter::new(generator, &kit.nets, &flow, config)?;
    let began = std::time::Instant::now();
    let mut observer = |event: &Event<'_>| {
        if let Event::Step { record, total, .. } = event {
            let text =
                format!("sequence {}, {}: step {}/{total}", k + 1, preset.name(), record.step + 1);
            let gauge =
                Gauge { label: "Inverting", done: record.step as u64 + 1, total: *total as u64 };
            console.meter.update(gauge, &text);
        }
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let inversion = inverter.run(&frames, &mut observer)?;
    if interrupt::asked() {
        return Ok(None);
    }
    let seconds = began.elapsed().as_secs_f64();
    let test = &set.sequences()[k].test;
    let direction =
        EditSpec::direction_of(&test.direction, generator.rows(), generator.identity())?;
    let device = Device::flex();
    let lpips = LpipsAt::new(kit.nets.lpips().clone(), LpipsSize::Side256, device);
    let judge =
        EditJudge { generator, lpips: &lpips, mse: &Mse, reader: &kit.reader, prior: &kit.prior };
    let attribute = direction.learned.as_ref().and_then(|l| l.attribute.parse().ok());
    let edit = Edit::by(direction, test.strength);
    Ok(Some(Record {
        sequence: k + 1,
        preset,
        steps: arguments.steps as usize,
        test: test.direction.clone(),
        strength: test.strength,
        seconds,
        editability: editability(&judge, &truth, &inversion.codes(), &edit, attribute)?,
    }))
}

/// Images as 8 bits hold them.
fn rounded(images: &Images) -> Result<Images> {
    let frames = (0..images.count())
        .map(|k| Images::from_rgb8(images.height(), images.width(), &images.to_rgb8(k)))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Images::from_frames(frames)?)
}

/// Means of every preset.
fn table(presets: &[Preset], records: &[Record]) -> String {
    let mut text = String::from(
        "| preset | sequences | MSE | LPIPS | edit MSE | edit LPIPS | response / true | identity (true) | domain | seconds |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for preset in presets {
        let of: Vec<&Record> = records.iter().filter(|r| r.preset == *preset).collect();
        let mean = |value: &dyn Fn(&Record) -> f64| {
            let values: Vec<f64> = of.iter().map(|r| value(r)).filter(|v| v.is_finite()).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let e = |value: fn(&Editability) -> f64| mean(&|r: &Record| value(&r.editability));
        let _ = writeln!(
            text,
            "| {} | {} | {:.5} | {:.4} | {:.5} | {:.4} | {:.2} | {:.3} ({:.3}) | {:.2} | {:.0} |",
            preset.name(),
            of.len(),
            e(|e| e.mse),
            e(|e| e.lpips),
            e(|e| e.edit_mse),
            e(|e| e.edit_lpips),
            e(|e| e.response / e.true_response),
            e(|e| e.identity),
            e(|e| e.true_identity),
            e(|e| e.domain),
            mean(&|r: &Record| r.seconds),
        );
    }
    text
}
