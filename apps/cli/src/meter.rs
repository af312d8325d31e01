//! Progress on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// Work that is done before this needs no line.
const WORTH_A_LINE: Duration = Duration::from_secs(2);
/// How often a bar shows that the program is alive.
const TICK: Duration = Duration::from_millis(200);

/// One line that says how far the work is.
pub struct Meter {
    voice: Voice,
    lines: Option<Lines>,
    /// Where the bar does not know its end.
    open_ended: bool,
}

/// How far a part of the work is.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<'a> {
    /// The part, such as `Inverting`.
    pub label: &'a str,
    /// Pieces done.
    pub done: u64,
    /// Pieces there are; 0 if that is not known.
    pub total: u64,
}

impl Meter {
    /// A meter for standard error as it is; an invisible one if quiet.
    pub fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = io::stderr().is_terminal() && !dumb;
        let bar = if terminal && !quiet { ProgressBar::no_length() } else { ProgressBar::hidden() };
        bar.set_style(style(false));
        let lines = (!terminal && !quiet).then(Lines::new);
        Self { voice: Voice { bar }, lines, open_ended: false }
    }

    /// Shows how far the work is; `text` says it in words.
    pub fn update(&mut self, gauge: Gauge<'_>, text: &str) {
        if let Some(lines) = &mut self.lines {
            if !text.is_empty() && lines.due(gauge) {
                self.voice.say(&format!("{}: {text}", gauge.label));
            }
            return;
        }
        let bar = &self.voice.bar;
        if self.open_ended != (gauge.total == 0) {
            self.open_ended = gauge.total == 0;
            bar.set_style(style(self.open_ended));
        }
        bar.set_prefix(gauge.label.to_string());
        bar.set_message(text.to_string());
        bar.set_length(gauge.total.max(1));
        bar.set_position(gauge.done);
        bar.enable_steady_tick(TICK);
    }

    /// Prints a line beside the progress.
    pub fn say(&self, text: &str) {
        self.voice.say(text);
    }

    /// Does something while no progress is on the screen.
    pub fn aside<T>(&self, action: impl FnOnce() -> T) -> T {
        self.voice.bar.suspend(action)
    }

    /// What other threads may speak with.
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.voice.bar.finish_and_clear();
    }
}

fn style(open_ended: bool) -> ProgressStyle {
    let template =
        if open_ended { "{prefix} {spinner} {wide_msg}" } else { "{prefix} [{bar:20}] {wide_msg}" };
    ProgressStyle::with_template(template)
        .expect("the template is a constant")
        .progress_chars("=> ")
}

/// Lines on standard error that do not tear a progress bar.
#[derive(Clone)]
pub struct Voice {
    bar: ProgressBar,
}

impl Voice {
    /// Prints a line; a closed standard error is no reason to stop working.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(io::stderr(), "{text}");
        });
    }
}

/// Decides which lines a log gets.
struct Lines {
    next: Instant,
    label: String,
    began: Instant,
}

impl Lines {
    fn new() -> Self {
        let now = Instant::now();
        Self { next: now + WORTH_A_LINE, label: String::new(), began: now }
    }

    /// Whether this is worth a line: some time passed, or a long part ended.
    fn due(&mut self, gauge: Gauge<'_>) -> bool {
        let now = Instant::now();
        if self.label != gauge.label {
            self.label = gauge.label.to_string();
            self.began = now;
        }
        let ended = gauge.total > 0 && gauge.done == gauge.total;
        let due = now >= self.next || (ended && now - self.began >= WORTH_A_LINE);
        if due {
            self.next = now + BETWEEN_LINES;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gets_few_lines_and_the_end_of_what_took_long() {
        let mut lines = Lines::new();
        let gauge = |done| Gauge { label: "Inverting", done, total: 10 };
        assert!(!lines.due(gauge(1)), "nothing took long yet");
        assert!(!lines.due(gauge(10)), "the end of something short");
        lines.next = Instant::now();
        assert!(lines.due(gauge(2)));
        assert!(!lines.due(gauge(3)), "right after a line");
        lines.began -= WORTH_A_LINE;
        assert!(lines.due(gauge(10)), "the end of something long");
    }
}
