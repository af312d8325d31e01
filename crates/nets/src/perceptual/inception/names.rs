//! The two ways in which the weights are named, and batch normalisation folded away.

use burn::tensor::Device;

use crate::perceptual::conv::{Conv, Window};
use crate::{Result, Weights};

/// Added to the variance before the root.
const EPSILON: f64 = 1e-3;

/// Whose names a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// `Mixed_5b.branch1x1.conv.weight`, `.bn.weight`, `.bn.bias`, `.bn.running_mean`, ...
    PytorchFid,
    /// `net.layers.mixed.conv.weight`, `.beta`, `.mean`, `.var`; no scale.
    FidHelper,
}

impl Names {
    pub fn of(weights: &Weights) -> Self {
        match weights.contains("net.layers.conv.weight") {
            true => Self::FidHelper,
            false => Self::PytorchFid,
        }
    }

    /// The kernel of a convolution that pytorch-fid calls `name`.
    pub fn weight(self, name: &str) -> String {
        match self {
            Self::PytorchFid => format!("{name}.conv.weight"),
            Self::FidHelper => format!("net.layers.{}.weight", graph_name(name)),
        }
    }
}

/// A kernel and what batch normalisation makes of its result.
pub(super) fn read_conv(
    weights: &Weights,
    names: Names,
    name: &str,
    input: usize,
    window: Window,
    device: &Device,
) -> Result<Conv> {
    let kernel = names.weight(name);
    let out = weights.shape(&kernel)?.first().copied().unwrap_or(1);
    let [rows, columns] = window.kernel;
    let mut weight = weights.values(&kernel, &[out, input, rows, columns])?.to_vec();
    let part = |suffix: &str| {
        let name = match names {
            Names::PytorchFid => format!("{name}.bn.{suffix}"),
            Names::FidHelper => format!("net.layers.{}.{suffix}", graph_name(name)),
        };
        weights.values(&name, &[out])
    };
    let (scale, [shift, mean, variance]) = match names {
        Names::PytorchFid => {
            (Some(part("weight")?), [part("bias")?, part("running_mean")?, part("running_var")?])
        }
        Names::FidHelper => (None, [part("beta")?, part("mean")?, part("var")?]),
    };
    let mut bias = Vec::with_capacity(out);
    for (k, filter) in weight.chunks_exact_mut(input * rows * columns).enumerate() {
        let scale = scale.map_or(1.0, |s| f64::from(s[k]));
        let factor = scale / (f64::from(variance[k]) + EPSILON).sqrt();
        filter.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        bias.push((f64::from(shift[k]) - f64::from(mean[k]) * factor) as f32);
    }
    Ok(Conv::new(&weight, &bias, [out, input], window, device))
}

/// The graph's name of what pytorch-fid calls `name`: towers are numbered, and so are
/// the convolutions of a tower.
fn graph_name(name: &str) -> String {
    const STEM: [&str; 5] =
        ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"];
    const MIXED: &str = "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c";
    if let Some(k) = STEM.iter().position(|stem| *stem == name) {
        return numbered("conv", k);
    }
    let (block, branch) = name.split_once('.').expect("a branch of a block");
    let block = block.strip_prefix("Mixed_").expect("a block");
    let k = MIXED.split(' ').position(|b| b == block).expect("one of eleven blocks");
    format!("{}.{}", numbered("mixed", k), branch_name(block, branch))
}

fn branch_name(block: &str, branch: &str) -> String {
    // The first branch is no tower, but where a block has no single convolution the
    // towers begin at once.
    let (stem, layer) = branch.rsplit_once('_').unwrap_or((branch, ""));
    let tower = match stem {
        "branch1x1" => return "conv".into(),
        "branch3x3" if block == "6a" => return "conv".into(),
        "branch5x5" | "branch7x7" | "branch3x3" => "tower",
        "branch3x3dbl" if block == "6a" => "tower",
        "branch3x3dbl" | "branch7x7dbl" | "branch7x7x3" => "tower_1",
        _ => "tower_2",
    };
    let split = ["7b", "7c"].contains(&block);
    // The last two blocks join tower and layer by an underscore.
    let joint = if split { '_' } else { '.' };
    let layer = match layer.strip_suffix(['a', 'b']) {
        Some(_) if layer.ends_with('a') => "mixed_conv".into(),
        Some(_) => "mixed_conv_1".into(),
        None => numbered("conv", layer.parse::<usize>().map_or(0, |n| n - 1)),
    };
    format!("{tower}{joint}{layer}")
}

fn numbered(name: &str, k: usize) -> String {
    if k == 0 { name.into() } else { format!("{name}_{k}") }
}

#[cfg(test)]
mod tests {
    use super::graph_name;

    #[test]
    fn both_files_name_the_same_things() {
        for (theirs, graph) in [
            ("Conv2d_1a_3x3", "conv"),
            ("Conv2d_4a_3x3", "conv_4"),
            ("Mixed_5b.branch1x1", "mixed.conv"),
            ("Mixed_5b.branch5x5_2", "mixed.tower.conv_1"),
            ("Mixed_5c.branch3x3dbl_3", "mixed_1.tower_1.conv_2"),
            ("Mixed_5d.branch_pool", "mixed_2.tower_2.conv"),
            ("Mixed_6a.branch3x3", "mixed_3.conv"),
            ("Mixed_6a.branch3x3dbl_3", "mixed_3.tower.conv_2"),
            ("Mixed_6b.branch7x7_3", "mixed_4.tower.conv_2"),
            ("Mixed_6e.branch7x7dbl_5", "mixed_7.tower_1.conv_4"),
            ("Mixed_7a.branch3x3_2", "mixed_8.tower.conv_1"),
            ("Mixed_7a.branch7x7x3_4", "mixed_8.tower_1.conv_3"),
            ("Mixed_7b.branch3x3_1", "mixed_9.tower_conv"),
            ("Mixed_7b.branch3x3_2b", "mixed_9.tower_mixed_conv_1"),
            ("Mixed_7c.branch3x3dbl_2", "mixed_10.tower_1_conv_1"),
            ("Mixed_7c.branch3x3dbl_3a", "mixed_10.tower_1_mixed_conv"),
            ("Mixed_7c.branch_pool", "mixed_10.tower_2_conv"),
        ] {
            assert_eq!(graph_name(theirs), graph);
        }
    }
}
