//! How many steps an inversion takes in a given time, so that methods can be compared at
//! equal cost.

use std::ops::ControlFlow;
use std::time::Instant;

use reelgan_run::Images;
use serde::{Deserialize, Serialize};

use crate::flow::FlowEstimator;
use crate::generator::Generator;
use crate::invert::{Event, InvertConfig, Inverter};
use crate::perceptual::PerceptualNets;
use crate::{Error, Result};

/// What an inversion costs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Seconds before the first step: flows and targets.
    pub before: f64,
    /// Seconds of a pass: one frame generated, compared and differentiated.
    pub pass: f64,
}

/// Steps that are timed.
const TIMED: usize = 4;

impl Pace {
    /// Times the first steps of an inversion of `frames` that look at all of them; `None` if
    /// the
    /// observer asks to end.
    ///
    /// # Errors
    /// As [`Inverter::run`].
    pub fn take(
        generator: &dyn Generator,
        nets: &PerceptualNets,
        flow: &dyn FlowEstimator,
        config: &InvertConfig,
        frames: &Images,
        on: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Self>> {
        let mut config = config.clone();
        config.schedule.lead = 0.0;
        let mut timed = |steps| -> Result<Vec<f64>> {
            config.steps = steps;
            let inverter = Inverter::new(generator, nets, flow, config.clone())?;
            let (began, mut ends) = (Instant::now(), Vec::new());
            inverter.run(frames, &mut |event: &Event<'_>| {
                if matches!(event, Event::Step { .. }) {
                    ends.push(began.elapsed().as_secs_f64());
                }
                on(event)
            })?;
            Ok(ends)
        };
        // The first look at anything takes longer: weights and memory are fetched.
        timed(1)?;
        let ends = timed(1 + TIMED)?;
        if ends.len() < 1 + TIMED {
            return Ok(None);
        }
        let step = (ends[TIMED] - ends[0]) / TIMED as f64;
        Ok(Some(Self { before: (ends[0] - step).max(0.0), pass: step / frames.count() as f64 }))
    }

    /// The most steps of `config` over `frames` frames that fit into `seconds`.
    ///
    /// # Errors
    /// [`Error::Setting`] if not one fits.
    pub fn steps_within(
        &self,
        seconds: f64,
        config: &InvertConfig,
        frames: usize,
    ) -> Result<usize> {
        let cost = |steps: usize| {
            let config = InvertConfig { steps, ..config.clone() };
            self.before + self.pass * config.passes(steps, frames) as f64
        };
        // A step costs at least a pass, and a longer run never less than a shorter one.
        let bound = (seconds / self.pass).max(0.0) as usize + 1;
        let steps = (0..bound).collect::<Vec<_>>().partition_point(|k| cost(k + 1) <= seconds);
        match steps {
            0 => {
                let problem = format!("{seconds} s are too few: one step takes {:.1} s", cost(1));
                Err(Error::setting("seconds", problem))
            }
            steps => Ok(steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invert::Preset;

    #[test]
    fn steps_fill_the_time_and_no_more() {
        let pace = Pace { before: 10.0, pass: 0.5 };
        let paper = Preset::Paper.config();
        // 5 frames a step: 2.5 s each.
        assert_eq!(pace.steps_within(60.0, &paper, 5).unwrap(), 20);
        assert_eq!(pace.steps_within(12.4, &paper, 1).unwrap(), 4);
        let mut led = paper.clone();
        led.schedule.lead = 0.8;
        let steps = pace.steps_within(60.0, &led, 5).unwrap();
        let passes = |steps| InvertConfig { steps, ..led.clone() }.passes(steps, 5);
        assert!(passes(steps) <= 100 && passes(steps + 1) > 100, "{steps}");
        let error = pace.steps_within(12.0, &paper, 5).unwrap_err().to_string();
        assert!(error.contains("one step takes 12.5 s"), "{error}");
    }
}
