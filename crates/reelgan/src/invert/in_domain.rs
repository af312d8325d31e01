//! In-domain inversion: the competitor that starts from an encoder and stays near it.

use std::ops::ControlFlow;

use burn::tensor::Tensor;
use reelgan_nets::perceptual::InDomainVgg;
use reelgan_run::Images;
use serde::{Deserialize, Serialize};

use super::{Adam, AdamConfig, StopReason};
use crate::codes::Codes;
use crate::encode::Encoder;
use crate::generator::{Generator, Noise, code_tensor, frame_tensor};
use crate::{Error, Result};

/// Settings of in-domain inversion; the defaults are its authors'.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InDomainConfig {
    /// Steps for each image.
    pub steps: usize,
    /// Learning rate of Adam.
    pub rate: f64,
    /// Weight of the mean squared feature difference.
    pub perceptual: f32,
    /// Weight of the mean squared difference of the code and the code of its image.
    pub domain: f32,
}

impl Default for InDomainConfig {
    fn default() -> Self {
        Self { steps: 100, rate: 0.01, perceptual: 5e-5, domain: 2.0 }
    }
}

impl InDomainConfig {
    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the setting.
    pub fn check(&self) -> Result<()> {
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return Err(Error::setting("rate", format!("{} must be above 0", self.rate)));
        }
        for (name, weight) in [("perceptual", self.perceptual), ("domain", self.domain)] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(Error::setting(name, format!("{weight} must be 0 or more")));
            }
        }
        Ok(())
    }
}

/// Losses of one step, before their weights; `total` is the weighted sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InDomainStep {
    /// The image, counted from 0.
    pub image: usize,
    /// The step, counted from 0.
    pub step: usize,
    /// Weighted sum of the others.
    pub total: f32,
    /// Mean squared pixel difference, of images in `[-1,1]`.
    pub pixel: f32,
    /// Mean squared feature difference.
    pub perceptual: f32,
    /// `mean (z - E(G(z)))^2`.
    pub domain: f32,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct InDomainInversion {
    /// The code of every image after its last step, `[N,L,D]`.
    pub codes: Codes,
    /// Losses of every step of every image.
    pub history: Vec<InDomainStep>,
    /// Why it ended.
    pub stop: StopReason,
}

/// In-domain inversion of single images.
///
/// From `z = E(x)`, Adam on
/// `mean(G(z) - x)^2 + 5e-5 mean(F(G(z)) - F(x))^2 + 2 mean(z - E(G(z)))^2`
/// with images in `[-1,1]` and the features `F` of [`InDomainVgg`].
///
/// # Source
/// Zhu et al. 2020, the domain-regularised optimisation; genforce/idinvert_pytorch
/// `utils/inverter.py`. It knows nothing of consecutive images, which is why it is no
/// preset of [`super::Inverter`] but a loop of its own.
pub struct InDomainInverter<'a> {
    generator: &'a dyn Generator,
    encoder: &'a Encoder,
    vgg: &'a InDomainVgg,
    config: InDomainConfig,
}

/// The terms of one step with their graph.
struct Loss {
    total: Tensor<1>,
    pixel: Tensor<1>,
    perceptual: Tensor<1>,
    domain: Tensor<1>,
}

/// What every step of one image is compared with.
struct Target {
    image: Tensor<4>,
    features: Tensor<4>,
}

impl<'a> InDomainInverter<'a> {
    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// [`Error::Setting`]; [`Error::Shape`] if the encoder's codes are not the generator's.
    pub fn new(
        generator: &'a dyn Generator,
        encoder: &'a Encoder,
        vgg: &'a InDomainVgg,
        config: InDomainConfig,
    ) -> Result<Self> {
        config.check()?;
        let shape = |rows, dim| format!("[{rows},{dim}]");
        if (encoder.rows(), encoder.dim()) != (generator.rows(), generator.dim()) {
            return Err(Error::Shape {
                what: format!("codes of the encoder {}", encoder.identity()),
                expected: format!(
                    "{}, those of the generator {}",
                    shape(generator.rows(), generator.dim()),
                    generator.identity()
                ),
                got: shape(encoder.rows(), encoder.dim()),
            });
        }
        Ok(Self { generator, encoder, vgg, config })
    }

