//! Every setting of an inversion, resolved and checked.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    AdamConfig, Axes, NoiseConfig, Precision, Preset, Schedule, Space, StopConfig, WindowConfig,
};
use crate::objective::{ConsistencyBase, LossWeights};
use crate::{Error, Result};

/// The space of the steps between frames, or no steps at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offsets {
    /// One vector of W for all rows (the paper's).
    #[serde(rename = "w")]
    W,
    /// A vector for every row.
    #[serde(rename = "w+")]
    WPlus,
    /// Free codes, no steps: the ablation without eq. 2-3.
    #[serde(rename = "free")]
    Free,
}

/// Where the optimisation starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartCode {
    /// The mean of W (the paper's text).
    Mean,
    /// Zeros (the authors' code).
    Zeros,
    /// What the learned start of the generator sees in the frames
    /// ([`crate::encode::start`]); the mean of W for a generator that none ships for.
    Learned,
}

/// What pictures are compared by while the first frame leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeadLosses {
    /// The losses of the run.
    #[default]
    Own,
    /// LPIPS and pixels ([`LossWeights::by_lpips`]). Features compared as in eq. 10 make a flat
    /// picture cheap and draw high rates into it; LPIPS leads past it, wherever the run goes
    /// then. A frame that is alone does not lead: it has the losses of the run throughout.
    Lpips,
}

/// The noise inputs during the optimisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseMode {
    /// The generator's own planes, always the same.
    Fixed,
    /// New noise at every synthesis, as in the authors' code; drawn from the
    /// seed, the step and the frame, so still reproducible.
    Fresh,
}

/// A resolved configuration; every field is also a key of the TOML file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvertConfig {
    /// The preset it started from.
    pub preset: Preset,
    /// Steps of the optimiser.
    pub steps: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// What is optimised.
    #[serde(default)]
    pub space: Space,
    /// The space of the steps between frames.
    pub offsets: Offsets,
    /// Where it starts.
    pub start: StartCode,
    /// The noise inputs.
    pub noise: NoiseMode,
    /// Which frames serve as base of the consistency term.
    pub consistency_base: ConsistencyBase,
    /// Weights of the terms.
    pub weights: LossWeights,
    /// What pictures are compared by while the first frame leads.
    #[serde(default)]
    pub lead_losses: LeadLosses,
    /// Learning rate.
    pub schedule: Schedule,
    /// Optimiser.
    pub adam: AdamConfig,
    /// The axes in which it measures its steps.
    #[serde(default)]
    pub axes: Axes,
    /// How exactly the gradients of the generator are computed.
    #[serde(default)]
    pub gradients: Precision,
    /// Early ends.
    pub stop: StopConfig,
    /// The second stage, if the space has noise.
    #[serde(default)]
    pub noise_stage: NoiseConfig,
    /// How more frames than one window holds are worked through.
    #[serde(default)]
    pub windows: WindowConfig,
}

impl Default for InvertConfig {
    fn default() -> Self {
        Preset::Default.config()
    }
}

impl InvertConfig {
    /// How many steps look at the first frame alone: none if it is the only one, or if the
    /// frames have codes of their own.
    pub fn lead_steps(&self, frames: usize) -> usize {
        let together = frames > 1 && self.offsets != Offsets::Free;
        if together { self.schedule.lead_steps(self.steps) } else { 0 }
    }

    /// The weights of the terms in step `step` of a run over `frames` frames.
    pub fn weights_at(&self, step: usize, frames: usize) -> LossWeights {
        match self.lead_losses {
            LeadLosses::Lpips if step < self.lead_steps(frames) => self.weights.by_lpips(),
            LeadLosses::Own | LeadLosses::Lpips => self.weights,
        }
    }

    /// The frames of `frames` that step `step` looks at: the first alone while it leads, then some
    /// of them in turn, in the last steps all. A run that may end early looks at all of them in
    /// every step after the lead, because only that tells when; so does one whose frames have
    /// codes of their own, which learn nothing from each other.
    pub fn looks_at(&self, step: usize, frames: Range<usize>) -> Vec<usize> {
        /// Their losses tell which codes were best.
        const FOR_ALL_FRAMES: usize = 2;
        let lead = self.lead_steps(frames.len());
        let turns = (1..frames.len()).contains(&self.schedule.turn)
            && self.offsets != Offsets::Free
            && !self.stop.may_end_early();
        if step < lead {
            vec![frames.start]
        } else if turns && step + FOR_ALL_FRAMES < self.steps {
            self.schedule.taking_turns(step - lead, frames)
        } else {
            frames.collect()
        }
    }

