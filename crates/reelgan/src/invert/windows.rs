//! A clip longer than one window: which frames are found together, and from where.
//!
//! A window takes up where the one before it ends. Its first frame, the anchor, has its
//! code already and keeps it; everything after the anchor is the window's to find:
//!
//! ```text
//! frames      1 2 3 4 5 6 7 8 9 ...
//! window 1    o o o o o                 cold: base code and steps
//! window 2          a r o o             a: anchor, held   r: found again, warm
//! window 3              a r o o
//! ```
//!
//! Every frame's share of the objective depends on its own code alone, so with all codes
//! before the anchor held, a window minimises the objective of the whole shot over its
//! block of codes: one sweep of block coordinate descent. The codes cannot jump at a border, because each code is the
//! anchor's plus steps. What is left of the search's noise from frame to frame is averaged
//! away once all codes are found ([`WindowConfig::blur`]).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{InvertConfig, Schedule};
use crate::{Error, Result};

/// The most frames on each side that a code may be averaged with: a second of most clips.
const MOST_BLUR: usize = 25;

/// How a clip longer than one window is worked through.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    /// Frames of a window; a shot of no more frames is one window.
    pub size: usize,
    /// Frames that each later window adds, at most `size - 1`; 0 takes that. The rest of it
    /// are frames of the window before: the first of them is held, the others are found
    /// again.
    pub stride: usize,
    /// Steps of the optimiser for the first window of a shot that has several, as a multiple
    /// of those of one window: what has not settled there goes on changing over the windows
    /// after it.
    #[serde(default = "once")]
    pub settle: f64,
    /// Steps of the optimiser for each later window, as a part of those of one window.
    pub effort: f64,
    /// Highest learning rate of a later window, as a part of that of the first.
    pub rate: f64,
    /// Rate at which the base code may drift inside a later window, as a part of the
    /// learning rate; 0 holds the base code of the shot's first window for all of it.
    pub drift: f64,
    /// Rows of a code from this one on are the same for all frames of a shot, which keeps
    /// fine detail from flickering; 0 shares none.
    pub shared_from: usize,
    /// Frames on each side that a code of a shot of several windows is averaged with, once all
    /// are found, see [`blurred`](crate::codes::blurred); 0 leaves them as they were found.
    /// Pictures that are no frames of a clip are never averaged.
    #[serde(default)]
    pub blur: usize,
}

/// What a run had that an earlier version began.
fn once() -> f64 {
    1.0
}

impl Default for WindowConfig {
    /// As measured on a speaking head (`docs/BENCHMARKS.md`): a window that finds frames again
    /// gains nothing for twice the work, and a base code that drifts flickers.
    fn default() -> Self {
        Self {
            size: 5,
            stride: 0,
            settle: 1.0,
            effort: 0.4,
            rate: 0.33,
            drift: 0.1,
            shared_from: 0,
            blur: 0,
        }
    }
}

impl WindowConfig {
    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        if self.size < 2 {
            let problem = format!("{} frames are no window; give 2 or more", self.size);
            return Err(Error::setting("windows.size", problem));
        }
        if self.stride >= self.size {
            let problem = format!(
                "{} is not from 0 to {}: a window goes on from a frame of the one before",
                self.stride,
                self.size - 1
            );
            return Err(Error::setting("windows.stride", problem));
        }
        let above_0 = |name: &str, value: f64| match value > 0.0 && value <= 100.0 {
            true => Ok(()),
            false => Err(Error::setting(name, format!("{value} is not above 0 and at most 100"))),
        };
        above_0("windows.settle", self.settle)?;
        above_0("windows.effort", self.effort)?;
        above_0("windows.rate", self.rate)?;
        if self.blur > MOST_BLUR {
            let problem = format!("{} frames on each side; give 0 to {MOST_BLUR}", self.blur);
            return Err(Error::setting("windows.blur", problem));
        }
        match (0.0..=100.0).contains(&self.drift) {
            true => Ok(()),
            false => {
                Err(Error::setting("windows.drift", format!("{} is not in [0,100]", self.drift)))
            }
        }
    }
}

impl WindowConfig {
    /// Frames that each later window adds.
    pub fn new_frames(&self) -> usize {
        if self.stride == 0 { self.size - 1 } else { self.stride }
    }
}

impl InvertConfig {
    /// The settings that a window is found with, and its states are written with.
    pub fn of_window(&self, window: &Window) -> InvertConfig {
        let WindowConfig { settle, effort, rate, .. } = self.windows;
        let steps = |part: f64| ((self.steps as f64 * part).round() as usize).max(1);
        match window.place {
            Place::Alone => self.clone(),
            Place::First => InvertConfig { steps: steps(settle), ..self.clone() },
            Place::Later { .. } => InvertConfig {
                steps: steps(effort),
                // The first of its frames is held: there is nothing to find for it.
                schedule: Schedule { peak: self.schedule.peak * rate, lead: 0.0, ..self.schedule },
                ..self.clone()
            },
        }
    }
}

/// Where a window stands in its shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the whole shot.
    Alone,
    /// Others follow it.
    First,
    /// It takes up where another ends.
    Later {
        /// The frame before it, whose code is held.
        anchor: usize,
    },
}

/// Frames that are found together; numbers count from 0 over the clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The shot it belongs to.
    pub shot: usize,
    /// Where it stands there.
    pub place: Place,
    /// The frames it finds.
    pub frames: Range<usize>,
    /// Those of them whose codes it leaves as they are to be; the next window finds the
    /// others again.
    pub keeps: Range<usize>,
}

