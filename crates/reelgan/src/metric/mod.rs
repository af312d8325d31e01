//! How good pictures are, in numbers whose names say their protocol.
//!
//! ```text
//! Metric    a picture against its reference     mse  psnr  ssim_gauss11_rgb  lpips_*  identity_*
//! Quality   a picture on its own                niqe_gray  niqe_y
//! Motion    a step between two frames           warp_mse  flicker_luma  identity_steps_*
//! fid       a set of pictures against a set     fid_2015_*
//! ```
//!
//! A metric that is not defined for what it is given (a face is looked for and there
//! is none) gives NaN; one that cannot be computed gives an error.

mod embedder;
pub mod fid;
mod flicker;
mod identity;
mod lpips;
mod luma;
mod mse;
pub mod niqe;
mod psnr;
mod ssim;
mod warp_error;

pub use embedder::Embedder;
pub use flicker::Flicker;
pub use identity::{Comparison, Identity, IdentitySteps};
pub use lpips::{LpipsAt, LpipsSize};
pub use mse::Mse;
pub use niqe::Niqe;
pub use psnr::Psnr;
pub use ssim::Ssim;
pub use warp_error::WarpError;

use std::borrow::Cow;

use reelgan_run::manifest::Better;
use reelgan_run::{Flow, Images};

use crate::Result;

/// What a number means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricInfo {
    /// Name, protocol included.
    pub name: Cow<'static, str>,
    /// Unit, empty if it has none.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
}

impl MetricInfo {
    /// A number without unit.
    fn plain(name: impl Into<Cow<'static, str>>, better: Better) -> Self {
        Self { name: name.into(), unit: "", better }
    }
}

/// A distance or similarity of two images of one size.
pub trait Metric {
    /// What its number means.
    fn info(&self) -> MetricInfo;

    /// Measures frame `k` of both.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] if their sizes differ or are too small for the metric.
    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64>;
}

/// A judgement of one image that needs no reference.
pub trait Quality {
    /// What its number means.
    fn info(&self) -> MetricInfo;

    /// Measures frame `k`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] if the image is too small for the metric.
    fn measure(&self, images: &Images, k: usize) -> Result<f64>;
}

/// From one frame to the next, in the reference and in what is judged.
///
/// # Shapes
/// All images `[1,3,H,W]`, flows `[1,2,H,W]`, of one size.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Two neighbouring frames of the reference.
    pub reference: [&'a Images; 2],
    /// The same frames of what is judged.
    pub other: [&'a Images; 2],
    /// Flow of the reference, on the grid of the first into the second frame, and back.
    pub flows: Option<[&'a Flow; 2]>,
}

/// A judgement of how a sequence moves, one number a step.
pub trait Motion {
    /// What its number means.
    fn info(&self) -> MetricInfo;

    /// Whether it needs [`Step::flows`].
    fn needs_flows(&self) -> bool {
        false
    }

    /// Measures one step.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] if sizes differ or flows are needed and not there.
    fn measure(&self, step: &Step<'_>) -> Result<f64>;
}

fn check_sizes(a: &Images, b: &Images) -> Result<()> {
    if (a.height(), a.width()) == (b.height(), b.width()) {
        return Ok(());
    }
    Err(crate::Error::Shape {
        what: "images to compare".into(),
        expected: format!("{}x{}", a.width(), a.height()),
        got: format!("{}x{}", b.width(), b.height()),
    })
}

/// Refuses images with a side below `least`.
fn check_side(what: &str, images: &Images, least: usize) -> Result<()> {
    if images.width().min(images.height()) >= least {
        return Ok(());
    }
    Err(crate::Error::Shape {
        what: format!("images for {what}"),
        expected: format!("at least {least} pixels a side"),
        got: format!("{}x{}", images.width(), images.height()),
    })
}
