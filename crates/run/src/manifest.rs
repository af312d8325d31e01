//! What a run was, in words a later command and a later year can read.
//!
//! The manifest holds no clock times, so that equal runs give equal bytes; those
//! are in [`Timing`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::atomic;
use crate::error::{Error, Result};
use crate::images::Crop;
use crate::media::SYNTHETIC_NOTE;

mod number;

/// The version of the files described here; a reader refuses a higher one.
pub const FORMAT: u32 = 1;
/// The largest of these files read.
const MAX_FILE: u64 = 256 << 20;

/// The table of contents of a run folder, `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file, [`FORMAT`].
    pub format: u32,
    /// The version of the program that made the run.
    pub reelgan: String,
    /// The words of the command that began the run.
    pub command: Vec<String>,
    /// The files that the images came from.
    pub inputs: Vec<Input>,
    /// The square of the input that was used: one for all frames, or one a frame.
    pub crops: Vec<Crop>,
    /// The number of consecutive images.
    pub frames: usize,
    /// The preset that the settings began from.
    pub preset: String,
    /// Every setting as it was used.
    pub config: serde_json::Value,
    /// The generator whose codes these are.
    pub generator: Generator,
    /// The network of the perceptual term, if one was used.
    pub perceptual: Option<Network>,
    /// The network that estimated the flows, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Network>,
    /// The seed of everything random.
    pub seed: u64,
    /// What it ran on.
    pub device: String,
    /// How far it is.
    pub state: State,
    /// Why it ended, once it has.
    pub stop_reason: Option<String>,
    /// Optimisation steps done.
    pub steps_done: u64,
    /// The step whose codes were kept, counted from 0.
    pub best_step: Option<u64>,
    /// The loss terms at that step, by name.
    #[serde(with = "number::map")]
    pub losses: BTreeMap<String, f64>,
    /// That the pictures in this folder are no photographs.
    pub notice: String,
}

/// A file that a run was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its path as given.
    pub path: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A network by name and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name in the catalogue.
    pub name: String,
    /// The SHA-256 of its weights, in hexadecimal.
    pub sha256: String,
}

/// The generator of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generator {
    /// Its name in the catalogue, or that of its layout.
    pub name: String,
    /// The SHA-256 of its weights, in hexadecimal.
    pub sha256: String,
    /// The side of its pictures in pixels.
    pub resolution: usize,
    /// The rows of a W+ code.
    pub rows: usize,
    /// The length of a row.
    pub dim: usize,
    /// Where it was read from, if it is not in the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How its mean code was made, if its file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_code: Option<String>,
    /// How its noise maps were made, if its file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<String>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Begun, and perhaps interrupted.
    Running,
    /// Ended, for [`Manifest::stop_reason`].
    Finished,
}

impl Manifest {
    /// The value of [`Manifest::notice`].
    pub fn notice() -> String {
        SYNTHETIC_NOTE.to_owned()
    }

    /// Reads `manifest.json`.
    ///
    /// # Errors  `Error::Read`; `Error::File` if it is no manifest, or one of a
    /// newer version
    pub fn read(path: &Path) -> Result<Self> {
        const KIND: &str = "run manifest";
        let value: serde_json::Value = read_json(path, KIND)?;
        let wrong = |problem: String| Error::content(KIND, problem).at(path);
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(v) if v == u64::from(FORMAT) => {}
            Some(v) => {
                return Err(wrong(format!(
                    "it has format version {v} and this program reads {FORMAT}; use the reelgan that made it"
                )));
            }
            None => return Err(wrong("it does not say its format version".into())),
        }
        serde_json::from_value(value).map_err(|e| wrong(e.to_string()))
    }

    /// Writes `manifest.json`, whole or not at all.
    ///
    /// # Errors  `Error::Write`
    pub fn write(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }

    /// Checks that `now` would continue the run described here.
    ///
    /// # Errors  `Error::Value` that names the first thing that differs
    pub fn check_continues(&self, now: &Manifest) -> Result<()> {
        let sums =
            |m: &Manifest| -> Vec<String> { m.inputs.iter().map(|i| i.sha256.clone()).collect() };
        let differs = if sums(self) != sums(now) {
            "input files"
        } else if self.crops != now.crops {
            "crop"
        } else if self.frames != now.frames {
            "number of frames"
        } else if self.generator != now.generator {
            "generator"
        } else if self.perceptual != now.perceptual {
            "perceptual network"
        } else if self.flow != now.flow {
            "weights of the flow network"
        } else if self.seed != now.seed {
            "seed"
        } else if self.config != now.config {
            return Err(other_run(&format!(
                "settings ({})",
                first_difference(&self.config, &now.config)
            )));
        } else if self.reelgan != now.reelgan {
            "version of reelgan"
        } else {
            return Ok(());
        };
        Err(other_run(differs))
    }
}

