//! The optimisation loop.

use reelgan_run::images::Frames;
use std::ops::ControlFlow;

use super::precision::Stepping;
use super::whitening::Whitening;
use super::{
    Axes, Best, Event, InvertConfig, NoiseMode, NoiseStage, Observer, Offsets, Path, StartCode,
    State, StepRecord, StopReason, Variables,
};
use crate::codes::{Codes, Trajectory};
use crate::encode::start::{StartEncoder, StartMap};
use crate::flow::FlowEstimator;
use crate::generator::{Generator, Noise, code_tensor};
use crate::loss::{LpipsTerm, Perceptual, smoothness, spread};
use crate::objective::{FlowPairs, LossWeights, Networks, Objective, PairPlan, Room, Terms};
use crate::perceptual::PerceptualNets;
use crate::{Error, Result};

/// Inverts consecutive images into codes of a frozen generator.
pub struct Inverter<'a> {
    generator: Stepping<'a>,
    networks: Networks,
    flow: &'a dyn FlowEstimator,
    start: Option<StartEncoder>,
    config: InvertConfig,
    room: Room,
}

/// One look at all frames.
struct Pass {
    terms: Terms,
    /// The loss of every frame that is found.
    frames: Vec<f32>,
    gradient: Vec<f32>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Inversion {
    /// Base code and steps with the lowest total loss seen.
    pub trajectory: Trajectory,
    /// Where they were seen, and the loss there.
    pub best: Option<Best>,
    /// Why it ended.
    pub stop: StopReason,
    /// Losses of every step.
    pub history: Vec<StepRecord>,
    /// The end, to go on from.
    pub state: State,
}

impl Inversion {
    /// The code of every frame, `[N,L,D]`.
    pub fn codes(&self) -> Codes {
        self.trajectory.codes()
    }
}

impl<'a> Inverter<'a> {
    /// Checks the configuration.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn new(
        generator: &'a dyn Generator,
        nets: &PerceptualNets,
        flow: &'a dyn FlowEstimator,
        config: InvertConfig,
    ) -> Result<Self> {
        config.check()?;
        let networks = Networks {
            perceptual: Perceptual::new(nets.vgg16()),
            lpips: Some(LpipsTerm::new(nets.lpips().clone())),
        };
        let learned = config.start == StartCode::Learned;
        let start = learned.then(|| StartMap::shipped(generator.identity())).flatten();
        let start = start.map(|map| StartEncoder::new(map, nets.vgg16(), generator.device()));
        let generator = config.gradients.of(generator)?;
        Ok(Self { generator, networks, flow, start, config, room: Room::default() })
    }

    /// The same with another place for what memory has no room for.
    pub fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// What there is to say of where it starts, if not as it was asked to.
    pub fn remark(&self) -> Option<String> {
        let missing = self.config.start == StartCode::Learned && self.start.is_none();
        missing.then(|| {
            format!(
                "no learned start ships for {}; the inversion starts from the mean of W",
                self.generator.identity()
            )
        })
    }

    /// Inverts `frames`, `[N,3,R,R]` with R the generator's resolution, any N of 1 or more. They are
    /// read when their targets are made; memory holds what [`Room`] allows, whatever N is.
    ///
    /// # Errors
    /// Frames of another size or that cannot be read, flows that cannot be had. A loss that stops being
    /// finite is no error: the best codes before it are the result, with the reason.
    pub fn run(&self, frames: &dyn Frames, observer: &mut dyn Observer) -> Result<Inversion> {
        self.resume(frames, self.fresh(frames)?, observer)
    }

    /// The state before the first step.
    ///
    /// # Errors
    /// Frames that are not square.
    pub fn fresh(&self, frames: &dyn Frames) -> Result<State> {
        let count = frames.count();
        let starts = match (self.config.start, &self.start) {
            (StartCode::Zeros, _) => vec![vec![0.0; self.generator.dim()]; count],
            (_, Some(start)) => start.starts(frames)?,
            (_, None) => vec![self.generator.mean_code().to_vec(); count],
        };
        let (offsets, shared) = (self.config.offsets, self.config.windows.shared_from);
        let variables = Variables::start(&starts, self.generator.rows(), offsets, shared);
        Ok(State::new(variables, &self.config))
    }

    /// The state before the first step of a window that takes up where another ended:
    /// `known` are the code that is held and those that its frames have so far, if any. Such a
    /// window is inverted with the settings that [`InvertConfig::of_window`] gives.
    ///
    /// # Errors
    /// [`Error::Shape`] for codes of another generator, or more codes than frames; frames
    /// that are not square.
    pub fn continued(&self, known: &Codes, frames: &dyn Frames) -> Result<State> {
        let (rows, dim, count) = (self.generator.rows(), self.generator.dim(), frames.count());
        if (known.rows(), known.dim()) != (rows, dim) || count < 2 || known.count() > count {
            return Err(Error::Shape {
                what: "codes that a window goes on from".into(),
                expected: format!("1 to {count} codes [{rows},{dim}] for 2 frames or more"),
                got: format!("{} of [{},{}]", known.count(), known.rows(), known.dim()),
            });
        }
        let InvertConfig { offsets, windows, .. } = &self.config;
        let path = Path::held(known, count, *offsets, windows.shared_from);
        let mut variables = Variables::Path(path);
        if let Some(start) = &self.start {
            let from = known.count() - 1;
            match offsets {
                Offsets::W => variables.step_along(&start.starts(frames)?, from, 1),
                Offsets::WPlus => variables.step_along(&start.starts(frames)?, from, rows),
                // Codes without steps begin at the last one that is known.
                Offsets::Free => {}
            }
        }
        Ok(State::new(variables, &self.config))
    }

