//! What the reference's motion does not explain in a sequence.

use reelgan_run::manifest::Better;

use super::{MetricInfo, Motion, Step, check_sizes};
use crate::flow::{visibility, warp};
use crate::{Error, Result};

/// Warping error of a step: mean of `|A - warp(B, F)|^2` over the channels of the pixels
/// that are visible in both frames, where `F` is the flow between the reference frames
/// behind `A` and `B`.
///
/// NaN where no pixel of the one is visible in the other.
/// # Range    images `[0,1]`; result >= 0
/// # Source   Lai et al. 2018, "Learning Blind Video Temporal Consistency", eq. 10;
/// differs: visibility by forward and backward flow alone
#[derive(Debug, Clone, Copy, Default)]
pub struct WarpError;

impl Motion for WarpError {
    fn info(&self) -> MetricInfo {
        MetricInfo::plain("warp_mse", Better::Lower)
    }

    fn needs_flows(&self) -> bool {
        true
    }

    fn measure(&self, step: &Step<'_>) -> Result<f64> {
        let [a, b] = step.other;
        check_sizes(a, b)?;
        let Some([there, back]) = step.flows else {
            return Err(Error::Shape {
                what: "warping error".into(),
                expected: "the flows between the reference frames".into(),
                got: "none".into(),
            });
        };
        let failed = |e| Error::Flow(Box::new(e));
        let warped = warp(b, there).map_err(failed)?;
        let visible = visibility(there, back).map_err(failed)?;
        let count = visible.iter().filter(|&&v| v > 0.0).count();
        let area = visible.len();
        let squares = a.frame(0).iter().zip(warped.frame(0)).enumerate();
        let sum: f64 = squares
            .filter(|(at, _)| visible[at % area] > 0.0)
            .map(|(_, (a, b))| f64::from(a - b).powi(2))
            .sum();
        Ok(sum / (3 * count) as f64)
    }
}

#[cfg(test)]
mod tests {
    use reelgan_run::{Flow, Images};

    use super::*;

    const SIDE: usize = 8;

    /// Brightness grows to the right by 1/16 a pixel, moved by `shift`.
    fn ramp(shift: f32) -> Images {
        let row = |x: usize| (x as f32 + shift) / 16.0;
        let data = (0..3 * SIDE * SIDE).map(|at| row(at % SIDE)).collect();
        Images::new(1, SIDE, SIDE, data).unwrap()
    }

    fn constant(dx: f32) -> Flow {
        let data = (0..2 * SIDE * SIDE).map(|at| if at < SIDE * SIDE { dx } else { 0.0 });
        Flow::new(1, SIDE, SIDE, data.collect()).unwrap()
    }

    #[test]
    fn motion_that_follows_the_flow_is_no_error() {
        // The second frame shows the same one pixel further right.
        let (a, b) = (ramp(0.0), ramp(-1.0));
        let (there, back) = (constant(1.0), constant(-1.0));
        let step = |other| Step { reference: [&a, &b], other, flows: Some([&there, &back]) };
        let error = WarpError.measure(&step([&a, &b])).unwrap();
        assert!(error < 1e-12, "{error}");
        // A picture that stands still: every visible pixel is off by 1/16.
        let still = WarpError.measure(&step([&a, &a])).unwrap();
        assert!((still - 1.0 / 256.0).abs() < 1e-7, "{still}");
    }

    #[test]
    fn flows_are_needed_and_nothing_visible_is_nothing_measured() {
        let a = ramp(0.0);
        let missing = Step { reference: [&a, &a], other: [&a, &a], flows: None };
        assert!(WarpError.measure(&missing).unwrap_err().to_string().contains("flows"));
        let far = constant(100.0);
        let step = Step { reference: [&a, &a], other: [&a, &a], flows: Some([&far, &far]) };
        assert!(WarpError.measure(&step).unwrap().is_nan());
    }
}
