//! The perceptual network of in-domain inversion: VGG16 with the weights its authors
//! first published, on pixel values of 0 to 255.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Tap, Vgg16};
use crate::{Result, Weights};

/// Number of each convolution in the file, and layers of each block.
const NUMBERS: [usize; 13] = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
const LAYERS: [usize; 5] = [2, 2, 3, 3, 3];
/// Mean colour of the training images, RGB, of 255.
const MEAN: [f32; 3] = [123.68, 116.779, 103.939];
/// The only layer that is read, `relu4_3`.
const TAP: Tap = Tap { block: 4, layer: 3 };

/// VGG16 features as in-domain inversion compares them.
///
/// # Source
/// genforce/idinvert_pytorch `models/perceptual_model.py`, whose file `vgg16.pth` has
/// the converted weights of Simonyan and Zisserman, not torchvision's.
#[derive(Debug, Clone)]
pub struct InDomainVgg {
    trunk: Vgg16,
    mean: Tensor<4>,
}

impl InDomainVgg {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "in-domain VGG16";

    /// Takes `layer{0,2,5,...,28}.{weight,bias}`.
    ///
    /// # Errors
    /// A missing, misshapen or unknown array.
    pub fn from_weights(mut weights: Weights, device: &Device) -> Result<Self> {
        let mut named = Weights::empty(Self::NETWORK);
        let (mut input, mut numbers) = (3, NUMBERS.iter());
        for (block, &layers) in LAYERS.iter().enumerate() {
            let output = 64 << block.min(3);
            for layer in 1..=layers {
                let number = numbers.next().expect("thirteen convolutions");
                let shape = [output, input, 3, 3];
                let mut kernel = weights.take(&format!("layer{number}.weight"), &shape)?;
                if *number == 0 {
                    // It was trained on BGR; turned round once instead of every image.
                    kernel.chunks_exact_mut(3 * 9).for_each(swap_ends);
                }
                let bias = weights.take(&format!("layer{number}.bias"), &[output])?;
                let name = format!("conv{}_{layer}", block + 1);
                named.insert(&format!("{name}.weight"), shape.to_vec(), kernel);
                named.insert(&format!("{name}.bias"), vec![output], bias);
                input = output;
            }
        }
        weights.finish(|_| false)?;
        let mean = Tensor::from_data(TensorData::new(MEAN.to_vec(), [1, 3, 1, 1]), device);
        Ok(Self { trunk: Vgg16::from_weights(&named, device)?, mean })
    }

    /// Features after `relu4_3`, `[N,512,H/8,W/8]`; differentiable in the images.
    ///
    /// # Shapes   `images [N,3,H,W]`, at least 8 px a side
    /// # Range    RGB, `[0,1]`
    pub fn features(&self, images: Tensor<4>) -> Tensor<4> {
        let x = images.mul_scalar(255.0) - self.mean.clone();
        self.trunk.features(x, &[TAP]).pop().expect("one tap")
    }
}

/// Exchanges the first and the last of three 3x3 kernels.
fn swap_ends(filter: &mut [f32]) {
    let (first, rest) = filter.split_at_mut(9);
    first.swap_with_slice(&mut rest[9..]);
}
