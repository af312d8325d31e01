//! Keeps the state of a running inversion on disk.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use reelgan_run::RunFolder;

use super::sealed;
use super::watch::{Notice, Teller};
use crate::invert::{Event, InvertConfig, Observer, State};
use crate::{Error, Result};

/// How much work a killed process may lose, apart from the step it was at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Passes events on, writes the state now and then, and keeps time.
pub(super) struct Recorder<'a, 'w> {
    teller: &'a mut Teller<'w>,
    folder: &'a RunFolder,
    /// Where the state is kept.
    path: &'a Path,
    config: &'a InvertConfig,
    /// When the state was last written by this process.
    saved: Option<Instant>,
    failed: Option<Error>,
}

impl<'a, 'w> Recorder<'a, 'w> {
    pub fn new(
        teller: &'a mut Teller<'w>,
        folder: &'a RunFolder,
        path: &'a Path,
        config: &'a InvertConfig,
    ) -> Self {
        Self { teller, folder, path, config, saved: None, failed: None }
    }

    /// What went wrong while it recorded.
    pub fn finish(self) -> Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    fn record(&mut self, state: &State) -> Result<()> {
        if self.saved.is_some_and(|saved| saved.elapsed() < INTERVAL) {
            return Ok(());
        }
        sealed::save(state, self.config, self.path)?;
        self.teller.clock.timing().write(&self.folder.timing())?;
        self.saved = Some(Instant::now());
        Ok(())
    }
}

impl Observer for Recorder<'_, '_> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Flow { done, total } if done == total => self.teller.clock.enter("invert"),
            Event::Step { state, .. } => {
                if let Err(error) = self.record(state) {
                    self.failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            _ => {}
        }
        self.teller.tell(&Notice::Invert(event))
    }
}