fn other_run(differs: &str) -> Error {
    Error::value(
        "resume",
        format!(
            "the run in this folder has other {differs}; give the same ones to continue it, \
             or choose another folder with -o for a new run"
        ),
    )
}

/// The path of the first setting that two configurations do not share.
fn first_difference(a: &serde_json::Value, b: &serde_json::Value) -> String {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else {
        return format!("{a} then, {b} now");
    };
    for key in a.keys().chain(b.keys()) {
        match (a.get(key), b.get(key)) {
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) if x.is_object() && y.is_object() => {
                return format!("{key}.{}", first_difference(x, y));
            }
            (x, y) => {
                let show =
                    |v: Option<&serde_json::Value>| v.map_or("unset".into(), |v| v.to_string());
                return format!("{key}: {} then, {} now", show(x), show(y));
            }
        }
    }
    String::new()
}

impl Input {
    /// Names a file by its path and content.
    ///
    /// # Errors  `Error::Read`
    pub fn of(path: &Path) -> Result<Self> {
        let fail = |e| Error::read(path, e);
        let mut file = File::open(path).map_err(fail)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(fail)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path: path.to_string_lossy().into_owned(), sha256 })
    }
}

/// What was measured on a run's frames, `measurements.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// The metrics by name; a name contains its protocol, such as `lpips_vgg_256`.
    pub metrics: BTreeMap<String, Metric>,
}

/// One metric over all frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The unit of the values, such as `dB`; empty if they have none.
    pub unit: String,
    /// Which values are good.
    pub better: Better,
    /// One value a frame.
    #[serde(with = "number::list")]
    pub frames: Vec<f64>,
    /// Their mean.
    #[serde(with = "number::one")]
    pub mean: f64,
}

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Small values are good.
    Lower,
    /// Large values are good.
    Higher,
}

impl Metric {
    /// Takes one value a frame, and their mean.
    ///
    /// # Errors  `Error::Shape` if there are none
    pub fn new(unit: &str, better: Better, frames: Vec<f64>) -> Result<Self> {
        if frames.is_empty() {
            return Err(Error::shape("metric", "at least one value", "none"));
        }
        let mean = frames.iter().sum::<f64>() / frames.len() as f64;
        Ok(Self { unit: unit.to_owned(), better, frames, mean })
    }
}

impl Measurements {
    /// Reads `measurements.json`.
    ///
    /// # Errors  `Error::Read`, `Error::File`
    pub fn read(path: &Path) -> Result<Self> {
        read_json(path, "measurements file")
    }

    /// Writes `measurements.json`, whole or not at all.
    ///
    /// # Errors  `Error::Write`
    pub fn write(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }
}

/// How long a run took, `timing.json`: the one file that differs between equal runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Wall-clock seconds by stage, such as `flow`, `invert`, `render`, summed
    /// over the times that an interrupted run was continued.
    pub seconds: BTreeMap<String, f64>,
    /// The most memory held at once, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
    /// The number of threads that computed.
    pub threads: usize,
}

impl Timing {
    /// Reads `timing.json`.
    ///
    /// # Errors  `Error::Read`, `Error::File`
    pub fn read(path: &Path) -> Result<Self> {
        read_json(path, "timing file")
    }

    /// Writes `timing.json`, whole or not at all.
    ///
    /// # Errors  `Error::Write`
    pub fn write(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }
}

fn read_json<T: DeserializeOwned>(path: &Path, kind: &'static str) -> Result<T> {
    let bytes = atomic::read(path, MAX_FILE)?;
    serde_json::from_slice(&bytes).map_err(|e| Error::content(kind, e.to_string()).at(path))
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| {
        Error::value("JSON", format!("{} cannot be put in words: {e}", path.display()))
    })?;
    text.push(b'\n');
    atomic::write(path, &text)
}

#[cfg(test)]
mod tests;