impl Window {
    /// All frames it looks at, the anchor included.
    pub fn all(&self) -> Range<usize> {
        self.anchor().unwrap_or(self.frames.start)..self.frames.end
    }

    /// The frame before it, whose code is held; none for the first window of a shot.
    pub fn anchor(&self) -> Option<usize> {
        match self.place {
            Place::Later { anchor } => Some(anchor),
            Place::Alone | Place::First => None,
        }
    }
}

/// The windows of a clip whose shots are given as ranges of frames, in order.
///
/// Every frame is kept by exactly one window.
pub fn windows(shots: &[Range<usize>], config: &WindowConfig) -> Vec<Window> {
    let mut all = Vec::new();
    for (shot, range) in shots.iter().enumerate() {
        // Frames of the window before that are found again.
        let again = config.size - 1 - config.new_frames();
        let mut end = (range.start + config.size).min(range.end);
        let first = range.start..end;
        let place = if end < range.end { Place::First } else { Place::Alone };
        all.push(Window { shot, place, frames: first.clone(), keeps: first });
        while end < range.end {
            let start = end - again;
            let last = all.last_mut().expect("a shot has a first window");
            last.keeps.end = start;
            end = (end + config.new_frames()).min(range.end);
            let frames = start..end;
            all.push(Window {
                shot,
                place: Place::Later { anchor: start - 1 },
                frames: frames.clone(),
                keeps: frames,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(shots: &[Range<usize>], size: usize, stride: usize) -> Vec<Window> {
        windows(shots, &WindowConfig { size, stride, ..WindowConfig::default() })
    }

    #[test]
    fn a_short_clip_is_one_window() {
        for count in 1..=5 {
            let all = plan(std::slice::from_ref(&(0..count)), 5, 4);
            let only = Window { shot: 0, place: Place::Alone, frames: 0..count, keeps: 0..count };
            assert_eq!(all, [only]);
        }
    }

    #[test]
    fn windows_overlap_as_drawn() {
        let all = plan(std::slice::from_ref(&(0..9)), 4, 2);
        let of = |k: usize| (all[k].anchor(), all[k].frames.clone(), all[k].keeps.clone());
        assert_eq!(of(0), (None, 0..4, 0..3));
        assert_eq!(of(1), (Some(2), 3..6, 3..5));
        assert_eq!(of(2), (Some(4), 5..8, 5..7));
        // The last has what is left.
        assert_eq!(of(3), (Some(6), 7..9, 7..9));
        assert_eq!((all.len(), all[3].all()), (4, 6..9));
    }

    #[test]
    fn a_cut_begins_anew() {
        let all = plan(&[0..6, 6..7, 7..9], 5, 4);
        let places: Vec<_> = all.iter().map(|w| (w.shot, w.place)).collect();
        let later = Place::Later { anchor: 4 };
        assert_eq!(places, [(0, Place::First), (0, later), (1, Place::Alone), (2, Place::Alone)]);
    }

    proptest! {
        #[test]
        fn every_frame_is_kept_once_and_every_anchor_was_found_before(
            lengths in prop::collection::vec(1usize..40, 1..5),
            size in 2usize..12,
            stride in 1usize..12,
        ) {
            let stride = stride.min(size - 1);
            let mut shots = Vec::new();
            let mut at = 0;
            for length in lengths {
                shots.push(at..at + length);
                at += length;
            }
            let mut kept = 0;
            for window in plan(&shots, size, stride) {
                prop_assert_eq!(window.keeps.start, kept);
                prop_assert!(!window.keeps.is_empty());
                prop_assert!(window.all().len() <= size);
                let shot = &shots[window.shot];
                prop_assert!(shot.start <= window.all().start && window.frames.end <= shot.end);
                match window.anchor() {
                    // Its code is final: only earlier windows keep it.
                    Some(anchor) => prop_assert!(anchor + 1 == window.frames.start && anchor < kept),
                    None => prop_assert_eq!(window.frames.start, shot.start),
                }
                kept = window.keeps.end;
            }
            prop_assert_eq!(kept, at);
        }
    }

    #[test]
    fn the_first_of_several_windows_settles() {
        let mut config = InvertConfig { steps: 40, ..InvertConfig::default() };
        config.windows = WindowConfig { settle: 2.5, effort: 0.25, rate: 0.5, ..config.windows };
        let all = plan(&[0..7, 7..9], 5, 4);
        let of = |k: usize| config.of_window(&all[k]);
        assert_eq!([0, 1, 2].map(|k| of(k).steps), [100, 10, 40]);
        assert_eq!(of(1).schedule.peak, 0.5 * of(0).schedule.peak);
        assert_eq!([of(0).schedule.lead, of(1).schedule.lead], [config.schedule.lead, 0.0]);
        assert_eq!(of(2), config);
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let good = WindowConfig::default();
        assert!(good.check().is_ok());
        for bad in [
            WindowConfig { size: 1, ..good },
            WindowConfig { stride: 5, ..good },
            WindowConfig { settle: 0.0, ..good },
            WindowConfig { effort: 0.0, ..good },
            WindowConfig { rate: f64::NAN, ..good },
            WindowConfig { drift: -1.0, ..good },
            WindowConfig { blur: 26, ..good },
        ] {
            assert!(matches!(bad.check(), Err(Error::Setting { .. })), "{bad:?}");
        }
    }
}
