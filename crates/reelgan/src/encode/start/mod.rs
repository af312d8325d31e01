//! A learned start for the inversion: a linear map from frozen features of a face to
//! W, fitted to the generator's own samples.
//!
//! ```text
//! features   image -> pooled VGG16 features
//! soften     what cameras do to a face, done to the samples
//! fit        samples -> map, in closed form
//! file       the map on disk
//! shipped    the maps that come with the library
//! ```
//!
//! Nothing is iterated, so the same seed gives the same map, and a thousand samples are
//! enough for the directions that matter first: pose, hair, light, age.

mod features;
mod file;
mod fit;
mod soften;

pub use fit::{FitConfig, FitReport, fit};

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use features::FaceFeatures;
use reelgan_nets::perceptual::Vgg16;
use reelgan_run::Images;

use crate::generator::{Identity, frame_tensor};
use crate::{Error, Result};

/// The fitted map: `w = mean + basis^T (weight^T f + bias)`.
#[derive(Debug, Clone, PartialEq)]
pub struct StartMap {
    /// Number of features, `F`.
    features: usize,
    /// Width of a code row, `D`.
    dim: usize,
    /// `[F,K]`.
    weight: Vec<f32>,
    /// `[K]`.
    bias: Vec<f32>,
    /// `[K,D]`, orthonormal rows: the directions in which W varies most.
    basis: Vec<f32>,
    /// `[D]`.
    mean: Vec<f32>,
    /// The generator it was fitted for.
    generator: Identity,
    /// How it was made.
    report: FitReport,
}

impl StartMap {
    /// The generator it was fitted for.
    pub fn generator(&self) -> &Identity {
        &self.generator
    }

    /// How it was made, and how well it does on samples it did not see.
    pub fn report(&self) -> &FitReport {
        &self.report
    }

    /// Features `[F]` to `w [D]`.
    fn apply(&self, features: &[f32]) -> Vec<f32> {
        let mut inner = self.bias.clone();
        for (f, row) in features.iter().zip(self.weight.chunks_exact(inner.len())) {
            for (sum, weight) in inner.iter_mut().zip(row) {
                *sum += f * weight;
            }
        }
        let mut w = self.mean.clone();
        for (share, direction) in inner.iter().zip(self.basis.chunks_exact(self.dim)) {
            for (sum, d) in w.iter_mut().zip(direction) {
                *sum += share * d;
            }
        }
        w
    }
}

/// A fitted map with the network it looks through.
#[derive(Debug, Clone)]
pub struct StartEncoder {
    map: Arc<StartMap>,
    look: FaceFeatures,
    device: Device,
}

impl StartEncoder {
    /// Joins a map and the trunk.
    pub fn new(map: StartMap, vgg16: Arc<Vgg16>, device: &Device) -> Self {
        Self { map: Arc::new(map), look: FaceFeatures::new(vgg16), device: device.clone() }
    }

    /// The map.
    pub fn map(&self) -> &StartMap {
        &self.map
    }

    /// One W vector of each image, `N` of `[D]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not square.
    /// # Range   images `[0,1]`, cut out as the generator draws faces
    pub fn encode(&self, images: &Images) -> Result<Vec<Vec<f32>>> {
        if images.height() != images.width() {
            return Err(Error::Shape {
                what: "images for the learned start".into(),
                expected: "squares; cut out the face".into(),
                got: format!("{}x{}", images.width(), images.height()),
            });
        }
        let each = |k| {
            let image: Tensor<4> = frame_tensor(images, k, &self.device);
            self.map.apply(&self.look.of(image))
        };
        Ok((0..images.count()).map(each).collect())
    }

    /// The W vector between those of all images: where a joint inversion begins.
    ///
    /// # Errors
    /// As [`StartEncoder::encode`].
    pub fn middle(&self, images: &Images) -> Result<Vec<f32>> {
        let all = self.encode(images)?;
        let share = 1.0 / all.len() as f32;
        let mut middle = vec![0.0; self.map.dim];
        for w in &all {
            for (sum, v) in middle.iter_mut().zip(w) {
                *sum += v * share;
            }
        }
        Ok(middle)
    }
}
