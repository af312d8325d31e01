//! The perceptual networks of the project, loaded once and shared.

use std::sync::Arc;

use burn::tensor::Device;
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::perceptual::{Lpips, Vgg16};

use crate::Result;
use crate::generator::Identity;

/// Name of the weights in the catalogue.
pub const VGG16: &str = "vgg16";

/// VGG16 for the loss and LPIPS for the measurements, from one file.
#[derive(Debug, Clone)]
pub struct PerceptualNets {
    vgg16: Arc<Vgg16>,
    lpips: Lpips,
    identity: Identity,
}

impl PerceptualNets {
    /// The trunk, for the loss.
    pub fn vgg16(&self) -> Arc<Vgg16> {
        self.vgg16.clone()
    }

    /// The distance, for measurements.
    pub fn lpips(&self) -> &Lpips {
        &self.lpips
    }

    /// Name and hash of the weights.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Loads the networks; the file's SHA-256 is checked.
///
/// # Errors
/// A model that was not fetched (the error says how), a changed file, wrong weights.
pub fn open(store: &Store, device: &Device) -> Result<PerceptualNets> {
    let path = store.path_as(VGG16, Kind::Perceptual)?;
    let weights = Weights::open(Vgg16::NETWORK, &path)?;
    let vgg16 = Vgg16::from_weights(&weights, device)?;
    let lpips = Lpips::from_weights(vgg16.clone(), &weights, device)?;
    let identity = crate::generator::identity(store, VGG16)?;
    Ok(PerceptualNets { vgg16: Arc::new(vgg16), lpips, identity })
}
