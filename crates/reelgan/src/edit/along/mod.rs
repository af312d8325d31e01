//! Edits whose strength changes over time, `age.npy=0@0s,2@1s,0@3s`, and edits of some
//! shots only.
//!
//! ```text
//! NAME[:ROWS]=AMOUNT                        the same on every frame
//! NAME[:ROWS]=AMOUNT@TIME,AMOUNT@TIME,...   keyframes, straight lines between them
//! NAME[:ROWS]=AMOUNT@TIME,...,smooth        the same without corners
//! any of these#2+4                          in the second and fourth shot only
//! ```
//! A time is `1.5s` or `250ms` after the first frame of the clip, or `12f`: frame 12,
//! counted from 1. Before the first keyframe and after the last its strength holds;
//! two at one time make a jump.

mod keyframes;
mod shots;

use std::fmt;
use std::str::FromStr;

pub use keyframes::{Interpolation, Key, Keyframes, Moment, Timeline};
pub use shots::ShotChoice;

use super::{Edit, EditSpec, edited};
use crate::codes::{Codes, Trajectory};
use crate::generator::{Generator, Identity};
use crate::{Error, Result};

/// An edit and its strength over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Along {
    /// One a keyframe, all alike but for how far they go; a single one without any.
    specs: Vec<EditSpec>,
    keyframes: Option<Keyframes>,
    shots: ShotChoice,
}

/// An edit with its strength on every frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// The edit; its own strength does not count.
    pub edit: Edit,
    /// One a frame; none where the frame is left as it is.
    pub strengths: Vec<Option<f32>>,
}

impl Along {
    /// What is added, and on which rows; how far at the first keyframe.
    pub fn spec(&self) -> &EditSpec {
        &self.specs[0]
    }

    /// How far at which moments, if that changes.
    pub fn keyframes(&self) -> Option<&Keyframes> {
        self.keyframes.as_ref()
    }

    /// Whether it does the same on every frame.
    pub fn is_constant(&self) -> bool {
        self.keyframes.is_none() && self.shots == ShotChoice::All
    }

    /// Finds the direction and the strength of every frame.
    ///
    /// # Errors
    /// As [`EditSpec::resolve`]; keyframes in seconds where the frames have no times, or at
    /// a frame that is not there; keyframes that are not in order; a shot that is not there.
    pub fn resolve(
        &self,
        trajectory: &Trajectory,
        generator: &Identity,
        times: &Timeline,
    ) -> Result<Timed> {
        let problem = |text| Error::setting(format!("edit `{self}`"), text);
        self.shots.check(times).map_err(problem)?;
        let (edit, strengths) = self.strengths(trajectory, generator, times)?;
        let chosen = |(k, strength)| self.shots.holds(times.shot(k)).then_some(strength);
        Ok(Timed { edit, strengths: strengths.into_iter().enumerate().map(chosen).collect() })
    }

    /// The edit, and its strength at every frame, whatever shot it is in.
    fn strengths(
        &self,
        trajectory: &Trajectory,
        generator: &Identity,
        times: &Timeline,
    ) -> Result<(Edit, Vec<f32>)> {
        let edit = self.specs[0].resolve(trajectory, generator)?;
        let Some(keyframes) = &self.keyframes else {
            let strengths = vec![edit.strength; times.count()];
            return Ok((edit, strengths));
        };
        let mut at_keys = vec![edit.strength];
        for spec in &self.specs[1..] {
            let at = spec.resolve(trajectory, generator)?;
            if at.measure != edit.measure {
                return Err(Error::setting(
                    format!("keyframes `{keyframes}`"),
                    "either all of them are distances, such as @2@1s, or none is",
                ));
            }
            at_keys.push(at.strength);
        }
        let strengths = keyframes
            .strengths(&at_keys, times)
            .map_err(|problem| Error::setting(format!("keyframes `{keyframes}`"), problem))?;
        Ok((edit, strengths))
    }

    /// Several edits, separated by commas: `age=+20y,smile=0@0s,2@1s,yaw=-15deg`.
    ///
    /// # Errors
    /// As [`Along::from_str`] and [`Along::check_conflicts`].
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let mut pieces: Vec<String> = Vec::new();
        let mut open = String::new();
        for part in text.split(',') {
            let word = part.split('#').next().unwrap_or_default().trim();
            let keyframe =
                !part.contains('=') && (part.contains('@') || ["smooth", "linear"].contains(&word));
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
        Self::check_conflicts(&alongs)?;
        Ok(alongs)
    }

