//! LPIPS as a metric.

use burn::tensor::{Device, Tensor};
use reelgan_nets::ops::resize_bilinear;
use reelgan_nets::perceptual::Lpips;
use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{Metric, MetricInfo, check_sizes};
use crate::Result;
use crate::generator::frame_tensor;

/// Side at which the distance is taken.
const SIDE: usize = 256;

/// LPIPS 0.1 with the VGG16 trunk, images brought to 256 px: whole multiples by
/// the mean of each block, other sizes by bilinear interpolation.
#[derive(Debug, Clone)]
pub struct LpipsVgg256 {
    lpips: Lpips,
    device: Device,
}

impl LpipsVgg256 {
    /// Takes the network.
    pub fn new(lpips: Lpips, device: Device) -> Self {
        Self { lpips, device }
    }

    fn prepared(&self, images: &Images, k: usize) -> Tensor<4> {
        let x = frame_tensor(images, k, &self.device).clamp(0.0, 1.0);
        let [n, c, h, w] = x.dims();
        if h % SIDE != 0 || w % SIDE != 0 {
            return resize_bilinear(x, [SIDE, SIDE]);
        }
        x.reshape([n, c, SIDE, h / SIDE, SIDE, w / SIDE])
            .mean_dim(5)
            .mean_dim(3)
            .reshape([n, c, SIDE, SIDE])
    }
}

impl Metric for LpipsVgg256 {
    fn info(&self) -> MetricInfo {
        MetricInfo { name: "lpips_vgg_256", unit: "", better: Better::Lower }
    }

    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64> {
        check_sizes(reference, other)?;
        let (total, _) = self.lpips.distance(self.prepared(reference, k), self.prepared(other, k));
        Ok(f64::from(total.into_scalar::<f32>()))
    }
}
