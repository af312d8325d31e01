//! The learning rate over the steps.

use std::f64::consts::PI;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A linear ramp up, a plateau at the peak, a cosine down to zero.
///
/// `ramp_up = ramp_down = 0` is the constant rate of the paper.
/// # Source   the shape is that of NVIDIA's StyleGAN2 projector
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// Rate of the steps between frames, relative to that of the base code. A
    /// step moves all rows of all later frames at once, so it needs less.
    pub offset_rate: f64,
    /// Share of the steps spent going up, `[0,1]`.
    pub ramp_up: f64,
    /// Share of the steps spent going down, `[0,1]`.
    pub ramp_down: f64,
    /// Share of the steps, from the first on, that look at the first frame alone and move
    /// its code with all others; `[0,1)`. The frames are nearly the same, so this finds
    /// nearly what all of them would, at the price of one.
    #[serde(default)]
    pub lead: f64,
    /// Frames that a step looks at after the lead, taking turns; 0 for all of them. The frames
    /// are nearly the same, so a step learns nearly as much from one of them as from all, at
    /// a part of the price.
    #[serde(default)]
    pub turn: usize,
}

impl Schedule {
    /// The same rate at every step.
    pub const fn constant(rate: f64) -> Self {
        Self { peak: rate, offset_rate: 1.0, ramp_up: 0.0, ramp_down: 0.0, lead: 0.0, turn: 0 }
    }

    /// Refuses a peak that is not above 0 and shares outside `[0,1]`.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        if !(self.peak > 0.0 && self.peak.is_finite()) {
            return Err(Error::setting(
                "schedule.peak",
                format!("{} is no learning rate; give a number above 0", self.peak),
            ));
        }
        if !(self.offset_rate >= 0.0 && self.offset_rate.is_finite()) {
            return Err(Error::setting(
                "schedule.offset_rate",
                format!("{} is no factor; give a number of 0 or more", self.offset_rate),
            ));
        }
        for (name, share) in
            [("schedule.ramp_up", self.ramp_up), ("schedule.ramp_down", self.ramp_down)]
        {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::setting(name, format!("{share} is not a share in [0,1]")));
            }
        }
        if !(0.0..1.0).contains(&self.lead) {
            let problem = format!("{} is not a share in [0,1)", self.lead);
            return Err(Error::setting("schedule.lead", problem));
        }
        Ok(())
    }

    /// How many of `steps` look at the first frame alone.
    pub fn lead_steps(&self, steps: usize) -> usize {
        // What lies between the frames takes some steps to be found, too.
        const FOR_ALL_FRAMES: usize = 5;
        ((self.lead * steps as f64).round() as usize).min(steps.saturating_sub(FOR_ALL_FRAMES))
    }

    /// The frames of `frames` that turn number `turn`, counted from 0, looks at. Frames that come
    /// after one another in time do not take their turns one after the other, and all have had
    /// as many, or one less than another.
    pub(super) fn taking_turns(&self, turn: usize, frames: Range<usize>) -> Vec<usize> {
        let count = frames.len();
        let shares_no_factor = |stride: &usize| {
            let (mut a, mut b) = (count, *stride);
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a == 1
        };
        let stride = (1..=(count / 2).max(1)).rev().find(shares_no_factor).unwrap_or(1);
        let place = |i: usize| frames.start + (turn * self.turn + i) % count * stride % count;
        (0..self.turn).map(place).collect()
    }

    /// The rate of step `step` of `steps`, counted from 0; always above 0.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        // Positions in the middle of a step, so that neither end is exactly 0.
        let t = (step as f64 + 0.5) / steps as f64;
        let up = if self.ramp_up > 0.0 { (t / self.ramp_up).min(1.0) } else { 1.0 };
        let left = 1.0 - t;
        let down = if self.ramp_down > 0.0 && left < self.ramp_down {
            0.5 - 0.5 * (PI * left / self.ramp_down).cos()
        } else {
            1.0
        };
        self.peak * up * down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_is_constant() {
        let s = Schedule::constant(0.01);
        assert!((0..5000).all(|k| s.rate(k, 5000) == 0.01));
    }

    #[test]
    fn ramps_meet_the_closed_form() {
        let s = Schedule { ramp_up: 0.1, ramp_down: 0.5, ..Schedule::constant(0.08) };
        assert!((s.rate(0, 100) - 0.08 * 0.05).abs() < 1e-12);
        assert!((s.rate(30, 100) - 0.08).abs() < 1e-12);
        let t = 1.0 - 90.5 / 100.0;
        let want = 0.08 * 0.5 * (1.0 - (PI * t / 0.5).cos());
        assert!((s.rate(90, 100) - want).abs() < 1e-12);
        assert!(s.rate(99, 100) > 0.0);
    }

    #[test]
    fn every_frame_has_its_turns() {
        for (count, turn) in [(2, 1), (3, 1), (4, 1), (5, 1), (5, 2), (6, 1), (6, 4), (9, 2)] {
            let schedule = Schedule { turn, ..Schedule::constant(0.01) };
            let turns: Vec<_> =
                (0..count).flat_map(|k| schedule.taking_turns(k, 3..3 + count)).collect();
            for of_all in turns.chunks_exact(count) {
                let mut of_all = of_all.to_vec();
                of_all.sort_unstable();
                assert!(of_all.into_iter().eq(3..3 + count), "{count} frames, {turn} a turn");
            }
        }
        let one = Schedule { turn: 1, ..Schedule::constant(0.01) };
        let order: Vec<_> = (0..5).flat_map(|k| one.taking_turns(k, 0..5)).collect();
        assert_eq!(order, [0, 2, 4, 1, 3]);
    }

    #[test]
    fn the_last_steps_are_for_all_frames() {
        let s = Schedule { lead: 0.9, ..Schedule::constant(0.01) };
        assert_eq!([1, 2, 10, 100].map(|steps| s.lead_steps(steps)), [0, 0, 5, 90]);
        assert!(s.check().is_ok());
        assert!(Schedule { lead: 1.0, ..s }.check().is_err());
    }
}
