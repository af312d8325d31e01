//! A learned start for the inversion: a linear map from frozen features of a face to
//! W, fitted to the generator's own samples.
//!
//! ```text
//! features   image -> pooled VGG16 features
//! soften     what cameras do to a face, done to the samples
//! fit        samples -> map, in closed form
//! file       the map on disk, and the one that ships
//! ```
//!
//! Nothing is iterated, so the same seed gives the same map, and some thousand samples are
//! enough for what matters first: pose, hair, light, age.

mod features;
mod file;
mod fit;
mod soften;

pub use fit::{FitConfig, FitReport, fit};

use std::sync::Arc;

use burn::tensor::Device;
use features::FaceFeatures;
use reelgan_nets::perceptual::Vgg16;
use reelgan_run::images::Frames;

use crate::generator::{Identity, picture_tensor};
use crate::{Error, Result};

/// The fitted map: `w = mean + basis^T (weight^T f + bias)`.
#[derive(Debug, Clone, PartialEq)]
pub struct StartMap {
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
            inner.iter_mut().zip(row).for_each(|(sum, weight)| *sum += f * weight);
        }
        let mut w = self.mean.clone();
        for (share, direction) in inner.iter().zip(self.basis.chunks_exact(self.dim)) {
            w.iter_mut().zip(direction).for_each(|(sum, d)| *sum += share * d);
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
        Self { map: Arc::new(map), look: FaceFeatures(vgg16), device: device.clone() }
    }

    /// The W vector that the map finds for each image, `[N][D]`: where a joint inversion
    /// begins.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not square; an image that cannot be read.
    /// # Range   images `[0,1]`, cut out as the generator draws faces
    pub fn starts(&self, images: &dyn Frames) -> Result<Vec<Vec<f32>>> {
        if images.height() != images.width() {
            return Err(Error::Shape {
                what: "images for the learned start".into(),
                expected: "squares; cut out the face".into(),
                got: format!("{}x{}", images.width(), images.height()),
            });
        }
        let size = [images.height(), images.width()];
        let one = |k| {
            let values = images.values(k)?.into_owned();
            Ok(self.map.apply(&self.look.of(picture_tensor(values, size, &self.device))))
        };
        (0..images.count()).map(one).collect()
    }
}
