//! The pixel-wise term.

use burn::tensor::Tensor;

/// Mean squared difference of two images.
///
/// # Shapes   both `[N,3,H,W]`; result `[1]`
/// # Range    images [0,1]; result >= 0
/// # Source   paper eq. 9; a mean as in the authors' code
pub fn pixel(target: Tensor<4>, reconstruction: Tensor<4>) -> Tensor<1> {
    (reconstruction - target).powf_scalar(2.0).mean()
}
