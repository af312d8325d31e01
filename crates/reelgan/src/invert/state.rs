//! Everything needed to go on with an inversion, and its file.

use std::path::Path;

use reelgan_run::{Array, ArrayFile};

use super::{Adam, InvertConfig, StepRecord, Variables, losses};
use crate::{Error, Result};

/// An inversion between two steps.
///
/// Written and read back, it continues to the same bytes as if it had never stopped:
/// all numbers are kept exactly, and random numbers depend on seed, step and frame only.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The unknowns.
    pub variables: Variables,
    /// The optimiser.
    pub adam: Adam,
    /// Unknowns with the lowest total loss so far, and the step that measured it.
    pub best: Option<Best>,
    /// Losses of every step taken.
    pub history: Vec<StepRecord>,
}

/// The best unknowns so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The step whose losses they have.
    pub step: usize,
    /// Their total loss.
    pub total: f32,
    /// The unknowns, in the order of [`Variables::values`].
    pub values: Vec<f32>,
    /// The loss of each frame that is found (not of a held one), of terms that look at it.
    pub frames: Vec<f32>,
}

impl State {
    /// Before the first step.
    pub fn new(variables: Variables, config: &InvertConfig) -> Self {
        let lead = config.lead_steps(variables.codes().count());
        let lead = u32::try_from(lead).unwrap_or(u32::MAX);
        let adam = Adam::new(config.adam, variables.len()).with_late(variables.base_len(), lead);
        Self { variables, adam, best: None, history: Vec::new() }
    }

    /// The next step, counted from 0.
    pub fn step(&self) -> usize {
        self.history.len()
    }

    /// The unknowns with the lowest loss so far; the present ones before any step.
    pub fn best_variables(&self) -> Variables {
        let mut variables = self.variables.clone();
        if let Some(best) = &self.best {
            for (value, kept) in variables.values_mut().zip(&best.values) {
                *value = *kept;
            }
        }
        variables
    }

    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn save(&self, config: &InvertConfig, path: &Path) -> Result<()> {
        let mut file = ArrayFile::default();
        let mut put = |name: &str, data: Vec<f32>| -> Result<()> {
            file.arrays.insert(name.into(), Array::new([data.len()], data)?);
            Ok(())
        };
        put("values", self.variables.values())?;
        put("adam.mean", self.adam.mean.clone())?;
        put("adam.square", self.adam.square.clone())?;
        if let Some(best) = &self.best {
            put("best", best.values.clone())?;
            put("best_frames", best.frames.clone())?;
        }
        losses::put(&mut file, &self.history)?;
        file.metadata.insert("config".into(), fingerprint(config));
        if let Some(best) = &self.best {
            file.metadata.insert("best_step".into(), best.step.to_string());
        }
        Ok(file.write(path)?)
    }

    /// Reads a state and fills it into `fresh`, a state before its first step for
    /// the same frames and configuration.
    ///
    /// # Errors
    /// A file that is missing or damaged, or belongs to another configuration.
    pub fn load(mut fresh: State, config: &InvertConfig, path: &Path) -> Result<Self> {
        let file = ArrayFile::read(path)?;
        // Keys that came after the file have the values that its version had without them.
        let read = |text: &str| serde_json::from_str::<InvertConfig>(text).ok();
        let theirs = file.metadata.get("config").and_then(|text| read(text));
        if theirs.is_none() || theirs != read(&fingerprint(config)) {
            return Err(Error::file(
                path,
                "was written with other settings; resume with the settings of the run, or start a new one",
            ));
        }
        let len = fresh.variables.len();
        let numbers = |name: &str| -> Result<Vec<f32>> {
            let array = file.get(name)?;
            if array.data.len() != len {
                return Err(Error::file(
                    path,
                    format!("`{name}` holds {} numbers, expected {len}", array.data.len()),
                ));
            }
            Ok(array.data.clone())
        };
        for (value, kept) in fresh.variables.values_mut().zip(numbers("values")?) {
            *value = kept;
        }
        fresh.adam.mean = numbers("adam.mean")?;
        fresh.adam.square = numbers("adam.square")?;
        fresh.history = losses::records(&file, config, path)?;
        fresh.adam.steps = u32::try_from(fresh.history.len())
            .map_err(|_| Error::file(path, "holds more steps than can be counted"))?;
        fresh.best = match file.metadata.get("best_step") {
            None => None,
            Some(text) => {
                let step = text.parse::<usize>().ok().filter(|s| *s < fresh.history.len());
                let step =
                    step.ok_or_else(|| Error::file(path, format!("names the best step `{text}`")))?;
                let total = fresh.history[step].terms.total;
                let frames = file.get("best_frames")?.data.clone();
                if frames.len() != fresh.variables.codes().count() - fresh.variables.held() {
                    let problem = format!("holds losses of {} frames", frames.len());
                    return Err(Error::file(path, problem));
                }
                Some(Best { step, total, values: numbers("best")?, frames })
            }
        };
        Ok(fresh)
    }
}

/// The configuration in one line; equal configurations give equal lines.
fn fingerprint(config: &InvertConfig) -> String {
    serde_json::to_string(config).expect("a configuration is plain data")
}
