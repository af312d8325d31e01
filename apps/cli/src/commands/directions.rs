//! `reelgan directions`: directions that ship, learning new ones, measuring what they do.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand, value_parser};
use reelgan::codes::{Direction, Rows};
use reelgan::directions::{
    self, LearnConfig, ResponseConfig, Responses, Survey, SurveyConfig, svm::SvmConfig,
};
use reelgan::edit::{EditSource, EditSpec};
use reelgan::face::{Attribute, FaceReader, Finding};
use reelgan::generator::{self, Generator};
use reelgan::prelude::{Device, Store};
use reelgan::search::SearchConfig;
use reelgan_run::atomic;
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::duration;
use crate::tools::Chosen;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan directions list
  reelgan directions info age
  reelgan directions learn -o learned --count 4000 --seed 1
  reelgan directions measure learned/age.safetensors learned/smile.safetensors -o measured
  reelgan directions sefa -o sefa --rows 0..4
  reelgan directions pca -o pca
  reelgan directions search -o found --count 32";

/// Directions: list what ships, learn new ones, measure what they do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    List(List),
    Info(Info),
    Learn(Learn),
    Measure(Measure),
    Sefa(Sefa),
    Pca(Pca),
    Search(Search),
}

/// Directions that change the styles of some rows most, out of the weights (SeFa)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions sefa -o sefa --rows 0..4 --count 10")]
struct Sefa {
    /// The folder to write: sefa-1.safetensors, ...
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Rows of the code
    #[arg(long, value_name = "START..END", default_value_t = Rows::ALL)]
    rows: Rows,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: usize,
    #[command(flatten)]
    generator: Chosen,
}

/// Directions that codes spread along most (GANSpace); strength 1 is one deviation
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions pca -o pca --count 10 --samples 10000")]
struct Pca {
    /// The folder to write: pca-1.safetensors, ...
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: usize,
    /// Codes drawn
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    samples: usize,
    /// Their seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    generator: Chosen,
}

/// Directions that a second network learns to tell apart (Voynov and Babenko)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions search -o found --count 32 --steps 2000")]
struct Search {
    /// The folder to write: search-1.safetensors, ...
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How many
    #[arg(long, value_name = "N", default_value_t = SearchConfig::default().directions)]
    count: usize,
    /// Steps of the optimiser
    #[arg(long, value_name = "N", default_value_t = SearchConfig::default().steps)]
    steps: usize,
    /// Pairs of pictures a step
    #[arg(long, value_name = "N", default_value_t = SearchConfig::default().batch)]
    batch: usize,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = SearchConfig::default().rate)]
    rate: f64,
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    generator: Chosen,
}

/// Name, accuracy, unit and origin of every direction that ships
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions list --json")]
struct List {}

/// Everything known of one direction
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reelgan directions info age\n  reelgan directions info mine.npy"
)]
struct Info {
    /// Name of one that ships, or a file
    direction: EditSource,
}

/// Learn directions of attributes from faces that the generator draws
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reelgan directions learn -o learned --count 4000 --seed 1
  reelgan directions learn -o learned --attributes age,smile --tail 0.05
The same command goes on where it was interrupted; a larger --count adds faces.")]
struct Learn {
    /// The folder to write: one file a direction, and the readings in scores/
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Attributes to learn, separated by commas [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    attributes: Vec<Attribute>,
    /// Faces to draw and read
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = value_parser!(u32).range(20..=1_000_000))]
    count: u32,
    /// Seed of the faces
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Truncation of the faces
    #[arg(long, value_name = "PSI", default_value_t = 1.0)]
    truncation: f32,
    /// Part of the faces at each end, above 0 to 0.5
    #[arg(long, value_name = "PART", default_value_t = LearnConfig::default().tail)]
    tail: f64,
    /// Price of a face on the wrong side of the boundary
    #[arg(long, value_name = "C", default_value_t = SvmConfig::default().cost)]
    cost: f64,
    #[command(flatten)]
    generator: Chosen,
}

