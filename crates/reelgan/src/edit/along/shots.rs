//! Which shots of a clip an edit is for.

use std::fmt;
use std::str::FromStr;

use super::Timeline;

/// A choice of shots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShotChoice {
    /// All of them.
    All,
    /// These, counted from 1.
    Some(Vec<usize>),
}

impl ShotChoice {
    /// Whether a shot, counted from 1, is among them.
    pub fn holds(&self, shot: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(shots) => shots.contains(&shot),
        }
    }

    /// Whether two choices have a shot in common.
    pub fn overlap(&self, other: &Self) -> bool {
        match self {
            Self::All => true,
            Self::Some(shots) => shots.iter().any(|shot| other.holds(*shot)),
        }
    }

    /// Refuses a shot that the clip does not have, in words.
    pub(super) fn check(&self, timeline: &Timeline) -> Result<(), String> {
        let Self::Some(shots) = self else { return Ok(()) };
        let there = timeline.shots();
        match shots.iter().find(|shot| **shot > there) {
            None => Ok(()),
            Some(_) if there == 1 => Err("the run has one shot only; leave out the #".into()),
            Some(shot) => Err(format!("there is no shot {shot}: the run has shots 1 to {there}")),
        }
    }
}

impl FromStr for ShotChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.trim().parse().ok().filter(|n| *n > 0);
        let shots: Option<Vec<usize>> = text.split('+').map(number).collect();
        shots.map(Self::Some).ok_or_else(|| {
            format!("`#{text}` names no shots; write numbers counted from 1, such as #2 or #1+3")
        })
    }
}

impl fmt::Display for ShotChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Some(shots) = self else { return Ok(()) };
        for (k, shot) in shots.iter().enumerate() {
            write!(f, "{}{shot}", if k == 0 { "#" } else { "+" })?;
        }
        Ok(())
    }
}
