//! How much each term counts.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Weights of the terms; 0 switches a term off and nothing of it is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWeights {
    /// Mean squared pixel difference (eq. 9).
    pub pixel: f32,
    /// VGG16 feature difference (eq. 10).
    pub perceptual: f32,
    /// LPIPS; not in the paper.
    pub lpips: f32,
    /// LPIPS of the inner face, see [`inner_face`](crate::loss::inner_face); not in the paper.
    #[serde(default)]
    pub face: f32,
    /// Inversion consistency (eq. 8).
    pub consistency: f32,
    /// Inversion consistency across frames with occlusion masks; not in the paper.
    pub cross_frame: f32,
    /// Change of the code from frame to frame; not in the paper.
    #[serde(default)]
    pub smoothness: f32,
    /// Distance of the rows of a code from each other; not in the paper.
    #[serde(default)]
    pub spread: f32,
}

impl LossWeights {
    /// Refuses weights that are negative, not finite, or all zero.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        let all = self.named();
        for (name, value) in all {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::setting(
                    format!("weight of {name}"),
                    format!("{value} is no weight; give a number of 0 or more"),
                ));
            }
        }
        let of_codes = |name: &str| name == "smoothness" || name == "spread";
        if all.iter().all(|(name, v)| *v == 0.0 || of_codes(name)) {
            return Err(Error::setting("weights", "all are 0, so there is nothing to minimise"));
        }
        Ok(())
    }

    /// The same with pictures compared by LPIPS, weight 1, and pixels, weight 4, alone.
    pub fn by_lpips(self) -> Self {
        Self { pixel: 4.0, lpips: 1.0, perceptual: 0.0, face: 0.0, ..self }
    }

    /// Whether a term looks at frames through flows.
    pub fn need_flow(&self) -> bool {
        self.consistency > 0.0 || self.cross_frame > 0.0
    }

    /// Names and values, in the order of the reports.
    pub fn named(&self) -> [(&'static str, f32); 8] {
        [
            ("pixel", self.pixel),
            ("perceptual", self.perceptual),
            ("lpips", self.lpips),
            ("face", self.face),
            ("consistency", self.consistency),
            ("cross_frame", self.cross_frame),
            ("smoothness", self.smoothness),
            ("spread", self.spread),
        ]
    }
}

/// Which frames serve as the base `b` of the consistency term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsistencyBase {
    /// The first frame only, as the authors' code does.
    First,
    /// Every frame in turn, as the paper says; the mean over bases.
    All,
}