/// Move new faces along directions: units a strength brings, what else changes, who they stay
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reelgan directions measure learned/*.safetensors -o measured --count 200 --seed 2 --save
The same command goes on where it was interrupted; a larger --count adds faces.")]
struct Measure {
    /// Directions: names of those that ship, or files; NAME~OTHER is NAME without OTHER
    #[arg(required = true)]
    directions: Vec<String>,
    /// The folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Faces to move
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Seed of the faces, another than they were learned from
    #[arg(long, value_name = "N", default_value_t = 2)]
    seed: u64,
    /// Truncation of the faces
    #[arg(long, value_name = "PSI", default_value_t = 0.7)]
    truncation: f32,
    /// Strengths
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        allow_hyphen_values = true,
        default_value = "-3,-1.5,1.5,3"
    )]
    strengths: Vec<f32>,
    /// Write the units that a strength brings into the files of the directions
    #[arg(long)]
    save: bool,
    #[command(flatten)]
    generator: Chosen,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    match &arguments.what {
        What::List(_) => list(console),
        What::Info(info) => about(info, console),
        What::Learn(learn) => learned(learn, console),
        What::Measure(measure) => measured(measure, console),
        What::Sefa(sefa) => {
            let generator = load(&sefa.generator)?;
            let found = directions::sefa(generator.as_ref(), sefa.rows, sefa.count)?;
            saved(&found, &sefa.output, console)
        }
        What::Pca(pca) => {
            let generator = load(&pca.generator)?;
            let Pca { count, samples, seed, .. } = *pca;
            let found = directions::ganspace(generator.as_ref(), count, samples, seed)?;
            saved(&found, &pca.output, console)
        }
        What::Search(search) => searched(search, console),
    }
}

fn load(chosen: &Chosen) -> Result<Box<dyn Generator>> {
    Ok(generator::load(&Store::standard()?, &chosen.choice(), &Device::flex())?)
}

/// Writes directions, a file each.
fn saved(found: &[Direction], folder: &Path, console: &Console) -> Result<Ending> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot write {}", folder.display()))?;
    for direction in found {
        direction.save(&folder.join(format!("{}.safetensors", direction.name)))?;
    }
    let all: Vec<Value> = found.iter().map(data).collect();
    console.outcome(&json!({ "folder": folder, "directions": all }), || {
        let lines: Vec<String> =
            found.iter().map(|d| format!("{}: {}", d.name, d.provenance)).collect();
        lines.join("\n")
    })?;
    Ok(Ending::Complete)
}

fn searched(arguments: &Search, console: &mut Console) -> Result<Ending> {
    let generator = load(&arguments.generator)?;
    let config = SearchConfig {
        directions: arguments.count,
        steps: arguments.steps,
        batch: arguments.batch,
        seed: arguments.seed,
        rate: arguments.rate,
        ..SearchConfig::default()
    };
    interrupt::listen(console.meter.voice())?;
    let mut progress = |step: usize, loss: f32| {
        let gauge = Gauge { label: "Searching", done: step as u64, total: config.steps as u64 };
        console.meter.update(gauge, &format!("step {step}/{}, loss {loss:.3}", config.steps));
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match reelgan::search::search(generator.as_ref(), &config, &mut progress)? {
        Some(found) => saved(&found.directions, &arguments.output, console),
        None => {
            console.tell("interrupted: nothing was written; fewer --steps end sooner");
            Ok(Ending::Interrupted)
        }
    }
}

fn list(console: &Console) -> Result<Ending> {
    let all = directions::shipped();
    let data: Vec<Value> = all.iter().map(data).collect();
    console.answer(&data, || table(&all))?;
    Ok(Ending::Complete)
}

fn about(info: &Info, console: &Console) -> Result<Ending> {
    let direction = match &info.direction {
        EditSource::Shipped(name) => directions::named(name)?,
        EditSource::File(path) => Direction::open(path)?,
        EditSource::Motion(_) => anyhow::bail!("a motion belongs to a run: see `reelgan show`"),
    };
    console.answer(&data(&direction), || words(&direction))?;
    Ok(Ending::Complete)
}

/// A direction as data.
fn data(direction: &Direction) -> Value {
    json!({
        "name": direction.name,
        "space": direction.space().to_string(),
        "rows": direction.rows(),
        "dim": direction.dim(),
        "length": direction.length(),
        "generator": direction.generator,
        "provenance": direction.provenance,
        "learned": direction.learned,
    })
}

/// One line a direction.
fn table(all: &[Direction]) -> String {
    let mut text = format!("{:<12} {:>9} {:>20}  faces", "name", "accuracy", "strength 1 brings");
    for direction in all {
        let name = &direction.name;
        text = match &direction.learned {
            None => format!("{text}\n{name:<12}"),
            Some(l) => {
                let brings = format!("{:+.3} {}", l.per_strength, l.unit.symbol());
                let accuracy = format!("{:.1} %", 100.0 * l.accuracy);
                format!("{text}\n{name:<12} {accuracy:>9} {brings:>20}  {}", l.faces)
            }
        };
    }
    text
}

fn words(direction: &Direction) -> String {
    let mut lines = vec![
        format!("{}: {} in {}", direction.name, direction.provenance, direction.space()),
        format!("  {} x {}, length {:.4}", direction.rows(), direction.dim(), direction.length()),
        match &direction.generator {
            Some(generator) => format!("  generator {generator}"),
            None => "  the file names no generator".into(),
        },
    ];
    if let Some(l) = &direction.learned {
        lines.push(format!(
            "  {}: a strength of 1 brings {:+.4} {}",
            l.attribute,
            l.per_strength,
            l.unit.symbol()
        ));
        lines.push(format!(
            "  {:.1} % of {} held-out faces on the right side; fitted to {} of {} (ends of {} %)",
            100.0 * l.accuracy,
            l.held_out,
            l.fitted,
            l.faces,
            100.0 * l.tail
        ));
        lines.push(format!(
            "  read by {}; seed {}, truncation {}",
            l.networks, l.seed, l.truncation
        ));
        lines.push(format!("  {}", l.command));
    }
    lines.join("\n")
}

/// What reading generated faces needs.
fn models(chosen: &Chosen) -> Result<(Box<dyn Generator>, FaceReader)> {
    let (store, device) = (Store::standard()?, Device::flex());
    let generator = generator::load(&store, &chosen.choice(), &device)?;
    // Generated faces fill the picture.
    let finding = Finding { threshold: 0.3, ..Finding::default() };
    Ok((generator, FaceReader::with(&store, finding, &device)?))
}

/// Shows how far a reading of many pictures is.
fn progress<'a>(
    console: &'a mut Console,
    what: &'static str,
) -> impl FnMut(usize, usize) -> ControlFlow<()> + 'a {
    let mut pace = Pace::new();
    move |done, total| {
        pace.mark(done);
        let left = pace.left(done, total).map(|t| format!(", {} left", duration(t)));
        let text = format!("{what} {done}/{total}{}", left.unwrap_or_default());
        let gauge = Gauge { label: "Reading faces", done: done as u64, total: total as u64 };
        console.meter.update(gauge, &text);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn interrupted(console: &Console) -> Result<Ending> {
    console.tell("interrupted: the same command goes on");
    Ok(Ending::Interrupted)
}

fn learned(arguments: &Learn, console: &mut Console) -> Result<Ending> {
    let (generator, reader) = models(&arguments.generator)?;
    let Learn { count, seed, truncation, tail, cost, output, .. } = arguments;
    let config = SurveyConfig { count: *count as usize, seed: *seed, truncation: *truncation };
    interrupt::listen(console.meter.voice())?;
    let scores = output.join("scores");
    let survey =
        Survey::take(generator.as_ref(), &reader, config, &scores, &mut progress(console, "face"))?;
    let Some(survey) = survey else { return interrupted(console) };
    let all = match arguments.attributes.as_slice() {
        [] => &Attribute::ALL[..],
        some => some,
    };
    let svm = SvmConfig { cost: *cost, ..SvmConfig::default() };
    let config = LearnConfig { tail: *tail, svm, ..LearnConfig::default() };
    let command = format!(
        "reelgan directions learn --count {count} --seed {seed} --truncation {truncation} \
         --tail {tail} --cost {cost}"
    );
    let mut found = Vec::new();
    for attribute in all {
        match directions::learn(&survey, *attribute, &config, &command) {
            Ok(direction) => {
                direction.save(&output.join(format!("{attribute}.safetensors")))?;
                found.push(direction);
            }
            // Asked for by name, it is a failure.
            Err(error) if arguments.attributes.is_empty() => {
                console.warn(&format!("{attribute} is left out: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let data = json!({
        "folder": output,
        "faces": survey.faces(),
        "directions": found.iter().map(data).collect::<Vec<_>>(),
    });
    console.outcome(&data, || table(&found))?;
    Ok(Ending::Complete)
}

fn measured(arguments: &Measure, console: &mut Console) -> Result<Ending> {
    let (generator, reader) = models(&arguments.generator)?;
    let all = arguments
        .directions
        .iter()
        .map(|text| EditSpec::direction_of(text, generator.rows(), generator.identity()))
        .collect::<reelgan::Result<Vec<_>>>()?;
    let config = ResponseConfig {
        count: arguments.count as usize,
        seed: arguments.seed,
        truncation: arguments.truncation,
        strengths: arguments.strengths.clone(),
    };
    interrupt::listen(console.meter.voice())?;
    let place = arguments.output.join("faces");
    let responses = Responses::take(
        generator.as_ref(),
        &reader,
        &all,
        &config,
        &place,
        &mut progress(console, "picture"),
    )?;
    let Some(responses) = responses else { return interrupted(console) };
    if arguments.save {
        for (text, direction) in arguments.directions.iter().zip(&all) {
            calibrated(text, direction, &responses)?;
        }
    }
    let data = responses.summary();
    let text = serde_json::to_string_pretty(&data).context("plain data")?;
    atomic::write(&arguments.output.join("responses.json"), format!("{text}\n").as_bytes())?;
    let markdown = responses.markdown();
    atomic::write(&arguments.output.join("responses.md"), markdown.as_bytes())?;
    console.outcome(&data, || markdown.clone())?;
    Ok(Ending::Complete)
}

/// Writes what a strength brings into the file of a direction.
fn calibrated(text: &str, direction: &Direction, responses: &Responses) -> Result<()> {
    let path = Path::new(text);
    let (Some(learned), true) = (&direction.learned, path.is_file()) else { return Ok(()) };
    let d = responses.names.iter().position(|name| *name == direction.name);
    let (Some(d), Ok(attribute)) = (d, learned.attribute.parse()) else { return Ok(()) };
    let mut direction = direction.clone();
    if let Some(learned) = &mut direction.learned {
        learned.per_strength = responses.slope(d, attribute);
    }
    Ok(direction.save(path)?)
}
