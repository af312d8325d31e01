//! LPIPS as a metric.

use burn::tensor::{Device, Tensor};
use reelgan_nets::ops::resize_bilinear;
use reelgan_nets::perceptual::{Lpips, Trunk};
use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{Metric, MetricInfo, check_side, check_sizes};
use crate::Result;
use crate::generator::frame_tensor;

/// Side of the smaller of the two sizes.
const SIDE: usize = 256;

/// The size at which images are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LpipsSize {
    /// Brought to 256 px a side: whole multiples by the mean of each block, other sizes
    /// by bilinear interpolation.
    Side256,
    /// As they are.
    Native,
}

/// LPIPS 0.1 on one of its trunks: `lpips_{vgg,alex,squeeze}_{256,native}`.
#[derive(Debug, Clone)]
pub struct LpipsAt {
    lpips: Lpips,
    size: LpipsSize,
    device: Device,
}

impl LpipsAt {
    /// Takes the network.
    pub fn new(lpips: Lpips, size: LpipsSize, device: Device) -> Self {
        Self { lpips, size, device }
    }

    fn prepared(&self, images: &Images, k: usize) -> Tensor<4> {
        let x = frame_tensor(images, k, &self.device).clamp(0.0, 1.0);
        let [n, c, h, w] = x.dims();
        if self.size == LpipsSize::Native {
            return x;
        }
        if h % SIDE != 0 || w % SIDE != 0 {
            return resize_bilinear(x, [SIDE, SIDE]);
        }
        x.reshape([n, c, SIDE, h / SIDE, SIDE, w / SIDE])
            .mean_dim(5)
            .mean_dim(3)
            .reshape([n, c, SIDE, SIDE])
    }
}

impl Metric for LpipsAt {
    fn info(&self) -> MetricInfo {
        let name = match (self.lpips.trunk(), self.size) {
            (Trunk::Vgg16(_), LpipsSize::Side256) => "lpips_vgg_256",
            (Trunk::Vgg16(_), LpipsSize::Native) => "lpips_vgg_native",
            (Trunk::AlexNet(_), LpipsSize::Side256) => "lpips_alex_256",
            (Trunk::AlexNet(_), LpipsSize::Native) => "lpips_alex_native",
            (Trunk::SqueezeNet(_), LpipsSize::Side256) => "lpips_squeeze_256",
            (Trunk::SqueezeNet(_), LpipsSize::Native) => "lpips_squeeze_native",
        };
        MetricInfo::plain(name, Better::Lower)
    }

    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64> {
        check_sizes(reference, other)?;
        if self.size == LpipsSize::Native {
            check_side(&self.info().name, reference, self.lpips.smallest_side())?;
        }
        let (total, _) = self.lpips.distance(self.prepared(reference, k), self.prepared(other, k));
        Ok(f64::from(total.into_scalar::<f32>()))
    }
}
