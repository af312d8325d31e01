//! A job's notices become progress, warnings and, when the user asks, its end.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use reelgan::invert::{Event, StepRecord};
use reelgan::job::{Notice, Watch};

use crate::console::Console;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::{counted, duration, number};

/// Shows what a job does.
pub struct Watcher<'a> {
    console: &'a mut Console,
    /// What rendering is called here.
    rendering: &'static str,
    label: &'static str,
    pace: Pace,
    /// Number of the present window and how many there are, if a clip has several.
    window: Option<(usize, usize)>,
}

impl<'a> Watcher<'a> {
    /// Watches a job that renders as one part of its work.
    pub fn new(console: &'a mut Console) -> Self {
        Self::naming(console, "Rendering")
    }

    /// Watches a job whose rendering is the work itself, and is called so.
    pub fn naming(console: &'a mut Console, rendering: &'static str) -> Self {
        Self { console, rendering, label: "Working", pace: Pace::new(), window: None }
    }

    fn stage(&mut self, name: &'static str) {
        if !matches!(name, "flow" | "invert") {
            self.window = None;
        }
        self.label = if name == "render" { self.rendering } else { label(name) };
        self.pace = Pace::new();
        self.show(0, 0, "");
    }

    /// Pieces of some kind, with the time that is left.
    fn pieces(&mut self, done: usize, total: usize, what: &str) {
        self.pace.mark(done);
        let mut text = match total {
            0 => counted(done, what),
            _ => format!("{what} {done}/{total}"),
        };
        if let Some(left) = self.pace.left(done, total) {
            text = format!("{text}, {} left", duration(left));
        }
        self.show(done, total, &text);
    }

    fn step(&mut self, record: &StepRecord, total: usize) {
        let done = record.step + 1;
        self.pace.mark(done);
        let [(_, whole), terms @ ..] = record.terms.named();
        // A term without weight is not computed.
        let terms: Vec<String> = terms
            .into_iter()
            .filter(|(_, value)| *value != 0.0)
            .map(|(name, value)| format!("{name} {}", number(value.into())))
            .collect();
        let window = self.window.map_or(String::new(), |(k, n)| format!("window {k}/{n}, "));
        let mut text = format!(
            "{window}step {done}/{total}, loss {} ({})",
            number(whole.into()),
            terms.join(", ")
        );
        if let Some(speed) = self.pace.speed() {
            text = format!("{text}, {}", pace_words(speed));
        }
        // Later windows take other numbers of steps: what is left of all is not known.
        let left = self.pace.left(done, total).filter(|_| self.window.is_none());
        if let Some(left) = left {
            text = format!("{text}, {} left", duration(left));
        }
        match self.window {
            None => self.show(done, total, &text),
            Some((k, n)) => self.show((k - 1) * total + done, n * total, &text),
        }
    }

    /// A step for the noise of one of some frames.
    fn noise_step(&mut self, [frame, frames]: [usize; 2], record: &StepRecord, total: usize) {
        let (done, all) = (frame * total + record.step + 1, frames * total);
        self.pace.mark(done);
        let loss = number(record.terms.total.into());
        let mut text =
            format!("frame {}/{frames}, step {}/{total}, loss {loss}", frame + 1, record.step + 1);
        if let Some(left) = self.pace.left(done, all) {
            text = format!("{text}, {} left", duration(left));
        }
        self.show(done, all, &text);
    }

    fn show(&mut self, done: usize, total: usize, text: &str) {
        let gauge = Gauge { label: self.label, done: done as u64, total: total as u64 };
        self.console.meter.update(gauge, text);
    }
}

impl Watch for Watcher<'_> {
    fn on(&mut self, notice: &Notice<'_>) -> ControlFlow<()> {
        match notice {
            Notice::Stage { name } => self.stage(name),
            Notice::Progress { done, total, .. } => self.pieces(*done, *total, "frame"),
            Notice::Window { number, total } => {
                self.window = Some((*number, *total)).filter(|(_, total)| *total > 1);
                self.pace = Pace::new();
            }
            Notice::Invert(Event::Flow { done, total }) => {
                self.pieces(*done, *total, "pair");
                if done == total {
                    self.stage("invert");
                }
            }
            Notice::Invert(Event::Step { record, total, .. }) => self.step(record, *total),
            Notice::Invert(Event::NoiseStep { frame, frames, record, total, .. }) => {
                self.noise_step([*frame, *frames], record, *total);
            }
            Notice::Invert(Event::Stopped { .. }) | Notice::Written(_) => {}
            Notice::Warning(text) => self.console.warn(text),
        }
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn label(stage: &'static str) -> &'static str {
    match stage {
        "align" => "Finding faces",
        "read" => "Reading frames",
        "flow" => "Optical flow",
        "invert" => "Inverting",
        "noise" => "Noise",
        "pictures" => "Drawing pictures",
        "report" => "Writing the report",
        "measure" => "Measuring",
        "features" => "Features",
        "distance" => "Distance",
        other => other,
    }
}

/// `2.4 steps/s`, or where a step takes longer `9.8 s/step`.
fn pace_words(speed: f64) -> String {
    if speed >= 1.0 { format!("{speed:.1} steps/s") } else { format!("{:.1} s/step", 1.0 / speed) }
}

/// How fast the work goes, over the last pieces.
pub struct Pace {
    began: Instant,
    recent: VecDeque<(Instant, usize)>,
}

/// Pieces that the speed is taken from.
const WINDOW: usize = 20;

impl Pace {
    pub fn new() -> Self {
        Self { began: Instant::now(), recent: VecDeque::new() }
    }

    /// Notes that so many pieces are done now.
    pub fn mark(&mut self, done: usize) {
        if self.recent.is_empty() && done > 0 {
            // What is there at the first mark was done since the beginning, unless a
            // run goes on: then only the last piece was.
            self.recent.push_back((self.began, done - 1));
        }
        self.recent.push_back((Instant::now(), done));
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
    }

    /// Pieces a second.
    pub fn speed(&self) -> Option<f64> {
        let (&(first, from), &(last, to)) = (self.recent.front()?, self.recent.back()?);
        let seconds = (last - first).as_secs_f64();
        (to > from && seconds > 0.0).then(|| (to - from) as f64 / seconds)
    }

    /// Time left, as far as the speed tells.
    pub fn left(&self, done: usize, total: usize) -> Option<Duration> {
        let pieces = total.checked_sub(done).filter(|&n| n > 0)?;
        Duration::try_from_secs_f64(pieces as f64 / self.speed()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_reads_well() {
        assert_eq!(pace_words(2.44), "2.4 steps/s");
        assert_eq!(pace_words(0.25), "4.0 s/step");
    }

    #[test]
    fn speed_is_that_of_the_pieces_done_here() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        // A run that goes on at step 101, at two seconds a step.
        let recent = VecDeque::from([(at(0), 100), (at(2), 101), (at(4), 102)]);
        let pace = Pace { began: start, recent };
        assert_eq!(pace.speed(), Some(0.5));
        assert_eq!(pace.left(102, 200), Some(Duration::from_secs(196)));
        assert_eq!(pace.left(200, 200), None);
        assert_eq!(pace.left(5, 0), None, "no end in sight");
        assert_eq!(Pace::new().speed(), None);
    }
}