    /// Inverts every image, one after the other; `each` hears of every step and may
    /// break off, which leaves the images not yet reached at their encoder's codes.
    ///
    /// # Errors
    /// Images of another size than the generator's. A loss that stops being finite is
    /// no error: the codes before that step are the result, with the reason.
    pub fn run(
        &self,
        images: &Images,
        each: &mut dyn FnMut(&InDomainStep) -> ControlFlow<()>,
    ) -> Result<InDomainInversion> {
        let side = self.generator.resolution();
        if (images.height(), images.width()) != (side, side) {
            return Err(Error::Shape {
                what: "images".into(),
                expected: format!("{side}x{side}, the generator's size"),
                got: format!("{}x{}", images.width(), images.height()),
            });
        }
        let mut codes = self.encoder.encode(images, &mut |_| ())?;
        let (size, noise) = (codes.rows() * codes.dim(), self.generator.fixed_noise());
        let mut history = Vec::new();
        let mut stop = StopReason::Finished;
        for (k, code) in codes.data_mut().chunks_exact_mut(size).enumerate() {
            let target = self.target(frame_tensor(images, k, self.generator.device()));
            stop = self.image(k, code, &target, &noise, &mut |step| {
                history.push(*step);
                each(step)
            });
            if stop != StopReason::Finished {
                break;
            }
        }
        Ok(InDomainInversion { codes, history, stop })
    }

    /// The steps of image `k` from `code`, which is moved.
    fn image(
        &self,
        k: usize,
        code: &mut [f32],
        target: &Target,
        noise: &Noise,
        each: &mut dyn FnMut(&InDomainStep) -> ControlFlow<()>,
    ) -> StopReason {
        let mut adam = Adam::new(AdamConfig::default(), code.len());
        for step in 0..self.config.steps {
            let z = code_tensor(self.generator, code).autodiff().require_grad();
            let loss = self.loss(&z, target, noise);
            let record = loss.record(k, step);
            let mut grads = loss.total.backward();
            let gradient = z.grad_remove(&mut grads).expect("the loss depends on the code");
            let gradient = gradient.into_data().try_into_vec::<f32>().expect("gradients are f32");
            if let Some(term) = record.not_finite(&gradient) {
                return StopReason::NotFinite { step, term: term.to_string() };
            }
            adam.step(code.iter_mut().map(|v| (v, self.config.rate)), &gradient);
            if each(&record).is_break() {
                return StopReason::Interrupted;
            }
        }
        StopReason::Finished
    }

    fn target(&self, image: Tensor<4>) -> Target {
        Target { features: self.vgg.features(image.clone()), image }
    }

    fn loss(&self, z: &Tensor<3>, target: &Target, noise: &Noise) -> Loss {
        let image = self.generator.synthesize(z.clone(), noise);
        // Images in [-1,1] differ twice as much as those in [0,1].
        let pixel = mean_square(image.clone() - target.image.clone()).mul_scalar(4.0);
        let features = self.vgg.features(image.clone());
        let perceptual = mean_square(features - target.features.clone());
        let domain = mean_square(z.clone() - self.encoder.forward(image));
        let total = pixel.clone()
            + perceptual.clone().mul_scalar(self.config.perceptual)
            + domain.clone().mul_scalar(self.config.domain);
        Loss { total, pixel, perceptual, domain }
    }
}

impl Loss {
    fn record(&self, image: usize, step: usize) -> InDomainStep {
        let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
        InDomainStep {
            image,
            step,
            total: value(&self.total),
            pixel: value(&self.pixel),
            perceptual: value(&self.perceptual),
            domain: value(&self.domain),
        }
    }
}

impl InDomainStep {
    /// The first term that is no finite number.
    fn not_finite(&self, gradient: &[f32]) -> Option<&'static str> {
        let terms = [
            ("pixel", self.pixel),
            ("perceptual", self.perceptual),
            ("domain", self.domain),
            ("total", self.total),
        ];
        let term = terms.into_iter().find(|(_, v)| !v.is_finite()).map(|(name, _)| name);
        term.or_else(|| gradient.iter().any(|g| !g.is_finite()).then_some("gradient"))
    }
}

fn mean_square<const D: usize>(t: Tensor<D>) -> Tensor<1> {
    t.powf_scalar(2.0).mean()
}
