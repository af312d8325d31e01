//! StyleGAN2: rosinality's names are the canonical ones, NVIDIA's are brought to them.
//! Numbers stay as they are; layouts of TensorFlow have their axes in another order.
//!
//! # Source
//! rosinality/stylegan2-pytorch `model.py`, NVlabs/stylegan2-ada-pytorch
//! `training/networks.py` and `legacy.py`

use std::collections::BTreeMap;

use super::detect::plain;
use super::levels;
use super::source::{Source, Taken, numbered};
use crate::{Result, Weights};

/// rosinality's StyleGAN2, alone or as the decoder of an encoder.
///
/// # Errors
/// A missing array.
pub(super) fn rosinality(source: &mut Source) -> Result<Weights> {
    let sides = levels(source.network(), |side| {
        // Level 8 holds convs.0 and convs.1, and so on.
        source.has(&format!("convs.{}.conv.weight", 2 * (side.ilog2() as usize - 3)))
    })?;
    let dense = (1..).take_while(|i| source.has(&format!("style.{i}.weight"))).count();
    let blocks = sides.len() - 1;
    let beyond = |name: &&str| {
        numbered(name, "style.").is_some_and(|i| i > dense.max(1))
            || numbered(name, "convs.").is_some_and(|k| k >= 2 * blocks)
            || numbered(name, "to_rgbs.").is_some_and(|k| k >= blocks)
    };
    if let Some(name) = source.names().find(beyond) {
        return Err(source.unconnected(name));
    }
    let mut weights = source.empty();
    if let Some(mean) = source.take_beside("latent_avg") {
        mean_row(mean).put(&mut weights, "w_avg");
    }
    let names: Vec<String> = source.names().map(String::from).collect();
    for name in names.iter().filter(|name| !name.ends_with(".kernel")) {
        let taken = source.take(name)?;
        match name.strip_prefix("noises.noise_") {
            Some(number) => taken.put(&mut weights, &format!("noise.{number}")),
            None if name == "latent_avg" => mean_row(taken).put(&mut weights, "w_avg"),
            // Kernels have a first axis for the batch.
            None if name.ends_with(".conv.weight") => taken.without_first().put(&mut weights, name),
            None => taken.put(&mut weights, name),
        }
    }
    Ok(weights)
}

/// Encoders keep the mean code once for every row.
fn mean_row(mean: Taken) -> Taken {
    let &[rows, dim] = mean.shape.as_slice() else { return mean };
    let row = |d: usize| (0..rows).map(|r| f64::from(mean.data[r * dim + d])).sum::<f64>();
    let data = (0..dim).map(|d| (row(d) / rows.max(1) as f64) as f32).collect();
    Taken { shape: vec![dim], data }
}

/// One layer of the network.
struct Layer {
    side: usize,
    kind: Kind,
    /// Its canonical name.
    name: String,
    /// The number of its noise map; an image layer has none.
    map: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Doubles the resolution.
    Up,
    Conv,
    ToRgb,
}

/// The layers of a network with images up to the last of these sides.
fn layers(sides: &[usize]) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (level, &side) in sides.iter().enumerate() {
        let mut add = |kind, name: String, map| layers.push(Layer { side, kind, name, map });
        match level.checked_sub(1) {
            None => {
                add(Kind::Conv, "conv1".into(), Some(0));
                add(Kind::ToRgb, "to_rgb1".into(), None);
            }
            Some(j) => {
                add(Kind::Up, format!("convs.{}", 2 * j), Some(2 * j + 1));
                add(Kind::Conv, format!("convs.{}", 2 * j + 1), Some(2 * j + 2));
                add(Kind::ToRgb, format!("to_rgbs.{j}"), None);
            }
        }
    }
    layers
}

/// The bound on the outputs of layers that a pickle of NVIDIA's PyTorch code records.
///
/// # Errors
/// [`crate::Error::Generator`] if it is no number above 0.
pub(super) fn clamp(metadata: &BTreeMap<String, String>, prefix: &str) -> Result<Option<f32>> {
    let ours = |(name, _): &(&String, &String)| {
        let name = plain(name);
        name.starts_with(prefix) && name.ends_with("synthesis_kwargs.conv_clamp")
    };
    let Some((_, text)) = metadata.iter().find(ours) else { return Ok(None) };
    match text.parse::<f32>() {
        Ok(bound) if bound > 0.0 && bound.is_finite() => Ok(Some(bound)),
        _ => Err(crate::Error::Generator {
            network: super::StyleGan2::NETWORK,
            problem: format!("its `conv_clamp` is `{text}`, expected a number above 0"),
        }),
    }
}

