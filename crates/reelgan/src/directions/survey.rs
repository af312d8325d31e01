//! Faces drawn from a seed and what the face networks say of them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use reelgan_run::{Array, ArrayFile};

use crate::codes::Codes;
use crate::face::{FaceReader, Reading};
use crate::generator::{self, Generator, Identity, SampleConfig};
use crate::{Error, Result};

/// Which faces to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurveyConfig {
    /// How many.
    pub count: usize,
    /// Seed: face `k` is that of `reelgan sample` with the same seed and truncation.
    pub seed: u64,
    /// Truncation psi of all rows.
    pub truncation: f32,
}

/// Codes of W with what was read off their images.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What was drawn.
    pub config: SurveyConfig,
    /// The generator.
    pub generator: Identity,
    /// The face networks.
    pub networks: Identity,
    /// Width of a code.
    pub dim: usize,
    /// `[count, dim]`.
    pub codes: Vec<f32>,
    /// One for each code, `None` where no face was found.
    pub readings: Vec<Option<Reading>>,
}

/// Faces in one file of readings.
const SHARD: usize = 100;
/// Faces at work at once: each is one thread's most of the time, so that none waits for
/// another in every layer of a network.
pub(super) const ABREAST: usize = 4;
/// Name of the array in such a file.
const READINGS: &str = "readings";

impl Survey {
    /// Draws the faces, renders and reads them; readings lie in `folder` a hundred to a
    /// file, and those that are there already are not taken again.
    ///
    /// `progress` hears how many of how many are done; `None` if it asks to end.
    ///
    /// # Errors
    /// [`Error::Setting`] for a count of 0; a folder that holds other readings.
    pub fn take(
        generator: &dyn Generator,
        reader: &FaceReader,
        config: SurveyConfig,
        folder: &Path,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Self>> {
        let mut survey = Self {
            config,
            generator: generator.identity().clone(),
            networks: reader.weights().clone(),
            dim: generator.dim(),
            codes: codes_of_w(generator, &config)?,
            readings: Vec::with_capacity(config.count),
        };
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e.to_string()))?;
        for shard in 0..config.count.div_ceil(SHARD) {
            let path = folder.join(format!("readings_{shard:04}.safetensors"));
            let count = SHARD.min(config.count - survey.readings.len());
            if let Some(rows) = survey.stored(&path, shard, count)? {
                survey.readings.extend(rows);
                continue;
            }
            let first = survey.readings.len();
            let mut rows = Vec::with_capacity(count);
            while rows.len() < count {
                if progress(first + rows.len(), config.count).is_break() {
                    return Ok(None);
                }
                let next = rows.len()..(rows.len() + ABREAST).min(count);
                let read = |k: usize| read(generator, reader, survey.code(first + k));
                rows.extend(next.into_par_iter().map(read).collect::<Result<Vec<_>>>()?);
            }
            survey.store(&path, shard, &rows)?;
            survey.readings.extend(rows);
        }
        let _ = progress(config.count, config.count);
        Ok(Some(survey))
    }

    /// Code `k`, `[D]`.
    ///
    /// # Panics
    /// If there is none.
    pub fn code(&self, k: usize) -> &[f32] {
        &self.codes[k * self.dim..(k + 1) * self.dim]
    }

    /// How many show a face.
    pub fn faces(&self) -> usize {
        self.readings.iter().flatten().count()
    }

    fn metadata(&self, shard: usize) -> BTreeMap<String, String> {
        let pairs = [
            ("generator", self.generator.name.clone()),
            ("generator_sha256", self.generator.sha256.clone()),
            ("networks", self.networks.name.clone()),
            ("networks_sha256", self.networks.sha256.clone()),
            ("seed", self.config.seed.to_string()),
            ("truncation", self.config.truncation.to_string()),
            ("first", (shard * SHARD).to_string()),
        ];
        pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()
    }

    /// The first `count` readings of a file, if it is there and has as many.
    fn stored(
        &self,
        path: &PathBuf,
        shard: usize,
        count: usize,
    ) -> Result<Option<Vec<Option<Reading>>>> {
        if !path.exists() {
            return Ok(None);
        }
        let file = ArrayFile::read(path)?;
        if file.metadata != self.metadata(shard) {
            let problem = "holds readings of other faces (another seed, truncation, generator or \
                           network); take another folder, or remove this one";
            return Err(Error::file(path, problem));
        }
        let array = file.get(READINGS)?;
        let &[rows, Reading::LENGTH] = array.shape.as_slice() else {
            let problem = format!("has shape {:?}, not [N,{}]", array.shape, Reading::LENGTH);
            return Err(Error::file(path, problem));
        };
        if rows < count {
            return Ok(None);
        }
        let rows = array.data.chunks_exact(Reading::LENGTH).take(count);
        Ok(Some(rows.map(Reading::of_row).collect()))
    }

    fn store(&self, path: &Path, shard: usize, readings: &[Option<Reading>]) -> Result<()> {
        let none = || vec![f32::NAN; Reading::LENGTH];
        let rows = readings.iter().flat_map(|r| r.as_ref().map_or_else(none, Reading::to_row));
        let array = Array::new([readings.len(), Reading::LENGTH], rows.collect())?;
        let mut file = ArrayFile { metadata: self.metadata(shard), ..ArrayFile::default() };
        file.arrays.insert(READINGS.into(), array);
        Ok(file.write(path)?)
    }
}

/// Renders one code of W and reads the face, rounded as on disk: going on must end with
/// the same numbers.
pub(super) fn read(
    generator: &dyn Generator,
    reader: &FaceReader,
    w: &[f32],
) -> Result<Option<Reading>> {
    let image = generator::render(generator, &Codes::broadcast(w, generator.rows(), 1))?;
    Ok(reader.read(&image, 0)?.and_then(|reading| reading.as_stored()))
}

/// The codes as vectors of W, `[count, D]`, drawn some at a time: the rows of a code
/// take a hundred times the memory for some generators.
fn codes_of_w(generator: &dyn Generator, config: &SurveyConfig) -> Result<Vec<f32>> {
    let SurveyConfig { count, seed, truncation } = *config;
    if count == 0 {
        return Err(Error::setting("count", "must be at least 1"));
    }
    let all = SampleConfig { count, seed, truncation, truncated_rows: None };
    generator::sample_w(generator, &all)
}
