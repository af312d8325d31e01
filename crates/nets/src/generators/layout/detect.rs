//! Which layout it is, by the names of the arrays.

use std::fmt;

use crate::{Error, Result};

/// A published layout of generator checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The student network as this program keeps it.
    MobileStyleGan,
    /// `karras2019stylegan-*.for_g_all.pt`, which the paper's authors load.
    Lernapparat,
    /// The list of three networks that lernapparat's conversion writes on the way.
    LernapparatList,
    /// InterFaceGAN's `stylegan_ffhq.pth`.
    InterFaceGan,
    /// `styleganinv_*_generator.pth` of in-domain inversion.
    IdInvert,
    /// StyleGAN1 of the GenForce model zoo.
    GenForce,
    /// `train_step-N.model` of rosinality's style-based-gan-pytorch.
    RosinalityStyleGan1,
    /// NVIDIA's `karras2019stylegan-*.pkl`.
    TensorflowStyleGan1,
    /// rosinality's stylegan2-pytorch, and the decoders of pSp and e4e.
    RosinalityStyleGan2,
    /// NVIDIA's stylegan2-ada-pytorch.
    Ada,
    /// NVIDIA's `stylegan2-*.pkl` of TensorFlow.
    TensorflowStyleGan2,
}

/// A layout, the names below a prefix that make it known, first those that tell it
/// from all others.
struct Mark {
    layout: Layout,
    names: &'static [&'static str],
}

const MARKS: [Mark; 11] = [
    Mark { layout: Layout::MobileStyleGan, names: &["mapping.0.gain", "synthesis.input"] },
    Mark { layout: Layout::Lernapparat, names: &["g_synthesis.blocks.4x4.const"] },
    Mark { layout: Layout::LernapparatList, names: &["G_synthesis.4x4.Const.const"] },
    Mark { layout: Layout::InterFaceGan, names: &["synthesis.layer0.first_layer"] },
    Mark {
        layout: Layout::IdInvert,
        names: &["synthesis.layer0.epilogue.style_mod.dense.fc.weight", "synthesis.layer0.const"],
    },
    Mark {
        layout: Layout::GenForce,
        names: &["synthesis.layer0.style.weight", "synthesis.layer0.const"],
    },
    Mark { layout: Layout::RosinalityStyleGan1, names: &["generator.progression.0.conv1.input"] },
    Mark {
        layout: Layout::TensorflowStyleGan1,
        names: &["components.synthesis.variables.4x4.Const.StyleMod.weight"],
    },
    Mark { layout: Layout::RosinalityStyleGan2, names: &["to_rgb1.conv.weight", "input.input"] },
    Mark {
        layout: Layout::Ada,
        names: &["synthesis.b4.conv1.affine.weight", "synthesis.b4.const"],
    },
    Mark {
        layout: Layout::TensorflowStyleGan2,
        names: &["components.synthesis.variables.4x4.Conv.mod_weight"],
    },
];

/// Where the averaged generator lies in files that hold several, best first.
const PREFERRED: [&str; 6] =
    ["generator_smooth.", "g_running.", "g_ema.", "G_ema.", "2.", "generator."];

impl Layout {
    /// A short name of family and layout, such as `stylegan1-interfacegan`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MobileStyleGan => "mobilestylegan",
            Self::Lernapparat => "stylegan1-lernapparat",
            Self::LernapparatList => "stylegan1-lernapparat-list",
            Self::InterFaceGan => "stylegan1-interfacegan",
            Self::IdInvert => "stylegan1-idinvert",
            Self::GenForce => "stylegan1-genforce",
            Self::RosinalityStyleGan1 => "stylegan1-rosinality",
            Self::TensorflowStyleGan1 => "stylegan1-tensorflow",
            Self::RosinalityStyleGan2 => "stylegan2-rosinality",
            Self::Ada => "stylegan2-ada",
            Self::TensorflowStyleGan2 => "stylegan2-tensorflow",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A layout and where in the file it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub layout: Layout,
    /// What stands before all its names, in their plain form (see [`plain`]).
    pub prefix: String,
}

/// A name with dots, whatever its container puts between the parts.
pub(super) fn plain(name: &str) -> String {
    name.replace('/', ".")
}

/// Recognises the layout; of several networks in a file the averaged one is taken.
///
/// # Errors
/// [`Error::UnknownGenerator`].
pub(super) fn detect<'a>(names: impl Iterator<Item = &'a str>) -> Result<Found> {
    let names: std::collections::BTreeSet<String> = names.map(plain).collect();
    for Mark { layout, names: marks } in &MARKS {
        let (first, others) = marks.split_first().expect("every layout has a mark");
        let prefixes = names.iter().filter_map(|name| {
            let prefix = name.strip_suffix(first)?;
            let whole = prefix.is_empty() || prefix.ends_with('.');
            let complete = others.iter().all(|other| names.contains(&format!("{prefix}{other}")));
            (whole && complete).then_some(prefix)
        });
        let rank = |prefix: &&str| {
            let place = PREFERRED.iter().position(|p| prefix.ends_with(p));
            (place.unwrap_or(PREFERRED.len()), prefix.len())
        };
        if let Some(prefix) = prefixes.min_by_key(rank) {
            return Ok(Found { layout: *layout, prefix: prefix.to_string() });
        }
    }
    let mut shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    if names.len() > shown.len() {
        shown.push("...");
    }
    Err(Error::UnknownGenerator {
        names: shown.join(", "),
        known: MARKS.map(|mark| mark.layout.name()).join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Option<(Layout, String)> {
        detect(names.iter().copied()).ok().map(|f| (f.layout, f.prefix))
    }

    #[test]
    fn the_averaged_network_is_taken() {
        let mark = "to_rgb1.conv.weight";
        let of = |prefix: &str| [format!("{prefix}{mark}"), format!("{prefix}input.input")];
        let all = [of("g."), of("g_ema."), of("")].concat();
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(found(&names), Some((Layout::RosinalityStyleGan2, "g_ema.".into())));
        assert_eq!(found(&names[..2]), Some((Layout::RosinalityStyleGan2, "g.".into())));
        let tf = ["0", "1", "2"]
            .map(|k| format!("{k}/components/synthesis/variables/4x4/Const/StyleMod/weight"));
        let names: Vec<&str> = tf.iter().map(String::as_str).collect();
        assert_eq!(found(&names), Some((Layout::TensorflowStyleGan1, "2.".into())));
    }

    #[test]
    fn half_a_mark_and_the_end_of_a_longer_name_do_not_count() {
        assert_eq!(found(&["synthesis.layer0.style.weight"]), None);
        assert_eq!(found(&["xg_synthesis.blocks.4x4.const"]), None);
        let text = detect(["a", "b", "c", "d"].into_iter()).unwrap_err().to_string();
        assert!(text.contains("a, b, c, ...") && text.contains("stylegan2-ada"), "{text}");
    }
}