/// NVIDIA's PyTorch code.
///
/// # Errors
/// A missing or misshapen array; a network with classes.
pub(super) fn ada(source: &mut Source) -> Result<Weights> {
    if source.has("mapping.embed.weight") {
        return Err(source.problem(
            "it draws images of given classes, which is not supported; use one without classes",
        ));
    }
    let sides =
        levels(source.network(), |side| source.has(&format!("synthesis.b{side}.conv0.weight")))?;
    let mut weights = source.empty();
    let count = (0..).take_while(|i| source.has(&format!("mapping.fc{i}.weight"))).count();
    // At least one, so that a file without a mapping network is refused by name.
    for i in 0..count.max(1) {
        for part in ["weight", "bias"] {
            let taken = source.take(&format!("mapping.fc{i}.{part}"))?;
            taken.put(&mut weights, &format!("style.{}.{part}", i + 1));
        }
    }
    if source.has("mapping.w_avg") {
        source.take("mapping.w_avg")?.put(&mut weights, "w_avg");
    }
    let mut constant = source.take("synthesis.b4.const")?;
    constant.shape.insert(0, 1);
    constant.put(&mut weights, "input.input");
    for Layer { side, kind, name, map } in layers(&sides) {
        let part = match kind {
            Kind::Up => "conv0",
            Kind::Conv => "conv1",
            Kind::ToRgb => "torgb",
        };
        let from = |what: &str| format!("synthesis.b{side}.{part}.{what}");
        let styled = Styled {
            weight: source.take(&from("weight"))?,
            style: source.take(&from("affine.weight"))?,
            offset: source.take(&from("affine.bias"))?,
            bias: source.take(&from("bias"))?,
        };
        styled.put(&mut weights, &name, kind);
        if let Some(map) = map {
            source
                .take(&from("noise_strength"))?
                .put(&mut weights, &format!("{name}.noise.weight"));
            if source.has(&from("noise_const")) {
                source.take(&from("noise_const"))?.put(&mut weights, &format!("noise.{map}"));
            }
        }
    }
    Ok(weights)
}

/// NVIDIA's TensorFlow code, as far as it draws through skips to the image.
///
/// # Errors
/// A missing or misshapen array.
pub(super) fn tensorflow(source: &mut Source) -> Result<Weights> {
    const SYNTHESIS: &str = "components.synthesis.variables";
    const MAPPING: &str = "components.mapping.variables";
    let sides = levels(source.network(), |side| {
        source.has(&format!("{SYNTHESIS}.{side}x{side}.Conv0_up.weight"))
    })?;
    let mut weights = source.empty();
    let count = (0..).take_while(|i| source.has(&format!("{MAPPING}.Dense{i}.weight"))).count();
    for i in 0..count.max(1) {
        let (from, to) = (format!("{MAPPING}.Dense{i}"), format!("style.{}", i + 1));
        source.take_dense(&format!("{from}.weight"))?.put(&mut weights, &format!("{to}.weight"));
        source.take(&format!("{from}.bias"))?.put(&mut weights, &format!("{to}.bias"));
    }
    if source.has("variables.dlatent_avg") {
        source.take("variables.dlatent_avg")?.put(&mut weights, "w_avg");
    }
    source.take(&format!("{SYNTHESIS}.4x4.Const.const"))?.put(&mut weights, "input.input");
    for Layer { side, kind, name, map } in layers(&sides) {
        let part = match (kind, side) {
            (Kind::ToRgb, _) => "ToRGB",
            (Kind::Up, _) => "Conv0_up",
            (Kind::Conv, 4) => "Conv",
            (Kind::Conv, _) => "Conv1",
        };
        let from = |what: &str| format!("{SYNTHESIS}.{side}x{side}.{part}.{what}");
        let mut styled = Styled {
            weight: source.take_hwio(&from("weight"))?,
            style: source.take_dense(&from("mod_weight"))?,
            offset: source.take(&from("mod_bias"))?,
            bias: source.take(&from("bias"))?,
        };
        if kind == Kind::Up {
            // A convolution of the enlarged map there, a transposed one here.
            let taps: usize = styled.weight.shape[2..].iter().product();
            styled.weight.data.chunks_exact_mut(taps.max(1)).for_each(<[f32]>::reverse);
        }
        // The factor is `1 + style` there.
        styled.offset.data.iter_mut().for_each(|v| *v += 1.0);
        styled.put(&mut weights, &name, kind);
        if let Some(map) = map {
            source
                .take(&from("noise_strength"))?
                .put(&mut weights, &format!("{name}.noise.weight"));
            let noise = format!("{SYNTHESIS}.noise{map}");
            if source.has(&noise) {
                source.take(&noise)?.put(&mut weights, &format!("noise.{map}"));
            }
        }
    }
    Ok(weights)
}

/// What every layer has.
struct Styled {
    weight: Taken,
    style: Taken,
    offset: Taken,
    bias: Taken,
}

impl Styled {
    fn put(self, weights: &mut Weights, name: &str, kind: Kind) {
        self.weight.put(weights, &format!("{name}.conv.weight"));
        self.style.put(weights, &format!("{name}.conv.modulation.weight"));
        self.offset.put(weights, &format!("{name}.conv.modulation.bias"));
        let bias = if kind == Kind::ToRgb { "bias" } else { "activate.bias" };
        self.bias.put(weights, &format!("{name}.{bias}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_read_from_the_network_that_is_used() {
        let note = |name: &str, text: &str| (name.to_string(), text.to_string());
        let metadata = BTreeMap::from([
            note("G/_init_kwargs/synthesis_kwargs/conv_clamp", "7"),
            note("G_ema/_init_kwargs/synthesis_kwargs/conv_clamp", "256"),
        ]);
        assert_eq!(clamp(&metadata, "G_ema.").unwrap(), Some(256.0));
        assert_eq!(clamp(&BTreeMap::new(), "G_ema.").unwrap(), None);
        let bad = BTreeMap::from([note("G_ema/_init_kwargs/synthesis_kwargs/conv_clamp", "-1")]);
        assert!(clamp(&bad, "G_ema.").unwrap_err().to_string().contains("`-1`"));
    }

    #[test]
    fn mean_codes_of_all_rows_become_one() {
        let mean = mean_row(Taken { shape: vec![2, 3], data: vec![1., 2., 3., 3., 4., 5.] });
        assert_eq!((mean.shape, mean.data), (vec![3], vec![2., 3., 4.]));
    }
}
