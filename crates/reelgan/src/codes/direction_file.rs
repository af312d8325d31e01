//! Directions on disk: ours, and those that others published.

use std::path::Path;

use reelgan_checkpoint::{Array as Foreign, Checkpoint};
use reelgan_run::{Array, ArrayFile};

use super::{Direction, Learned};
use crate::generator::Identity;
use crate::{Error, Result};

/// Name of the array in a direction file.
const VECTOR: &str = "direction";
/// The same in a file of idinvert.
const BOUNDARY: &str = "boundary";
/// Where idinvert lists the rows that a direction is for.
const LAYERS: &str = "meta_data.manipulate_layers.";

impl Direction {
    /// Reads a direction: our `.safetensors`, or a public boundary file of one array, such
    /// as `.npy` and `.pt`, of shape `(D)`, `(1,D)`, `(L,D)` or `(1,L,D)`; of one of
    /// idinvert, rows that it does not list become zero.
    ///
    /// # Errors
    /// A file that cannot be read, of another shape, not finite, or zero.
    pub fn open(path: &Path) -> Result<Self> {
        let checkpoint = reelgan_checkpoint::open(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::of_checkpoint(&checkpoint, name).map_err(|problem| Error::file(path, problem))
    }

    /// As [`Direction::open`], from the bytes of a file.
    ///
    /// # Errors
    /// As [`Direction::open`].
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let checkpoint = reelgan_checkpoint::read(bytes)?;
        Self::of_checkpoint(&checkpoint, name.into())
            .map_err(|problem| Error::setting(format!("direction `{name}`"), problem))
    }

    fn of_checkpoint(checkpoint: &Checkpoint, name: String) -> Result<Self, String> {
        let (array, key) = the_array(checkpoint)?;
        let (rows, dim) = match *array.shape.as_slice() {
            [dim] | [1, dim] => (1, dim),
            [rows, dim] | [1, rows, dim] => (rows, dim),
            _ => {
                return Err(format!(
                    "has shape {:?}; a direction has shape (D), (1,D), (L,D) or (1,L,D)",
                    array.shape
                ));
            }
        };
        let mut vectors = array.to_f32();
        if key == BOUNDARY {
            keep_listed(&mut vectors, rows, dim, checkpoint)?;
        }
        let meta = |key: &str| checkpoint.metadata.get(key).cloned();
        let generator = meta("generator")
            .zip(meta("generator_sha256"))
            .map(|(name, sha256)| Identity { name, sha256 });
        let provenance = meta("provenance").unwrap_or_else(|| "imported".into());
        let learned: Option<Learned> = match meta("learned") {
            None => None,
            Some(text) => Some(
                serde_json::from_str(&text)
                    .map_err(|e| format!("its record of how it was learned is damaged: {e}"))?,
            ),
        };
        if learned.as_ref().is_some_and(|l| !(l.per_strength.is_finite() && l.bias.is_finite())) {
            return Err("its record of how it was learned holds numbers that are none".into());
        }
        let made = Self::new(meta("name").unwrap_or(name), vectors, rows, generator, provenance);
        let mut made = made.map_err(|e| e.to_string())?;
        made.learned = learned;
        Ok(made)
    }

    /// Writes the direction with its identity.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(self.file()?.write(path)?)
    }

    /// The bytes that [`Direction::save`] writes.
    ///
    /// # Errors
    /// None that a direction which exists can have.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(self.file()?.to_bytes()?)
    }

    fn file(&self) -> Result<ArrayFile> {
        let mut file = ArrayFile::default();
        let shape = vec![self.rows(), self.dim()];
        file.arrays.insert(VECTOR.into(), Array::new(shape, self.vectors().to_vec())?);
        let mut put = |key: &str, value: &str| file.metadata.insert(key.into(), value.into());
        put("name", &self.name);
        put("space", &self.space().to_string());
        put("provenance", &self.provenance);
        if let Some(generator) = &self.generator {
            put("generator", &generator.name);
            put("generator_sha256", &generator.sha256);
        }
        if let Some(learned) = &self.learned {
            put("learned", &serde_json::to_string(learned).expect("plain data"));
        }
        Ok(file)
    }
}

/// The array that is the direction, and its name.
fn the_array(checkpoint: &Checkpoint) -> Result<(&Foreign, &str), String> {
    let named = |key| checkpoint.arrays.get_key_value(key);
    let only = || (checkpoint.arrays.len() == 1).then(|| checkpoint.arrays.iter().next()).flatten();
    let found = named(VECTOR).or_else(|| named(BOUNDARY)).or_else(only);
    found.map(|(key, array)| (array, key.as_str())).ok_or_else(|| {
        format!(
            "holds {} arrays and none is called `{VECTOR}`; a direction file has one array",
            checkpoint.arrays.len()
        )
    })
}

/// Zeroes the rows that the file does not list, if it lists any.
fn keep_listed(
    vectors: &mut [f32],
    rows: usize,
    dim: usize,
    checkpoint: &Checkpoint,
) -> Result<(), String> {
    let mut kept = vec![false; rows];
    let mut some = false;
    for (_, value) in checkpoint.metadata.iter().filter(|(key, _)| key.starts_with(LAYERS)) {
        let row = value.parse::<usize>().ok().filter(|&row| row < rows);
        let row = row.ok_or_else(|| format!("lists the row {value}, but has rows 0..{rows}"))?;
        (kept[row], some) = (true, true);
    }
    if some && rows > 1 {
        let others = vectors.chunks_exact_mut(dim).zip(kept).filter(|(_, kept)| !kept);
        others.for_each(|(row, _)| row.fill(0.0));
    }
    Ok(())
}
