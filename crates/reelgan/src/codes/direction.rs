//! Directions: what to add to a code, and everything needed to refuse adding it
//! to the wrong one.

use serde::{Deserialize, Serialize};

use super::{Space, Trajectory};
use crate::face::Unit;
use crate::generator::Identity;
use crate::{Error, Result};

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
    /// How it was learned and what a strength of 1 brings, if it was.
    pub learned: Option<Learned>,
    vectors: Vec<f32>,
    rows: usize,
}

/// What is known of a direction that was learned from readings of faces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// The attribute that it moves.
    pub attribute: String,
    /// Its unit.
    pub unit: Unit,
    /// Units that a strength of 1 brings, by a straight line through strengths -3 to 3.
    pub per_strength: f64,
    /// Distance of the boundary from the origin: a code lies `w.n + bias` before it.
    pub bias: f64,
    /// Part of the held-out faces on the right side of the boundary, `[0,1]`.
    pub accuracy: f64,
    /// How many were held out.
    pub held_out: usize,
    /// How many the boundary was fitted to.
    pub fitted: usize,
    /// Faces that were drawn and found.
    pub faces: usize,
    /// Part of them taken at each end, `[0,0.5]`.
    pub tail: f64,
    /// Seed of the faces.
    pub seed: u64,
    /// Their truncation.
    pub truncation: f32,
    /// The networks that read them.
    pub networks: Identity,
    /// The command that does it again.
    pub command: String,
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
        Ok(Self { name, generator, provenance: provenance.into(), learned: None, vectors, rows })
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

    /// The space it lives in.
    pub fn space(&self) -> Space {
        if self.rows == 1 { Space::W } else { Space::WPlus }
    }

    /// Rows it has: 1 in W.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All numbers, `[rows, D]`.
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// Euclidean length over all rows.
    pub fn length(&self) -> f64 {
        self.vectors.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    }

    /// For a generator with `rows` rows: row k takes row k, rows that the direction
    /// does not have take its last one, and rows that are left over are dropped.
    ///
    /// Rows count from the coarsest layer, and published generators of other sizes have
    /// the same first layers. One of W stays as it is.
    ///
    /// # Errors
    /// [`Error::Setting`] if nothing of the direction is left.
    pub fn mapped(self, rows: usize) -> Result<Self> {
        if self.rows == 1 || self.rows == rows {
            return Ok(self);
        }
        let last = self.rows - 1;
        let vectors = (0..rows).flat_map(|k| self.row(k.min(last)).to_vec()).collect();
        let provenance =
            format!("{}; {} rows mapped to {rows} by place", self.provenance, self.rows);
        let made = Self::new(self.name, vectors, rows, self.generator, provenance)?;
        Ok(Self { learned: self.learned, ..made })
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
