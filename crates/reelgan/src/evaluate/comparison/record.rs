//! What is kept of every inversion, and the table of all.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use reelgan_run::atomic;
use serde::{Deserialize, Serialize};

use super::super::{Editability, Pace};
use super::CompareRequest;
use crate::codes::CodeFile;
use crate::invert::{InvertConfig, Preset};
use crate::{Error, Result};

/// One inversion, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The sequence, counted from 1.
    pub sequence: usize,
    /// The method.
    pub preset: Preset,
    /// The preset whose losses, rates and start it took, if not its own.
    pub means: Option<Preset>,
    /// Steps.
    pub steps: usize,
    /// The direction of the edit.
    pub test: String,
    /// Its strength.
    pub strength: f32,
    /// Seconds that the inversion took.
    pub seconds: f64,
    /// How it was judged.
    pub editability: Editability,
}

/// Files of one inversion.
pub(super) struct Place {
    record: PathBuf,
    pub codes: PathBuf,
}

impl Place {
    /// Where the inversion of sequence `k` with some settings lies.
    pub fn of(request: &CompareRequest, k: usize, config: &InvertConfig) -> Self {
        let means = request.means.map(|means| format!("-by-{means}")).unwrap_or_default();
        let stem = format!("{:04}-{}{means}-{}", k + 1, config.preset, config.steps);
        let file = |ending| request.out.join("sequences").join(format!("{stem}.{ending}"));
        Self { record: file("json"), codes: file("safetensors") }
    }

    pub fn stored(&self) -> Result<Option<Record>> {
        if !self.record.exists() {
            return Ok(None);
        }
        let bytes = atomic::read(&self.record, 1 << 20)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|e| {
            Error::file(&self.record, format!("is no record ({e}); remove it and run again"))
        })
    }

    pub fn keep(&self, record: &Record, codes: &CodeFile) -> Result<()> {
        let folder = self.record.parent().expect("a file in a folder");
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e.to_string()))?;
        codes.save(&self.codes)?;
        // The record last: where it is, the codes are.
        write_json(&self.record, record)
    }
}

/// `paces.json`: what every method costs on this machine.
pub(super) struct Paces {
    path: PathBuf,
    paces: BTreeMap<String, Pace>,
    means: Option<Preset>,
}

impl Paces {
    pub fn open(request: &CompareRequest) -> Result<Self> {
        let path = request.out.join("paces.json");
        let paces = match path.exists() {
            false => BTreeMap::new(),
            true => serde_json::from_slice(&atomic::read(&path, 1 << 20)?).map_err(|e| {
                Error::file(&path, format!("holds no paces ({e}); remove it and run again"))
            })?,
        };
        Ok(Self { path, paces, means: request.means })
    }

    pub fn of(&self, preset: Preset) -> Option<Pace> {
        self.paces.get(&self.name(preset)).copied()
    }

    pub fn keep(&mut self, preset: Preset, pace: Pace) -> Result<()> {
        self.paces.insert(self.name(preset), pace);
        let folder = self.path.parent().expect("a file in a folder");
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e.to_string()))?;
        write_json(&self.path, &self.paces)
    }

    fn name(&self, preset: Preset) -> String {
        match self.means {
            None => preset.to_string(),
            Some(means) => format!("{preset} by means of {means}"),
        }
    }
}

fn write_json(path: &std::path::Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).expect("plain data");
    Ok(atomic::write(path, format!("{text}\n").as_bytes())?)
}

/// Means of every preset, as Markdown.
pub fn table(presets: &[Preset], records: &[Record]) -> String {
    let mut text = String::from(
        "| preset | sequences | steps | MSE | LPIPS | edit MSE | edit LPIPS | response / true | \
         identity (true) | domain | seconds |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for preset in presets {
        let of: Vec<&Record> = records.iter().filter(|r| r.preset == *preset).collect();
        let mean = |value: &dyn Fn(&Record) -> Option<f64>| {
            let values: Vec<f64> = of.iter().filter_map(|r| value(r)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let e = |value: fn(&Editability) -> Option<f64>| mean(&|r: &Record| value(&r.editability));
        let _ = writeln!(
            text,
            "| {preset} | {} | {:.0} | {:.5} | {:.4} | {:.5} | {:.4} | {:.2} | {:.3} ({:.3}) | {:.2} | {:.0} |",
            of.len(),
            mean(&|r| Some(r.steps as f64)),
            e(|e| Some(e.mse)),
            e(|e| Some(e.lpips)),
            e(|e| Some(e.edit_mse)),
            e(|e| Some(e.edit_lpips)),
            e(|e| Some(e.response? / e.true_response.filter(|r| *r != 0.0)?)),
            e(|e| e.identity),
            e(|e| e.true_identity),
            e(|e| Some(e.domain)),
            mean(&|r| Some(r.seconds)),
        );
    }
    text
}
