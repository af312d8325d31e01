//! `reelgan sweep`: faces moved along directions, at rising strengths.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, value_parser};
use reelgan::codes::{Codes, Rows, read_codes};
use reelgan::generator::{self, Generator, SampleConfig};
use reelgan::job::{self, SweepRequest};
use serde_json::json;

use super::directions;
use crate::console::Console;
use crate::failure::Ending;
use crate::frames::FrameNumbers;
use crate::interrupt;
use crate::tools::Chosen;
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Examples:
  reelgan sweep -o sheet                         all directions that ship, on one drawn face
  reelgan sweep -o sheet --along age,smile~age --seed 5 --count 3
  reelgan sweep -o sheet --of run --frames 1,5 --along yaw,mine.npy --strengths=-2,-1,0,1,2";

/// Draw sheets of faces moved along directions: strengths, differences, an animation
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder to write: sweep.png, differences.png, sweep.gif, report.html
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Directions, names or files, separated by commas; NAME~OTHER is NAME without OTHER
    /// [default: all that ship]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    along: Vec<String>,
    /// A run or a file of codes [default: faces drawn from --seed]
    #[arg(long, value_name = "RUN|FILE")]
    of: Option<PathBuf>,
    /// Frames of it, counted from 1
    #[arg(long, value_name = "LIST", requires = "of", default_value = "1")]
    frames: FrameNumbers,
    /// Seed of the faces
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "of")]
    seed: u64,
    /// How many faces
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=64), conflicts_with = "of")]
    count: u16,
    /// Their truncation
    #[arg(long, value_name = "PSI", default_value_t = 0.7, conflicts_with = "of")]
    truncation: f32,
    /// Strengths, one column each
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        allow_hyphen_values = true,
        default_value = "-3,-2,-1,0,1,2,3"
    )]
    strengths: Vec<f32>,
    /// Rows of the code that move
    #[arg(long, value_name = "START..END", default_value_t = Rows::ALL)]
    rows: Rows,
    /// Side of a tile in pixels
    #[arg(long, value_name = "PX", default_value_t = 192, value_parser = value_parser!(u16).range(32..=1024))]
    tile: u16,
    #[command(flatten)]
    generator: Chosen,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let generator = arguments.generator.load(&console.device()?)?;
    let generator = generator.as_ref();
    let all = directions::named(&arguments.along, generator)?;
    let (subjects, names) = subjects(arguments, generator)?;
    let request = SweepRequest {
        subjects,
        names,
        directions: all,
        strengths: arguments.strengths.clone(),
        rows: arguments.rows,
        tile: arguments.tile.into(),
        out: arguments.output.clone(),
    };
    interrupt::listen(console.meter.voice())?;
    let sheets = job::sweep(generator, &request, &mut Watcher::new(console))?;
    let data =
        json!({ "folder": arguments.output, "files": sheets.written, "finished": sheets.finished });
    console.outcome(&data, || {
        let files: Vec<String> = sheets.written.iter().map(|p| p.display().to_string()).collect();
        files.join("\n")
    })?;
    if sheets.finished {
        return Ok(Ending::Complete);
    }
    console.tell("interrupted: the same command does it again");
    Ok(Ending::Interrupted)
}

/// The faces, and what they are called where there are several.
fn subjects(arguments: &Arguments, generator: &dyn Generator) -> Result<(Codes, Vec<String>)> {
    let (codes, name) = match &arguments.of {
        Some(path) => {
            let (codes, theirs) = read_codes(path, generator.rows(), generator.dim())?;
            if let Some(theirs) = theirs
                && theirs != *generator.identity()
            {
                let what = path.display().to_string();
                let (theirs, ours) = (theirs.to_string(), generator.identity().to_string());
                return Err(reelgan::Error::OtherGenerator { what, theirs, ours }.into());
            }
            let frames: Vec<usize> = arguments.frames.0.iter().map(|k| k - 1).collect();
            (codes.select(&frames)?, "frame")
        }
        None => {
            let config = SampleConfig {
                count: arguments.count.into(),
                seed: arguments.seed,
                truncation: arguments.truncation,
                truncated_rows: None,
            };
            (generator::sample(generator, &config)?, "face")
        }
    };
    let number = |k: usize| match &arguments.of {
        Some(_) => arguments.frames.0[k],
        None => k + 1,
    };
    let names = match codes.count() {
        1 => vec![String::new()],
        count => (0..count).map(|k| format!("{name} {}", number(k))).collect(),
    };
    Ok((codes, names))
}
