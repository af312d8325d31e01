//! Edits whose strength changes over time: `age.npy=0@0s,2@1s,0@3s`.
//!
//! ```text
//! NAME[:ROWS]=STRENGTH                          the same on every frame
//! NAME[:ROWS]=STRENGTH@TIME,STRENGTH@TIME,...   keyframes, straight lines between them
//! NAME[:ROWS]=STRENGTH@TIME,...,smooth          the same without corners
//! ```
//! A time is `1.5s` or `250ms` after the first frame of the clip, or `12f`: frame 12,
//! counted from 1. Before the first keyframe and after the last its strength holds;
//! two at one time make a jump.

mod keyframes;

use std::str::FromStr;

pub use keyframes::{FrameTimes, Interpolation, Key, Keyframes, Moment};

use super::EditSpec;
use crate::{Error, Result};

/// An edit and its strength over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Along {
    /// What is added, and on which rows; its strength is 1 where there are keyframes.
    pub spec: EditSpec,
    /// The strength over time; `None` is that of `spec` on every frame.
    pub keyframes: Option<Keyframes>,
}

impl Along {
    /// The strength of every frame.
    ///
    /// # Errors
    /// Keyframes in seconds where the frames have no times, or at a frame that is not
    /// there; keyframes that are not in order.
    pub fn strengths(&self, times: &FrameTimes) -> Result<Vec<f32>> {
        let Some(keyframes) = &self.keyframes else {
            return Ok(vec![self.spec.strength; times.count()]);
        };
        keyframes
            .strengths(times)
            .map_err(|problem| Error::setting(format!("keyframes `{keyframes}`"), problem))
    }
}

impl From<EditSpec> for Along {
    fn from(spec: EditSpec) -> Self {
        Self { spec, keyframes: None }
    }
}

impl FromStr for Along {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((name, strength)) = text.rsplit_once('=') else {
            // Says what an edit looks like.
            return Ok(text.parse::<EditSpec>()?.into());
        };
        if !strength.contains(['@', ',']) {
            return Ok(text.parse::<EditSpec>()?.into());
        }
        let keyframes = strength
            .parse()
            .map_err(|problem: String| Error::setting(format!("edit `{text}`"), problem))?;
        let spec = format!("{name}=1").parse()?;
        Ok(Self { spec, keyframes: Some(keyframes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Rows;

    #[test]
    fn constant_edits_are_as_before() {
        let along: Along = "motion.2=-1.5".parse().unwrap();
        assert_eq!(along, Along::from("motion.2=-1.5".parse::<EditSpec>().unwrap()));
        let strengths = along.strengths(&FrameTimes::unknown(3)).unwrap();
        assert_eq!(strengths, [-1.5; 3]);
    }

    #[test]
    fn names_and_rows_stay_what_they_are() {
        let along: Along = "dir/a=b@c.npy:4..8=0@0s,2@1s".parse().unwrap();
        assert_eq!(along.spec.rows, Rows::range(4, 8));
        let times = FrameTimes::regular(3, 2.0);
        assert_eq!(along.strengths(&times).unwrap(), [0.0, 1.0, 2.0]);
        let keyframes = along.keyframes.unwrap();
        assert_eq!(keyframes.to_string(), "0@0s,2@1s");
        assert_eq!(keyframes.to_string().parse(), Ok(keyframes));
    }

    #[test]
    fn messages_name_the_edit() {
        for (text, words) in [
            ("motion=0@0s,2@1", ["motion=0@0s,2@1", "1s"]),
            ("motion=0@0s,much@1s", ["much", "number"]),
            ("motion=1,2", ["STRENGTH@TIME", "motion=1,2"]),
            ("=0@0s,2@1s", ["edit", "`"]),
        ] {
            let error = text.parse::<Along>().unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
        }
        let along: Along = "motion=0@1s,1@2s".parse().unwrap();
        let error = along.strengths(&FrameTimes::unknown(5)).unwrap_err().to_string();
        assert!(error.contains("0@1s,1@2s") && error.contains("12f"), "{error}");
    }
}
