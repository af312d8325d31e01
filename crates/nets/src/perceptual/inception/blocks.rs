//! The eleven blocks: branches side by side, as data.

use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};

use super::names::{Names, read_conv};
use crate::perceptual::conv::{Conv, Window};
use crate::{Result, Weights};

const ONE: Window = Window::square(1, 1, 0);
const THREE: Window = Window::same(3, 3);
const FIVE: Window = Window::same(5, 5);
const HALVING: Window = Window::square(3, 2, 0);
const WIDE7: Window = Window::same(1, 7);
const TALL7: Window = Window::same(7, 1);
const WIDE3: Window = Window::same(1, 3);
const TALL3: Window = Window::same(3, 1);

/// What a branch begins with.
#[derive(Debug, Clone, Copy)]
enum Pool {
    None,
    /// 3x3, stride 1; padding does not count.
    Average,
    /// 3x3, stride 1.
    Maximum,
    /// 3x3, stride 2, no padding.
    Halving,
}

/// Convolutions one after the other, then any side by side.
#[derive(Debug, Clone, Copy)]
struct BranchPlan {
    pool: Pool,
    chain: &'static [(&'static str, Window)],
    /// Both see the end of the chain; their results stand one after the other.
    fork: &'static [(&'static str, Window)],
}

/// A block by its name in pytorch-fid.
#[derive(Debug)]
pub(super) struct BlockPlan {
    pub name: &'static str,
    branches: &'static [BranchPlan],
}

const fn chain(chain: &'static [(&'static str, Window)]) -> BranchPlan {
    BranchPlan { pool: Pool::None, chain, fork: &[] }
}

const fn pooled(pool: Pool) -> BranchPlan {
    BranchPlan { pool, chain: &[("branch_pool", ONE)], fork: &[] }
}

const HALVED: BranchPlan = BranchPlan { pool: Pool::Halving, chain: &[], fork: &[] };

const A: &[BranchPlan] = &[
    chain(&[("branch1x1", ONE)]),
    chain(&[("branch5x5_1", ONE), ("branch5x5_2", FIVE)]),
    chain(&[("branch3x3dbl_1", ONE), ("branch3x3dbl_2", THREE), ("branch3x3dbl_3", THREE)]),
    pooled(Pool::Average),
];
const B: &[BranchPlan] = &[
    chain(&[("branch3x3", HALVING)]),
    chain(&[("branch3x3dbl_1", ONE), ("branch3x3dbl_2", THREE), ("branch3x3dbl_3", HALVING)]),
    HALVED,
];
const C: &[BranchPlan] = &[
    chain(&[("branch1x1", ONE)]),
    chain(&[("branch7x7_1", ONE), ("branch7x7_2", WIDE7), ("branch7x7_3", TALL7)]),
    chain(&[
        ("branch7x7dbl_1", ONE),
        ("branch7x7dbl_2", TALL7),
        ("branch7x7dbl_3", WIDE7),
        ("branch7x7dbl_4", TALL7),
        ("branch7x7dbl_5", WIDE7),
    ]),
    pooled(Pool::Average),
];
const D: &[BranchPlan] = &[
    chain(&[("branch3x3_1", ONE), ("branch3x3_2", HALVING)]),
    chain(&[
        ("branch7x7x3_1", ONE),
        ("branch7x7x3_2", WIDE7),
        ("branch7x7x3_3", TALL7),
        ("branch7x7x3_4", HALVING),
    ]),
    HALVED,
];
const FORK: BranchPlan = BranchPlan {
    pool: Pool::None,
    chain: &[("branch3x3_1", ONE)],
    fork: &[("branch3x3_2a", WIDE3), ("branch3x3_2b", TALL3)],
};
const LONG_FORK: BranchPlan = BranchPlan {
    pool: Pool::None,
    chain: &[("branch3x3dbl_1", ONE), ("branch3x3dbl_2", THREE)],
    fork: &[("branch3x3dbl_3a", WIDE3), ("branch3x3dbl_3b", TALL3)],
};
const E: &[BranchPlan] = &[chain(&[("branch1x1", ONE)]), FORK, LONG_FORK, pooled(Pool::Average)];
const LAST: &[BranchPlan] = &[chain(&[("branch1x1", ONE)]), FORK, LONG_FORK, pooled(Pool::Maximum)];

const fn block(name: &'static str, branches: &'static [BranchPlan]) -> BlockPlan {
    BlockPlan { name, branches }
}

/// From the first to the last.
pub(super) const ALL: [BlockPlan; 11] = [
    block("Mixed_5b", A),
    block("Mixed_5c", A),
    block("Mixed_5d", A),
    block("Mixed_6a", B),
    block("Mixed_6b", C),
    block("Mixed_6c", C),
    block("Mixed_6d", C),
    block("Mixed_6e", C),
    block("Mixed_7a", D),
    block("Mixed_7b", E),
    block("Mixed_7c", LAST),
];

/// Branches with their weights.
#[derive(Debug, Clone)]
pub(super) struct Block {
    branches: Vec<Branch>,
    channels: usize,
}

#[derive(Debug, Clone)]
struct Branch {
    pool: Pool,
    chain: Vec<Conv>,
    fork: Vec<Conv>,
}

impl Block {
    /// Reads a block that takes `input` channels.
    pub fn read(
        weights: &Weights,
        names: Names,
        plan: &BlockPlan,
        input: usize,
        device: &Device,
    ) -> Result<Self> {
        let read = |name: &str, input, window| {
            let name = format!("{}.{name}", plan.name);
            read_conv(weights, names, &name, input, window, device)
        };
        let (mut branches, mut channels) = (Vec::new(), 0);
        for BranchPlan { pool, chain, fork } in plan.branches {
            let mut width = input;
            let chain = chain.iter().map(|&(name, window)| {
                let conv = read(name, width, window)?;
                width = conv.channels();
                Ok(conv)
            });
            let chain = chain.collect::<Result<Vec<_>>>()?;
            let fork = fork.iter().map(|&(name, window)| read(name, width, window));
            let fork = fork.collect::<Result<Vec<_>>>()?;
            channels += match fork.is_empty() {
                true => width,
                false => fork.iter().map(Conv::channels).sum(),
            };
            branches.push(Branch { pool: *pool, chain, fork });
        }
        Ok(Self { branches, channels })
    }

    /// Channels of the result.
    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        Tensor::cat(self.branches.iter().flat_map(|b| b.forward(x.clone())).collect(), 1)
    }
}

impl Branch {
    fn forward(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let x = self.chain.iter().fold(self.pool.forward(x), |x, conv| conv.forward(x));
        if self.fork.is_empty() {
            return vec![x];
        }
        self.fork.iter().map(|conv| conv.forward(x.clone())).collect()
    }
}

impl Pool {
    fn forward(self, x: Tensor<4>) -> Tensor<4> {
        let maximum = MaxPoolOptions::new([3, 3]);
        match self {
            Self::None => x,
            Self::Average => {
                let options = AvgPoolOptions::new([3, 3]).with_stride([1, 1]);
                avg_pool2d(x, options.with_padding([1, 1]).with_count_include_pad(false))
            }
            Self::Maximum => max_pool2d(x, maximum.with_stride([1, 1]).with_padding([1, 1])),
            Self::Halving => max_pool2d(x, maximum.with_stride([2, 2])),
        }
    }
}
