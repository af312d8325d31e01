//! The learned linear map from a code row to the style of one layer.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{Result, Weights};

/// `s = scale * (A w + a)`; `w [N,D]` to `s [N,C]`.
#[derive(Debug, Clone)]
pub struct Affine {
    /// `[D,C]`, transposed and scaled once.
    weight: Tensor<2>,
    /// `[1,C]`, scaled once.
    bias: Tensor<2>,
}

impl Affine {
    /// `weight [C,D]` and `bias [C]` row-major, both multiplied by `scale`.
    pub fn new(weight: &[f32], bias: &[f32], scale: f32, device: &Device) -> Self {
        let c = bias.len();
        let d = weight.len() / c;
        let weight = Tensor::<2>::from_data(TensorData::new(weight.to_vec(), [c, d]), device);
        let bias = Tensor::<2>::from_data(TensorData::new(bias.to_vec(), [1, c]), device);
        Self { weight: weight.transpose() * scale, bias: bias * scale }
    }

    /// Reads `weight` and `bias` of shape `[C,D]`, `[C]`; C and D come from the file.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn from_weights(
        weights: &Weights,
        weight: &str,
        bias: &str,
        scale: f32,
        device: &Device,
    ) -> Result<Self> {
        let &[c, d] = weights.shape(weight)? else {
            return Err(weights.unexpected(weight, "[channels, code width]"));
        };
        let w = weights.values(weight, &[c, d])?;
        let b = weights.values(bias, &[c])?;
        Ok(Self::new(w, b, scale, device))
    }

    /// The matrix, `[D,C]`, scale included.
    pub fn weight(&self) -> Tensor<2> {
        self.weight.clone()
    }

    /// `w [N,D]` to `s [N,C]`.
    pub fn forward(&self, w: Tensor<2>) -> Tensor<2> {
        w.matmul(self.weight.clone()) + self.bias.clone()
    }
}
