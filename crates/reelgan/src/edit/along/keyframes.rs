//! A strength that changes over time, by what it is at some moments.

use std::fmt;
use std::str::FromStr;

/// A moment of a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    /// So many seconds after its first frame is shown.
    Seconds(f64),
    /// When this frame is shown, counted from 1.
    Frame(usize),
}

/// How far an edit goes at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// As an edit of the same direction says it.
    pub amount: String,
    /// The moment.
    pub at: Moment,
}

/// How values between two keys are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// On a straight line.
    #[default]
    Linear,
    /// On a curve that leaves and reaches every key level: `3 t^2 - 2 t^3` of the way.
    Smooth,
}

/// Amounts at moments, in order of time; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyframes {
    keys: Vec<Key>,
    interpolation: Interpolation,
}

/// When each frame of a run is shown, and in which shot.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    count: usize,
    /// Seconds after the first frame of the clip, if they are known.
    seconds: Option<Vec<f64>>,
    /// The first frame of every shot but the first, counted from 0, in order.
    cuts: Vec<usize>,
}

impl Timeline {
    /// Frames at these times, which do not decrease.
    pub fn new(seconds: Vec<f64>) -> Self {
        Self { count: seconds.len(), seconds: Some(seconds), cuts: Vec::new() }
    }

    /// Frames at a constant rate.
    pub fn regular(count: usize, fps: f64) -> Self {
        Self::new((0..count).map(|k| k as f64 / fps).collect())
    }

    /// Frames that nothing is known of but their order.
    pub fn unknown(count: usize) -> Self {
        Self { count, seconds: None, cuts: Vec::new() }
    }

    /// The same frames, cut into shots; `cuts` are the first frames of all but the first
    /// shot, counted from 0, in order.
    pub fn cut(self, cuts: Vec<usize>) -> Self {
        Self { cuts, ..self }
    }

    /// How many shots there are.
    pub fn shots(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The shot of frame `k`, counted from 1.
    pub fn shot(&self, k: usize) -> usize {
        self.cuts.partition_point(|cut| *cut <= k) + 1
    }

    /// How many frames there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The place of frame `k` on the axis that keys are compared on: seconds, or
    /// numbers of frames where those are not known.
    fn place(&self, k: usize) -> f64 {
        self.seconds.as_ref().map_or(k as f64, |seconds| seconds[k])
    }

    fn place_of(&self, moment: Moment) -> Result<f64, String> {
        match moment {
            Moment::Frame(number) if number > self.count => {
                Err(format!("there is no frame {number}: the run has frames 1 to {}", self.count))
            }
            Moment::Frame(number) => Ok(self.place(number - 1)),
            Moment::Seconds(seconds) if self.seconds.is_some() => Ok(seconds),
            Moment::Seconds(_) => {
                Err("the frames have no times; name frames instead of seconds, such as 12f".into())
            }
        }
    }
}

impl Keyframes {
    /// The keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The strength at every frame, from the strength at every key.
    ///
    /// # Panics
    /// If there is not one strength for each key.
    /// # Errors
    /// A moment that the frames do not have, or that comes before the one written
    /// before it; in words.
    pub fn strengths(&self, at_keys: &[f32], times: &Timeline) -> Result<Vec<f32>, String> {
        assert_eq!(at_keys.len(), self.keys.len(), "one strength for each key");
        let mut placed = Vec::with_capacity(self.keys.len());
        for (k, (key, strength)) in self.keys.iter().zip(at_keys).enumerate() {
            let place = times.place_of(key.at)?;
            if placed.last().is_some_and(|(before, _)| place < *before) {
                let before = self.keys[k - 1].at;
                return Err(format!(
                    "{} comes before {before}; write keyframes in order of time",
                    key.at
                ));
            }
            placed.push((place, *strength));
        }
        Ok((0..times.count()).map(|k| self.value(&placed, times.place(k))).collect())
    }

    fn value(&self, placed: &[(f64, f32)], at: f64) -> f32 {
        // Behind all keys that are not later: of two at one time the second counts.
        let next = placed.partition_point(|(place, _)| *place <= at);
        let (Some(&(from, a)), Some(&(to, b))) =
            (next.checked_sub(1).map(|k| &placed[k]), placed.get(next))
        else {
            return placed[next.saturating_sub(1)].1;
        };
        let t = (at - from) / (to - from);
        let t = match self.interpolation {
            Interpolation::Linear => t,
            Interpolation::Smooth => t * t * (3.0 - 2.0 * t),
        };
        (f64::from(a) + t * (f64::from(b) - f64::from(a))) as f32
    }
}

const FORM: &str = "write AMOUNT@TIME,AMOUNT@TIME,... such as 0@0s,2@1s,0@3s, with `smooth` at the end for no corners";

impl FromStr for Keyframes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let interpolation = match parts.last() {
            Some(&"smooth") => Interpolation::Smooth,
            Some(&"linear") => Interpolation::Linear,
            _ => {
                parts.push("");
                Interpolation::Linear
            }
        };
        parts.pop();
        if parts.is_empty() {
            return Err(format!("there is no keyframe; {FORM}"));
        }
        let keys: Result<Vec<Key>, String> = parts.into_iter().map(key).collect();
        Ok(Self { keys: keys?, interpolation })
    }
}

