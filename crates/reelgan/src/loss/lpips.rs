//! LPIPS as a term of the objective.

use burn::tensor::Tensor;
use reelgan_nets::ops::resize_bilinear;
use reelgan_nets::perceptual::{Lpips, LpipsTarget};

/// Side to which images are brought before the network.
const SIDE: usize = 256;

/// LPIPS 0.1 (VGG16) of target and reconstruction at 256 px.
///
/// Not in the paper, whose feature term (eq. 10) compares features of any length:
/// on soft pictures its minimum near the start is a flat one. LPIPS compares
/// directions of features and does not have it.
///
/// # Shapes   images `[1,3,H,W]`; result `[1]`
/// # Range    images `[0,1]`; result >= 0
/// # Source   Zhang et al. 2018; resizing as in [`super::Perceptual`]
#[derive(Debug, Clone)]
pub struct LpipsTerm {
    network: Lpips,
}

impl LpipsTerm {
    /// Takes the network.
    pub fn new(network: Lpips) -> Self {
        Self { network }
    }

    /// Features of a target image.
    pub fn target(&self, image: Tensor<4>) -> LpipsTarget {
        self.network.target(resize_bilinear(image, [SIDE, SIDE]))
    }

    /// The term for one reconstruction.
    pub fn loss(&self, target: &LpipsTarget, reconstruction: Tensor<4>) -> Tensor<1> {
        let small = resize_bilinear(reconstruction, [SIDE, SIDE]);
        self.network.distance_to_target(target, small)
    }
}
