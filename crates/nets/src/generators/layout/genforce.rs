//! The three layouts of one group's StyleGAN1: InterFaceGAN, in-domain inversion and
//! the GenForce model zoo. Layers are numbered through: `n = 2k`, `2k + 1` at
//! `4 * 2^k` px.
//!
//! # Source
//! genforce/interfacegan `models/stylegan_generator_model.py`, genforce/idinvert_pytorch
//! `models/stylegan_generator_network.py`, genforce/genforce `models/stylegan_generator.py`

use super::levels;
use super::source::Source;
use crate::{Result, Weights};

/// What the layouts call their parts.
pub(super) struct Names {
    /// Weight and bias below `mapping.dense{i}`.
    dense: [&'static str; 2],
    /// The learned constant below `synthesis.layer0`.
    constant: &'static str,
    /// Kernel of a layer.
    kernel: &'static str,
    /// Kernel `[H,W,in,out]` of a layer that doubles the resolution from 128 px up, if
    /// it is kept in another way.
    fused: Option<&'static str>,
    /// What stands before bias and noise of a layer.
    epilogue: &'static str,
    /// Weight and bias of a style.
    style: [&'static str; 2],
    /// Weight of an output layer.
    rgb: &'static str,
}

/// `stylegan_ffhq.pth`, `stylegan_celebahq.pth`.
pub(super) const INTERFACEGAN: Names = Names {
    dense: ["linear.weight", "wscale.bias"],
    constant: "first_layer",
    kernel: "conv.weight",
    fused: Some("weight"),
    epilogue: "epilogue.",
    style: ["style_mod.dense.linear.weight", "style_mod.dense.wscale.bias"],
    rgb: "conv.weight",
};

/// `styleganinv_*_generator.pth`.
pub(super) const IDINVERT: Names = Names {
    dense: ["fc.weight", "wscale.bias"],
    constant: "const",
    style: ["style_mod.dense.fc.weight", "style_mod.dense.wscale.bias"],
    ..INTERFACEGAN
};

/// `stylegan_ffhq1024.pth` and others of the zoo.
pub(super) const ZOO: Names = Names {
    dense: ["weight", "bias"],
    constant: "const",
    kernel: "weight",
    fused: None,
    epilogue: "",
    style: ["style.weight", "style.bias"],
    rgb: "weight",
};

/// Brings the arrays to their canonical names.
///
/// # Errors
/// A missing or misshapen array; a network that was still growing.
pub(super) fn read(source: &mut Source, names: &Names) -> Result<Weights> {
    source.check_grown("synthesis.lod")?;
    let mut weights = source.empty();
    let layers = (0..).take_while(|i| source.has(&format!("mapping.dense{i}.{}", names.dense[0])));
    // At least one, so that a file without a mapping network is refused by name.
    for i in 0..layers.count().max(1) {
        for (part, canonical) in names.dense.iter().zip(["weight", "bias"]) {
            let taken = source.take(&format!("mapping.dense{i}.{part}"))?;
            taken.put(&mut weights, &format!("g_mapping.dense{i}.{canonical}"));
        }
    }
    if source.has("truncation.w_avg") {
        source.take("truncation.w_avg")?.put(&mut weights, "w_avg");
    }
    let first_of = |side: usize| 2 * (side.ilog2() as usize - 2);
    let sides = levels(source.network(), |side| {
        source.has(&format!("synthesis.layer{}.{}bias", first_of(side), names.epilogue))
    })?;
    for &side in &sides {
        for second in [false, true] {
            layer(source, names, side, second, &mut weights)?;
        }
    }
    let rgb = format!("synthesis.output{}", sides.len() - 1);
    source.take(&format!("{rgb}.{}", names.rgb))?.put(&mut weights, "g_synthesis.torgb.weight");
    source.take(&format!("{rgb}.bias"))?.put(&mut weights, "g_synthesis.torgb.bias");
    Ok(weights)
}

/// Filters, image layers of smaller sizes, and the factors that truncate codes.
pub(super) fn ignorable(name: &str) -> bool {
    name.ends_with(".blur.kernel")
        || name.starts_with("synthesis.output")
        || name == "truncation.truncation"
}

/// The first or second layer at `side` px.
fn layer(
    source: &mut Source,
    names: &Names,
    side: usize,
    second: bool,
    weights: &mut Weights,
) -> Result<()> {
    let n = 2 * (side.ilog2() as usize - 2) + usize::from(second);
    let from = |part: &str| format!("synthesis.layer{n}.{part}");
    let to = |part: &str| format!("g_synthesis.blocks.{side}x{side}.{part}");
    let (conv, epilogue) = match (side, second) {
        (4, false) => ("", "epi1"),
        (4, true) => ("conv.", "epi2"),
        (_, false) => ("conv0_up.", "epi1"),
        (_, true) => ("conv1.", "epi2"),
    };
    if n == 0 {
        source.take(&from(names.constant))?.put(weights, &to("const"));
    } else {
        let kernel = match names.fused {
            Some(fused) if side >= 128 && !second => source.take_hwio(&from(fused))?,
            _ => source.take(&from(names.kernel))?,
        };
        kernel.put(weights, &to(&format!("{conv}weight")));
    }
    let from = |part: &str| from(&format!("{}{part}", names.epilogue));
    // The bias is added after the noise here, which comes to the same.
    source.take(&from("bias"))?.put(weights, &to(&format!("{conv}bias")));
    let noise = from("apply_noise.noise");
    if source.has(&noise) {
        source.take(&noise)?.put(weights, &format!("noise.{n}"));
    }
    let to = |part: &str| to(&format!("{epilogue}.{part}"));
    source.take(&from("apply_noise.weight"))?.put(weights, &to("top_epi.noise.weight"));
    source.take(&from(names.style[0]))?.put(weights, &to("style_mod.lin.weight"));
    source.take(&from(names.style[1]))?.put(weights, &to("style_mod.lin.bias"));
    Ok(())
}
