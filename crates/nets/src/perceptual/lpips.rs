//! The LPIPS distance, version 0.1.

use std::io;

use burn::tensor::{Device, Tensor, TensorData};

use super::{SqueezeNet, Trunk};
use crate::ops::reference::unit;
use crate::ops::{Arrays, UnitDistance, Visitor};
use crate::{Result, Weights};

/// Learned perceptual distance of two images (Zhang et al. 2018), version 0.1, on
/// any of its three trunks.
///
/// # Source
/// richzhang/PerceptualSimilarity `lpips/lpips.py`.
#[derive(Debug, Clone)]
pub struct Lpips {
    trunk: Trunk,
    heads: Vec<Tensor<4>>,
    shift: Tensor<4>,
    scale: Tensor<4>,
}

/// One image's side of the distance, computed once.
#[derive(Debug, Clone)]
pub struct LpipsTarget {
    layers: Vec<UnitDistance>,
}

impl Arrays for LpipsTarget {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        self.layers.iter_mut().try_for_each(|layer| layer.visit(visitor))
    }
}

/// Channel statistics of the trunk's training images, after mapping `[0,1]` to `[-1,1]`.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

/// `weights/v0.1/squeeze.pth` of PyPI `lpips` 0.1.4, as it is.
const SQUEEZE_HEADS: &[u8] = include_bytes!("data/lpips_v0.1_squeeze.pth");

impl Lpips {
    /// Takes the trunk and reads one weight a channel for each of its taps:
    /// `lpips.headK` as our files have it, or `linK.model.1.weight` or
    /// `lins.K.model.1.weight` as the authors' files have it.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(
        trunk: impl Into<Trunk>,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self> {
        let trunk = trunk.into();
        let heads = trunk
            .widths()
            .iter()
            .enumerate()
            .map(|(k, &c)| weights.tensor(&head_name(weights, k), [1, c, 1, 1], device));
        let constant =
            |v: [f32; 3]| Tensor::<4>::from_data(TensorData::new(v.to_vec(), [1, 3, 1, 1]), device);
        Ok(Self {
            heads: heads.collect::<Result<_>>()?,
            trunk,
            shift: constant(SHIFT),
            scale: constant(SCALE),
        })
    }

    /// LPIPS on SqueezeNet, whose seven heads come with this crate.
    ///
    /// # Errors
    /// None for a whole trunk; what [`Lpips::from_weights`] refuses.
    pub fn squeeze(trunk: SqueezeNet, device: &Device) -> Result<Self> {
        let heads = reelgan_checkpoint::read(SQUEEZE_HEADS)?;
        let heads = Weights::from_arrays("LPIPS heads of SqueezeNet", &heads.arrays)?;
        Self::from_weights(trunk, &heads, device)
    }

    /// What it stands on.
    pub fn trunk(&self) -> &Trunk {
        &self.trunk
    }

    /// Sides below this cannot be compared.
    pub fn smallest_side(&self) -> usize {
        self.trunk.smallest_side()
    }

    /// Distance of each pair, `[N]`, and of each of the layers, `[N]` each.
    ///
    /// # Shapes
    /// `a`, `b` `[N,3,H,W]`, at least [`Lpips::smallest_side`] a side.
    /// # Range
    /// images `[0,1]`; distance >= 0, lower is closer.
    pub fn distance(&self, a: Tensor<4>, b: Tensor<4>) -> (Tensor<1>, Vec<Tensor<1>>) {
        let layers: Vec<Tensor<1>> = self
            .features(a)
            .into_iter()
            .zip(self.features(b))
            .zip(&self.heads)
            .map(|((f, g), head)| {
                let n = f.dims()[0];
                let d = (g - f).powf_scalar(2.0) * head.clone();
                d.sum_dim(1).mean_dim(3).mean_dim(2).reshape([n])
            })
            .collect();
        let total = layers.iter().cloned().reduce(|a, b| a + b).expect("a trunk has taps");
        (total, layers)
    }

    /// A target the distance to which is taken again and again, for one image.
    pub fn target(&self, image: Tensor<4>) -> LpipsTarget {
        let layers = self.features(image).into_iter().zip(&self.heads);
        LpipsTarget { layers: layers.map(|(f, head)| UnitDistance::new(f, head.clone())).collect() }
    }

    /// Distance of `b [1,3,H,W]` to a target, `[1]`; differentiable in `b`.
    pub fn distance_to_target(&self, target: &LpipsTarget, b: Tensor<4>) -> Tensor<1> {
        let maps = self.trunk.features(self.normalise(b));
        let layers = target.layers.iter().zip(maps).map(|(layer, map)| layer.forward(map));
        layers.reduce(|a, b| a + b).expect("a trunk has taps")
    }

    /// Features of unit length, one map a layer.
    fn features(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        self.trunk.features(self.normalise(x)).into_iter().map(unit).collect()
    }

    fn normalise(&self, x: Tensor<4>) -> Tensor<4> {
        (x.mul_scalar(2.0).sub_scalar(1.0) - self.shift.clone()) / self.scale.clone()
    }
}

/// The name under which a file has head `k`; ours if it has none.
fn head_name(weights: &Weights, k: usize) -> String {
    let theirs = [format!("lin{k}.model.1.weight"), format!("lins.{k}.model.1.weight")];
    theirs.into_iter().find(|n| weights.contains(n)).unwrap_or_else(|| format!("lpips.head{k}"))
}