    /// Goes on from a state; ends with the same numbers as an uninterrupted run.
    ///
    /// # Errors
    /// As [`Inverter::run`].
    pub fn resume(
        &self,
        frames: &dyn Frames,
        mut state: State,
        observer: &mut dyn Observer,
    ) -> Result<Inversion> {
        let flows = match self.flows(frames, &self.config, observer)? {
            ControlFlow::Continue(flows) => flows,
            ControlFlow::Break(()) => return Ok(finish(state, StopReason::Interrupted, observer)),
        };
        let mut weights = self.config.weights_at(state.step(), frames.count());
        let mut objective = self.objective(frames, &flows, weights)?;
        let fixed = self.generator.fixed_noise();
        let whitening = match self.config.axes {
            Axes::Plain => None,
            Axes::Whitened => Some(Whitening::of(&*self.generator)?),
        };
        let total = self.config.steps;
        let lead = self.config.lead_steps(frames.count());
        let stop = loop {
            // Asked before a step, so that a run that was cut off right after the last
            // one ends as it would have.
            if let Some(reason) = self.early_end(&state, lead) {
                break reason;
            }
            let step = state.step();
            if step >= total {
                break StopReason::Finished;
            }
            let now = self.config.weights_at(step, frames.count());
            if now != weights {
                weights = now;
                // Memory has room for the targets of one.
                drop(objective);
                objective = self.objective(frames, &flows, weights)?;
            }
            let found = state.variables.held()..frames.count();
            let looked_at = self.config.looks_at(step, found.clone());
            let Pass { terms, frames, gradient } =
                self.pass(&objective, &state.variables, step, &fixed, &looked_at)?;
            if let Some(reason) = not_finite(step, &terms, &gradient) {
                break reason;
            }
            let better = state.best.as_ref().is_none_or(|best| terms.total < best.total);
            // The loss of some frames is no measure for all.
            if looked_at.len() == found.len() && better {
                let values = state.variables.values();
                state.best = Some(Best { step, total: terms.total, values, frames });
            }
            let rate = self.config.schedule.rate(step, total);
            let (steps, drift) = (self.config.schedule.offset_rate, self.config.windows.drift);
            let State { variables, adam, .. } = &mut state;
            let values = variables.values_with_rates(rate, steps, drift);
            match &whitening {
                None => adam.step(values, &gradient),
                Some(whitening) => {
                    let (values, rates): (Vec<_>, Vec<_>) = values.unzip();
                    let mut along = vec![0.0; rates.len()];
                    adam.step(along.iter_mut().zip(rates), &whitening.gradient(&gradient));
                    values.into_iter().zip(whitening.steps(&along)).for_each(|(v, s)| *v += s);
                }
            }
            let record = StepRecord { step, rate, terms };
            state.history.push(record);
            if observer.on(&Event::Step { record, total, state: &state }).is_break() {
                break StopReason::Interrupted;
            }
        };
        Ok(finish(state, stop, observer))
    }

