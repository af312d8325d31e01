//! `reelgan styleflow`: nonlinear edits of StyleGAN2 codes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use reelgan::codes::{read_codes, write_npy};
use reelgan::edit::{FlowAttribute, flow_edited, open_flow};
use serde_json::json;

use crate::console::Console;
use crate::failure::{Ending, Usage};

const EXAMPLES: &str = "\
Examples:
  reelgan styleflow code.npy --weights modellarge10k.pt --attributes face.npy --set age=45 -o older
  reelgan sweep -o sheet --of older/0001.npy --generator ffhq.pkl --along pca-1.safetensors";

/// Set an attribute of a StyleGAN2 code with a StyleFlow network
///
/// StyleFlow edits 18 x 512 codes of StyleGAN2 FFHQ and must know the attributes that the face has.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A file of codes, 18 rows (.npy, .safetensors)
    codes: PathBuf,
    /// The network: modellarge10k.pt
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The attributes that the face has: a file of 17 numbers (nine of the light, then gender,
    /// glasses, yaw, pitch, baldness, beard, age, expression)
    #[arg(long, value_name = "FILE")]
    attributes: PathBuf,
    /// What to set: gender, glasses, baldness, beard, expression 0 to 1; yaw, pitch -20 to 20; age 0 to 65
    #[arg(long, value_name = "NAME=VALUE")]
    set: String,
    /// The folder to write: 0001.npy
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let pair = arguments.set.split_once('=');
    let parsed = pair.and_then(|(name, value)| Some((name, value.parse::<f32>().ok()?)));
    let Some((name, target)) = parsed else {
        return Err(
            Usage(format!("--set {}: give NAME=VALUE, such as age=45", arguments.set)).into()
        );
    };
    let attribute: FlowAttribute = name.parse()?;
    let device = console.device()?;
    let flow = open_flow(&arguments.weights, &device)?;
    let (codes, _) = read_codes(&arguments.codes, 18, flow.dim())?;
    let file = reelgan_checkpoint::open(&arguments.attributes)?;
    let numbers: Vec<f32> =
        file.arrays.values().flat_map(reelgan_checkpoint::Array::to_f32).collect();
    if numbers.len() != flow.attributes() {
        bail!(
            "{}: holds {} numbers, and the network takes {}",
            arguments.attributes.display(),
            numbers.len(),
            flow.attributes()
        );
    }
    let edited = flow_edited(&flow, &codes, &numbers, attribute, target, &device)?;
    std::fs::create_dir_all(&arguments.output)
        .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    write_npy(&edited, &arguments.output)?;
    let file = arguments.output.join("0001.npy");
    let data = json!({ "file": file, "attribute": attribute.to_string(), "target": target });
    console.outcome(&data, || file.display().to_string())?;
    Ok(Ending::Complete)
}
