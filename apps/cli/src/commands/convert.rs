//! `reelgan convert`: any model file as safetensors.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use reelgan_checkpoint::{Index, write_safetensors};
use reelgan_run::atomic;
use serde_json::json;

use super::inspect;
use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::quantity::{bytes, counted};

const EXAMPLES: &str = "\
Examples:
  reelgan convert karras2019stylegan-ffhq-1024x1024.for_g_all.pt -o ffhq.safetensors
  reelgan convert psp_ffhq_encode.pt --part state_dict.decoder -o decoder.safetensors
  reelgan convert niqe_pris_params.npz -o niqe.safetensors --json";

/// Write the arrays of a model file as safetensors, which any program reads safely
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The file, recognised by its content
    file: PathBuf,
    /// The file to write; appears whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Only the arrays whose names begin with this, which is taken off [default: all]
    #[arg(long, value_name = "PREFIX")]
    part: Option<String>,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let (from, to) = (&arguments.file, &arguments.output);
    if to.extension().is_none_or(|e| !e.eq_ignore_ascii_case("safetensors")) {
        return Err(Usage(format!("--output {} must end in .safetensors", to.display())).into());
    }
    let index = Index::open(from)?;
    if is_same(from, to) {
        bail!("{} cannot be converted onto itself; give another name", from.display());
    }
    let names = names(&index, arguments.part.as_deref());
    if names.is_empty() {
        let part = arguments.part.as_deref().unwrap_or_default();
        bail!(
            "{} has no arrays under `{part}`; `reelgan inspect` shows their names",
            from.display()
        );
    }
    write(&index, &names, to)?;
    let written = Index::open(to)?;
    let size: u64 = written.arrays().map(|(_, info)| info.bytes()).sum();
    let known = inspect::networks(&written);
    let about: Vec<String> = known.parts.iter().map(inspect::about).collect();
    let data = json!({
        "file": to.display().to_string(),
        "from": from.display().to_string(),
        "arrays": names.len(),
        "bytes": size,
        "networks": known.parts.iter().map(|p| p.network.id).collect::<Vec<_>>(),
    });
    console.outcome(&data, || {
        let head = format!("{}: {}, {}", to.display(), counted(names.len(), "array"), bytes(size));
        [head].into_iter().chain(about).collect::<Vec<_>>().join("\n  ")
    })?;
    Ok(Ending::Complete)
}

/// The arrays to write: their names in the file and in the new one.
fn names(index: &Index, part: Option<&str>) -> BTreeMap<String, String> {
    let part = part.unwrap_or_default().trim_end_matches(['.', '/']);
    let inside = |name: &str| {
        if part.is_empty() {
            return Some(name.to_string());
        }
        name.strip_prefix(part)?.strip_prefix(['.', '/']).map(String::from)
    };
    index.arrays().filter_map(|(name, _)| Some((name.to_string(), inside(name)?))).collect()
}

fn write(index: &Index, names: &BTreeMap<String, String>, to: &Path) -> Result<()> {
    let mut unreadable = None;
    let wrote = atomic::write_with(to, |file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        match write_safetensors(index, names, index.metadata(), &mut out)? {
            Ok(()) => out.flush(),
            Err(e) => {
                unreadable = Some(e);
                Err(io::Error::other("the input cannot be read"))
            }
        }
    });
    // What is wrong with the input says more than that the output was given up.
    match unreadable {
        Some(e) => Err(e.into()),
        None => Ok(wrote?),
    }
}

fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
