//! The pixel-wise term.

use burn::tensor::Tensor;
use reelgan_nets::ops::SquaredDistance;

/// Mean squared difference of a target and its reconstruction.
///
/// # Shapes   both `[1,3,H,W]`; result `[1]`
/// # Range    images `[0,1]`; result >= 0
/// # Source   paper eq. 9; a mean as in the authors' code
#[derive(Debug, Clone)]
pub struct PixelTarget {
    distance: SquaredDistance,
}

impl PixelTarget {
    /// Takes the target image.
    pub fn new(image: Tensor<4>) -> Self {
        Self { distance: SquaredDistance::new(image) }
    }

    /// The term for one reconstruction.
    pub fn loss(&self, reconstruction: Tensor<4>) -> Tensor<1> {
        self.distance.forward(reconstruction)
    }
}
