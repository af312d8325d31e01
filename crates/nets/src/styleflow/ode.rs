//! Initial value problems by the Dormand-Prince pair of orders 5 and 4.

use burn::tensor::Tensor;

use crate::{Error, Result};

/// Stages at `t + NODES * h`; the first one is at `t` itself.
const NODES: [f64; 6] = [1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
/// How each stage after the first is made of those before it. The last row is the
/// solution of order 5 itself.
const STAGES: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// Difference of the solution and an embedded one of order 4 (Shampine 1986).
const ERROR: [f64; 7] = [
    35.0 / 384.0 - 1951.0 / 21600.0,
    0.0,
    500.0 / 1113.0 - 22642.0 / 50085.0,
    125.0 / 192.0 - 451.0 / 720.0,
    -2187.0 / 6784.0 + 12231.0 / 42400.0,
    11.0 / 84.0 - 649.0 / 6300.0,
    -1.0 / 60.0,
];
/// The solution in the middle of the step (Shampine 1986), for the interpolant.
const MIDDLE: [f64; 7] = [
    6025192743.0 / 30085553152.0 / 2.0,
    0.0,
    51252292925.0 / 65400821598.0 / 2.0,
    -2691868925.0 / 45128329728.0 / 2.0,
    187940372067.0 / 1594534317056.0 / 2.0,
    -1776094331.0 / 19743644256.0 / 2.0,
    11237099.0 / 235043384.0 / 2.0,
];

/// How much of the step that the error would allow is taken.
const SAFETY: f64 = 0.9;
/// A step grows and shrinks by no more than this at once.
const GROWTH: f64 = 10.0;
const SHRINKAGE: f64 = 0.2;
/// Steps after which an integration is given up; a flow takes some tens.
const MAX_STEPS: usize = 10_000;

/// A vector field: time and state `[R,D]` to the state's derivative.
pub type Field<'a> = &'a dyn Fn(f64, Tensor<2>) -> Tensor<2>;

/// The state at `to` of `dy/dt = field(t, y)`, `y(from) = y`; `to` may lie before `from`.
///
/// Steps are chosen so that the root mean square over the state of
/// `error / (tolerance + tolerance * |y|)` stays within 1. The last step may reach
/// beyond `to`, so the field must be defined there; the state at `to` comes from the
/// quartic through the step.
///
/// # Errors
/// [`Error::Integration`] if steps become too small or too many, or the state stops
/// being finite.
/// # Source
/// Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I", II.4-II.6;
/// step rules and constants of rtqichen/torchdiffeq `dopri5`.
pub fn integrate(
    field: Field,
    y: Tensor<2>,
    (from, to): (f64, f64),
    tolerance: f64,
) -> Result<Tensor<2>> {
    let (sign, length) = ((to - from).signum(), (to - from).abs());
    if length == 0.0 {
        return Ok(y);
    }
    // Always forward in s, the distance from the start.
    let field = |s: f64, y: Tensor<2>| field(from + sign * s, y).mul_scalar(sign);
    let (mut s, mut y) = (0.0, y);
    let mut slope = field(0.0, y.clone());
    let mut h = first_step(&field, &y, &slope, tolerance);
    let halt = |s: f64, steps: usize| Error::Integration {
        start: from,
        end: to,
        at: from + sign * s,
        steps,
        tolerance,
    };
    for steps in 0..MAX_STEPS {
        if !h.is_finite() || s + h <= s {
            return Err(halt(s, steps));
        }
        let step = Step::take(&field, s, &y, &slope, h);
        let ratio = step.error_ratio(&y, tolerance);
        if !ratio.is_finite() {
            return Err(halt(s, steps));
        }
        if ratio <= 1.0 {
            if s + h >= length {
                return Ok(step.at((length - s) / h, &y));
            }
            s += h;
            slope = step.slopes[6].clone();
            y = step.y;
        }
        h *= rescale(ratio);
    }
    Err(halt(s, MAX_STEPS))
}

/// One step: its result and the derivatives it is made of.
struct Step {
    h: f64,
    y: Tensor<2>,
    slopes: [Tensor<2>; 7],
}

impl Step {
    fn take(field: Field, s: f64, y: &Tensor<2>, slope: &Tensor<2>, h: f64) -> Self {
        let mut slopes = vec![slope.clone()];
        let mut state = y.clone();
        for (node, weights) in NODES.iter().zip(STAGES) {
            state = y.clone() + weighted(&slopes, weights, h);
            slopes.push(field(s + node * h, state.clone()));
        }
        let slopes = slopes.try_into().expect("one slope and six stages");
        Self { h, y: state, slopes }
    }

    /// The estimated error in units of what is allowed.
    fn error_ratio(&self, before: &Tensor<2>, tolerance: f64) -> f64 {
        let size = before.clone().abs().max_pair(self.y.clone().abs());
        let allowed = size.mul_scalar(tolerance).add_scalar(tolerance);
        rms(weighted(&self.slopes, &ERROR, self.h) / allowed)
    }

    /// The state at the share `x` of the step: the quartic that has the values at
    /// both ends and in the middle, and the derivatives at both ends.
    fn at(&self, x: f64, before: &Tensor<2>) -> Tensor<2> {
        let h = self.h;
        let middle = before.clone() + weighted(&self.slopes, &MIDDLE, h);
        let term = |t: &Tensor<2>, by: f64| t.clone().mul_scalar(by);
        // Hermite's cubic through the ends, and the quartic term that corrects its middle.
        let (x2, x3) = (x * x, x * x * x);
        let cubic = |a: f64, b: f64, c: f64, d: f64| {
            term(before, a)
                + term(&self.y, b)
                + term(&self.slopes[0], c * h)
                + term(&self.slopes[6], d * h)
        };
        let hermite =
            cubic(2.0 * x3 - 3.0 * x2 + 1.0, 3.0 * x2 - 2.0 * x3, x3 - 2.0 * x2 + x, x3 - x2);
        let missing = middle - cubic(0.5, 0.5, 0.125, -0.125);
        let bump = 16.0 * x2 * (1.0 - x) * (1.0 - x);
        hermite + missing.mul_scalar(bump)
    }
}

/// `h * sum of weights * slopes`; weights of 0 are left out.
fn weighted(slopes: &[Tensor<2>], weights: &[f64], h: f64) -> Tensor<2> {
    slopes
        .iter()
        .zip(weights)
        .filter(|(_, weight)| **weight != 0.0)
        .map(|(slope, weight)| slope.clone().mul_scalar(weight * h))
        .reduce(|a, b| a + b)
        .expect("a stage is made of something")
}

/// How the next step follows from the error of the last one.
fn rescale(ratio: f64) -> f64 {
    if ratio == 0.0 {
        return GROWTH;
    }
    // An accepted step is never followed by a smaller one.
    let least = if ratio < 1.0 { 1.0 } else { SHRINKAGE };
    (SAFETY / ratio.powf(0.2)).max(least).min(GROWTH)
}

/// A first step from the sizes of state, slope and curvature.
///
/// # Source   Hairer, Norsett, Wanner, II.4 ("starting step size")
fn first_step(field: Field, y: &Tensor<2>, slope: &Tensor<2>, tolerance: f64) -> f64 {
    let scale = y.clone().abs().mul_scalar(tolerance).add_scalar(tolerance);
    let size = |t: Tensor<2>| rms(t / scale.clone());
    let (d0, d1) = (size(y.clone()), size(slope.clone()));
    let trial = if d0 < 1e-5 || d1 < 1e-5 { 1e-6 } else { 0.01 * d0 / d1 };
    let next = field(trial, y.clone() + slope.clone().mul_scalar(trial));
    let d2 = size(next - slope.clone()) / trial;
    let steepest = d1.max(d2);
    let second =
        if steepest <= 1e-15 { (trial * 1e-3).max(1e-6) } else { (0.01 / steepest).powf(0.2) };
    second.min(100.0 * trial)
}

fn rms(t: Tensor<2>) -> f64 {
    f64::from(t.powf_scalar(2.0).mean().into_scalar::<f32>()).sqrt()
}
