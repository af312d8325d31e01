//! LPIPS as a term of the objective.

use burn::tensor::Tensor;
use reelgan_nets::ops::resize_bilinear;
use reelgan_nets::perceptual::{Lpips, LpipsTarget};

/// Side to which images are brought before the network.
const SIDE: usize = 256;

/// Where the eyes, the nose and the mouth are in a picture aligned as those of FFHQ: left, top
/// and side, as parts of the picture's side.
const INNER_FACE: [f64; 3] = [0.25, 0.375, 0.5];

/// The inner face of a picture aligned as those of FFHQ, eyes to chin: a quarter of the picture,
/// which LPIPS then sees with twice the detail. Teeth, lips and eyelids are small in the whole.
///
/// # Shapes   `[1,3,S,S]`; result `[1,3,S/2,S/2]`
/// # Range    `[0,1]`
pub fn inner_face(image: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = image.dims();
    let [left, top, side] = INNER_FACE;
    let range = |from: f64, size: usize| {
        let start = (from * size as f64) as usize;
        start..start + ((side * size as f64) as usize).max(1)
    };
    image.slice([0..1, 0..3, range(top, height), range(left, width)])
}

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
