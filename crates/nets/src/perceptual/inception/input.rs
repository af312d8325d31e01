//! From a picture of any size to what the network takes.

use burn::tensor::{Tensor, TensorData};

use super::SIDE;
use crate::ops::resize_bilinear;

/// How a picture is brought to 299 px and to the network's range. Distances taken in
/// two ways are not comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FidInput {
    /// Bilinear between pixel centres (`align_corners=False`), then `2x - 1`: the way
    /// of pytorch-fid, whose statistics files are the common ones.
    #[default]
    PytorchFid,
    /// Bilinear without the half-pixel shift, source = destination * size / 299, then
    /// `(255x - 128) / 128`: the way of the TensorFlow graph that FID was defined with.
    TensorFlow,
}

impl FidInput {
    /// `x [N,3,H,W]` in `[0,1]` to `[N,3,299,299]` in about `[-1,1]`.
    pub fn prepare(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::PytorchFid => resize_bilinear(x, [SIDE, SIDE]).mul_scalar(2.0).sub_scalar(1.0),
            Self::TensorFlow => {
                let x = resize_from_corner(x).mul_scalar(255.0);
                x.sub_scalar(128.0).div_scalar(128.0)
            }
        }
    }
}

/// Bilinear to 299 px a side, source coordinate = destination * size / 299, clamped.
fn resize_from_corner(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let device = x.device();
    let rows = Tensor::<2>::from_data(TensorData::new(mixing(h), [SIDE, h]), &device);
    let columns = Tensor::<2>::from_data(TensorData::new(mixing(w), [SIDE, w]), &device);
    // Separable: rows by a matrix from the left, columns by one from the right.
    let x = x.reshape([n * c * h, w]).matmul(columns.transpose()).reshape([n * c, h, SIDE]);
    let rows = rows.reshape([1, SIDE, h]).expand([n * c, SIDE, h]);
    rows.matmul(x).reshape([n, c, SIDE, SIDE])
}

/// The `[299, len]` matrix of one axis, row-major.
fn mixing(len: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; SIDE * len];
    for (k, row) in matrix.chunks_exact_mut(len).enumerate() {
        let at = k as f64 * len as f64 / SIDE as f64;
        let first = (at.floor() as usize).min(len - 1);
        let fraction = (at - first as f64) as f32;
        row[first] += 1.0 - fraction;
        row[(first + 1).min(len - 1)] += fraction;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_mixes_two_neighbours() {
        for len in [1, 2, 75, 299, 640] {
            let matrix = mixing(len);
            for (k, row) in matrix.chunks_exact(len).enumerate() {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                // A ramp goes through unchanged, up to the last pixel.
                let value: f32 = row.iter().enumerate().map(|(i, w)| i as f32 * w).sum();
                let want = (k as f32 * len as f32 / SIDE as f32).min(len as f32 - 1.0);
                assert!((value - want).abs() < 1e-3, "{len} {k}: {value} {want}");
            }
        }
    }
}
