//! Changes of brightness from frame to frame that the reference does not have.

use reelgan_run::manifest::Better;

use super::luma::luma;
use super::{MetricInfo, Motion, Step, check_sizes};
use crate::Result;

/// Flicker of a step: mean over pixels of `|dY - dY_ref|`, where `dY` is the change of
/// brightness (Rec. 601) from one frame to the next.
///
/// 0 if every pixel's brightness changes just as in the reference.
/// # Range   images `[0,1]`; result 0 to 2
#[derive(Debug, Clone, Copy, Default)]
pub struct Flicker;

impl Motion for Flicker {
    fn info(&self) -> MetricInfo {
        MetricInfo::plain("flicker_luma", Better::Lower)
    }

    fn measure(&self, step: &Step<'_>) -> Result<f64> {
        let [r0, r1] = step.reference;
        let [o0, o1] = step.other;
        for images in [r1, o0, o1] {
            check_sizes(r0, images)?;
        }
        let change = |from, to| luma(to).zip(luma(from)).map(|(b, a)| b - a);
        let theirs = change(r0.frame(0), r1.frame(0));
        let ours = change(o0.frame(0), o1.frame(0));
        let sum: f64 = ours.zip(theirs).map(|(a, b)| (a - b).abs()).sum();
        Ok(sum / (r0.height() * r0.width()) as f64)
    }
}

#[cfg(test)]
mod tests {
    use reelgan_run::Images;

    use super::*;

    fn grey(value: f32) -> Images {
        Images::new(1, 3, 4, vec![value; 36]).unwrap()
    }

    #[test]
    fn only_what_the_reference_does_not_do_counts() {
        let (dark, bright) = (grey(0.25), grey(0.75));
        let value = |other| {
            Flicker.measure(&Step { reference: [&dark, &bright], other, flows: None }).unwrap()
        };
        assert!(value([&dark, &bright]).abs() < 1e-12);
        assert!((value([&dark, &dark]) - 0.5).abs() < 1e-12);
        assert!((value([&bright, &dark]) - 1.0).abs() < 1e-12);
    }
}
