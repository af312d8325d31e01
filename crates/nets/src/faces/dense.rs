//! The extractor that landmarks and expression share: four dense blocks.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::layers::{Conv, Linear, Part, SeparableConv, global_mean};
use crate::Result;

/// Channels of each block's output.
const CHANNELS: [usize; 4] = [32, 64, 128, 256];

/// `[N,3,112,112]` to `[N,outputs]`: 112 -> 56 -> 28 -> 14 -> 7, mean, one matrix.
#[derive(Debug, Clone)]
pub(super) struct DenseNet {
    blocks: Vec<Block>,
    last: Linear,
}

/// `o1` halves the size; every later output sees the sum of those before it.
#[derive(Debug, Clone)]
struct Block {
    first: First,
    rest: [SeparableConv; 3],
}

#[derive(Debug, Clone)]
enum First {
    Plain(Box<Conv>),
    Separable(Box<SeparableConv>),
}

impl DenseNet {
    /// Reads `denseB.convK` for blocks 0 to 3 and convolutions 0 to 3, and `fc`.
    pub fn read(part: &Part, outputs: usize) -> Result<Self> {
        let mut blocks = Vec::new();
        let mut input = 3;
        for (b, out) in CHANNELS.into_iter().enumerate() {
            let name = |k: usize| format!("dense{b}.conv{k}");
            let first = if b == 0 {
                First::Plain(Box::new(Conv::read(part, &name(0), [input, out, 3], 2, true)?))
            } else {
                First::Separable(Box::new(SeparableConv::read(part, &name(0), [input, out], 2)?))
            };
            let inner = |k| SeparableConv::read(part, &name(k), [out, out], 1);
            blocks.push(Block { first, rest: [inner(1)?, inner(2)?, inner(3)?] });
            input = out;
        }
        Ok(Self { blocks, last: Linear::read(part, "fc", [input, outputs])? })
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.last.forward(global_mean(x))
    }
}

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut sum = relu(match &self.first {
            First::Plain(conv) => conv.forward(x),
            First::Separable(conv) => conv.forward(x),
        });
        for conv in &self.rest {
            // The first sum is rectified already, which changes nothing.
            sum = sum.clone() + conv.of_rectified(sum);
        }
        relu(sum)
    }
}
