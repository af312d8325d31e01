//! Nonlinear edits: along the flow of a StyleFlow network.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_nets::Weights;
use reelgan_nets::styleflow::StyleFlow;

use crate::codes::Codes;
use crate::{Error, Result};

/// An attribute that StyleFlow knows, apart from the nine numbers of the light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FlowAttribute {
    Gender,
    Glasses,
    Yaw,
    Pitch,
    Baldness,
    Beard,
    Age,
    Expression,
}

/// Numbers of the light, which come first among the attributes.
pub const LIGHT: usize = 9;

impl FlowAttribute {
    /// All of them, in the order of the network.
    pub const ALL: [Self; 8] = [
        Self::Gender,
        Self::Glasses,
        Self::Yaw,
        Self::Pitch,
        Self::Baldness,
        Self::Beard,
        Self::Age,
        Self::Expression,
    ];

    /// Its place among the attributes of the network.
    pub fn place(self) -> usize {
        LIGHT + self as usize
    }

    /// The rows that the authors let it change, of a code of 18.
    ///
    /// # Source   RameenAbdal/StyleFlow `main.py`: the other rows keep the code they had
    pub fn rows(self) -> Range<usize> {
        match self {
            Self::Gender => 0..8,
            Self::Glasses => 2..4,
            Self::Yaw | Self::Pitch => 0..4,
            Self::Baldness => 0..6,
            Self::Beard => 5..10,
            Self::Age => 4..8,
            Self::Expression => 4..6,
        }
    }

    /// The range that its number lies in: degrees, years, else 0 to 1.
    pub fn range(self) -> [f32; 2] {
        match self {
            Self::Yaw | Self::Pitch => [-20.0, 20.0],
            Self::Age => [0.0, 65.0],
            _ => [0.0, 1.0],
        }
    }
}

impl fmt::Display for FlowAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl FromStr for FlowAttribute {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.to_string() == text).ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
            Error::setting(
                format!("attribute `{text}`"),
                format!("StyleFlow knows {}", names.join(", ")),
            )
        })
    }
}

/// Reads a StyleFlow network from a file.
///
/// # Errors
/// A file that cannot be read or holds no such network.
pub fn open_flow(path: &Path, device: &Device) -> Result<StyleFlow> {
    Ok(StyleFlow::from_weights(Weights::open(StyleFlow::NETWORK, path)?, device)?)
}

/// The first code of `codes` with one attribute set to `target`: forward under the
/// attributes that its image has, back under the wanted ones, and of the result only the
/// rows of the attribute.
///
/// # Shapes   codes `[N,18,D]` of StyleGAN2; `attributes [17]`: light, then
/// [`FlowAttribute::ALL`]
/// # Errors
/// Codes of other rows; attributes or a target that are not finite, or a target out of
/// its range; what the network refuses.
/// # Source   Abdal et al. 2021, "StyleFlow", joint encoding and conditional exploration
pub fn flow_edited(
    flow: &StyleFlow,
    codes: &Codes,
    attributes: &[f32],
    attribute: FlowAttribute,
    target: f32,
    device: &Device,
) -> Result<Codes> {
    let (rows, dim) = (codes.rows(), codes.dim());
    if attribute.rows().end > rows {
        return Err(Error::Shape {
            what: format!("codes for {attribute}"),
            expected: "[N,18,D], as those of StyleGAN2".into(),
            got: format!("[{},{rows},{dim}]", codes.count()),
        });
    }
    let [low, high] = attribute.range();
    if !(low..=high).contains(&target) {
        return Err(Error::setting(
            format!("{attribute}={target}"),
            format!("StyleFlow was trained with {low} to {high}"),
        ));
    }
    if attributes.iter().any(|v| !v.is_finite()) {
        return Err(Error::setting("attributes", "must be finite numbers"));
    }
    let tensor =
        |code: &[f32]| Tensor::<2>::from_data(TensorData::new(code.to_vec(), [rows, dim]), device);
    let bare = flow.forward(tensor(codes.code(0)), attributes)?;
    let mut wanted = attributes.to_vec();
    // A network with other attributes says so above.
    wanted[attribute.place()] = target;
    let moved = flow.reverse(bare, &wanted)?.into_data().try_into_vec::<f32>().expect("f32");
    let mut out = codes.code(0).to_vec();
    let part = attribute.rows().start * dim..attribute.rows().end * dim;
    out[part.clone()].copy_from_slice(&moved[part]);
    Codes::new(rows, dim, out)
}
