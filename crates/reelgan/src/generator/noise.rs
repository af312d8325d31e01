//! Noise inputs of a generator, one plane a layer.

use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Noise planes, coarse to fine, `[1,1,H,W]` each.
#[derive(Debug, Clone)]
pub struct Noise {
    /// The planes in the order the generator reads them.
    pub planes: Vec<Tensor<4>>,
}

impl Noise {
    /// Standard normal planes of these shapes times their strengths.
    pub fn drawn(shapes: &[([usize; 2], f32)], seed: u64, device: &Device) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let planes = shapes
            .iter()
            .map(|&([h, w], strength)| {
                let data: Vec<f32> = (0..h * w)
                    .map(|_| {
                        let v: f32 = StandardNormal.sample(&mut rng);
                        v * strength
                    })
                    .collect();
                Tensor::from_data(TensorData::new(data, [1, 1, h, w]), device)
            })
            .collect();
        Self { planes }
    }
}
