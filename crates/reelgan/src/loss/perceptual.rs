//! The perceptual term: VGG16 features of target and reconstruction.

use std::io;
use std::sync::Arc;

use burn::tensor::Tensor;
use reelgan_nets::ops::{Arrays, SquaredDistance, Visitor, resize_bilinear};
use reelgan_nets::perceptual::{Tap, Vgg16};

/// Side to which images are brought before the network.
const SIDE: usize = 256;

/// `sum over relu1_1, relu1_2, relu3_2, relu4_2 of mean (F(target) - F(reconstruction))^2`.
///
/// # Shapes   images `[1,3,H,W]`; result `[1]`
/// # Range    images `[0,1]`, fed to the network as they are: the authors' code does
/// not subtract the ImageNet statistics
/// # Source   paper eq. 10; resizing and missing normalisation from the authors' `main.py`
#[derive(Debug, Clone)]
pub struct Perceptual {
    network: Arc<Vgg16>,
}

/// Features of a target, computed once.
#[derive(Debug, Clone)]
pub struct PerceptualTarget {
    features: Vec<SquaredDistance>,
}

impl Arrays for PerceptualTarget {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        self.features.iter_mut().try_for_each(|map| map.visit(visitor))
    }
}

impl Perceptual {
    /// Takes the network.
    pub fn new(network: Arc<Vgg16>) -> Self {
        Self { network }
    }

    /// Features of a target image.
    pub fn target(&self, image: Tensor<4>) -> PerceptualTarget {
        PerceptualTarget {
            features: self.features(image).into_iter().map(SquaredDistance::new).collect(),
        }
    }

    /// The term for one reconstruction.
    pub fn loss(&self, target: &PerceptualTarget, reconstruction: Tensor<4>) -> Tensor<1> {
        self.features(reconstruction)
            .into_iter()
            .zip(&target.features)
            .map(|(f, target)| target.forward(f))
            .reduce(|a, b| a + b)
            .expect("four taps")
    }

    fn features(&self, image: Tensor<4>) -> Vec<Tensor<4>> {
        self.network.features(resize_bilinear(image, [SIDE, SIDE]), &Tap::PAPER)
    }
}
