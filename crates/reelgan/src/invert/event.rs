//! What an inversion tells whoever watches: progress bar, log, run folder, viewer.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{State, StopReason};
use crate::objective::Terms;

/// Losses of one step, before its move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step, counted from 0.
    pub step: usize,
    /// Learning rate of its move.
    pub rate: f64,
    /// Values of the terms.
    pub terms: Terms,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another flow between two input frames is there.
    Flow {
        /// Flows finished.
        done: usize,
        /// Flows needed.
        total: usize,
    },
    /// Another step was taken.
    Step {
        /// Its losses.
        record: StepRecord,
        /// Steps planned.
        total: usize,
        /// Everything needed to go on from here.
        state: &'a State,
    },
    /// Another step of the second stage was taken.
    NoiseStep {
        /// The frame whose noise it moved, counted from 0.
        frame: usize,
        /// Frames there are.
        frames: usize,
        /// Its losses: the frame's share.
        record: StepRecord,
        /// Steps planned for each frame.
        total: usize,
        /// Everything needed to go on with this frame from here.
        state: &'a State,
    },
    /// The inversion ended.
    Stopped {
        /// Why.
        reason: &'a StopReason,
    },
}

/// Watches an inversion and may end it.
pub trait Observer {
    /// Is told of every event, in order; `Break` ends the inversion after it.
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&mut self, _event: &Event<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Event<'_>) -> ControlFlow<()>> Observer for F {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        self(event)
    }
}