/// What stands before the last `@` may hold one itself.
fn key(part: &str) -> Result<Key, String> {
    match part.rsplit_once('@') {
        Some((amount, time)) if !amount.trim().is_empty() => {
            Ok(Key { amount: amount.trim().into(), at: time.trim().parse()? })
        }
        _ => Err(format!("`{part}` is no keyframe; {FORM}")),
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no time; write seconds (1.5s, 250ms) or a frame counted from 1 (12f)"
            )
        };
        let number = |digits: &str| {
            let number = digits.parse::<f64>().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        if let Some(digits) = text.strip_suffix("ms") {
            return number(digits).map(|ms| Self::Seconds(ms / 1000.0)).ok_or_else(wrong);
        }
        if let Some(digits) = text.strip_suffix('s') {
            return number(digits).map(Self::Seconds).ok_or_else(wrong);
        }
        let digits = text.strip_suffix('f').ok_or_else(|| match number(text) {
            Some(_) => {
                format!("`{text}` has no unit; write {text}s for seconds or {text}f for a frame")
            }
            None => wrong(),
        })?;
        digits.parse().ok().filter(|n| *n > 0).map(Self::Frame).ok_or_else(wrong)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
            Self::Frame(number) => write!(f, "{number}f"),
        }
    }
}

impl fmt::Display for Keyframes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, Key { amount, at }) in self.keys.iter().enumerate() {
            write!(f, "{}{amount}@{at}", if k == 0 { "" } else { "," })?;
        }
        f.write_str(if self.interpolation == Interpolation::Smooth { ",smooth" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strengths(text: &str, times: &Timeline) -> Result<Vec<f32>, String> {
        let keyframes = text.parse::<Keyframes>()?;
        let at_keys: Vec<f32> =
            keyframes.keys().iter().map(|k| k.amount.parse().unwrap()).collect();
        keyframes.strengths(&at_keys, times)
    }

    #[test]
    fn straight_lines_through_the_keys() {
        let times = Timeline::regular(8, 2.0);
        let found = strengths("0@0s,2@1s,0@3s", &times).unwrap();
        assert_eq!(found, [0.0, 1.0, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0]);
        assert_eq!(strengths("1@1s,3@2s", &times).unwrap()[..3], [1.0; 3], "held before the first");
        assert_eq!(strengths("-1.5@1f", &times).unwrap(), [-1.5; 8]);
    }

    #[test]
    fn smooth_curves_are_level_at_the_keys() {
        let times = Timeline::regular(5, 4.0);
        let found = strengths("0@0s,1@1s,smooth", &times).unwrap();
        assert_eq!(found, [0.0, 0.156_25, 0.5, 0.843_75, 1.0]);
        assert_eq!(strengths("0@0s,1@1s,linear", &times).unwrap()[1], 0.25);
    }

    #[test]
    fn each_frame_counts_at_its_own_time() {
        let times = Timeline::new(vec![0.0, 0.1, 0.5, 0.9, 1.0]);
        assert_eq!(strengths("0@0s,10@1000ms", &times).unwrap(), [0.0, 1.0, 5.0, 9.0, 10.0]);
        // Frame 3 is shown at 0.5 s.
        assert_eq!(strengths("0@1f,1@3f,0@1s", &times).unwrap(), [0.0, 0.2, 1.0, 0.2, 0.0]);
    }

    #[test]
    fn two_keys_at_one_time_are_a_jump() {
        let times = Timeline::regular(4, 1.0);
        assert_eq!(strengths("0@0s,0@2s,3@2s", &times).unwrap(), [0.0, 0.0, 3.0, 3.0]);
    }

    #[test]
    fn frames_need_no_times() {
        let times = Timeline::unknown(4);
        assert_eq!(strengths("0@1f,3@4f", &times).unwrap(), [0.0, 1.0, 2.0, 3.0]);
        assert!(strengths("0@1f,3@1s", &times).unwrap_err().contains("no times"));
        assert!(strengths("0@1f,3@5f", &times).unwrap_err().contains("frames 1 to 4"));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, word) in [
            ("", "AMOUNT@TIME"),
            ("smooth", "no keyframe"),
            ("1@", "no time"),
            ("@1s", "no keyframe"),
            ("1@-1s", "no time"),
            ("1@infs", "no time"),
            ("1@0f", "counted from 1"),
            ("1@1.5f", "counted from 1"),
            ("1@2", "2s for seconds or 2f"),
            ("1@2h", "no time"),
            ("1@1s,,2@2s", "no keyframe"),
            ("1@1s,smooth,2@2s", "no keyframe"),
        ] {
            let error = text.parse::<Keyframes>().unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        let error = strengths("1@2s,0@1s", &Timeline::regular(9, 1.0)).unwrap_err();
        assert!(error.contains("1s comes before 2s"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9@smf,.eE+-]{0,24}") {
            if let Ok(keys) = text.parse::<Keyframes>() {
                let at_keys = vec![1.0; keys.keys().len()];
                let _ = keys.strengths(&at_keys, &Timeline::regular(7, 3.0));
                let _ = keys.strengths(&at_keys, &Timeline::unknown(7));
                prop_assert_eq!(keys.to_string().parse(), Ok(keys));
            }
        }

        #[test]
        fn values_stay_between_their_keys(a in -3.0f32..3.0, b in -3.0f32..3.0, at in 0.0f64..1.0) {
            for text in ["a@0s,b@1s", "a@0s,b@1s,smooth"] {
                let keys: Keyframes = text.parse().unwrap();
                let v = keys.strengths(&[a, b], &Timeline::new(vec![at])).unwrap()[0];
                prop_assert!(v >= a.min(b) - 1e-6 && v <= a.max(b) + 1e-6);
            }
        }
    }
}
