//! The generator as the method sees it: codes in, images in `[0,1]` out.

mod axes;
mod choice;
mod file;
mod mean;
mod noise;
mod open;
mod render;
mod sample;
mod wrap;

pub use axes::{PrincipalAxes, principal_axes};
pub use choice::{Choice, load};
pub use file::FileGenerator;
pub use noise::Noise;
pub(crate) use open::identity;
pub use open::{DEFAULT_GENERATOR, open, open_default};
pub(crate) use render::{code_tensor, frame_tensor, picture_tensor};
pub use render::{render, render_each};
pub use sample::{SampleConfig, sample, sample_w};
pub use wrap::{FaceGenerator, StyleGan1Generator};

use std::fmt;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// Which generator it is: a name for people, a hash for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the model.
    pub name: String,
    /// SHA-256 of its weights, hex.
    pub sha256: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, &self.sha256[..self.sha256.len().min(12)])
    }
}

/// Where a generator came from, and what had to be made because its file lacks it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The file, as a [`Choice`] is written; none for one of the catalogue.
    pub file: Option<String>,
    /// How the mean code was made, if the file has none.
    pub mean_code: Option<String>,
    /// How the fixed noise was made, if the file has none.
    pub noise: Option<String>,
}

impl Provenance {
    /// What the user should know, a line each.
    pub fn remarks(&self) -> Vec<String> {
        let said = |what: &str, how: &Option<String>| {
            how.as_ref().map(|how| format!("the {what} of the generator: {how}"))
        };
        said("mean code", &self.mean_code)
            .into_iter()
            .chain(said("noise maps", &self.noise))
            .collect()
    }
}

/// A frozen generator of face images.
pub trait Generator: Send + Sync {
    /// Name and hash.
    fn identity(&self) -> &Identity;

    /// Side of its square images in pixels.
    fn resolution(&self) -> usize;

    /// Rows of a code, `L`.
    fn rows(&self) -> usize;

    /// Width of a row, `D`.
    fn dim(&self) -> usize;

    /// Where it came from.
    fn provenance(&self) -> Provenance {
        Provenance::default()
    }

    /// Width of z.
    fn z_dim(&self) -> usize {
        self.dim()
    }

    /// The mean of W, `[D]`.
    fn mean_code(&self) -> &[f32];

    /// Where its weights are.
    fn device(&self) -> &Device;

    /// `z [N,Z]`, standard normal, to `w [N,D]`. A generator whose mapping gives every
    /// row its own vector gives the mean of the rows here.
    fn map(&self, z: Tensor<2>) -> Tensor<2>;

    /// `z [N,Z]` to codes `[N,L,D]`.
    fn map_to_rows(&self, z: Tensor<2>) -> Tensor<3> {
        self.broadcast(self.map(z))
    }

    /// `w [N,D]` as codes `[N,L,D]` with equal rows.
    fn broadcast(&self, w: Tensor<2>) -> Tensor<3> {
        let [n, d] = w.dims();
        w.reshape([n, 1, d]).expand([n, self.rows(), d])
    }

    /// `codes [N,L,D]` to images `[N,3,R,R]`, RGB, nominally `[0,1]`, not clamped;
    /// differentiable in `codes` and in the noise.
    fn synthesize(&self, codes: Tensor<3>, noise: &Noise) -> Tensor<4>;

    /// The same generator, the same images, with gradients by products in bf16; none where it
    /// has no kernels for that.
    fn with_bf16_gradients(&self) -> Option<Box<dyn Generator>> {
        None
    }

    /// The noise the generator was trained with or ships: always the same.
    fn fixed_noise(&self) -> Noise;

    /// New noise of the same strength, drawn from `seed`.
    fn fresh_noise(&self, seed: u64) -> Noise;

    /// The matrices `[D,C]` from a row of a code to the styles of the convolutions that it
    /// feeds; none where they are not known.
    fn style_weights(&self, row: usize) -> Vec<Tensor<2>> {
        let _ = row;
        Vec::new()
    }
}
