//! Age and gender: a small Xception.

use burn::tensor::activation::{relu, softmax};
use burn::tensor::{Device, Tensor};

use super::input::Input;
use super::layers::{Conv, Linear, Part, SeparableConv, global_mean, max_pool_same};
use crate::{Result, Weights};

/// The network of age and gender.
#[derive(Debug, Clone)]
pub struct AgeGender {
    input: Input,
    entry: Conv,
    reductions: [Reduction; 2],
    middle: [[SeparableConv; 3]; 2],
    exit: Reduction,
    last: SeparableConv,
    age: Linear,
    gender: Linear,
}

impl AgeGender {
    /// Reads `age_gender.*`.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array.
    pub fn from_weights(weights: &Weights, device: &Device) -> Result<Self> {
        let part = Part::new(weights, "age_gender", device);
        let middle = |b: usize| -> Result<[SeparableConv; 3]> {
            let name = |k| format!("middle_flow.main_block_{b}.separable_conv{k}");
            let conv = |k| SeparableConv::read(&part, &name(k), [128, 128], 1);
            Ok([conv(0)?, conv(1)?, conv(2)?])
        };
        let net = Self {
            input: Input::of_crop(112, device),
            entry: Conv::read(&part, "entry_flow.conv_in", [3, 32, 3], 2, true)?,
            reductions: [
                Reduction::read(&part, "entry_flow.reduction_block_0", [32, 64], false)?,
                Reduction::read(&part, "entry_flow.reduction_block_1", [64, 128], true)?,
            ],
            middle: [middle(0)?, middle(1)?],
            exit: Reduction::read(&part, "exit_flow.reduction_block", [128, 256], true)?,
            last: SeparableConv::read(&part, "exit_flow.separable_conv", [256, 512], 1)?,
            age: Linear::read(&part, "fc.age", [512, 1])?,
            gender: Linear::read(&part, "fc.gender", [512, 2])?,
        };
        part.finish()?;
        Ok(net)
    }

    /// Age in years, `[N]`, and the probability of male, `[N]`.
    ///
    /// # Shapes `crop [N,3,H,W]`
    /// # Range  crop `[0,1]`; probability `[0,1]`
    pub fn forward(&self, crop: Tensor<4>) -> (Tensor<1>, Tensor<1>) {
        let n = crop.dims()[0];
        let (age, gender) = self.logits(crop);
        (age.reshape([n]), softmax(gender, 1).narrow(1, 0, 1).reshape([n]))
    }

    /// Age, `[N,1]`, and male and female before the softmax, `[N,2]`.
    pub fn logits(&self, crop: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let mut x = relu(self.entry.forward(self.input.prepare(crop)));
        for reduction in &self.reductions {
            x = reduction.forward(x);
        }
        for block in &self.middle {
            let inner = block.iter().fold(x.clone(), |x, conv| conv.of_rectified(x));
            x = x + inner;
        }
        let x = relu(self.last.forward(self.exit.forward(x)));
        let v = global_mean(x);
        (self.age.forward(v.clone()), self.gender.forward(v))
    }
}

/// Two separable convolutions and a pooling that halves the size, beside a 1x1
/// convolution of stride 2.
#[derive(Debug, Clone)]
struct Reduction {
    rectify_first: bool,
    convs: [SeparableConv; 2],
    expansion: Conv,
}

impl Reduction {
    fn read(
        part: &Part,
        name: &str,
        [input, out]: [usize; 2],
        rectify_first: bool,
    ) -> Result<Self> {
        let conv = |k, input| {
            SeparableConv::read(part, &format!("{name}.separable_conv{k}"), [input, out], 1)
        };
        let expansion = format!("{name}.expansion_conv");
        Ok(Self {
            rectify_first,
            convs: [conv(0, input)?, conv(1, out)?],
            expansion: Conv::read(part, &expansion, [input, out, 1], 2, true)?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [first, second] = &self.convs;
        let inner = if self.rectify_first { relu(x.clone()) } else { x.clone() };
        let inner = second.of_rectified(first.forward(inner));
        max_pool_same(inner, 3, 2) + self.expansion.forward(x)
    }
}
