//! Directions: what to add to a code, and everything needed to refuse adding it
//! to the wrong one.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use reelgan_run::{Array, ArrayFile};

use super::Trajectory;
use crate::generator::Identity;
use crate::{Error, Result};

/// The space a direction lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// One vector for all rows.
    W,
    /// A vector for every row.
    WPlus,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Space::W => "w",
            Space::WPlus => "w+",
        })
    }
}

/// A range of code rows, counted from 0, the end excluded: `4..8`; `..` means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    start: usize,
    end: Option<usize>,
}

impl Rows {
    /// Every row.
    pub const ALL: Rows = Rows { start: 0, end: None };

    /// Rows `start` to `end - 1`.
    pub fn range(start: usize, end: usize) -> Self {
        Self { start, end: Some(end) }
    }

    /// The rows of a code with `rows` rows.
    ///
    /// # Errors
    /// [`Error::Setting`] if the range is empty or reaches past the last row.
    pub fn resolve(&self, rows: usize) -> Result<std::ops::Range<usize>> {
        let end = self.end.unwrap_or(rows);
        if self.start >= end || end > rows {
            return Err(Error::setting(
                format!("rows {self}"),
                format!("the generator has rows 0..{rows}; give a part of that, such as 4..8"),
            ));
        }
        Ok(self.start..end)
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) => write!(f, "{}..{end}", self.start),
            None if self.start == 0 => f.write_str(".."),
            None => write!(f, "{}..", self.start),
        }
    }
}

impl FromStr for Rows {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::setting(format!("rows {text}"), "expected START..END, such as 4..8, 4.. or ..8")
        };
        let (start, end) = text.split_once("..").ok_or_else(wrong)?;
        let number = |s: &str| s.trim().parse::<usize>().map_err(|_| wrong());
        Ok(Self {
            start: if start.trim().is_empty() { 0 } else { number(start)? },
            end: if end.trim().is_empty() { None } else { Some(number(end)?) },
        })
    }
}

/// A direction in the code space of one generator.
///
/// # Shapes   `[1,D]` (space W: the same for every row) or `[L,D]` (W+)
/// # Range    any scale: strength 1 adds the vector as it is
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// What it is called.
    pub name: String,
    /// The generator it belongs to; `None` if the file does not say.
    pub generator: Option<Identity>,
    /// Where it comes from, in words.
    pub provenance: String,
    vectors: Vec<f32>,
    rows: usize,
}

impl Direction {
    /// Takes `rows` vectors (1: space W) as a direction.
    ///
    /// # Errors
    /// [`Error::Setting`] if a number is not finite or all are zero.
    pub fn new(
        name: impl Into<String>,
        vectors: Vec<f32>,
        rows: usize,
        generator: Option<Identity>,
        provenance: impl Into<String>,
    ) -> Result<Self> {
        let name = name.into();
        if rows == 0 || vectors.is_empty() || !vectors.len().is_multiple_of(rows) {
            return Err(Error::setting(
                format!("direction `{name}`"),
                format!("{} numbers do not make {rows} rows", vectors.len()),
            ));
        }
        if vectors.iter().any(|v| !v.is_finite()) {
            return Err(Error::setting(
                format!("direction `{name}`"),
                "it holds NaN or infinite numbers; the file is damaged",
            ));
        }
        if vectors.iter().all(|&v| v == 0.0) {
            return Err(Error::setting(
                format!("direction `{name}`"),
                "it is zero everywhere, so it would change nothing",
            ));
        }
        Ok(Self { name, generator, provenance: provenance.into(), vectors, rows })
    }

    /// A clip's own learned direction: step `step` of its trajectory, counted
    /// from 1, or the whole way from the first frame to the last.
    ///
    /// # Errors
    /// [`Error::Setting`] if the trajectory has no such step.
    /// # Source   paper 3.2: the learned `n_j` serve as directions for other codes
    pub fn motion(
        trajectory: &Trajectory,
        step: Option<usize>,
        generator: &Identity,
    ) -> Result<Self> {
        let steps = trajectory.count() - 1;
        let codes = trajectory.codes();
        let (from, to, name) = match step {
            None if steps > 0 => (0, steps, "motion".to_string()),
            Some(k) if (1..=steps).contains(&k) => (k - 1, k, format!("motion.{k}")),
            _ => {
                return Err(Error::setting(
                    step.map_or("motion".into(), |k| format!("motion.{k}")),
                    match steps {
                        0 => "this run has one frame, so nothing moved in it".to_string(),
                        _ => format!("this run has the steps motion.1 to motion.{steps}"),
                    },
                ));
            }
        };
        let difference = codes.code(to).iter().zip(codes.code(from)).map(|(b, a)| b - a).collect();
        let provenance = format!("learned from frame {} to frame {} of the run", from + 1, to + 1);
        Self::new(name, difference, trajectory.rows(), Some(generator.clone()), provenance)
    }

