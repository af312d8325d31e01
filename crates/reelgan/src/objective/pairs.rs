//! Flows between the base frames and all others, computed once.

use std::ops::ControlFlow;

use reelgan_run::{Flow, Images};

use super::ConsistencyBase;
use crate::Result;
use crate::flow::FlowEstimator;

/// Which flows an objective needs: every ordered pair of a base and another frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairPlan {
    pairs: Vec<(usize, usize)>,
}

impl PairPlan {
    /// The pairs `(from, to)` for `frames` frames: flow on `from`'s grid that says
    /// where to look in `to`. One frame needs none.
    pub fn new(frames: usize, base: ConsistencyBase) -> Self {
        let bases = match base {
            ConsistencyBase::First => 0..1,
            ConsistencyBase::All => 0..frames,
        };
        let mut pairs: Vec<(usize, usize)> = bases
            .flat_map(|b| (0..frames).filter(move |&k| k != b).flat_map(move |k| [(k, b), (b, k)]))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self { pairs }
    }

    /// How many flows that is.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// The flows themselves.
#[derive(Debug, Clone)]
pub struct FlowPairs {
    flows: Vec<((usize, usize), Flow)>,
}

impl FlowPairs {
    /// Estimates every flow of a plan; `done` is told how many are finished and
    /// may break off, which leaves the rest out.
    ///
    /// # Errors
    /// Whatever the estimator refuses.
    pub fn estimate(
        plan: &PairPlan,
        frames: &Images,
        estimator: &dyn FlowEstimator,
        done: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Self> {
        let mut flows = Vec::with_capacity(plan.len());
        for &(from, to) in &plan.pairs {
            flows.push(((from, to), estimator.estimate(frames, from, to)?));
            if done(flows.len()).is_break() {
                break;
            }
        }
        Ok(Self { flows })
    }

    /// Takes flows computed elsewhere.
    pub fn given(flows: Vec<((usize, usize), Flow)>) -> Self {
        Self { flows }
    }

    /// Flow on `from`'s grid into `to`.
    ///
    /// # Panics
    /// If it was not in the plan.
    pub fn get(&self, from: usize, to: usize) -> &Flow {
        let found = self.flows.iter().find(|(pair, _)| *pair == (from, to));
        &found.unwrap_or_else(|| panic!("flow {from} -> {to} was planned")).1
    }
}