    /// Refuses edits that cannot be meant together: one direction twice on the same rows of
    /// the same shot.
    ///
    /// # Errors
    /// [`Error::Setting`] that names them.
    pub fn check_conflicts(alongs: &[Self]) -> Result<()> {
        for (k, along) in alongs.iter().enumerate() {
            let again = alongs[..k].iter().find(|other| {
                along.shots.overlap(&other.shots) && along.spec().conflicts(other.spec())
            });
            if let Some(other) = again {
                return Err(Error::setting(
                    format!("edits `{other}` and `{along}`"),
                    "go along one direction on the same rows; give their sum, or rows that do not overlap",
                ));
            }
        }
        Ok(())
    }

    /// A name that says what it is, fit for a folder: as [`EditSpec::short`].
    pub fn short(&self) -> String {
        self.in_words(self.spec().short())
    }

    /// The words of an edit with keyframes for its amount, and its shots.
    fn in_words(&self, spec: String) -> String {
        match (&self.keyframes, spec.rsplit_once('=')) {
            (Some(keyframes), Some((name, _))) => format!("{name}={keyframes}{}", self.shots),
            _ => format!("{spec}{}", self.shots),
        }
    }
}

impl fmt::Display for Along {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(self.spec().to_string()))
    }
}

/// As [`edited`], with a strength for each code: `w_k' = w_k + s_k n`; codes without one
/// stay what they are.
///
/// # Shapes   codes `[N,L,D]` of `generator`; result the same
/// # Errors
/// As [`edited`]; [`Error::Shape`] for strengths of another number of frames.
pub fn edited_over_time(
    generator: &dyn Generator,
    codes: &Codes,
    edits: &[Timed],
) -> Result<Codes> {
    if let Some(timed) = edits.iter().find(|timed| timed.strengths.len() != codes.count()) {
        return Err(Error::Shape {
            what: format!("strengths of `{}`", timed.edit.direction.name),
            expected: format!("{}, one a frame", codes.count()),
            got: timed.strengths.len().to_string(),
        });
    }
    let mut data = Vec::with_capacity(codes.data().len());
    for k in 0..codes.count() {
        let now = |timed: &Timed| {
            timed.strengths[k].map(|strength| Edit { strength, ..timed.edit.clone() })
        };
        let now: Vec<Edit> = edits.iter().filter_map(now).collect();
        data.extend_from_slice(edited(generator, &codes.select(&[k])?, &now)?.data());
    }
    Codes::new(codes.rows(), codes.dim(), data)
}

impl From<EditSpec> for Along {
    fn from(spec: EditSpec) -> Self {
        Self { specs: vec![spec], keyframes: None, shots: ShotChoice::All }
    }
}

impl FromStr for Along {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: String| Error::setting(format!("edit `{text}`"), problem);
        let (edit, shots) = match text.rsplit_once('#') {
            // A file may have the sign in its name; shots come after the amount.
            Some((edit, shots)) if !shots.contains('=') => (edit, shots.parse().map_err(wrong)?),
            _ => (text, ShotChoice::All),
        };
        let split = edit.rsplit_once('=').filter(|(_, amounts)| are_keyframes(amounts));
        let Some((name, amounts)) = split else {
            return Ok(Self { shots, ..edit.parse::<EditSpec>()?.into() });
        };
        let keyframes: Keyframes = amounts.parse().map_err(wrong)?;
        let spec = |key: &Key| format!("{name}={}", key.amount).parse();
        let specs = keyframes.keys().iter().map(spec).collect::<Result<_>>()?;
        Ok(Self { specs, keyframes: Some(keyframes), shots })
    }
}