    /// Prepares the second stage, in which every frame gets noise maps of its own; `Break`
    /// if the observer asked to end.
    ///
    /// # Errors
    /// As [`Inverter::run`].
    pub fn noise_stage(
        &self,
        frames: &dyn Frames,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), NoiseStage<'_>>> {
        if self.generator.fixed_noise().planes.is_empty() {
            return Err(Error::setting(
                "space",
                format!("{} has no noise maps; give w+", self.generator.identity()),
            ));
        }
        let config = self.config.of_noise();
        Ok(match self.flows(frames, &config, observer)? {
            ControlFlow::Continue(flows) => {
                let objective = self.objective(frames, &flows, config.weights)?;
                ControlFlow::Continue(NoiseStage::new(&*self.generator, objective, config))
            }
            ControlFlow::Break(()) => ControlFlow::Break(()),
        })
    }

    /// Estimates the flows that the terms need; `Break` if the observer asked to end.
    fn flows(
        &self,
        frames: &dyn Frames,
        config: &InvertConfig,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), FlowPairs>> {
        let side = self.generator.resolution();
        if (frames.height(), frames.width()) != (side, side) {
            return Err(Error::Shape {
                what: "frames".into(),
                expected: format!("{side}x{side}, the generator's size"),
                got: format!("{}x{}", frames.width(), frames.height()),
            });
        }
        let plan = if config.weights.need_flow() {
            PairPlan::new(frames.count(), config.consistency_base)
        } else {
            PairPlan::new(1, config.consistency_base)
        };
        let mut interrupted = false;
        let flows = FlowPairs::estimate(&plan, frames, self.flow, &self.room, &mut |done| {
            interrupted |= observer.on(&Event::Flow { done, total: plan.len() }).is_break();
            if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        self.flow.release();
        Ok(if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(flows) })
    }

    /// Prepares every target.
    fn objective(
        &self,
        frames: &dyn Frames,
        flows: &FlowPairs,
        weights: LossWeights,
    ) -> Result<Objective> {
        Objective::new(
            frames,
            self.networks.clone(),
            flows,
            self.config.consistency_base,
            weights,
            &self.room,
            self.generator.device(),
        )
    }

    /// Losses and gradient to the unknowns, one frame after the other, so that
    /// memory holds the graph of one frame only. A held code has a loss that nothing can
    /// change: it is left out. Of fewer frames than there are, terms and gradient are what
    /// all would have if they were like these.
    fn pass(
        &self,
        objective: &Objective,
        variables: &Variables,
        step: usize,
        fixed: &Noise,
        looked_at: &[usize],
    ) -> Result<Pass> {
        let (codes, held) = (variables.codes(), variables.held());
        let mut terms = Terms::default();
        let mut frames = Vec::with_capacity(looked_at.len());
        let mut gradient = vec![0.0f32; codes.data().len()];
        let size = codes.rows() * codes.dim();
        for &k in looked_at {
            let drawn;
            let noise = match self.config.noise {
                NoiseMode::Fixed => fixed,
                NoiseMode::Fresh => {
                    drawn = self.generator.fresh_noise(noise_seed(self.config.seed, step, k));
                    &drawn
                }
            };
            let code = code_tensor(&*self.generator, codes.code(k)).autodiff().require_grad();
            let image = self.generator.synthesize(code.clone(), noise);
            let loss = objective.frame(k, &image)?;
            drop(image);
            let share = loss.terms();
            terms.add(&share);
            frames.push(share.total * codes.count() as f32);
            let mut grads = loss.total.backward();
            let grad = code.grad_remove(&mut grads).expect("every frame depends on its code");
            let grad = grad.into_data().try_into_vec::<f32>().expect("gradients are f32");
            gradient[k * size..(k + 1) * size].copy_from_slice(&grad);
        }
        if looked_at.len() < codes.count() - held {
            let scale = (codes.count() - held) as f32 / looked_at.len() as f32;
            terms.scale(scale);
            gradient.iter_mut().for_each(|g| *g *= scale);
        }
        let mut of_codes = |weight: f32, term: fn(&Codes) -> (f32, Vec<f32>)| {
            if weight == 0.0 {
                return 0.0;
            }
            let (value, slope) = term(&codes);
            gradient.iter_mut().zip(&slope).for_each(|(g, s)| *g += weight * s);
            terms.total += weight * value;
            value
        };
        let weights = &self.config.weights;
        let ties = [of_codes(weights.smoothness, smoothness), of_codes(weights.spread, spread)];
        [terms.smoothness, terms.spread] = ties;
        Ok(Pass { terms, frames, gradient: variables.backward(&gradient) })
    }

    /// Whether a stop rule holds after the last step.
    fn early_end(&self, state: &State, lead: usize) -> Option<StopReason> {
        let stop = &self.config.stop;
        let last = state.history.last()?;
        if stop.target > 0.0 && state.history.len() > lead && last.terms.total <= stop.target {
            return Some(StopReason::Target);
        }
        let history = &state.history[lead.min(state.history.len())..];
        if stop.plateau_steps == 0 || history.len() <= stop.plateau_steps {
            return None;
        }
        let best = |records: &[StepRecord]| {
            records.iter().map(|r| r.terms.total).fold(f32::INFINITY, f32::min)
        };
        let before = best(&history[..history.len() - stop.plateau_steps]);
        let now = best(history);
        (before - now < stop.plateau_tolerance * before).then_some(StopReason::Plateau)
    }
}

pub(super) fn not_finite(step: usize, terms: &Terms, gradient: &[f32]) -> Option<StopReason> {
    let named = terms.named();
    // The parts before the total, so that the reason names the culprit.
    let term = named[1..].iter().chain(&named[..1]).find(|(_, v)| !v.is_finite());
    let term = term
        .map(|(name, _)| *name)
        .or_else(|| gradient.iter().any(|g| !g.is_finite()).then_some("gradient"));
    term.map(|term| StopReason::NotFinite { step, term: term.to_string() })
}

fn finish(state: State, stop: StopReason, observer: &mut dyn Observer) -> Inversion {
    // Nothing is left to end, so the answer does not matter.
    let _ = observer.on(&Event::Stopped { reason: &stop });
    Inversion {
        trajectory: state.best_variables().trajectory(),
        best: state.best.clone(),
        stop,
        history: state.history.clone(),
        state,
    }
}

/// A seed of its own for every synthesis, independent of where a run was resumed.
fn noise_seed(seed: u64, step: usize, frame: usize) -> u64 {
    // SplitMix64's finaliser over the three numbers.
    let mut z = seed
        .wrapping_add((step as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add((frame as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
