//! The second stage of I2S++ and of the paper's "Ours++": the codes are frozen, and
//! every frame gets noise maps of its own.
//!
//! A frame's share of the objective depends on its own noise alone, so the frames are
//! done one after the other, and memory does not grow with their number.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::{
    Best, Event, InvertConfig, Observer, Schedule, State, StepRecord, StopConfig, StopReason,
    Variables,
};
use crate::codes::Codes;
use crate::generator::{Generator, Noise, code_tensor};
use crate::objective::{LossWeights, Objective, Terms};
use crate::{Error, Result};

/// What is optimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Space {
    /// The codes.
    #[default]
    #[serde(rename = "w+")]
    Codes,
    /// The codes, and after them the noise of every frame.
    #[serde(rename = "w+,noise")]
    CodesThenNoise,
}

/// Settings of the second stage.
///
/// # Source
/// I2S++ (Abdal et al. 2020): noise after the codes, not with them, on pixels alone.
/// Its rate for noise is not established; public re-implementations take 0.01.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseConfig {
    /// Steps for each frame.
    pub steps: usize,
    /// Learning rate, in units of the deviation of the noise that is drawn.
    pub rate: f64,
    /// Weight of the mean squared pixel difference.
    pub pixel: f32,
    /// Weight of the inversion consistency.
    pub consistency: f32,
}

impl Default for NoiseConfig {
    /// As many steps as serve the default preset.
    fn default() -> Self {
        Self { steps: 100, rate: 0.05, pixel: 1.0, consistency: 1.0 }
    }
}

impl NoiseConfig {
    /// The published number of steps.
    pub const fn published(consistency: f32) -> Self {
        Self { steps: 3000, rate: 0.01, pixel: 1.0, consistency }
    }

    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        if self.steps == 0 {
            return Err(Error::setting(
                "noise_stage.steps",
                "must be at least 1; space = \"w+\" leaves the stage out",
            ));
        }
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            let problem = format!("{} is no learning rate; give a number above 0", self.rate);
            return Err(Error::setting("noise_stage.rate", problem));
        }
        self.weights().check().map_err(|e| Error::setting("noise_stage", e.to_string()))
    }

    fn weights(&self) -> LossWeights {
        LossWeights { pixel: self.pixel, consistency: self.consistency, ..LossWeights::default() }
    }
}

impl InvertConfig {
    /// The settings of the second stage as those of an inversion: what its states are
    /// written with.
    pub fn of_noise(&self) -> InvertConfig {
        InvertConfig {
            steps: self.noise_stage.steps,
            weights: self.noise_stage.weights(),
            schedule: Schedule::constant(self.noise_stage.rate),
            stop: StopConfig::default(),
            ..self.clone()
        }
    }
}

/// The second stage for given frames, targets and flows prepared.
pub struct NoiseStage<'a> {
    generator: &'a dyn Generator,
    objective: Objective,
    /// As [`InvertConfig::of_noise`].
    config: InvertConfig,
    planes: Vec<Plane>,
}

/// One noise map: its shape, and the number that makes its unknowns of unit size.
struct Plane {
    dims: [usize; 4],
    scale: f32,
}

impl<'a> NoiseStage<'a> {
    /// `config` as [`InvertConfig::of_noise`] gives it.
    pub(super) fn new(
        generator: &'a dyn Generator,
        objective: Objective,
        config: InvertConfig,
    ) -> Self {
        let plane = |plane: &Tensor<4>| Plane {
            dims: plane.dims(),
            scale: plane.clone().powf_scalar(2.0).mean().into_scalar::<f32>().sqrt(),
        };
        let planes = generator.fixed_noise().planes.iter().map(plane).collect();
        Self { generator, objective, config, planes }
    }

    /// The settings its states are written with.
    pub fn config(&self) -> &InvertConfig {
        &self.config
    }