/// Several amounts, or one at a time; a single `@` in front belongs to the amount.
fn are_keyframes(amounts: &str) -> bool {
    amounts.contains(',') || amounts.trim_start().chars().skip(1).any(|c| c == '@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::{OffsetSpace, Rows};

    /// Three frames of one row of two numbers, each a step further.
    fn clip() -> Trajectory {
        Trajectory::new(1, 2, OffsetSpace::W, vec![0.0, 0.0], vec![1.0, 0.0, 1.0, 0.0]).unwrap()
    }

    fn strengths(text: &str, times: &Timeline) -> Result<Vec<f32>> {
        let identity = Identity { name: "toy".into(), sha256: "0".repeat(64) };
        let timed = text.parse::<Along>()?.resolve(&clip(), &identity, times)?;
        // A number that no strength is, for frames that are left alone.
        Ok(timed.strengths.into_iter().map(|s| s.unwrap_or(-99.0)).collect())
    }

    #[test]
    fn shots_that_are_not_named_are_left_alone() {
        let two = Timeline::regular(3, 2.0).cut(vec![2]);
        assert_eq!(strengths("motion=2#1", &two).unwrap(), [2.0, 2.0, -99.0]);
        assert_eq!(strengths("motion=2#2", &two).unwrap(), [-99.0, -99.0, 2.0]);
        assert_eq!(strengths("motion=2#2+1", &two).unwrap(), [2.0; 3]);
        assert_eq!(strengths("motion=0@0s,2@1s#1", &two).unwrap(), [0.0, 1.0, -99.0]);
        let error = strengths("motion=2#3", &two).unwrap_err().to_string();
        assert!(error.contains("motion=2#3") && error.contains("1 to 2"), "{error}");

        // One direction twice is two meanings in a shot, and one each in two.
        let alongs = Along::list("age=1#1,age=0@0s,2@1s,smooth#2+3,smile=1").unwrap();
        let words: Vec<_> = alongs.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["age=1#1", "age=0@0s,2@1s,smooth#2+3", "smile=1"]);
        assert!(Along::list("age=1#1+2,age=2#2").is_err());
        assert!(Along::list("age=1,age=2#2").is_err());
        assert!("age=1#0".parse::<Along>().unwrap_err().to_string().contains("counted from 1"));
        let file: Along = "dir/a#b.npy=2".parse().unwrap();
        assert_eq!(file.to_string(), "dir/a#b.npy=2");
    }

    #[test]
    fn constant_edits_are_as_before() {
        let along: Along = "motion.2=-1.5".parse().unwrap();
        assert_eq!(along, Along::from("motion.2=-1.5".parse::<EditSpec>().unwrap()));
        assert_eq!(strengths("motion.2=-1.5", &Timeline::unknown(3)).unwrap(), [-1.5; 3]);
        assert_eq!(strengths("motion=2@1f", &Timeline::unknown(3)).unwrap(), [2.0; 3]);
    }

    #[test]
    fn names_and_rows_stay_what_they_are() {
        let along: Along = "dir/a=b@c.npy:4..8=0@0s,2@1s".parse().unwrap();
        assert_eq!(along.spec().rows, Rows::range(4, 8));
        let keyframes = along.keyframes().unwrap();
        assert_eq!(keyframes.to_string(), "0@0s,2@1s");
        let found = strengths("motion=0@0s,2@1s", &Timeline::regular(3, 2.0)).unwrap();
        assert_eq!(found, [0.0, 1.0, 2.0]);
    }

    #[test]
    fn lists_are_split_at_commas_and_written_back() {
        let text = "age=20y,smile~age=0@0s,0.8@1s,smooth,a,b.npy:4..8=2,yaw=0deg@1f,5deg@3f";
        let alongs = Along::list(text).unwrap();
        let words: Vec<_> = alongs.iter().map(ToString::to_string).collect();
        let want =
            ["age=20y", "smile~age=0@0s,0.8@1s,smooth", "a,b.npy:4..8=2", "yaw=0deg@1f,5deg@3f"];
        assert_eq!(words, want);
        assert_eq!(alongs[2].short(), "a,b[4..8]=2");
        assert_eq!(Along::list("age:..4=1,age:4..8=2").unwrap().len(), 2);
        for (text, want) in [
            ("age=1,age:4..8=2", "do not overlap"),
            ("age=1,age=0@0s,2@1s", "do not overlap"),
            ("age=1,", "NAME=AMOUNT"),
            ("a smile=1", "neither"),
        ] {
            let error = Along::list(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_words_panic_and_what_is_understood_is_written_back(text in "[a-z~:=@#+.,0-9 é-]{0,24}") {
            for along in Along::list(&text).unwrap_or_default() {
                let again: Along = along.to_string().parse().expect("its own words");
                proptest::prop_assert_eq!(again, along);
            }
        }
    }

    #[test]
    fn messages_name_the_edit() {
        for (text, words) in [
            ("motion=0@0s,2@1", ["motion=0@0s,2@1", "1s"]),
            ("motion=0@0s,much@1s", ["much", "number"]),
            ("motion=1,2", ["AMOUNT@TIME", "motion=1,2"]),
            ("motion", ["motion", "NAME"]),
        ] {
            let error = text.parse::<Along>().unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
        }
        let error = strengths("motion=0@1s,1@2s", &Timeline::unknown(5)).unwrap_err().to_string();
        assert!(error.contains("0@1s,1@2s") && error.contains("12f"), "{error}");
    }
}
