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
    /// Every frame at its own vector of W in all rows; rows from `shared_from` on are the
    /// first frame's in all of them (0 shares none).
    ///
    /// # Panics
    /// If there is no frame.
    /// # Shapes   starts `[N][D]`
    pub fn start(starts: &[Vec<f32>], rows: usize, offsets: Offsets, shared_from: usize) -> Self {
        let (count, dim) = (starts.len(), starts[0].len());
        let first = Codes::broadcast(&starts[0], rows, 1);
        let resting = |space| Trajectory::resting(first.data(), rows, count, space);
        let mut variables = match offsets {
            Offsets::Free => {
                // Codes without anything in common have no rows to share.
                let codes = starts.iter().flat_map(|w| w.repeat(rows)).collect();
                return Self::Free(Codes::new(rows, dim, codes).expect("whole codes"));
            }
            _ if shared_from > 0 => {
                Self::Path(Path::free(first.data(), rows, count, offsets, shared_from))
            }
            Offsets::W => Self::Trajectory(resting(OffsetSpace::W)),
            Offsets::WPlus => Self::Trajectory(resting(OffsetSpace::WPlus)),
        };
        variables.step_along(starts, 0, if offsets == Offsets::W { 1 } else { rows });
        variables
    }

    /// The steps to the frames after frame `from` become those between these vectors of W,
    /// one a frame, in each of `rows` rows.
    ///
    /// # Shapes   starts `[N][D]`
    pub fn step_along(&mut self, starts: &[Vec<f32>], from: usize, rows: usize) {
        let before = self.base_len() + from * rows * starts[0].len();
        let steps = starts[from..].windows(2).flat_map(|pair| {
            let step: Vec<f32> = pair[1].iter().zip(&pair[0]).map(|(to, from)| to - from).collect();
            step.repeat(rows)
        });
        self.values_mut().skip(before).zip(steps).for_each(|(value, step)| *value = step);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_begins_at_its_own_vector() {
        let starts = [vec![1.0, 2.0], vec![1.5, 2.0], vec![0.0, 5.0]];
        for offsets in [Offsets::W, Offsets::WPlus, Offsets::Free] {
            let codes = Variables::start(&starts, 3, offsets, 0).codes();
            for (k, start) in starts.iter().enumerate() {
                assert_eq!(codes.code(k), start.repeat(3), "frame {k}, {offsets:?}");
            }
        }
        let codes = Variables::start(&starts, 3, Offsets::W, 2).codes();
        assert_eq!(codes.code(2), [0.0, 5.0, 0.0, 5.0, 1.0, 2.0]);
        // A window whose second frame has its code already.
        let known = Codes::new(1, 2, vec![7.0, 7.0, 8.0, 8.0]).unwrap();
        let mut held = Variables::Path(Path::held(&known, 3, Offsets::W, 0));
        held.step_along(&starts, 1, 1);
        assert_eq!(held.codes().data(), [7.0, 7.0, 8.0, 8.0, 6.5, 11.0]);
    }
}
