//! Named configurations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{
    AdamConfig, Axes, InvertConfig, LeadLosses, NoiseConfig, NoiseMode, Offsets, Precision,
    Schedule, Space, StartCode, StopConfig, WindowConfig,
};
use crate::objective::{ConsistencyBase, LossWeights};
use crate::{Error, Result};

/// A named configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The best all-round choice.
    Default,
    /// A usable result soon.
    Fast,
    /// The paper: 5000 steps at a constant rate, all weights 1.
    Paper,
    /// The paper's losses in a twentieth of its time; on the demo clip nearly as low as after its
    /// 5000 steps.
    PaperQuick,
    /// Image2StyleGAN (Abdal et al. 2019): free codes, no consistency; the baseline.
    I2s,
    /// The paper's "Ours++": after the codes, the noise of every frame.
    #[serde(rename = "ours++")]
    OursPlusPlus,
    /// Image2StyleGAN++ (Abdal et al. 2020): after the codes, the noise, on pixels alone.
    #[serde(rename = "i2s++")]
    I2sPlusPlus,
    /// The paper without the mutually accessible constraint.
    NoMac,
    /// The paper without the inversion consistency constraint.
    NoIcc,
}

impl Preset {
    /// All presets, in the order of the help.
    pub const ALL: [Preset; 9] = [
        Preset::Default,
        Preset::Fast,
        Preset::Paper,
        Preset::PaperQuick,
        Preset::OursPlusPlus,
        Preset::I2s,
        Preset::I2sPlusPlus,
        Preset::NoMac,
        Preset::NoIcc,
    ];

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::Paper => "paper",
            Self::PaperQuick => "paper-quick",
            Self::OursPlusPlus => "ours++",
            Self::I2s => "i2s",
            Self::I2sPlusPlus => "i2s++",
            Self::NoMac => "no-mac",
            Self::NoIcc => "no-icc",
        }
    }

    /// The configuration.
    pub fn config(self) -> InvertConfig {
        let ours = |steps, peak, lead| InvertConfig {
            preset: self,
            steps,
            seed: 0,
            space: Space::Codes,
            offsets: Offsets::W,
            start: StartCode::Learned,
            noise: NoiseMode::Fixed,
            consistency_base: ConsistencyBase::First,
            weights: LossWeights { consistency: 1.0, ..LossWeights::default() }.by_lpips(),
            lead_losses: LeadLosses::Own,
            schedule: Schedule {
                peak,
                offset_rate: 0.25,
                ramp_up: 0.1,
                ramp_down: 1.0,
                lead,
                turn: 1,
            },
            adam: AdamConfig::default(),
            axes: Axes::Plain,
            gradients: Precision::F32,
            stop: StopConfig::default(),
            noise_stage: NoiseConfig::default(),
            windows: WindowConfig::default(),
        };
        // All windows of a clip go on from what the first has found.
        let settled = |settle, effort, config: InvertConfig| InvertConfig {
            windows: WindowConfig { settle, effort, blur: 1, ..config.windows },
            ..config
        };
        // Rows that stay together leave a code open to edits; without that, rates this high
        // reach the same likeness with codes that break when they are edited.
        let together = |spread, config: InvertConfig| InvertConfig {
            weights: LossWeights { spread, ..config.weights },
            ..config
        };
        // Lips and eyes are small in the whole picture; eq. 10 brings what LPIPS overlooks.
        let looking_closer = |config: InvertConfig| InvertConfig {
            weights: LossWeights { face: 1.0, perceptual: 0.2, ..config.weights },
            ..config
        };
        // At rates of some 0.1 and more slopes change so soon that the mean of their squares must
        // forget sooner, too.
        let alert = |config: InvertConfig| InvertConfig {
            adam: AdamConfig { beta2: 0.99, ..config.adam },
            ..config
        };
        let paper_losses = |consistency| LossWeights {
            pixel: 1.0,
            perceptual: 1.0,
            consistency,
            ..LossWeights::default()
        };
        let paper = |offsets, consistency| InvertConfig {
            offsets,
            start: StartCode::Mean,
            weights: paper_losses(consistency),
            schedule: Schedule::constant(0.01),
            noise_stage: NoiseConfig::published(consistency),
            ..ours(5000, 0.01, 0.0)
        };
        match self {
            Self::Default => {
                looking_closer(together(0.5, settled(1.5, 0.4, ours(440, 0.08, 0.32))))
            }
            Self::Fast => alert(together(0.3, settled(3.0, 0.42, ours(106, 0.16, 0.53)))),
            Self::Paper => paper(Offsets::W, 1.0),
            Self::PaperQuick => alert(together(
                0.1,
                InvertConfig {
                    weights: paper_losses(1.0),
                    lead_losses: LeadLosses::Lpips,
                    ..ours(1150, 0.09, 0.1)
                },
            )),
            Self::OursPlusPlus => {
                InvertConfig { space: Space::CodesThenNoise, ..paper(Offsets::W, 1.0) }
            }
            Self::I2s => paper(Offsets::Free, 0.0),
            Self::I2sPlusPlus => {
                InvertConfig { space: Space::CodesThenNoise, ..paper(Offsets::Free, 0.0) }
            }
            Self::NoMac => paper(Offsets::Free, 1.0),
            Self::NoIcc => paper(Offsets::W, 0.0),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|p| p.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::setting(format!("preset {text}"), format!("unknown; the presets are {names}"))
        })
    }
}
