//! The unknowns of an inversion.

use super::{Offsets, Path};
use crate::codes::{Codes, OffsetSpace, Trajectory};

/// What is optimised.
#[derive(Debug, Clone, PartialEq)]
pub enum Variables {
    /// A base code and steps (eq. 2-3).
    Trajectory(Trajectory),
    /// A code of its own for every frame: the ablation without eq. 2-3.
    Free(Codes),
    /// Codes of a window that goes on from another, or that share rows.
    Path(Path),
}

impl Variables {
    /// All frames at the code `start` (`[L,D]`).
    pub fn start(start: &[f32], rows: usize, frames: usize, offsets: Offsets) -> Self {
        let resting = |space| Self::Trajectory(Trajectory::resting(start, rows, frames, space));
        match offsets {
            Offsets::W => resting(OffsetSpace::W),
            Offsets::WPlus => resting(OffsetSpace::WPlus),
            Offsets::Free => {
                let data = start.iter().copied().cycle().take(start.len() * frames).collect();
                Self::Free(Codes::new(rows, start.len() / rows, data).expect("whole codes"))
            }
        }
    }

    /// The code of every frame.
    pub fn codes(&self) -> Codes {
        match self {
            Self::Trajectory(t) => t.codes(),
            Self::Free(codes) => codes.clone(),
            Self::Path(path) => path.codes(),
        }
    }

    /// How many codes at the beginning are held.
    pub fn held(&self) -> usize {
        match self {
            Self::Path(path) => path.held_codes(),
            _ => 0,
        }
    }

    /// As a trajectory; free codes and paths give one through their codes.
    pub fn trajectory(&self) -> Trajectory {
        match self {
            Self::Trajectory(t) => t.clone(),
            Self::Free(codes) => Trajectory::through(codes),
            Self::Path(path) => Trajectory::through(&path.codes()),
        }
    }

    /// How many unknowns.
    pub fn len(&self) -> usize {
        match self {
            Self::Trajectory(t) => t.base().len() + t.offsets().len(),
            Self::Free(codes) => codes.data().len(),
            Self::Path(path) => path.len(),
        }
    }

    /// How many of the unknowns are the base code or its drift: the others are steps.
    pub fn base_len(&self) -> usize {
        match self {
            Self::Trajectory(t) => t.base().len(),
            Self::Free(codes) => codes.data().len(),
            Self::Path(path) => path.base_len(),
        }
    }

    /// Whether there are none (never, for variables made by this crate).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The unknowns in one row: base, then steps; or code after code.
    pub fn values(&self) -> Vec<f32> {
        match self {
            Self::Trajectory(t) => [t.base(), t.offsets()].concat(),
            Self::Free(codes) => codes.data().to_vec(),
            Self::Path(path) => path.values(),
        }
    }

    /// The unknowns, to be changed, in the order of [`Variables::values`].
    pub fn values_mut(&mut self) -> Box<dyn Iterator<Item = &mut f32> + '_> {
        match self {
            Self::Trajectory(t) => {
                let (base, offsets) = t.parameters_mut();
                Box::new(base.iter_mut().chain(offsets))
            }
            Self::Free(codes) => Box::new(codes.data_mut().iter_mut()),
            Self::Path(path) => Box::new(path.values_mut()),
        }
    }

    /// The unknowns with the learning rate of each: `rate`, for steps between frames times
    /// `offset_rate`, for the drift of a held code times `drift_rate`.
    pub fn values_with_rates(
        &mut self,
        rate: f64,
        offset_rate: f64,
        drift_rate: f64,
    ) -> impl Iterator<Item = (&mut f32, f64)> {
        let drift = if self.held() > 0 { drift_rate } else { 1.0 };
        let base = self.base_len();
        let (base_rate, step_rate) = match self {
            Self::Trajectory(_) => (rate, rate * offset_rate),
            Self::Free(_) => (rate, rate),
            // Without a first code or a drift the steps are codes of their own.
            Self::Path(_) if base == 0 => (rate, rate),
            Self::Path(_) => (rate * drift, rate * offset_rate),
        };
        self.values_mut()
            .enumerate()
            .map(move |(i, value)| (value, if i < base { base_rate } else { step_rate }))
    }

    /// Gradient to the unknowns from the gradient to every code, `[N,L,D]`.
    pub fn backward(&self, codes: &[f32]) -> Vec<f32> {
        match self {
            Self::Trajectory(t) => {
                let (mut base, offsets) = t.backward(codes);
                base.extend(offsets);
                base
            }
            Self::Free(_) => codes.to_vec(),
            Self::Path(path) => path.backward(codes),
        }
    }
}
