//! When an inversion ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Reasons to end before the last step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopConfig {
    /// Ends when the total loss is at most this; 0 switches it off.
    #[serde(default)]
    pub target: f32,
    /// Ends when the best total loss fell by less than `plateau_tolerance` of
    /// itself over this many steps; 0 switches it off.
    #[serde(default)]
    pub plateau_steps: usize,
    /// Relative fall that still counts as progress.
    #[serde(default)]
    pub plateau_tolerance: f32,
}

impl StopConfig {
    /// Whether any rule is on.
    pub fn may_end_early(&self) -> bool {
        self.target > 0.0 || self.plateau_steps > 0
    }

    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        for (name, value) in
            [("stop.target", self.target), ("stop.plateau_tolerance", self.plateau_tolerance)]
        {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::setting(name, format!("{value} must be 0 or more")));
            }
        }
        Ok(())
    }
}

/// Why an inversion ended; recorded with the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum StopReason {
    /// All steps were taken.
    Finished,
    /// The loss reached the target.
    Target,
    /// The loss stopped falling.
    Plateau,
    /// A loss or gradient stopped being a number.
    NotFinite {
        /// The step, counted from 0.
        step: usize,
        /// The term, or `gradient`.
        term: String,
    },
    /// Whoever watched asked to end.
    Interrupted,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("all steps taken"),
            Self::Target => f.write_str("target loss reached"),
            Self::Plateau => f.write_str("the loss stopped falling"),
            Self::NotFinite { step, term } => {
                write!(f, "{term} was not a finite number at step {}", step + 1)
            }
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}
