//! Round numbers along an axis.

/// A mark on an axis: where (on the axis' own scale: the value, or its decimal
/// logarithm) and what to write there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub at: f64,
    pub label: String,
}

/// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, about `count`
/// of them.
///
/// # Range  `low < high`, both finite and their difference too; `count >= 1`
pub(super) fn linear(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let raw = (high - low) / count as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let step = power
        * [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= raw * 0.999).unwrap_or(10.0);
    // Whole multiples, so that no rounding adds up; `as` saturates at absurd sizes.
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    let far_off = first.unsigned_abs().max(last.unsigned_abs()) > 1 << 52;
    if !step.is_normal() || far_off {
        return vec![Tick { at: low, label: format!("{low:e}") }];
    }
    (first..=last)
        .map(|i| Tick { at: i as f64 * step, label: label(i, step, first, last) })
        .collect()
}

/// `i * step` with just the digits that the step needs.
fn label(i: i64, step: f64, first: i64, last: i64) -> String {
    let value = i as f64 * step;
    let largest = step * first.unsigned_abs().max(last.unsigned_abs()) as f64;
    if i == 0 {
        return "0".into();
    }
    let place = step.log10().floor();
    if largest >= 1e6 || step < 1e-4 {
        let digits = (value.abs().log10().floor() - place).clamp(0.0, 15.0) as usize;
        return format!("{value:.digits$e}");
    }
    let decimals = (-place).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// Marks between the decimal logarithms `low < high`: powers of ten where three or
/// more fit, 1, 2 and 5 times them on shorter axes, round numbers on very short ones.
pub(super) fn logarithmic(low: f64, high: f64) -> Vec<Tick> {
    let (first, last) = (low.ceil() as i32, high.floor() as i32);
    if last - first >= 2 {
        let stride = (last - first) / 7 + 1;
        let shown = (first..=last).filter(|k| k.rem_euclid(stride) == 0);
        return shown.map(|k| decade(1, k)).collect();
    }
    let between = |t: &Tick| t.at >= low - 1e-9 && t.at <= high + 1e-9;
    let fine = (first - 1..=last).flat_map(|k| [1, 2, 5].map(|m| decade(m, k)));
    let fine: Vec<Tick> = fine.filter(between).collect();
    if fine.len() >= 3 {
        return fine;
    }
    let (from, to) = (10_f64.powf(low), 10_f64.powf(high));
    if !(from.is_normal() && to.is_finite()) {
        return fine;
    }
    let round = linear(from, to, 4).into_iter().filter(|t| t.at > 0.0);
    round.map(|t| Tick { at: t.at.log10(), ..t }).collect()
}

/// The mark at `m * 10^k`.
fn decade(m: i32, k: i32) -> Tick {
    let label = match k {
        -3..0 => format!("0.{}{m}", "0".repeat((-k - 1) as usize)),
        0..5 => format!("{m}{}", "0".repeat(k as usize)),
        _ => format!("{m}e{k}"),
    };
    Tick { at: f64::from(m).log10() + f64::from(k), label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&linear(0.0, 100.0, 5)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(&linear(0.03, 0.31, 4)), ["0.1", "0.2", "0.3"]);
        assert_eq!(labels(&linear(-1.0, 1.0, 4)), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
        assert_eq!(labels(&linear(0.0, 5e6, 5)), ["0", "1e6", "2e6", "3e6", "4e6", "5e6"]);
        assert_eq!(labels(&linear(0.0, 3e-5, 3)), ["0", "1e-5", "2e-5", "3e-5"]);
        let at: Vec<f64> = linear(0.0, 5000.0, 5).iter().map(|t| t.at).collect();
        assert_eq!(at, [0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0]);
    }

    #[test]
    fn logarithmic_ticks_stand_at_their_logarithms() {
        let decades = logarithmic(-3.2, 1.4);
        assert_eq!(labels(&decades), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(decades.iter().map(|t| t.at).collect::<Vec<_>>(), [-3.0, -2.0, -1.0, 0.0, 1.0]);
        let fine = logarithmic(-1.1, 0.4);
        assert_eq!(labels(&fine), ["0.1", "0.2", "0.5", "1", "2"]);
        assert!((fine[1].at - 0.2_f64.log10()).abs() < 1e-12);
        let short = logarithmic(3.0_f64.log10(), 4.0_f64.log10());
        // A quarter of the range is 0.25, and the next round step is 0.5.
        assert_eq!(labels(&short), ["3.0", "3.5", "4.0"]);
        assert_eq!(labels(&logarithmic(-12.0, -5.9))[0], "1e-12");
    }

    #[test]
    fn absurd_axes_end() {
        for (low, high) in [
            (-1e300, 1e300),
            (1e300, 1.0001e300),
            (1.0, 1.0 + 1e-15),
            (0.0, 5e-324),
            (-320.0, 300.0),
        ] {
            assert!(linear(low, high, 5).len() <= 20, "{low} {high}");
        }
        assert!(logarithmic(-323.0, 308.0).len() <= 20);
        assert!(logarithmic(-323.3, -323.2).len() <= 20);
    }
}