    /// Pictures that the first `steps` steps generate of the `frames` frames they find.
    pub fn passes(&self, steps: usize, frames: usize) -> usize {
        (0..steps).map(|step| self.looks_at(step, 0..frames).len()).sum()
    }

    /// The method of this configuration with the means of another: what is unknown, which
    /// codes are free and which terms tie frames together stay; losses, rates, start, noise
    /// and steps are the other's. Methods that are compared should differ in nothing else.
    pub fn by_means_of(&self, other: &InvertConfig) -> InvertConfig {
        let weight = |own: f32, other: f32| if own > 0.0 { other } else { 0.0 };
        InvertConfig {
            preset: self.preset,
            space: self.space,
            offsets: self.offsets,
            consistency_base: self.consistency_base,
            weights: LossWeights {
                consistency: weight(self.weights.consistency, other.weights.consistency),
                cross_frame: weight(self.weights.cross_frame, other.weights.cross_frame),
                ..other.weights
            },
            ..other.clone()
        }
    }

    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the setting.
    pub fn check(&self) -> Result<()> {
        if self.steps == 0 {
            return Err(Error::setting("steps", "must be at least 1"));
        }
        self.weights.check()?;
        self.schedule.check()?;
        self.adam.check()?;
        self.noise_stage.check()?;
        self.windows.check()?;
        self.stop.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_with_the_first_frame_alone_generate_one_picture() {
        let mut config = InvertConfig { steps: 20, ..InvertConfig::default() };
        config.schedule = Schedule { lead: 0.5, ..Schedule::constant(0.01) };
        assert_eq!([0, 4, 10, 20].map(|steps| config.passes(steps, 3)), [0, 4, 10, 40]);
        assert_eq!(config.passes(20, 1), 20);
        config.schedule.turn = 2;
        assert_eq!([10, 11, 18, 19, 20].map(|steps| config.passes(steps, 3)), [10, 12, 26, 29, 32]);
        assert_eq!([9, 10, 18].map(|step| config.looks_at(step, 0..3).len()), [1, 2, 3]);
        config.stop.target = 0.1;
        assert_eq!(config.passes(20, 3), 40);
        config.stop.target = 0.0;
        config.offsets = Offsets::Free;
        assert_eq!(config.passes(20, 3), 60);
    }

    #[test]
    fn losses_change_when_the_lead_ends() {
        let paper = Preset::Paper.config();
        let mut config = InvertConfig { lead_losses: LeadLosses::Lpips, steps: 20, ..paper };
        assert_eq!(config.weights_at(0, 3), config.weights);
        config.schedule.lead = 0.5;
        let lead = config.weights_at(9, 3);
        assert_eq!((lead.pixel, lead.lpips, lead.perceptual), (4.0, 1.0, 0.0));
        assert_eq!(lead.consistency, config.weights.consistency);
        assert_eq!(config.weights_at(10, 3), config.weights);
        // A frame that is alone does not lead.
        assert_eq!(config.weights_at(0, 1), config.weights);
        config.lead_losses = LeadLosses::Own;
        assert_eq!(config.weights_at(9, 3), config.weights);
    }

    #[test]
    fn a_method_keeps_its_ties_between_frames_and_takes_the_rest() {
        let default = Preset::Default.config();
        assert_eq!(default.by_means_of(&default), default);
        let no_mac = Preset::NoMac.config().by_means_of(&default);
        assert_eq!(
            no_mac,
            InvertConfig { preset: Preset::NoMac, offsets: Offsets::Free, ..default.clone() }
        );
        let i2s = Preset::I2s.config().by_means_of(&default);
        assert_eq!((i2s.offsets, i2s.weights.consistency), (Offsets::Free, 0.0));
        assert_eq!((i2s.weights.pixel, i2s.schedule), (default.weights.pixel, default.schedule));
        let no_icc = Preset::NoIcc.config().by_means_of(&default);
        assert_eq!((no_icc.offsets, no_icc.weights.consistency), (Offsets::W, 0.0));
    }
}
