//! Flows between the base frames and all others, computed once.

use std::io;
use std::ops::ControlFlow;

use reelgan_nets::ops::{Arrays, Visitor};
use reelgan_run::Flow;
use reelgan_run::images::Frames;

use super::shelf::Shelf;
use super::{ConsistencyBase, Room};
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
#[derive(Debug)]
pub struct FlowPairs {
    pairs: Vec<(usize, usize)>,
    fields: Shelf<Field>,
}

/// One flow, `[1,2,H,W]`.
#[derive(Debug, Clone)]
struct Field {
    size: [usize; 2],
    data: Vec<f32>,
}

impl Arrays for Field {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        visitor(&mut self.data)
    }
}

impl FlowPairs {
    /// Estimates every flow of a plan; `done` is told how many are finished and
    /// may break off, which leaves the rest out.
    ///
    /// # Errors
    /// Whatever the estimator refuses, frames that cannot be read;
    /// [`Error::File`](crate::Error::File) if flows that memory has no room for cannot be put away.
    pub fn estimate(
        plan: &PairPlan,
        frames: &dyn Frames,
        estimator: &dyn FlowEstimator,
        room: &Room,
        done: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Self> {
        let mut flows = Self::new(room);
        for &(from, to) in &plan.pairs {
            flows.push((from, to), estimator.estimate(frames, from, to)?)?;
            if done(flows.pairs.len()).is_break() {
                break;
            }
        }
        Ok(flows)
    }

    /// Takes flows computed elsewhere, and keeps them in memory.
    pub fn given(flows: Vec<((usize, usize), Flow)>) -> Self {
        let mut all = Self::new(&Room { bytes: usize::MAX, ..Room::default() });
        for (pair, flow) in flows {
            all.push(pair, flow).expect("there is room in memory");
        }
        all
    }

    fn new(room: &Room) -> Self {
        let room = Room { bytes: room.bytes / 4, ..room.clone() };
        Self { pairs: Vec::new(), fields: Shelf::new(room) }
    }

    fn push(&mut self, pair: (usize, usize), flow: Flow) -> Result<()> {
        let size = [flow.height(), flow.width()];
        self.fields.push(Field { size, data: flow.into_data() })?;
        self.pairs.push(pair);
        Ok(())
    }

    /// Flow on `from`'s grid into `to`.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if it was put away and cannot be read.
    /// # Panics
    /// If it was not in the plan.
    pub fn get(&self, from: usize, to: usize) -> Result<Flow> {
        let place = self.pairs.iter().position(|pair| *pair == (from, to));
        let place = place.unwrap_or_else(|| panic!("flow {from} -> {to} was planned"));
        let Field { size: [height, width], data } = (*self.fields.get(place)?).clone();
        Ok(Flow::new(1, height, width, data)?)
    }
}

#[cfg(test)]
mod tests {
    use reelgan_run::Images;

    use super::*;

    /// Says which frames it was asked for.
    struct Asked;

    impl FlowEstimator for Asked {
        fn name(&self) -> String {
            "asked".into()
        }

        fn estimate(
            &self,
            _: &dyn Frames,
            from: usize,
            to: usize,
        ) -> Result<Flow, crate::flow::FlowError> {
            let data = (0..12).map(|i| (100 * from + 10 * to) as f32 + i as f32 / 7.0).collect();
            Ok(Flow::new(1, 2, 3, data).unwrap())
        }
    }

    #[test]
    fn flows_put_away_are_the_same() {
        let frames = Images::new(4, 2, 3, vec![0.5; 4 * 18]).unwrap();
        let plan = PairPlan::new(4, ConsistencyBase::All);
        // Room for none of them, for two, for all.
        for bytes in [0, 4 * 2 * 48, usize::MAX] {
            let room = Room { bytes, ..Room::default() };
            let go_on = &mut |_| ControlFlow::Continue(());
            let flows = FlowPairs::estimate(&plan, &frames, &Asked, &room, go_on).unwrap();
            for &(from, to) in &plan.pairs {
                let want = Asked.estimate(&frames, from, to).unwrap();
                assert_eq!(flows.get(from, to).unwrap(), want);
            }
        }
    }
}