    /// The state of a frame before its first step: the generator's fixed noise.
    pub fn fresh(&self) -> State {
        let mut values = Vec::new();
        for (plane, Plane { scale, .. }) in
            self.generator.fixed_noise().planes.into_iter().zip(&self.planes)
        {
            let data = plane.into_data().try_into_vec::<f32>().expect("noise is f32");
            // A map without any strength has no influence, and stays as it is.
            let unit = if *scale > 0.0 { 1.0 / scale } else { 0.0 };
            values.extend(data.iter().map(|v| v * unit));
        }
        let width = values.len();
        let values = Codes::new(1, width, values).expect("one row of all unknowns");
        State::new(Variables::Free(values), &self.config)
    }

    /// Optimises the noise of frame `k`, whose code is `code [L,D]`, from a state on.
    ///
    /// The result is the best noise seen, the generator's own included.
    ///
    /// # Errors
    /// [`Error::File`] if the frame's target lies in a file and cannot be read.
    pub fn run(
        &self,
        k: usize,
        code: &[f32],
        mut state: State,
        observer: &mut dyn Observer,
    ) -> Result<(State, StopReason)> {
        let total = self.config.steps;
        let stop = loop {
            let step = state.step();
            if step >= total {
                break StopReason::Finished;
            }
            let (terms, gradient) = self.gradient(k, code, &state.variables.values())?;
            if let Some(reason) = super::inverter::not_finite(step, &terms, &gradient) {
                break reason;
            }
            if state.best.as_ref().is_none_or(|best| terms.total < best.total) {
                let values = state.variables.values();
                let frames = vec![terms.total];
                state.best = Some(Best { step, total: terms.total, values, frames });
            }
            let rate = self.config.schedule.rate(step, total);
            let State { variables, adam, .. } = &mut state;
            adam.step(variables.values_mut().map(|value| (value, rate)), &gradient);
            let record = StepRecord { step, rate, terms };
            state.history.push(record);
            let frames = self.objective.count();
            let event = Event::NoiseStep { frame: k, frames, record, total, state: &state };
            if observer.on(&event).is_break() {
                break StopReason::Interrupted;
            }
        };
        Ok((state, stop))
    }

    /// The noise maps that a state stands for.
    pub fn noise(&self, state: &State) -> Noise {
        self.maps(&state.best_variables().values())
    }

    fn maps(&self, values: &[f32]) -> Noise {
        let mut left = values;
        let planes = self.planes.iter().map(|Plane { dims, scale }| {
            let (own, rest) = left.split_at(dims.iter().product());
            left = rest;
            let data: Vec<f32> = own.iter().map(|v| v * scale).collect();
            Tensor::from_data(TensorData::new(data, *dims), self.generator.device())
        });
        Noise { planes: planes.collect() }
    }

    /// Loss terms of frame `k` and the gradient to its unknowns.
    fn gradient(&self, k: usize, code: &[f32], values: &[f32]) -> Result<(Terms, Vec<f32>)> {
        let planes = self.maps(values).planes.into_iter();
        let noise = Noise { planes: planes.map(|plane| plane.autodiff().require_grad()).collect() };
        let code = code_tensor(self.generator, code).autodiff();
        let image = self.generator.synthesize(code, &noise);
        // The share of one frame in a clip of any length: Adam does not mind its scale.
        let loss = self.objective.frame(k, &image)?;
        drop(image);
        let terms = loss.terms();
        let mut grads = loss.total.backward();
        let mut gradient = Vec::with_capacity(values.len());
        for (plane, Plane { dims, scale }) in noise.planes.into_iter().zip(&self.planes) {
            match plane.grad_remove(&mut grads) {
                Some(grad) => {
                    let grad = grad.into_data().try_into_vec::<f32>().expect("gradients are f32");
                    gradient.extend(grad.into_iter().map(|g| g * scale));
                }
                None => gradient.extend(std::iter::repeat_n(0.0, dims.iter().product())),
            }
        }
        Ok((terms, gradient))
    }
}
