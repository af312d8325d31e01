//! Seven expressions.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use super::dense::DenseNet;
use super::input::Input;
use super::layers::Part;
use crate::{Result, Weights};

/// The expressions, in the order of the network.
pub const EXPRESSIONS: [&str; 7] =
    ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"];

/// The network of the expressions.
#[derive(Debug, Clone)]
pub struct Expression {
    input: Input,
    net: DenseNet,
}

impl Expression {
    /// Reads `expression.*`.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let part = Part::new(weights, "expression", device);
        let net = DenseNet::read(&part, EXPRESSIONS.len())?;
        part.finish()?;
        Ok(Self { input: Input::of_crop(112, device), net })
    }

    /// Probabilities in the order of [`EXPRESSIONS`], `[N,7]`; they add up to 1.
    ///
    /// # Shapes `crop [N,3,H,W]`
    /// # Range  crop `[0,1]`
    pub fn forward(&self, crop: Tensor<4>) -> Tensor<2> {
        softmax(self.logits(crop), 1)
    }

    /// The same before the softmax.
    pub fn logits(&self, crop: Tensor<4>) -> Tensor<2> {
        self.net.forward(self.input.prepare(crop))
    }
}
