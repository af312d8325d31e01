//! Any file to its arrays.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::array::NamedArrays;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::ir::Graph;
use crate::kind::{Kind, detect};
use crate::pickle::{self, Flat};
use crate::{npy, safe, torch};

/// Everything read from one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What the file is.
    pub kind: Kind,
    /// Its arrays by name.
    pub arrays: NamedArrays,
    /// Texts and numbers stored beside them: safetensors metadata, options of a training run.
    pub metadata: BTreeMap<String, String>,
}

/// Reads the file at `path`, whatever its extension.
///
/// Names are joined by `.` in torch files and by `/` in plain pickles. The array of a lone `.npy` is
/// called `array`. An OpenVINO description is read with the `.bin` beside it; its arrays are the constants
/// under their layer names, with `#id` appended where a name occurs again.
/// # Errors
/// [`Error::NotAModel`] and [`Error::NotReadYet`] for recognised files without a reader here, otherwise what
/// is wrong with the content; every error names the file.
pub fn open(path: &Path) -> Result<Checkpoint> {
    let bytes = read_file(path)?;
    let read = match detect(&bytes) {
        Kind::IrXml => {
            let bin = read_file(&path.with_extension("bin"))?;
            constants(&bytes, &bin).map(|flat| Checkpoint::new(Kind::IrXml, flat))
        }
        _ => read(&bytes),
    };
    read.map_err(|e| e.at(path))
}

/// Reads a whole file held in memory; see [`open`].
///
/// # Errors
/// As [`open`]; an OpenVINO description is refused, since its weights are in another file.
pub fn read(bytes: &[u8]) -> Result<Checkpoint> {
    let kind = detect(bytes);
    let flat = match kind {
        Kind::TorchZip | Kind::TorchScript => torch::read_zip(bytes),
        Kind::TorchLegacy => torch::read_legacy(bytes),
        Kind::Pickle => pickle::flatten(&pickle::parse(bytes)?, "/"),
        Kind::Npy => npy::read_any(bytes, npy::LONE, &mut Budget::for_input(bytes.len())),
        Kind::Npz => npy::read_zip(bytes),
        Kind::Safetensors => safe::read(bytes),
        Kind::Mat5 | Kind::Dlib => Err(Error::NotReadYet { kind }),
        other => Err(Error::NotAModel { kind, advice: advice(other) }),
    };
    Ok(Checkpoint::new(kind, flat?))
}

impl Checkpoint {
    fn new(kind: Kind, flat: Flat) -> Checkpoint {
        Checkpoint { kind, arrays: flat.arrays, metadata: flat.notes }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })
}

fn constants(xml: &[u8], bin: &[u8]) -> Result<Flat> {
    let budget = &mut Budget::for_input(xml.len() + bin.len());
    let graph = Graph::parse(xml)?;
    let mut flat = Flat::default();
    for layer in graph.of_kind("Const") {
        // The same bytes may be shared by many constants.
        let array = graph.constant(layer, bin)?;
        budget.take(array.bytes.len() as u64)?;
        let taken = flat.arrays.contains_key(&layer.name);
        let name = if taken { format!("{}#{}", layer.name, layer.id) } else { layer.name.clone() };
        if flat.arrays.insert(name.clone(), array).is_some() {
            return Err(Error::Duplicate { name });
        }
    }
    Ok(flat)
}

fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::Empty => "nothing was written or downloaded; fetch it again",
        Kind::Html => {
            "a download page was saved instead of the file; follow its link and save that"
        }
        Kind::LfsPointer => "run `git lfs pull` in that repository to replace it by the file",
        Kind::BrokenZip => "the end of the file is missing; fetch or copy it again",
        Kind::Wheel | Kind::GzipTar | Kind::Zip | Kind::Gzip => {
            "take the weights file out of the archive and give that"
        }
        Kind::IrXml => "the weights are in the .bin beside it; open it by its path",
        Kind::Picture => "give the weights of a model here, pictures elsewhere",
        _ => "expected torch, pickle, npy, npz, safetensors or an OpenVINO description",
    }
}
