//! Published layouts of generator checkpoints, each brought to the names and scales
//! that the network of its family reads.
//!
//! What a file is follows from the names of its arrays alone, never from its own name:
//!
//! | layout | arrays it is known by | becomes |
//! |---|---|---|
//! | lernapparat, the paper's authors | `g_synthesis.blocks.4x4.const` | as it is |
//! | lernapparat's intermediate list | `G_synthesis/4x4/Const/const` | transposed, renamed |
//! | InterFaceGAN | `synthesis.layer0.first_layer` | renamed, fused kernels turned |
//! | in-domain inversion | `...style_mod.dense.fc.weight` | the same, a code a row, tanh |
//! | GenForce model zoo | `synthesis.layer0.style.weight` | renamed |
//! | rosinality's StyleGAN1 | `generator.progression.0.conv1.input` | renamed, scaled |
//! | NVIDIA's StyleGAN1 | `.../4x4/Const/StyleMod/weight` | transposed, renamed |
//! | rosinality's StyleGAN2, pSp, e4e | `to_rgb1.conv.weight` | as it is |
//! | NVIDIA's StyleGAN2-ADA | `synthesis.b4.conv1.affine.weight` | renamed |
//! | NVIDIA's StyleGAN2 | `.../4x4/Conv/mod_weight` | transposed, renamed |

mod detect;
mod genforce;
mod rosinality;
mod source;
mod stylegan2;
mod tensorflow;

use std::collections::BTreeMap;

use reelgan_checkpoint::NamedArrays;

pub use detect::Layout;
use source::Source;

use super::{Arithmetic, MobileStyleGan, StyleGan1, StyleGan2};
use crate::{Error, Result, Weights};

/// The largest image side accepted; the largest ever published is 1024.
const MAX_SIDE: usize = 4096;

/// The arrays of a generator under the names of its family's network.
#[derive(Debug)]
pub struct Canonical {
    /// What the file was.
    pub layout: Layout,
    /// Its arrays, renamed and rescaled.
    pub weights: Weights,
    /// How the network computes with them.
    pub family: Family,
}

/// The network that a layout belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family {
    /// [`MobileStyleGan`].
    MobileStyleGan,
    /// [`StyleGan1`] with this arithmetic.
    StyleGan1(Arithmetic),
    /// [`StyleGan2`] with outputs of layers clamped to `-clamp..clamp`.
    StyleGan2 {
        /// The bound, if the file has one.
        clamp: Option<f32>,
    },
}

/// Recognises a generator and brings its arrays to their canonical names.
///
/// `notes` are what the file holds beside its arrays. `resolution` is needed only where
/// the file does not say how large its images are (rosinality's StyleGAN1, which stores
/// all levels whether trained or not).
///
/// # Errors
/// [`Error::UnknownGenerator`], [`Error::Generator`], a missing or misshapen array.
pub fn read(
    arrays: NamedArrays,
    notes: &BTreeMap<String, String>,
    resolution: Option<usize>,
) -> Result<Canonical> {
    let found = detect::detect(arrays.keys().map(String::as_str))?;
    let network = match found.layout {
        Layout::MobileStyleGan => MobileStyleGan::NETWORK,
        Layout::RosinalityStyleGan2 | Layout::Ada | Layout::TensorflowStyleGan2 => {
            StyleGan2::NETWORK
        }
        _ => StyleGan1::NETWORK,
    };
    let source = &mut Source::new(network, arrays, &found.prefix)?;
    let authors = Arithmetic::default();
    // TensorFlow's epsilon, kept by all its conversions but the authors'.
    let original = Arithmetic { norm_epsilon: 1e-8, ..authors };
    let (weights, family) = match found.layout {
        Layout::MobileStyleGan => (source.all()?, Family::MobileStyleGan),
        Layout::Lernapparat => (tensorflow::converted(source)?, Family::StyleGan1(authors)),
        Layout::LernapparatList => (tensorflow::listed(source)?, Family::StyleGan1(authors)),
        Layout::InterFaceGan => {
            (genforce::read(source, &genforce::INTERFACEGAN)?, Family::StyleGan1(original))
        }
        Layout::IdInvert => (
            genforce::read(source, &genforce::IDINVERT)?,
            Family::StyleGan1(Arithmetic { tanh: true, ..original }),
        ),
        Layout::GenForce => (genforce::read(source, &genforce::ZOO)?, Family::StyleGan1(original)),
        Layout::RosinalityStyleGan1 => (
            rosinality::read(source, resolution)?,
            Family::StyleGan1(Arithmetic { bias_before_blur: true, shared_noise: true, ..authors }),
        ),
        Layout::TensorflowStyleGan1 => {
            (tensorflow::components(source)?, Family::StyleGan1(original))
        }
        Layout::RosinalityStyleGan2 => {
            (stylegan2::rosinality(source)?, Family::StyleGan2 { clamp: None })
        }
        Layout::Ada => {
            let clamp = stylegan2::clamp(notes, &found.prefix)?;
            (stylegan2::ada(source)?, Family::StyleGan2 { clamp })
        }
        Layout::TensorflowStyleGan2 => {
            (stylegan2::tensorflow(source)?, Family::StyleGan2 { clamp: None })
        }
    };
    source.check_rest(|name| match found.layout {
        Layout::InterFaceGan | Layout::IdInvert | Layout::GenForce => genforce::ignorable(name),
        Layout::RosinalityStyleGan1 => rosinality::ignorable(name, resolution.unwrap_or(0)),
        Layout::LernapparatList | Layout::TensorflowStyleGan1 | Layout::TensorflowStyleGan2 => {
            tensorflow::ignorable(name)
        }
        Layout::Ada => name.ends_with("resample_filter"),
        // Their readers have looked at every name.
        Layout::MobileStyleGan | Layout::Lernapparat | Layout::RosinalityStyleGan2 => true,
    })?;
    Ok(Canonical { layout: found.layout, weights, family })
}

/// The sides of the levels `4, 8, ...` for which `has` holds.
///
/// # Errors
/// [`Error::Generator`] beyond [`MAX_SIDE`].
fn levels(network: &'static str, has: impl Fn(usize) -> bool) -> Result<Vec<usize>> {
    let sides: Vec<usize> = (2..).map(|k| 1usize << k).take_while(|&s| s == 4 || has(s)).collect();
    match sides.last() {
        Some(&side) if side > MAX_SIDE => Err(Error::Generator {
            network,
            problem: format!(
                "its images would be {side} px wide, more than the {MAX_SIDE} that are accepted; \
                 the file is damaged or made to exhaust memory"
            ),
        }),
        _ => Ok(sides),
    }
}
