//! Edits whose strength changes over time: `smile=0@0s,2@1s,0@3s`, `age=0y@0s,20y@2s`.
//!
//! ```text
//! NAME[:ROWS]=AMOUNT                        the same on every frame
//! NAME[:ROWS]=AMOUNT@TIME,AMOUNT@TIME,...   keyframes, straight lines between them
//! NAME[:ROWS]=AMOUNT@TIME,...,smooth        the same without corners
//! ```
//! A time is `1.5s` or `250ms` after the first frame of the clip, or `12f`: frame 12,
//! counted from 1. Before the first keyframe and after the last its strength holds;
//! two at one time make a jump.

mod keyframes;

use std::fmt;
use std::str::FromStr;

pub use keyframes::{FrameTimes, Interpolation, Key, Keyframes, Moment};

use super::{Amount, EditSpec, check_conflicts};
use crate::{Error, Result};

/// An edit and its strength over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Along {
    /// What is added, and on which rows; its amount is one of the keyframes' unit where
    /// there are keyframes.
    pub spec: EditSpec,
    /// The strength over time; `None` is that of `spec` on every frame.
    pub keyframes: Option<Keyframes>,
}

impl Along {
    /// How many times the amount of `spec` every frame gets.
    ///
    /// # Errors
    /// Keyframes in seconds where the frames have no times, or at a frame that is not
    /// there; keyframes that are not in order.
    pub fn factors(&self, times: &FrameTimes) -> Result<Vec<f32>> {
        let Some(keyframes) = &self.keyframes else { return Ok(vec![1.0; times.count()]) };
        keyframes
            .strengths(times)
            .map_err(|problem| Error::setting(format!("keyframes `{keyframes}`"), problem))
    }

    /// Several edits, separated by commas: `age=+20y,smile=0@0s,2@1s,yaw=-15deg`.
    ///
    /// # Errors
    /// As [`Along::from_str`] and [`check_conflicts`].
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let mut pieces: Vec<String> = Vec::new();
        let mut open = String::new();
        for part in text.split(',') {
            let keyframe = !part.contains('=')
                && (part.contains('@') || ["smooth", "linear"].contains(&part.trim()));
            let last = pieces.last_mut().filter(|piece| keyframe && piece.contains('@'));
            if let Some(last) = last.filter(|_| open.is_empty()) {
                *last = format!("{last},{part}");
                continue;
            }
            open.push_str(part);
            // A file may have a comma in its name.
            if part.contains('=') {
                pieces.push(std::mem::take(&mut open));
            } else {
                open.push(',');
            }
        }
        // What is left has no amount, and says so below.
        if !open.is_empty() {
            pieces.push(open.trim_end_matches(',').to_string());
        }
        let alongs: Vec<Self> = pieces.iter().map(|p| p.parse()).collect::<Result<_>>()?;
        let specs: Vec<EditSpec> = alongs.iter().map(|along| along.spec.clone()).collect();
        check_conflicts(&specs)?;
        Ok(alongs)
    }

    /// A short name for a folder, as [`EditSpec::short`].
    pub fn short(&self) -> String {
        match &self.keyframes {
            None => self.spec.short(),
            Some(keyframes) => format!("{}={keyframes}", self.spec.short_name()),
        }
    }
}

impl fmt::Display for Along {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.keyframes {
            None => write!(f, "{}", self.spec),
            Some(keyframes) => write!(f, "{}={keyframes}", self.spec.name()),
        }
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
        // What is no keyframe is an edit, or else says what one looks like; `@2` is a distance.
        let keyed = |amount: &&str| amount.trim().trim_start_matches('@').contains(['@', ',']);
        let split = text.rsplit_once('=').filter(|(_, amount)| keyed(amount));
        let Some((name, amounts)) = split else {
            return Ok(text.parse::<EditSpec>()?.into());
        };
        let keyframes: Keyframes = amounts
            .parse()
            .map_err(|problem: String| Error::setting(format!("edit `{text}`"), problem))?;
        let mut spec: EditSpec = format!("{name}=1").parse()?;
        if let Some(unit) = keyframes.unit() {
            spec.amount = Amount::Units(1.0, unit);
        }
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
        assert_eq!(along.factors(&FrameTimes::unknown(3)).unwrap(), [1.0; 3]);
        assert_eq!("age=@2".parse::<Along>().unwrap().spec.amount, Amount::Distance(2.0));
    }

    #[test]
    fn names_and_rows_stay_what_they_are() {
        let along: Along = "dir/a=b@c.npy:4..8=0@0s,2@1s".parse().unwrap();
        assert_eq!(along.spec.rows, Rows::range(4, 8));
        let times = FrameTimes::regular(3, 2.0);
        assert_eq!(along.factors(&times).unwrap(), [0.0, 1.0, 2.0]);
        let keyframes = along.keyframes.unwrap();
        assert_eq!(keyframes.to_string(), "0@0s,2@1s");
        assert_eq!(keyframes.to_string().parse(), Ok(keyframes));
    }

    #[test]
    fn keyframes_have_units_and_stand_in_lists() {
        let text = "age=0y@0s,20y@1s,smooth,smile=0.8,a,b.npy:4..8=0@1f,2@3f";
        let alongs = Along::list(text).unwrap();
        let words: Vec<_> = alongs.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["age=0y@0s,20y@1s,smooth", "smile=0.8", "a,b.npy:4..8=0@1f,2@3f"]);
        assert_eq!(alongs[0].spec.amount, Amount::Units(1.0, crate::face::Unit::Years));
        let halfway = FrameTimes::new(vec![0.0, 0.5, 1.0]);
        assert_eq!(alongs[0].factors(&halfway).unwrap(), [0.0, 10.0, 20.0]);
        assert!(Along::list("age=1,age=0@0s,2@1s").unwrap_err().to_string().contains("overlap"));
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
        let error = along.factors(&FrameTimes::unknown(5)).unwrap_err().to_string();
        assert!(error.contains("0@1s,1@2s") && error.contains("12f"), "{error}");
    }
}
