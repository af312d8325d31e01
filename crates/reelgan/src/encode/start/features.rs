//! What the learned start sees of a face.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use reelgan_nets::perceptual::{Tap, Vgg16};

use super::super::resize::antialiased;

/// Side at which the trunk looks.
pub(super) const SIDE: usize = 128;

/// A group of features: where it is tapped, its channels, and its side there.
struct Group {
    tap: Tap,
    channels: usize,
    side: usize,
}

/// Parts of a face, and what they are.
const TAPS: [Group; 2] = [
    Group { tap: Tap { block: 3, layer: 3 }, channels: 256, side: SIDE / 4 },
    Group { tap: Tap { block: 4, layer: 3 }, channels: 512, side: SIDE / 8 },
];

/// Side that every map is averaged to.
const POOLED: usize = 4;

/// Statistics of ImageNet, which the trunk was trained with (torchvision).
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Sizes of the groups of features, in their order.
pub(super) const GROUPS: [usize; 2] =
    [TAPS[0].channels * POOLED * POOLED, TAPS[1].channels * POOLED * POOLED];

/// Number of features.
pub(super) const COUNT: usize = GROUPS[0] + GROUPS[1];

/// Pooled features of VGG16.
#[derive(Debug, Clone)]
pub(super) struct FaceFeatures(pub(super) Arc<Vgg16>);

impl FaceFeatures {
    /// Features `[COUNT]` of one image `[1,3,S,S]` of any side, RGB, `[0,1]`.
    pub(super) fn of(&self, image: Tensor<4>) -> Vec<f32> {
        let image = antialiased(image, SIDE);
        let device = image.device();
        let statistics = |values: [f32; 3]| {
            Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device)
        };
        let image = (image - statistics(MEAN)) / statistics(DEVIATION);
        let maps = self.0.features(image, &TAPS.map(|group| group.tap));
        let mut features = Vec::with_capacity(COUNT);
        for (map, Group { channels, side, .. }) in maps.into_iter().zip(TAPS) {
            let cell = side / POOLED;
            let cells = map.reshape([channels * POOLED, cell, POOLED, cell]);
            let means = cells.mean_dim(3).mean_dim(1);
            features.extend(means.into_data().try_into_vec::<f32>().expect("features are f32"));
        }
        features
    }
}
