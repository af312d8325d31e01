//! The networks behind the [`Generator`] trait; the range `[-1,1]` of a network
//! becomes `[0,1]` here and nowhere else.

use burn::tensor::{Device, Tensor};
use reelgan_nets::generators::{MobileStyleGan, StyleGan1};
use reelgan_nets::ops::{Rescale, has_kernels};

use super::{Generator, Identity, Noise};

/// Seed of the noise planes given to a generator that ships none.
pub(super) const FIXED_NOISE_SEED: u64 = 0;

/// `[-1,1]` to `[0,1]`.
const TO_UNIT: Rescale = Rescale { gain: 0.5, offset: 0.5 };

/// The same on an image.
pub(super) fn to_unit(image: Tensor<4>) -> Tensor<4> {
    image.mul_scalar(TO_UNIT.gain).add_scalar(TO_UNIT.offset)
}

/// Shapes of planes that carry their strength, and the strengths read off them.
pub(super) fn rms_shapes(planes: &[Tensor<4>]) -> Vec<([usize; 2], f32)> {
    let shape = |plane: &Tensor<4>| {
        let [_, _, h, w] = plane.dims();
        let power = plane.clone().powf_scalar(2.0).mean().into_scalar::<f32>();
        ([h, w], power.sqrt())
    };
    planes.iter().map(shape).collect()
}

/// MobileStyleGAN as a [`Generator`].
#[derive(Debug)]
pub struct FaceGenerator {
    net: MobileStyleGan,
    identity: Identity,
    device: Device,
}

impl FaceGenerator {
    /// Wraps a network.
    pub fn new(net: MobileStyleGan, identity: Identity, device: Device) -> Self {
        Self { net, identity, device }
    }
}

impl Generator for FaceGenerator {
    fn identity(&self) -> &Identity {
        &self.identity
    }
    fn resolution(&self) -> usize {
        self.net.resolution()
    }
    fn rows(&self) -> usize {
        self.net.rows()
    }
    fn dim(&self) -> usize {
        self.net.dim()
    }
    fn mean_code(&self) -> &[f32] {
        self.net.w_avg()
    }
    fn device(&self) -> &Device {
        &self.device
    }
    fn map(&self, z: Tensor<2>) -> Tensor<2> {
        self.net.map(z)
    }
    fn synthesize(&self, codes: Tensor<3>, noise: &Noise) -> Tensor<4> {
        self.net.synthesize_rescaled(codes, &noise.planes, TO_UNIT)
    }
    fn with_bf16_gradients(&self) -> Option<Box<dyn Generator>> {
        let made =
            Self::new(self.net.with_bf16_gradients(), self.identity.clone(), self.device.clone());
        has_kernels(&self.device).then(|| Box::new(made) as _)
    }
    fn fixed_noise(&self) -> Noise {
        Noise { planes: self.net.noise().to_vec() }
    }
    fn fresh_noise(&self, seed: u64) -> Noise {
        let shapes = rms_shapes(self.net.noise());
        Noise::drawn(&shapes, seed, &self.device)
    }
    fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        self.net.style_weights(row)
    }
}

/// StyleGAN1 as a [`Generator`]; its mean code is given, since the file has none.
#[derive(Debug)]
pub struct StyleGan1Generator {
    net: StyleGan1,
    identity: Identity,
    device: Device,
    mean_code: Vec<f32>,
    fixed_noise: Noise,
}

impl StyleGan1Generator {
    /// Wraps a network; `fixed_noise` of `None` draws planes from a constant seed.
    pub fn new(
        net: StyleGan1,
        identity: Identity,
        device: Device,
        mean_code: Vec<f32>,
        fixed_noise: Option<Noise>,
    ) -> Self {
        let fixed_noise = fixed_noise
            .unwrap_or_else(|| Noise::drawn(&unit_shapes(&net), FIXED_NOISE_SEED, &device));
        Self { net, identity, device, mean_code, fixed_noise }
    }
}

fn unit_shapes(net: &StyleGan1) -> Vec<([usize; 2], f32)> {
    net.noise_shapes().into_iter().map(|shape| (shape, 1.0)).collect()
}

impl Generator for StyleGan1Generator {
    fn identity(&self) -> &Identity {
        &self.identity
    }
    fn resolution(&self) -> usize {
        self.net.resolution()
    }
    fn rows(&self) -> usize {
        self.net.rows()
    }
    fn dim(&self) -> usize {
        self.net.dim()
    }
    fn mean_code(&self) -> &[f32] {
        &self.mean_code
    }
    fn device(&self) -> &Device {
        &self.device
    }
    fn map(&self, z: Tensor<2>) -> Tensor<2> {
        self.net.map(z)
    }
    fn synthesize(&self, codes: Tensor<3>, noise: &Noise) -> Tensor<4> {
        to_unit(self.net.synthesize(codes, &noise.planes))
    }
    fn fixed_noise(&self) -> Noise {
        self.fixed_noise.clone()
    }
    fn fresh_noise(&self, seed: u64) -> Noise {
        Noise::drawn(&unit_shapes(&self.net), seed, &self.device)
    }
    fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        self.net.style_weights(row)
    }
}
