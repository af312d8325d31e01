//! What the face networks are made of: convolutions with TensorFlow's padding.

use std::cell::RefCell;
use std::collections::BTreeSet;

use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Device, Tensor};

use crate::{Error, Result, Weights};

/// The arrays of one network: those below a prefix, each to be used once.
pub(super) struct Part<'a> {
    weights: &'a Weights,
    prefix: &'static str,
    pub device: &'a Device,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Part<'a> {
    pub fn new(weights: &'a Weights, prefix: &'static str, device: &'a Device) -> Self {
        Self { weights, prefix, device, used: RefCell::default() }
    }

    fn full(&self, name: &str) -> String {
        let full = format!("{}.{name}", self.prefix);
        self.used.borrow_mut().insert(full.clone());
        full
    }

    pub fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        self.weights.tensor(&self.full(name), shape, self.device)
    }

    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&'a [f32]> {
        self.weights.values(&self.full(name), shape)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::ExtraTensors`] for an array below the prefix that was not asked for.
    pub fn finish(self) -> Result<()> {
        let used = self.used.into_inner();
        let below = |name: &&str| name.split('.').next() == Some(self.prefix);
        let mut extra = self.weights.names().filter(below).filter(|name| !used.contains(*name));
        match extra.next() {
            None => Ok(()),
            Some(name) => Err(Error::ExtraTensors {
                network: super::NETWORK,
                name: name.to_string(),
                others: extra.count(),
            }),
        }
    }
}

/// TensorFlow's "same" padding of one axis, before and after: `ceil(n / s)`
/// outputs, the smaller half first.
pub(super) fn same(n: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let reach = (n.div_ceil(stride) - 1) * stride + kernel;
    let total = reach.saturating_sub(n);
    (total / 2, total - total / 2)
}

/// Pads an image for a kernel as [`same`] says, with `value`.
fn pad_same(x: Tensor<4>, kernel: usize, stride: usize, value: f32) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let ((top, bottom), (left, right)) = (same(h, kernel, stride), same(w, kernel, stride));
    if top + bottom + left + right == 0 {
        return x;
    }
    x.pad((left, right, top, bottom), PadMode::Constant(value))
}

/// Largest value of each `side x side` window, "same" padding.
pub(super) fn max_pool_same(x: Tensor<4>, side: usize, stride: usize) -> Tensor<4> {
    // Lower than any value of a network, and safe in arithmetic.
    let x = pad_same(x, side, stride, f32::MIN);
    max_pool2d(x, MaxPoolOptions::new([side, side]).with_stride([stride, stride]))
}

/// A convolution with bias.
#[derive(Debug, Clone)]
pub(super) struct Conv {
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    same: bool,
}

impl Conv {
    /// Reads `NAME.filters [out, in, side, side]` and `NAME.bias`.
    pub fn read(
        part: &Part,
        name: &str,
        [input, out, side]: [usize; 3],
        stride: usize,
        same: bool,
    ) -> Result<Self> {
        Ok(Self {
            weight: part.tensor(&format!("{name}.filters"), [out, input, side, side])?,
            bias: part.tensor(&format!("{name}.bias"), [out])?,
            stride,
            same,
        })
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let side = self.weight.dims()[2];
        let x = if self.same { pad_same(x, side, self.stride, 0.0) } else { x };
        let options = ConvOptions::new([self.stride; 2], [0, 0], [1, 1], 1);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

/// A depthwise 3x3 convolution, then a 1x1 one with bias; nothing between.
#[derive(Debug, Clone)]
pub(super) struct SeparableConv {
    depthwise: Tensor<4>,
    pointwise: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
}

impl SeparableConv {
    /// Reads `NAME.depthwise_filter [in,1,3,3]`, `NAME.pointwise_filter [out,in,1,1]`
    /// and `NAME.bias`.
    pub fn read(part: &Part, name: &str, [input, out]: [usize; 2], stride: usize) -> Result<Self> {
        Ok(Self {
            depthwise: part.tensor(&format!("{name}.depthwise_filter"), [input, 1, 3, 3])?,
            pointwise: part.tensor(&format!("{name}.pointwise_filter"), [out, input, 1, 1])?,
            bias: part.tensor(&format!("{name}.bias"), [out])?,
            stride,
        })
    }

    /// "Same" padding.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let channels = x.dims()[1];
        let x = pad_same(x, 3, self.stride, 0.0);
        let apart = ConvOptions::new([self.stride; 2], [0, 0], [1, 1], channels);
        let x = conv2d(x, self.depthwise.clone(), None, apart);
        let across = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        conv2d(x, self.pointwise.clone(), Some(self.bias.clone()), across)
    }

    /// The same of `relu(x)`.
    pub fn of_rectified(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward(relu(x))
    }
}

/// A fully connected layer.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    weight: Tensor<2>,
    bias: Tensor<2>,
}

impl Linear {
    /// Reads `NAME.weights [in, out]` and `NAME.bias`.
    pub fn read(part: &Part, name: &str, [input, out]: [usize; 2]) -> Result<Self> {
        Ok(Self {
            weight: part.tensor(&format!("{name}.weights"), [input, out])?,
            bias: part.tensor(&format!("{name}.bias"), [1, out])?,
        })
    }

    /// `[N,in]` to `[N,out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.clone()) + self.bias.clone()
    }
}

/// Mean over all pixels, `[N,C]`.
pub(super) fn global_mean(x: Tensor<4>) -> Tensor<2> {
    let [n, c, _, _] = x.dims();
    x.mean_dim(3).mean_dim(2).reshape([n, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_is_tensorflows() {
        // Its documentation: n = 5, k = 2, s = 2 pads one after; n = 13, k = 6, s = 5
        // pads 1 before and 2 after.
        assert_eq!(same(5, 2, 2), (0, 1));
        assert_eq!(same(13, 6, 5), (1, 2));
        assert_eq!(same(112, 3, 2), (0, 1));
        assert_eq!(same(56, 3, 1), (1, 1));
        assert_eq!(same(414, 2, 2), (0, 0));
        assert_eq!(same(13, 2, 1), (0, 1));
    }
}
