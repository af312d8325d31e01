//! What a job tells whoever watches, and how it is asked to end.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::clock::Clock;
use crate::Error;
use crate::invert::{Event, Silent};

/// One thing that happened in a job.
#[derive(Debug)]
pub enum Notice<'a> {
    /// Another part of the job began.
    Stage {
        /// Its name: `align`, `read`, `flow`, `invert`, `render`, `pictures`, `report`.
        name: &'static str,
    },
    /// Another piece of a part is done.
    Progress {
        /// The part.
        stage: &'static str,
        /// Pieces done.
        done: usize,
        /// Pieces there are; 0 where that is not known beforehand.
        total: usize,
    },
    /// Another window of a clip that is longer than one begins, or is there already.
    Window {
        /// Its number, counted from 1.
        number: usize,
        /// Windows there are.
        total: usize,
    },
    /// The inversion itself: flows, steps, its end.
    Invert(&'a Event<'a>),
    /// Something the user should know; also in the report.
    Warning(&'a str),
    /// A file is there, whole.
    Written(&'a Path),
}

/// Watches a job and may end it.
pub trait Watch {
    /// Is told of every notice, in order; `Break` ends the job at the next place
    /// where it can be taken up again.
    fn on(&mut self, notice: &Notice<'_>) -> ControlFlow<()>;
}

impl Watch for Silent {
    fn on(&mut self, _notice: &Notice<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Notice<'_>) -> ControlFlow<()>> Watch for F {
    fn on(&mut self, notice: &Notice<'_>) -> ControlFlow<()> {
        self(notice)
    }
}

/// Why a stage did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// Whoever watched asked for it.
    Interrupted,
    /// It could not.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Halt::Failed(error.into())
    }
}

/// Tells the watcher, remembers what was told, and keeps time.
pub(super) struct Teller<'a> {
    watch: &'a mut dyn Watch,
    asked_to_end: bool,
    stage: &'static str,
    pub clock: Clock,
    pub warnings: Vec<String>,
    pub written: Vec<PathBuf>,
}

impl<'a> Teller<'a> {
    pub fn new(watch: &'a mut dyn Watch) -> Self {
        Self {
            watch,
            asked_to_end: false,
            stage: "",
            clock: Clock::start(),
            warnings: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Passes a notice on; whether to go on.
    pub fn tell(&mut self, notice: &Notice<'_>) -> ControlFlow<()> {
        self.asked_to_end |= self.watch.on(notice).is_break();
        if self.asked_to_end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Begins a part of the job.
    pub fn stage(&mut self, name: &'static str) -> Result<(), Halt> {
        self.stage = name;
        self.clock.enter(name);
        self.going_on(Notice::Stage { name })
    }

    /// Tells how far the present part is.
    pub fn progress(&mut self, done: usize, total: usize) -> Result<(), Halt> {
        let stage = self.stage;
        self.going_on(Notice::Progress { stage, done, total })
    }

    /// Gives a warning, once.
    pub fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            // The answer counts at the next place where the job can end.
            let _ = self.tell(&Notice::Warning(&text));
            self.warnings.push(text);
        }
    }

    /// Tells of a finished file.
    pub fn wrote(&mut self, path: impl Into<PathBuf>) {
        let path = path.into();
        let _ = self.tell(&Notice::Written(&path));
        self.written.push(path);
    }

    fn going_on(&mut self, notice: Notice<'_>) -> Result<(), Halt> {
        if self.tell(&notice).is_break() { Err(Halt::Interrupted) } else { Ok(()) }
    }
}
