//! From a model in the cache to a generator ready for use.

use burn::tensor::Device;
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::generators::MobileStyleGan;

use super::{FaceGenerator, Identity};
use crate::Result;

/// The generator used if none is named.
pub const DEFAULT_GENERATOR: &str = "mobilestylegan-ffhq-1024";

/// Loads a generator of the catalogue; its file's SHA-256 is checked.
///
/// # Errors
/// A model that was not fetched (the error says how), a changed file, wrong weights.
pub fn open(store: &Store, name: &str, device: &Device) -> Result<FaceGenerator> {
    let path = store.path_as(name, Kind::Generator)?;
    let identity = identity(store, name)?;
    let weights = Weights::open(MobileStyleGan::NETWORK, &path)?;
    let net = MobileStyleGan::from_weights(&weights, device)?;
    Ok(FaceGenerator::new(net, identity, device.clone()))
}

/// Name and hash of a model that is in the cache.
pub(crate) fn identity(store: &Store, name: &str) -> Result<Identity> {
    let record = store.cache().record(store.entry(name)?)?;
    let sha256 = record.map(|r| r.sha256).unwrap_or_default();
    Ok(Identity { name: name.to_string(), sha256 })
}

/// Loads [`DEFAULT_GENERATOR`] from the standard cache onto the CPU.
///
/// # Errors
/// As [`open`].
pub fn open_default() -> Result<FaceGenerator> {
    open(&Store::standard()?, DEFAULT_GENERATOR, &Device::flex())
}
