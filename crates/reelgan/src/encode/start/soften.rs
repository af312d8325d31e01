//! What cameras and codecs do to a face, done to the samples, so that the map does not
//! lean on detail that real pictures lack.

use burn::tensor::Tensor;
use rand::{Rng, RngExt};

use super::super::resize::antialiased;
use super::features::SIDE;

/// The smallest side a sample is reduced to before it is looked at.
const SOFTEST: usize = 24;
/// Light and contrast change by up to this share.
const LIGHT: f32 = 0.15;

/// A softened copy of an image `[1,3,S,S]`, at the side of the trunk: half of them lose
/// detail, all change their light and contrast a little; `rng` decides.
pub(super) fn soften(image: Tensor<4>, rng: &mut impl Rng) -> Tensor<4> {
    let mut image = antialiased(image, SIDE);
    let side = rng.random_range(SOFTEST..2 * SIDE - SOFTEST);
    if side < SIDE {
        image = antialiased(antialiased(image, side), SIDE);
    }
    let contrast = 1.0 + rng.random_range(-LIGHT..LIGHT);
    let light = rng.random_range(-LIGHT..LIGHT) / 2.0;
    // Around the middle grey, so that contrast alone does not change the light.
    image.sub_scalar(0.5).mul_scalar(contrast).add_scalar(0.5 + light).clamp(0.0, 1.0)
}
