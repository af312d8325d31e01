//! StyleGAN1 under TensorFlow's names: NVIDIA's pickles, the list that lernapparat's
//! conversion writes on the way, and what the conversion ends with.
//!
//! # Source
//! NVlabs/stylegan `training/networks_stylegan.py`; lernapparat/lernapparat
//! `style_gan/pytorch_style_gan.ipynb`

use super::levels;
use super::source::{Source, numbered};
use crate::{Result, Weights};

/// A converted state dict; its names are the canonical ones.
///
/// # Errors
/// A file with the synthesis network alone.
pub(super) fn converted(source: &mut Source) -> Result<Weights> {
    let sides = levels(source.network(), |side| {
        source.has(&format!("g_synthesis.blocks.{side}x{side}.conv1.weight"))
    })?;
    let dense = (0..).take_while(|i| source.has(&format!("g_mapping.dense{i}.weight"))).count();
    let last = sides[sides.len() - 1];
    let beyond = |name: &&str| {
        numbered(name, "g_mapping.dense").is_some_and(|i| i >= dense.max(1))
            || numbered(name, "g_synthesis.blocks.").is_some_and(|side| side > last)
    };
    if let Some(name) = source.names().find(beyond) {
        return Err(source.unconnected(name));
    }
    let mut weights = source.empty();
    let wanted = |name: &&str| name.starts_with("g_") && !name.ends_with(".kernel");
    let names: Vec<String> = source.names().filter(wanted).map(String::from).collect();
    for name in names {
        // Some forks have one module less around the noise.
        let canonical = match name.strip_suffix(".noise.weight") {
            Some(layer) if !layer.ends_with(".top_epi") => format!("{layer}.top_epi.noise.weight"),
            _ => name.clone(),
        };
        source.take(&name)?.put(&mut weights, &canonical);
    }
    Ok(weights)
}

/// Names of one network before they are converted.
struct Names {
    mapping: &'static str,
    synthesis: &'static str,
}

/// lernapparat's list; mean code and noise maps were dropped when it was written.
///
/// # Errors
/// A missing or misshapen array.
pub(super) fn listed(source: &mut Source) -> Result<Weights> {
    original(source, &Names { mapping: "G_mapping", synthesis: "G_synthesis" })
}

/// NVIDIA's pickle.
///
/// # Errors
/// A missing or misshapen array; a network that was still growing.
pub(super) fn components(source: &mut Source) -> Result<Weights> {
    source.check_grown("variables.lod")?;
    source.check_grown("components.synthesis.variables.lod")?;
    let names = Names {
        mapping: "components.mapping.variables",
        synthesis: "components.synthesis.variables",
    };
    let mut weights = original(source, &names)?;
    if source.has("variables.dlatent_avg") {
        source.take("variables.dlatent_avg")?.put(&mut weights, "w_avg");
    }
    for map in 0.. {
        let name = format!("{}.noise{map}", names.synthesis);
        if !source.has(&name) {
            break;
        }
        source.take(&name)?.put(&mut weights, &format!("noise.{map}"));
    }
    Ok(weights)
}

fn original(source: &mut Source, names: &Names) -> Result<Weights> {
    let Names { mapping, synthesis } = names;
    let sides = levels(source.network(), |side| {
        source.has(&format!("{synthesis}.{side}x{side}.Conv1.weight"))
    })?;
    let mut weights = source.empty();
    let layers = (0..).take_while(|i| source.has(&format!("{mapping}.Dense{i}.weight"))).count();
    // At least one, so that a file without a mapping network is refused by name.
    for i in 0..layers.max(1) {
        let (from, to) = (format!("{mapping}.Dense{i}"), format!("g_mapping.dense{i}"));
        source.take_dense(&format!("{from}.weight"))?.put(&mut weights, &format!("{to}.weight"));
        source.take(&format!("{from}.bias"))?.put(&mut weights, &format!("{to}.bias"));
    }
    for side in sides {
        let from = |part: &str| format!("{synthesis}.{side}x{side}.{part}");
        let to = |part: &str| format!("g_synthesis.blocks.{side}x{side}.{part}");
        let (first, second, conv) = if side == 4 {
            source.take(&from("Const.const"))?.put(&mut weights, &to("const"));
            source.take(&from("Const.bias"))?.put(&mut weights, &to("bias"));
            ("Const", "Conv", "conv")
        } else {
            source.take_hwio(&from("Conv0_up.weight"))?.put(&mut weights, &to("conv0_up.weight"));
            source.take(&from("Conv0_up.bias"))?.put(&mut weights, &to("conv0_up.bias"));
            ("Conv0_up", "Conv1", "conv1")
        };
        source
            .take_hwio(&from(&format!("{second}.weight")))?
            .put(&mut weights, &to(&format!("{conv}.weight")));
        source
            .take(&from(&format!("{second}.bias")))?
            .put(&mut weights, &to(&format!("{conv}.bias")));
        for (layer, epilogue) in [(first, "epi1"), (second, "epi2")] {
            let from = |part: &str| from(&format!("{layer}.{part}"));
            let to = |part: &str| to(&format!("{epilogue}.{part}"));
            source.take(&from("Noise.weight"))?.put(&mut weights, &to("top_epi.noise.weight"));
            source
                .take_dense(&from("StyleMod.weight"))?
                .put(&mut weights, &to("style_mod.lin.weight"));
            source.take(&from("StyleMod.bias"))?.put(&mut weights, &to("style_mod.lin.bias"));
        }
    }
    let rgb = format!("{synthesis}.ToRGB_lod0");
    source.take_hwio(&format!("{rgb}.weight"))?.put(&mut weights, "g_synthesis.torgb.weight");
    source.take(&format!("{rgb}.bias"))?.put(&mut weights, "g_synthesis.torgb.bias");
    Ok(weights)
}

/// What a network has beside its layers: image layers of smaller sizes, and numbers of
/// the training.
pub(super) fn ignorable(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    name.contains(".ToRGB_lod")
        || last == "lod"
        || last == "dlatent_avg"
        || numbered(last, "noise").is_some()
        || !name.contains("ynthesis") && !name.contains("apping")
}