    /// Reads a direction: our `.safetensors`, or any `.npy` of shape `(D)`,
    /// `(1,D)`, `(L,D)` or `(1,L,D)` (public boundary files).
    ///
    /// # Errors
    /// A file that cannot be read, of another shape, not finite, or zero.
    pub fn open(path: &Path) -> Result<Self> {
        let checkpoint = reelgan_checkpoint::open(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let vector = checkpoint.arrays.get(VECTOR).or_else(|| {
            (checkpoint.arrays.len() == 1).then(|| checkpoint.arrays.values().next()).flatten()
        });
        let Some(array) = vector else {
            return Err(Error::file(
                path,
                format!(
                    "holds {} arrays and none is called `{VECTOR}`; a direction file has one array",
                    checkpoint.arrays.len()
                ),
            ));
        };
        let rows = match *array.shape.as_slice() {
            [_] | [1, _] => 1,
            [rows, _] | [1, rows, _] => rows,
            _ => {
                return Err(Error::file(
                    path,
                    format!(
                        "has shape {:?}; a direction has shape (D), (1,D), (L,D) or (1,L,D)",
                        array.shape
                    ),
                ));
            }
        };
        let meta = |key: &str| checkpoint.metadata.get(key).cloned();
        let generator = meta("generator")
            .zip(meta("generator_sha256"))
            .map(|(name, sha256)| Identity { name, sha256 });
        Self::new(
            meta("name").unwrap_or(name),
            array.to_f32(),
            rows,
            generator,
            meta("provenance").unwrap_or_else(|| "imported".into()),
        )
        .map_err(|e| Error::file(path, e.to_string()))
    }

    /// Writes the direction with its identity.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut file = ArrayFile::default();
        let shape = vec![self.rows, self.dim()];
        file.arrays.insert(VECTOR.into(), Array::new(shape, self.vectors.clone())?);
        let mut put = |key: &str, value: &str| file.metadata.insert(key.into(), value.into());
        put("name", &self.name);
        put("space", &self.space().to_string());
        put("provenance", &self.provenance);
        if let Some(generator) = &self.generator {
            put("generator", &generator.name);
            put("generator_sha256", &generator.sha256);
        }
        Ok(file.write(path)?)
    }

    /// The space it lives in.
    pub fn space(&self) -> Space {
        if self.rows == 1 { Space::W } else { Space::WPlus }
    }

    /// Width of a row.
    pub fn dim(&self) -> usize {
        self.vectors.len() / self.rows
    }

    /// The vector for row `row`.
    ///
    /// # Panics
    /// If the direction lives in W+ and has no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        let row = if self.rows == 1 { 0 } else { row };
        &self.vectors[row * self.dim()..(row + 1) * self.dim()]
    }

    /// Whether it fits codes of `rows` rows of width `dim` of that generator.
    ///
    /// # Errors
    /// [`Error::OtherGenerator`], or [`Error::Shape`] for another row count or width.
    pub fn check(&self, generator: &Identity, rows: usize, dim: usize) -> Result<()> {
        if let Some(theirs) = &self.generator
            && theirs != generator
        {
            return Err(Error::OtherGenerator {
                what: format!("direction `{}`", self.name),
                theirs: theirs.to_string(),
                ours: generator.to_string(),
            });
        }
        if self.dim() != dim || (self.rows != 1 && self.rows != rows) {
            return Err(Error::Shape {
                what: format!("direction `{}`", self.name),
                expected: format!("(1,{dim}) or ({rows},{dim}), as the generator's codes"),
                got: format!("({},{}); it was made for another generator", self.rows, self.dim()),
            });
        }
        Ok(())
    }
}

/// Name of the array in a direction file.
const VECTOR: &str = "direction";
