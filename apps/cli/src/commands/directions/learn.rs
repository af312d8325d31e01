//! Learning directions, and measuring what they do.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use reelgan::codes::Direction;
use reelgan::directions::{
    self, LearnConfig, ResponseConfig, Responses, Survey, SurveyConfig, svm::SvmConfig,
};
use reelgan::edit::EditSpec;
use reelgan::face::{Attribute, FaceReader, Finding};
use reelgan::generator::{self, Generator};
use reelgan::prelude::Store;
use reelgan_run::atomic;
use serde_json::json;

use super::shown::{data, table};
use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::duration;
use crate::tools::Chosen;
use crate::watcher::Pace;

/// Learn directions of attributes from faces that the generator draws
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reelgan directions learn -o learned --count 4000 --seed 1
  reelgan directions learn -o learned --attributes age,smile --tail 0.05
The same command goes on where it was interrupted; a larger --count adds faces.")]
pub(super) struct Learn {
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
pub(super) struct Measure {
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

/// What reading generated faces needs.
fn models(chosen: &Chosen, console: &Console) -> Result<(Box<dyn Generator>, FaceReader)> {
    let (store, device) = (Store::standard()?, console.device()?);
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

pub(super) fn learned(arguments: &Learn, console: &mut Console) -> Result<Ending> {
    let (generator, reader) = models(&arguments.generator, console)?;
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

pub(super) fn measured(arguments: &Measure, console: &mut Console) -> Result<Ending> {
    let (generator, reader) = models(&arguments.generator, console)?;
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
