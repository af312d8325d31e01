//! 68 points of a face.

use burn::tensor::{Device, Tensor};

use super::dense::DenseNet;
use super::input::Input;
use super::layers::Part;
use crate::{Result, Weights};

/// The network of the 68 landmarks, in the order of iBUG 300-W: jaw 0-16, brows
/// 17-26, nose 27-35, eyes 36-47, mouth 48-67; left and right as in the image.
#[derive(Debug, Clone)]
pub struct Landmarks68 {
    input: Input,
    net: DenseNet,
}

impl Landmarks68 {
    /// Reads `landmarks.*`.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let part = Part::new(weights, "landmarks", device);
        let net = DenseNet::read(&part, 136)?;
        part.finish()?;
        Ok(Self { input: Input::of_crop(112, device), net })
    }

    /// Points of the face that fills a crop, `[N,68,2]`, (x, y) in pixels of the crop.
    ///
    /// # Shapes `crop [N,3,H,W]`
    /// # Range  crop `[0,1]`; points may lie outside the crop
    pub fn forward(&self, crop: Tensor<4>) -> Tensor<3> {
        let [n, _, h, w] = crop.dims();
        let points = self.raw(crop).reshape([n, 68, 2]);
        // The crop lies in the middle of the square, its longer side fills it.
        let longest = h.max(w) as f32;
        let before = |length: usize| (longest - length as f32) / 2.0;
        let x = points.clone().narrow(2, 0, 1).mul_scalar(longest).sub_scalar(before(w));
        let y = points.narrow(2, 1, 1).mul_scalar(longest).sub_scalar(before(h));
        Tensor::cat(vec![x, y], 2)
    }

    /// What the network itself puts out, `[N,136]`: x and y in turn, as fractions of
    /// the square that the crop was padded to.
    pub fn raw(&self, crop: Tensor<4>) -> Tensor<2> {
        self.net.forward(self.input.prepare(crop))
    }
}
