//! A generator of any family out of a file.

use burn::tensor::{Device, Tensor};
use reelgan_nets::generators::Network;
use reelgan_nets::ops::has_kernels;

use super::mean::{SAMPLES, SEED, mean_code};
use super::wrap::{FIXED_NOISE_SEED, rms_shapes, to_unit};
use super::{Generator, Identity, Noise, Provenance};

/// A network read from a file as a [`Generator`].
#[derive(Debug)]
pub struct FileGenerator {
    network: Network,
    identity: Identity,
    provenance: Provenance,
    device: Device,
    mean_code: Vec<f32>,
    noise: Noise,
}

impl FileGenerator {
    /// Wraps a network; a mean code and noise maps that it does not have are made.
    /// `file` says where it came from.
    pub fn new(network: Network, identity: Identity, file: Option<String>, device: Device) -> Self {
        let (stored, noise, shapes) = match &network {
            Network::MobileStyleGan(net) => {
                (Some(net.w_avg().to_vec()), Some(net.noise().to_vec()), Vec::new())
            }
            Network::StyleGan1(net) => (
                net.w_avg().map(<[f32]>::to_vec),
                net.noise().map(<[_]>::to_vec),
                net.noise_shapes(),
            ),
            Network::StyleGan2(net) => (
                net.w_avg().map(<[f32]>::to_vec),
                net.noise().map(<[_]>::to_vec),
                net.noise_shapes(),
            ),
        };
        let mut provenance = Provenance { file, ..Provenance::default() };
        let mut generator = Self {
            network,
            identity,
            provenance: Provenance::default(),
            mean_code: Vec::new(),
            noise: Noise { planes: Vec::new() },
            device,
        };
        generator.noise = match noise {
            Some(planes) => Noise { planes },
            None => {
                provenance.noise =
                    Some(format!("drawn from seed {FIXED_NOISE_SEED}, since the file has none"));
                let unit: Vec<_> = shapes.into_iter().map(|shape| (shape, 1.0)).collect();
                Noise::drawn(&unit, FIXED_NOISE_SEED, &generator.device)
            }
        };
        generator.mean_code = stored.unwrap_or_else(|| {
            provenance.mean_code = Some(format!(
                "computed over {SAMPLES} codes of seed {SEED}, since the file has none"
            ));
            mean_code(&generator)
        });
        generator.provenance = provenance;
        generator
    }

    /// The network itself, for what only one family has (such as the style space).
    pub fn network(&self) -> &Network {
        &self.network
    }
}

impl Generator for FileGenerator {
    fn identity(&self) -> &Identity {
        &self.identity
    }
    fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }
    fn resolution(&self) -> usize {
        self.network.resolution()
    }
    fn rows(&self) -> usize {
        match &self.network {
            Network::MobileStyleGan(net) => net.rows(),
            Network::StyleGan1(net) => net.rows(),
            Network::StyleGan2(net) => net.rows(),
        }
    }
    fn dim(&self) -> usize {
        match &self.network {
            Network::MobileStyleGan(net) => net.dim(),
            Network::StyleGan1(net) => net.dim(),
            Network::StyleGan2(net) => net.dim(),
        }
    }
    fn z_dim(&self) -> usize {
        match &self.network {
            Network::MobileStyleGan(net) => net.dim(),
            Network::StyleGan1(net) => net.z_dim(),
            Network::StyleGan2(net) => net.z_dim(),
        }
    }
    fn mean_code(&self) -> &[f32] {
        &self.mean_code
    }
    fn device(&self) -> &Device {
        &self.device
    }
    fn map(&self, z: Tensor<2>) -> Tensor<2> {
        match &self.network {
            Network::MobileStyleGan(net) => net.map(z),
            Network::StyleGan1(net) => net.map(z),
            Network::StyleGan2(net) => net.map(z),
        }
    }
    fn map_to_rows(&self, z: Tensor<2>) -> Tensor<3> {
        match &self.network {
            Network::StyleGan1(net) => net.map_to_rows(z),
            _ => self.broadcast(self.map(z)),
        }
    }
    fn synthesize(&self, codes: Tensor<3>, noise: &Noise) -> Tensor<4> {
        to_unit(match &self.network {
            Network::MobileStyleGan(net) => net.synthesize(codes, &noise.planes),
            Network::StyleGan1(net) => net.synthesize(codes, &noise.planes),
            Network::StyleGan2(net) => net.synthesize(codes, &noise.planes),
        })
    }
    fn with_bf16_gradients(&self) -> Option<Box<dyn Generator>> {
        let network = self.network.with_bf16_gradients().filter(|_| has_kernels(&self.device))?;
        Some(Box::new(Self {
            network,
            identity: self.identity.clone(),
            provenance: self.provenance.clone(),
            device: self.device.clone(),
            mean_code: self.mean_code.clone(),
            noise: self.noise.clone(),
        }))
    }
    fn fixed_noise(&self) -> Noise {
        self.noise.clone()
    }
    fn fresh_noise(&self, seed: u64) -> Noise {
        let shapes = match &self.network {
            Network::MobileStyleGan(net) => rms_shapes(net.noise()),
            Network::StyleGan1(net) => unit(net.noise_shapes()),
            Network::StyleGan2(net) => unit(net.noise_shapes()),
        };
        Noise::drawn(&shapes, seed, &self.device)
    }
    fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        match &self.network {
            Network::MobileStyleGan(net) => net.style_weights(row),
            Network::StyleGan1(net) => net.style_weights(row),
            Network::StyleGan2(net) => net.style_weights(row),
        }
    }
}

fn unit(shapes: Vec<[usize; 2]>) -> Vec<([usize; 2], f32)> {
    shapes.into_iter().map(|shape| (shape, 1.0)).collect()
}
