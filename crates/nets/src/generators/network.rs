//! Any generator out of any file.

use std::path::Path;

use burn::tensor::Device;

use super::layout::{self, Canonical, Family, Layout};
use super::{MobileStyleGan, StyleGan1, StyleGan2};
use crate::{Error, Result};

/// A generator of any family.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // there is one of them, not many
pub enum Network {
    /// The light student network.
    MobileStyleGan(MobileStyleGan),
    /// The paper's generator.
    StyleGan1(StyleGan1),
    /// Its successor.
    StyleGan2(StyleGan2),
}

impl Network {
    /// Reads a generator from a file of any layout that [`layout`] knows.
    ///
    /// `resolution` is needed only by a layout that does not record it; where the file
    /// does, it must be the same.
    ///
    /// # Errors
    /// A file that cannot be read or holds no known generator; a missing or misshapen
    /// array; another resolution.
    pub fn open(path: &Path, resolution: Option<usize>, device: &Device) -> Result<(Self, Layout)> {
        let checkpoint = reelgan_checkpoint::open(path)?;
        let canonical = layout::read(checkpoint.arrays, &checkpoint.metadata, resolution)?;
        let network = Self::new(&canonical, device)?;
        match resolution {
            Some(side) if side != network.resolution() => Err(Error::Generator {
                network: network.name(),
                problem: format!(
                    "the images of this file are {} px wide, not {side}; leave the resolution out",
                    network.resolution()
                ),
            }),
            _ => Ok((network, canonical.layout)),
        }
    }

    /// Builds the network of canonical arrays.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn new(canonical: &Canonical, device: &Device) -> Result<Self> {
        let weights = &canonical.weights;
        Ok(match canonical.family {
            Family::MobileStyleGan => {
                Self::MobileStyleGan(MobileStyleGan::from_weights(weights, device)?)
            }
            Family::StyleGan1(arithmetic) => {
                Self::StyleGan1(StyleGan1::with_arithmetic(weights, arithmetic, device)?)
            }
            Family::StyleGan2 { clamp } => {
                Self::StyleGan2(StyleGan2::from_weights(weights, clamp, device)?)
            }
        })
    }

    /// The same network with gradients by products in bf16; none for a family that has no
    /// kernels for that.
    pub fn with_bf16_gradients(&self) -> Option<Self> {
        match self {
            Self::MobileStyleGan(net) => Some(Self::MobileStyleGan(net.with_bf16_gradients())),
            Self::StyleGan1(_) | Self::StyleGan2(_) => None,
        }
    }

    /// Side of the image in pixels.
    pub fn resolution(&self) -> usize {
        match self {
            Self::MobileStyleGan(net) => net.resolution(),
            Self::StyleGan1(net) => net.resolution(),
            Self::StyleGan2(net) => net.resolution(),
        }
    }

    /// What the network is called in errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MobileStyleGan(_) => MobileStyleGan::NETWORK,
            Self::StyleGan1(_) => StyleGan1::NETWORK,
            Self::StyleGan2(_) => StyleGan2::NETWORK,
        }
    }
}
