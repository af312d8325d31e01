//! What the learned start sees of a face.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use reelgan_nets::perceptual::{Tap, Vgg16};

use super::super::resize::antialiased;

/// Side at which the trunk looks.
pub(super) const SIDE: usize = 128;

/// Taps with their channels, their side at [`SIDE`], and the side they are pooled to:
/// parts of a face, and what they are.
const TAPS: [(Tap, usize, usize, usize); 2] = [
    (Tap { block: 3, layer: 3 }, 256, SIDE / 4, 8),
    (Tap { block: 4, layer: 3 }, 512, SIDE / 8, 4),
];

/// Statistics of ImageNet, which the trunk was trained with (torchvision).
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Sizes of the groups of features, in their order.
pub(super) const GROUPS: [usize; 2] =
    [TAPS[0].1 * TAPS[0].3 * TAPS[0].3, TAPS[1].1 * TAPS[1].3 * TAPS[1].3];

/// Number of features.
pub(super) const COUNT: usize = GROUPS[0] + GROUPS[1];

/// Pooled features of VGG16.
#[derive(Debug, Clone)]
pub(super) struct FaceFeatures {
    vgg16: Arc<Vgg16>,
}

impl FaceFeatures {
    pub(super) fn new(vgg16: Arc<Vgg16>) -> Self {
        Self { vgg16 }
    }

    /// Features `[COUNT]` of one image `[1,3,S,S]` of any side, RGB, `[0,1]`.
    pub(super) fn of(&self, image: Tensor<4>) -> Vec<f32> {
        let image = antialiased(image, SIDE);
        let device = image.device();
        let statistics = |values: [f32; 3]| {
            Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device)
        };
        let image = (image - statistics(MEAN)) / statistics(DEVIATION);
        let maps = self.vgg16.features(image, &TAPS.map(|(tap, ..)| tap));
        let mut features = Vec::with_capacity(COUNT);
        for (map, (_, channels, side, pooled)) in maps.into_iter().zip(TAPS) {
            let cell = side / pooled;
            let cells = map.reshape([channels * pooled, cell, pooled, cell]);
            let means = cells.mean_dim(3).mean_dim(1);
            features.extend(means.into_data().try_into_vec::<f32>().expect("features are f32"));
        }
        features
    }
}
