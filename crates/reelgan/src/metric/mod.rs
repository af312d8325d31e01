//! How good a reconstruction is, in numbers whose names say their protocol.

mod lpips;
mod pixelwise;

pub use lpips::LpipsVgg256;
pub use pixelwise::{Mse, Psnr};

use reelgan_run::Images;
use reelgan_run::manifest::Better;

use crate::Result;

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// Name, protocol included.
    pub name: &'static str,
    /// Unit, empty if it has none.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
}

/// A distance or similarity of two images of one size.
pub trait Metric {
    /// What its number means.
    fn info(&self) -> MetricInfo;

    /// Measures frame `k` of both.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] if their sizes differ.
    fn measure(&self, reference: &Images, other: &Images, k: usize) -> Result<f64>;
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
