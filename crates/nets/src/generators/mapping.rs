//! The mapping network: normalised noise z to the intermediate code w.

use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

use super::Affine;
use crate::ops::reference::LEAKY_SLOPE;
use crate::{Result, Weights};

/// `x = z / sqrt(mean(z^2) + eps)`, then layers `x = gain * lrelu(W x + b)`.
///
/// # Source
/// StyleGAN (Karras et al. 2019), `G_mapping`; StyleGAN2 multiplies by sqrt(2)
/// after each activation, StyleGAN1 does not (`gain` 1).
#[derive(Debug, Clone)]
pub struct Mapping {
    layers: Vec<Affine>,
    gain: f32,
    width: usize,
    outputs: usize,
}

impl Mapping {
    /// Reads layers `name(0)`, `name(1)`, ... as long as `PREFIX.weight` exists;
    /// weight and bias are multiplied by `weight_scale(fan_in)` and `bias_scale`.
    ///
    /// # Errors
    /// A missing or misshapen array, or one that does not fit the layer before.
    pub fn from_weights(
        weights: &Weights,
        prefix: impl Fn(usize) -> String,
        gain: f32,
        weight_scale: impl Fn(usize) -> f32,
        bias_scale: f32,
        device: &Device,
    ) -> Result<Self> {
        let mut layers = Vec::new();
        let (mut width, mut outputs) = (0, None);
        loop {
            let name = prefix(layers.len());
            let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
            if !layers.is_empty() && !weights.contains(&weight) {
                return Ok(Self { layers, gain, width, outputs: outputs.unwrap_or(width) });
            }
            let [out, input] = weights.sizes(&weight, [None, outputs])?;
            outputs = Some(out);
            if layers.is_empty() {
                width = input;
            }
            let scale = weight_scale(input);
            let w: Vec<f32> =
                weights.values(&weight, &[out, input])?.iter().map(|v| v * scale).collect();
            let b: Vec<f32> =
                weights.values(&bias, &[out])?.iter().map(|v| v * bias_scale).collect();
            layers.push(Affine::new(&w, &b, 1.0, device));
        }
    }

    /// Width of z.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Width of the result.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `z [N,D]` to `w [N,D]`, or to as many numbers as the last layer has.
    pub fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        let norm = (z.clone().powf_scalar(2.0).mean_dim(1) + 1e-8).sqrt();
        self.layers.iter().fold(z / norm, |x, layer| {
            leaky_relu(layer.forward(x), LEAKY_SLOPE).mul_scalar(self.gain)
        })
    }
}
