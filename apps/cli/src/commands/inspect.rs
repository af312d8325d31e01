//! `reelgan inspect`: what a model file is, and which network it feeds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use reelgan_checkpoint::recognise::{Part, Recognised, recognise};
use reelgan_checkpoint::{ArrayInfo, Index};
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Ending;
use crate::quantity::{bytes, counted};

const EXAMPLES: &str = "\
Examples:
  reelgan inspect stylegan2-ffhq-config-f.pt
  reelgan inspect modelparameters.mat           also npy, npz, pkl, dat, safetensors, ...
  reelgan inspect weights.pth --json            everything, for programs";

/// Say what a model file is: its arrays, which network it feeds, what is missing; runs nothing in it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The file, recognised by its content
    file: PathBuf,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let index = Index::open(&arguments.file)?;
    let known = networks(&index);
    console.answer(&data(&arguments.file, &index, &known), || {
        words(&arguments.file, &index, &known)
    })?;
    Ok(Ending::Complete)
}

/// Which networks the arrays of a file feed.
pub fn networks(index: &Index) -> Recognised {
    recognise(index.arrays().map(|(name, info)| (name, info.shape)))
}

/// One line on a network in a file: `FlowNet2 under `state_dict.`: complete, 220 of 220 arrays`.
pub fn about(part: &Part) -> String {
    let mut text = part.network.title.to_string();
    if let Some(side) = part.resolution {
        let _ = write!(text, ", {side} px");
    }
    if !part.prefix.is_empty() {
        let _ = write!(text, " under `{}`", part.prefix);
    }
    let state = if part.is_complete() { "complete" } else { "incomplete" };
    let _ = write!(text, ": {state}, {} of {} arrays", part.found, part.needed);
    text
}

fn data(file: &Path, index: &Index, known: &Recognised) -> Value {
    let arrays: Vec<Value> = index
        .arrays()
        .map(|(name, info)| {
            let (dtype, bytes) = (info.dtype.name(), info.bytes());
            json!({ "name": name, "dtype": dtype, "shape": info.shape, "bytes": bytes })
        })
        .collect();
    json!({
        "file": file.display().to_string(),
        "kind": format!("{:?}", index.kind()),
        "description": index.kind().to_string(),
        "arrays": arrays,
        "networks": known.parts.iter().map(network).collect::<Vec<_>>(),
        "others": known.others,
        "metadata": index.metadata(),
    })
}

fn network(part: &Part) -> Value {
    let misfits: Vec<Value> = part
        .misfits
        .iter()
        .map(|m| json!({ "name": m.name, "shape": m.shape, "expected": m.expected }))
        .collect();
    json!({
        "id": part.network.id,
        "title": part.network.title,
        "prefix": part.prefix,
        "resolution": part.resolution,
        "complete": part.is_complete(),
        "found": part.found,
        "needed": part.needed,
        "missing": part.missing,
        "extra": part.extra,
        "misfits": misfits,
    })
}

fn words(file: &Path, index: &Index, known: &Recognised) -> String {
    let mut text = format!("{}: {}\n", file.display(), index.kind());
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:<9} {value}");
        }
    };
    line("arrays", sum(index));
    if known.parts.is_empty() {
        line("feeds", "no network that reelgan knows".into());
    }
    for part in &known.parts {
        line("feeds", about(part));
        line("missing", some(&part.missing));
        line("extra", some(&part.extra));
        let misfits: Vec<String> = part
            .misfits
            .iter()
            .map(|m| format!("`{}` is {}, not {}", m.name, shape(&m.shape), m.expected))
            .collect();
        line("misfits", some(&misfits));
    }
    if !known.parts.is_empty() {
        line("besides", some(&known.others));
    }
    if !index.metadata().is_empty() {
        line("notes", format!("{}, listed last", counted(index.metadata().len(), "note")));
    }
    let width = index.arrays().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(72);
    for (name, info) in index.arrays() {
        let _ = writeln!(text, "  {name:<width$}  {:<4}  {}", info.dtype.name(), shape(info.shape));
    }
    for (name, note) in index.metadata() {
        let _ = writeln!(text, "  {name} = {}", brief(note));
    }
    text
}

/// `171, 30370060 numbers, 121.5 MB, F32`.
fn sum(index: &Index) -> String {
    let size: u64 = index.arrays().map(|(_, info)| info.bytes()).sum();
    let numbers = |info: ArrayInfo| info.bytes() / info.dtype.size() as u64;
    let count: u64 = index.arrays().map(|(_, info)| numbers(info)).sum();
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, info) in index.arrays() {
        *types.entry(info.dtype.name()).or_default() += 1;
    }
    let types: Vec<String> = match types.len() {
        1 => types.into_keys().map(String::from).collect(),
        _ => types.into_iter().map(|(name, n)| format!("{n} of {name}")).collect(),
    };
    let arrays = index.arrays().len();
    format!("{arrays}, {count} numbers, {}, {}", bytes(size), types.join(", "))
}

/// The first few of a list, and how many there are.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 6;
    match names.len() {
        0 => String::new(),
        n if n <= SHOWN => format!("{n}: {}", names.join(", ")),
        n => format!("{n}: {}, ...", names[..SHOWN].join(", ")),
    }
}

fn shape(shape: &[usize]) -> String {
    match shape {
        [] => "one number".into(),
        shape => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
    }
}

/// One line of a text.
fn brief(text: &str) -> String {
    const SHOWN: usize = 100;
    let first = text.lines().next().unwrap_or_default();
    let cut: String = first.chars().take(SHOWN).collect();
    if cut.len() < text.len() { format!("{cut} ...") } else { cut }
}
