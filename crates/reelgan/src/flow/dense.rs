//! Our own dense flow: coarse to fine variational estimation.

use reelgan_run::Flow;
use reelgan_run::images::Frames;

use super::error::{FlowError, Result};
use super::plane::Plane;
use super::pyramid::{luma, pyramid};
use super::variational::{Field, Level};
use super::{FlowEstimator, checked_frame};

/// Levels up to this longest side are small: they cost next to nothing ...
const SMALL_SIDE: usize = 128;
/// ... and take so many times the warps, which finds things that move on their own.
const SMALL_FACTOR: usize = 3;

/// Dense optical flow by coarse to fine energy minimisation.
///
/// Brightness and gradient constancy, normalised to distances in pixels, and
/// smoothness, all under Charbonnier functions; warped linearisations solved by
/// over-relaxation on a pyramid of halved frames, a median filter after each.
/// A change of exposure between the frames is estimated along with the motion.
///
/// Motion that is large against the moving thing's own size (a fast thin object)
/// may be missed. Where nothing can be seen (a constant wall) the flow falls
/// towards zero. The same bits come out for any number of threads.
///
/// # Source   Brox et al. 2004, High accuracy optical flow estimation based on a
/// theory for warping; Zimmer et al. 2011, Optic flow in harmony; Sun
/// et al. 2014, A quantitative analysis of current practices
#[derive(Clone, Debug, PartialEq)]
pub struct DenseFlow {
    /// Longest side, in pixels, of the finest level solved; at least 1. The flow of
    /// larger frames is interpolated from it.
    pub finest_side: usize,
    /// Linearisations (warps) per level, at least 1.
    pub warps: usize,
    /// Relaxation sweeps per linearisation, at least 1.
    pub sweeps: usize,
    /// Weight of brightness constancy, at least 0.
    pub brightness: f32,
    /// Weight of gradient constancy, at least 0.
    pub gradient: f32,
    /// Weight of smoothness, above 0.
    pub smoothness: f32,
    /// Gradient, in grey levels of 255 per pixel, below which structure is taken for
    /// noise and trusted less; above 0.
    pub noise_floor: f32,
}

impl Default for DenseFlow {
    fn default() -> Self {
        Self {
            finest_side: 512,
            warps: 4,
            sweeps: 20,
            brightness: 0.2,
            gradient: 1.0,
            smoothness: 1.5,
            noise_floor: 0.5,
        }
    }
}

impl FlowEstimator for DenseFlow {
    fn name(&self) -> String {
        "dense".into()
    }

    /// # Errors   `FlowError::Shape` if there is no such frame, `Pixel` if a pixel lies
    /// far outside `[0,1]`, `Setting` if a setting is out of range
    fn estimate(&self, frames: &dyn Frames, from: usize, to: usize) -> Result<Flow> {
        self.check()?;
        checked_frame(frames, from)?;
        checked_frame(frames, to)?;
        let (height, width) = (frames.height(), frames.width());
        let field = self.solve(luma(frames, from)?, luma(frames, to)?);
        let mut data = field.u.data;
        data.extend(field.v.data);
        Ok(Flow::new(1, height, width, data)?)
    }
}

impl DenseFlow {
    fn solve(&self, a: Plane, b: Plane) -> Field {
        let (width, height) = (a.width, a.height);
        let levels = pyramid(a, self.finest_side).into_iter().zip(pyramid(b, self.finest_side));
        let levels: Vec<_> = levels.collect();
        let mut field = Field::zeros(width, height);
        for (a, b) in levels.into_iter().rev() {
            field = field.resized(a.width, a.height);
            let level = Level::new(a, b);
            let small = level.side() <= SMALL_SIDE;
            for _ in 0..self.warps * if small { SMALL_FACTOR } else { 1 } {
                field.refine(&level, self);
            }
        }
        field.resized(width, height)
    }

    fn check(&self) -> Result<()> {
        for (name, value) in
            [("finest_side", self.finest_side), ("warps", self.warps), ("sweeps", self.sweeps)]
        {
            if value == 0 {
                return Err(setting(name, "at least 1", value));
            }
        }
        for (name, value) in [("brightness", self.brightness), ("gradient", self.gradient)] {
            if !(0.0..=1e3).contains(&value) {
                return Err(setting(name, "a number from 0 to 1000", value));
            }
        }
        for (name, value) in [("smoothness", self.smoothness), ("noise_floor", self.noise_floor)] {
            if !(1e-3..=1e3).contains(&value) {
                return Err(setting(name, "a number from 0.001 to 1000", value));
            }
        }
        Ok(())
    }
}

fn setting(name: &'static str, expected: &'static str, got: impl ToString) -> FlowError {
    FlowError::Setting { name, expected, got: got.to_string() }
}
