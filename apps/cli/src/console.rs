//! What is said, and where: results on standard output, everything else on standard error.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};
use reelgan::prelude::{Device, DeviceName};
use serde::Serialize;

use crate::arguments::Global;
use crate::failure::ReaderLeft;
use crate::meter::Meter;

/// Standard output and standard error, as the user wants them.
pub struct Console {
    json: bool,
    quiet: bool,
    device: DeviceName,
    warned: BTreeSet<String>,
    /// Progress, on standard error.
    pub meter: Meter,
}

impl Console {
    pub fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            device: global.device,
            warned: BTreeSet::new(),
            meter: Meter::new(global.quiet),
        }
    }

    /// Where the networks compute.
    ///
    /// # Errors
    /// A machine without that device.
    pub fn device(&self) -> Result<Device> {
        Ok(self.device.open()?)
    }

    /// What the user asked to see: words, or the same as JSON.
    ///
    /// # Errors
    /// Standard output that cannot be written.
    pub fn answer(&self, data: &impl Serialize, words: impl FnOnce() -> String) -> Result<()> {
        let text = match self.json {
            true => serde_json::to_string_pretty(data).context("cannot put the result as JSON")?,
            false => words().trim_end().to_string(),
        };
        self.meter.aside(|| print(&text))
    }

    /// What came of a job; as [`Console::answer`], but words are left out if quiet.
    ///
    /// # Errors
    /// Standard output that cannot be written.
    pub fn outcome(&self, data: &impl Serialize, words: impl FnOnce() -> String) -> Result<()> {
        if self.quiet && !self.json { Ok(()) } else { self.answer(data, words) }
    }

    /// A line of a result that comes piece by piece; none if quiet, or where one JSON value
    /// follows at the end.
    ///
    /// # Errors
    /// Standard output that cannot be written.
    pub fn line(&self, text: &str) -> Result<()> {
        if self.quiet || self.json { Ok(()) } else { self.meter.aside(|| print(text)) }
    }

    /// Something to know in passing.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.meter.say(text);
        }
    }

    /// What the user must know even if quiet, but is no warning.
    pub fn tell(&self, text: &str) {
        self.meter.say(text);
    }

    /// A warning; the same one is given once.
    pub fn warn(&mut self, text: &str) {
        if self.warned.insert(text.to_string()) {
            self.meter.say(&format!("{} {text}", Paint::for_stderr().yellow("warning:")));
        }
    }
}

/// A line on standard output.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(ReaderLeft.into()),
        done => done.context("cannot write to standard output"),
    }
}

/// Colours, where they are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Colours for standard error: on terminals, unless `NO_COLOR` is set.
    pub fn for_stderr() -> Self {
        Self { on: io::stderr().is_terminal() && colours_wanted() }
    }

    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

fn colours_wanted() -> bool {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
