//! The inversion consistency term: a reconstruction, warped, against a target.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_nets::ops::{SquaredDistance, Warp};

/// `weight * mean( mask * (W(reconstruction, flow) - target)^2 )` for one flow.
///
/// With `target = W(input, flow)` and no mask it is one summand of the paper's
/// eq. 8; with another frame as the target and a mask of visible pixels it is the
/// cross-frame variant.
///
/// # Shapes   reconstruction and target `[1,3,H,W]`, flow `[1,2,H,W]`, mask
/// `[H,W]`; result `[1]`
/// # Range    images `[0,1]`; flow in pixels; mask 0 or 1; masked pixels count in
/// the mean as zeros
/// # Source   paper eq. 6-8
#[derive(Debug, Clone)]
pub struct WarpTerm {
    warp: Warp,
    target: SquaredDistance,
    mask: Option<Tensor<4>>,
    weight: f32,
}

impl WarpTerm {
    /// Compares `W(reconstruction, flow)` with `W(input, flow)`.
    pub fn same_frame(warp: Warp, input: Tensor<4>, weight: f32) -> Self {
        let target = SquaredDistance::new(warp.forward(input));
        Self { warp, target, mask: None, weight }
    }

    /// Compares `W(reconstruction, flow)` with another frame where it is visible.
    ///
    /// # Panics
    /// If the mask does not cover the image.
    pub fn cross_frame(warp: Warp, other: Tensor<4>, visible: Vec<f32>, weight: f32) -> Self {
        let [_, _, h, w] = other.dims();
        assert_eq!(visible.len(), h * w, "one mask value a pixel");
        let device: Device = other.device();
        let mask = Tensor::from_data(TensorData::new(visible, [1, 1, h, w]), &device);
        let target = SquaredDistance::new(other * mask.clone());
        Self { warp, target, mask: Some(mask), weight }
    }

    /// The term for one reconstruction.
    pub fn loss(&self, reconstruction: Tensor<4>) -> Tensor<1> {
        let warped = self.warp.forward(reconstruction);
        // A mask of 0 and 1 may as well be applied before squaring.
        let warped = match &self.mask {
            Some(mask) => warped * mask.clone(),
            None => warped,
        };
        self.target.forward(warped).mul_scalar(self.weight)
    }
}
