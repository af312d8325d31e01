//! StyleGAN1 of rosinality's style-based-gan-pytorch.
//!
//! Its arithmetic is another one, and most of it is a matter of scale: every weight is
//! multiplied by `sqrt(2 / fan_in)`, noise strengths included, the mapping has no slower
//! learning rate, and the style is `gamma x + beta` without the `1 +`. Here the numbers
//! are changed so that the common network, with its own scales, comes to the same.
//!
//! # Source
//! rosinality/style-based-gan-pytorch `model.py`

use std::f32::consts::SQRT_2;

use super::levels;
use super::source::{Source, Taken, numbered};
use crate::{Result, Weights};

/// Brings the arrays to their canonical names and scales.
///
/// # Errors
/// No resolution, or one that the file does not have; a missing or misshapen array.
pub(super) fn read(source: &mut Source, resolution: Option<usize>) -> Result<Weights> {
    let level_of = |side: usize| side.ilog2() as usize - 2;
    let stored = levels(source.network(), |side| {
        source.has(&format!("generator.progression.{}.conv2.conv.weight_orig", level_of(side)))
    })?;
    let sides = trained(source, stored, resolution)?;
    let mut weights = source.empty();
    mapping(source, &mut weights)?;
    for &side in &sides {
        level(source, side, level_of(side), &mut weights)?;
    }
    let rgb = format!("generator.to_rgb.{}.conv", sides.len() - 1);
    // sqrt(2 / C) here, 1 / sqrt(C) in the common network.
    let weight = source.take(&format!("{rgb}.weight_orig"))?.scaled(SQRT_2);
    weight.put(&mut weights, "g_synthesis.torgb.weight");
    source.take(&format!("{rgb}.bias"))?.put(&mut weights, "g_synthesis.torgb.bias");
    Ok(weights)
}

/// Filters, image layers of other sizes, and levels beyond images of `side` px.
pub(super) fn ignorable(name: &str, side: usize) -> bool {
    let level = numbered(name, "generator.progression.");
    name.ends_with(".weight_flip")
        || name.ends_with(".conv1.1.weight")
        || name.ends_with(".conv1.2.weight")
        || name.starts_with("generator.to_rgb.")
        || level.is_some_and(|level| 4 << level.min(32) > side)
}

/// The levels up to the resolution asked for.
fn trained(source: &Source, stored: Vec<usize>, resolution: Option<usize>) -> Result<Vec<usize>> {
    let shown = || stored.iter().skip(1).map(usize::to_string).collect::<Vec<_>>().join(", ");
    match resolution {
        None => Err(source.problem(format!(
            "this layout does not record how large its images were in training; give the \
             resolution, one of {} (FILE@256)",
            shown()
        ))),
        Some(side) => match stored.iter().position(|&s| s == side) {
            Some(last) => Ok(stored[..=last].to_vec()),
            None => Err(source.problem(format!("it has no {side} px; it has {}", shown()))),
        },
    }
}

fn mapping(source: &mut Source, weights: &mut Weights) -> Result<()> {
    // Layer 0 is the normalisation, every second one the activation.
    let name = |i: usize| format!("style.{}.linear", 2 * i + 1);
    let layers = (0..).take_while(|&i| source.has(&format!("{}.weight_orig", name(i)))).count();
    for i in 0..layers.max(1) {
        for (part, canonical) in [("weight_orig", "weight"), ("bias", "bias")] {
            // The common network learns its mapping a hundred times slower.
            let taken = source.take(&format!("{}.{part}", name(i)))?.scaled(100.0);
            taken.put(weights, &format!("g_mapping.dense{i}.{canonical}"));
        }
    }
    Ok(())
}

fn level(source: &mut Source, side: usize, level: usize, weights: &mut Weights) -> Result<()> {
    let from = |part: &str| format!("generator.progression.{level}.{part}");
    let to = |part: &str| format!("g_synthesis.blocks.{side}x{side}.{part}");
    let conv = if side == 4 {
        let constant = source.take(&from("conv1.input"))?;
        let channels = constant.shape.get(1).copied().unwrap_or(0);
        constant.put(weights, &to("const"));
        // The constant has no bias.
        Taken { shape: vec![channels], data: vec![0.0; channels] }.put(weights, &to("bias"));
        "conv"
    } else {
        up(source, &from, weights, &to)?;
        "conv1"
    };
    for (part, canonical) in [("weight_orig", "weight"), ("bias", "bias")] {
        let taken = source.take(&from(&format!("conv2.conv.{part}")))?;
        taken.put(weights, &to(&format!("{conv}.{canonical}")));
    }
    for second in [1, 2] {
        let to = |part: &str| to(&format!("epi{second}.{part}"));
        let strength = source.take(&from(&format!("noise{second}.weight_orig")))?.squeezed();
        let channels = strength.data.len();
        let strength = strength.scaled((2.0 / channels as f32).sqrt());
        strength.put(weights, &to("top_epi.noise.weight"));
        let style = |part: &str| from(&format!("adain{second}.style.linear.{part}"));
        let weight = source.take(&style("weight_orig"))?.scaled(SQRT_2);
        weight.put(weights, &to("style_mod.lin.weight"));
        let mut bias = source.take(&style("bias"))?;
        // The common network adds 1 to the factor itself.
        bias.data.iter_mut().take(channels).for_each(|v| *v -= 1.0);
        bias.put(weights, &to("style_mod.lin.bias"));
    }
    Ok(())
}

/// The convolution that doubles the resolution.
fn up(
    source: &mut Source,
    from: &dyn Fn(&str) -> String,
    weights: &mut Weights,
    to: &dyn Fn(&str) -> String,
) -> Result<()> {
    let fused = source.has(&from("conv1.0.weight"));
    let (kernel, bias) = if fused {
        // A transposed convolution, `[in,out,3,3]`, whose four shifts are averaged and
        // not summed.
        let kernel = source.take_permuted(&from("conv1.0.weight"), &[1, 0, 2, 3])?.scaled(0.25);
        (kernel, source.take(&from("conv1.0.bias"))?)
    } else {
        let name = |part: &str| from(&format!("conv1.1.conv.{part}"));
        (source.take(&name("weight_orig"))?, source.take(&name("bias"))?)
    };
    kernel.put(weights, &to("conv0_up.weight"));
    bias.put(weights, &to("conv0_up.bias"));
    Ok(())
}
