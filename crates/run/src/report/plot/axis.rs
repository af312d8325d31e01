//! From values to places on the drawing.

use super::ticks::{self, Tick};

/// Values beyond this are drawn at it, so that differences stay finite.
const FAR: f64 = 1e300;

/// One axis: a range of values and the range of pixels it is drawn over.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    pixels: (f64, f64),
}

impl Axis {
    /// An axis that holds all of `values` (drawable ones), with `margin` of the range
    /// left free at both ends; without values it runs from 0 to 1, or 0.1 to 1.
    pub fn over(
        values: impl Iterator<Item = f64>,
        log: bool,
        margin: f64,
        pixels: (f64, f64),
    ) -> Self {
        let scaled = values.map(|v| scale(v, log));
        let (low, high) = scaled
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high {
            if log { (-1.0, 0.0) } else { (0.0, 1.0) }
        } else if high - low > 1e-9 * low.abs().max(high.abs()) {
            (low - margin * (high - low), high + margin * (high - low))
        } else if log {
            (low - 0.2, high + 0.2)
        } else {
            // All alike: room above and below, in proportion.
            let room = if low == 0.0 { 1.0 } else { 0.1 * low.abs().max(f64::MIN_POSITIVE * 1e6) };
            (low - room, high + room)
        };
        Self { low, high, log, pixels }
    }

    /// Where `value` is drawn.
    pub fn place(&self, value: f64) -> f64 {
        self.place_scaled(scale(value, self.log))
    }

    fn place_scaled(&self, scaled: f64) -> f64 {
        let part = (scaled - self.low) / (self.high - self.low);
        self.pixels.0 + part * (self.pixels.1 - self.pixels.0)
    }

    /// The marks and where they are drawn, about `count` of them.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let ticks = if self.log {
            ticks::logarithmic(self.low, self.high)
        } else {
            ticks::linear(self.low, self.high, count)
        };
        ticks.into_iter().map(|Tick { at, label }| (self.place_scaled(at), label)).collect()
    }
}

fn scale(value: f64, log: bool) -> f64 {
    if log { value.log10() } else { value.clamp(-FAR, FAR) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_the_scale() {
        let linear = Axis::over([10.0, 20.0].into_iter(), false, 0.0, (100.0, 200.0));
        assert_eq!(linear.place(10.0), 100.0);
        assert_eq!(linear.place(12.5), 125.0);
        let log = Axis::over([0.01, 100.0].into_iter(), true, 0.0, (300.0, 100.0));
        assert!((log.place(1.0) - 200.0).abs() < 1e-9);
        assert!((log.place(0.1) - 250.0).abs() < 1e-9);
    }

    #[test]
    fn places_are_finite_for_every_range() {
        let ranges: [&[f64]; 7] = [
            &[],
            &[0.0],
            &[7.0, 7.0],
            &[-f64::MAX, f64::MAX],
            &[5e-324],
            &[f64::MAX],
            &[1.0, 1.0 + 1e-15],
        ];
        for values in ranges {
            for log in [false, true] {
                let drawable = values.iter().copied().filter(|v| !log || *v > 0.0);
                let axis = Axis::over(drawable.clone(), log, 0.05, (0.0, 100.0));
                for v in drawable {
                    let at = axis.place(v);
                    assert!((0.0..=100.0).contains(&at), "{values:?} {log}: {at}");
                }
                for (at, _) in axis.ticks(5) {
                    assert!((-1.0..=101.0).contains(&at), "{values:?} {log}: tick {at}");
                }
            }
        }
    }
}
