//! Every algorithm on every instruction set against the sum as it is written, in `f64`.

use proptest::prelude::*;

use super::{Algorithm, Conv3x3Plan};
use crate::ops::cpu::simd::Isa;

/// Sizes of one convolution.
#[derive(Clone, Copy, Debug)]
struct Case {
    n: usize,
    c_in: usize,
    c_out: usize,
    h: usize,
    w: usize,
}

impl Case {
    fn x_len(self) -> usize {
        self.n * self.c_in * self.h * self.w
    }

    fn y_len(self) -> usize {
        self.n * self.c_out * self.h * self.w
    }

    /// Calls `visit(y index, x index, weight index)` for every product of the sum.
    fn products(self, mut visit: impl FnMut(usize, usize, usize)) {
        let Case { n, c_in, c_out, h, w } = self;
        for y_at in 0..n * c_out * h * w {
            let (image, o, y, x) =
                (y_at / (c_out * h * w), y_at / (h * w) % c_out, y_at / w % h, y_at % w);
            for i in 0..c_in {
                for tap in 0..9 {
                    let (sy, sx) = (y + tap / 3, x + tap % 3);
                    if (1..=h).contains(&sy) && (1..=w).contains(&sx) {
                        visit(
                            y_at,
                            ((image * c_in + i) * h + sy - 1) * w + sx - 1,
                            (o * c_in + i) * 9 + tap,
                        );
                    }
                }
            }
        }
    }

    /// The convolution in `f64`, rectified or not.
    fn forward(self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, relu: bool) -> Vec<f64> {
        let mut y: Vec<f64> = (0..self.y_len())
            .map(|at| bias.map_or(0.0, |bias| f64::from(bias[at / (self.h * self.w) % self.c_out])))
            .collect();
        self.products(|y_at, x_at, w_at| y[y_at] += f64::from(x[x_at]) * f64::from(weight[w_at]));
        y.iter().map(|&y| if relu { y.max(0.0) } else { y }).collect()
    }

    /// The gradient in `f64`, by the transpose of the same products.
    fn backward(self, y: Option<&[f32]>, gy: &[f32], weight: &[f32]) -> Vec<f64> {
        let mut gx = vec![0.0; self.x_len()];
        self.products(|y_at, x_at, w_at| {
            if y.is_none_or(|y| y[y_at] > 0.0) {
                gx[x_at] += f64::from(gy[y_at]) * f64::from(weight[w_at]);
            }
        });
        gx
    }
}

/// Numbers that look random, roughly normal with variance 1.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..len).map(|_| 2.0 * (uniform() + uniform() + uniform())).collect()
}

/// Root mean square of the differences over that of the expected values.
fn relative_error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |value: f64| value * value;
    let difference: f64 = found.iter().zip(expected).map(|(f, e)| square(f64::from(*f) - e)).sum();
    let size: f64 = expected.iter().copied().map(square).sum();
    if difference == 0.0 { 0.0 } else { (difference / size).sqrt() }
}

fn every_plan(case: Case, weight: &[f32], bias: Option<&[f32]>) -> Vec<Conv3x3Plan> {
    Isa::available()
        .flat_map(|isa| Algorithm::ALL.map(|algorithm| (isa, algorithm)))
        .map(|(isa, algorithm)| {
            Conv3x3Plan::new(case.c_in, case.c_out, weight, bias)
                .with_isa(isa)
                .with_algorithm(algorithm)
        })
        .collect()
}

/// Both directions of every plan.
fn check(case: Case, seed: u64, biased: bool, relu: bool) -> Result<(), TestCaseError> {
    let Case { n, c_in, c_out, h, w } = case;
    let weight = numbers(c_out * c_in * 9, seed);
    let bias = biased.then(|| numbers(c_out, seed + 1));
    let (x, gy) = (numbers(case.x_len(), seed + 2), numbers(case.y_len(), seed + 3));
    let expected = case.forward(&x, &weight, bias.as_deref(), relu);
    for plan in every_plan(case, &weight, bias.as_deref()) {
        let y = plan.forward(&x, n, h, w, relu);
        let error = relative_error(&y, &expected);
        prop_assert!(error < 1e-5, "{plan:?} forward: {error}");
        prop_assert!(!relu || y.iter().all(|&y| y >= 0.0));
        let active = relu.then_some(&y[..]);
        let gx = plan.backward(active, &gy, n, h, w);
        let error = relative_error(&gx, &case.backward(active, &gy, &weight));
        prop_assert!(error < 1e-5, "{plan:?} backward: {error}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn small_maps_agree(
        (n, c_in, c_out, h, w) in (1usize..4, 1usize..20, 1usize..20, 1usize..20, 1usize..20),
        (seed, biased, relu) in (any::<u32>(), any::<bool>(), any::<bool>()),
    ) {
        check(Case { n, c_in, c_out, h, w }, seed.into(), biased, relu)?;
    }

    #[test]
    fn wide_and_high_maps_agree(
        (n, c_in, c_out, h, w) in (1usize..3, 1usize..4, 1usize..6, 1usize..9, 60usize..200),
        (seed, relu, upright) in (any::<u32>(), any::<bool>(), any::<bool>()),
    ) {
        let (h, w) = if upright { (w, h) } else { (h, w) };
        check(Case { n, c_in, c_out, h, w }, seed.into(), true, relu)?;
    }
}

/// More channels than a slab of the input transform, a group of the output transform and a chunk with two panels hold.
#[test]
fn many_channels_agree() {
    for (c_in, c_out, h, w) in [(67, 3, 9, 9), (3, 130, 9, 17), (260, 70, 5, 7), (257, 9, 40, 33)] {
        check(Case { n: 1, c_in, c_out, h, w }, 5, true, true).unwrap();
    }
}

/// Large enough for several strips, chunks and tasks.
#[test]
fn large_maps_agree() {
    check(Case { n: 2, c_in: 3, c_out: 5, h: 131, w: 130 }, 6, true, true).unwrap();
}

/// The adjoint identity `<conv(x), g> = <x, conv^T(g)>`, which needs no reference.
#[test]
fn backward_is_the_adjoint_of_forward() {
    let case = Case { n: 2, c_in: 24, c_out: 40, h: 21, w: 37 };
    let weight = numbers(24 * 40 * 9, 1);
    let (x, g) = (numbers(case.x_len(), 2), numbers(case.y_len(), 3));
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    let norm = |a: &[f32]| dot(a, a).sqrt();
    for plan in every_plan(case, &weight, None) {
        let (y, gx) = (plan.forward(&x, 2, 21, 37, false), plan.backward(None, &g, 2, 21, 37));
        let difference = (dot(&y, &g) - dot(&x, &gx)).abs();
        assert!(difference < 1e-6 * norm(&y) * norm(&g), "{plan:?}: {difference}");
    }
}

/// Central differences along a random direction, through the ReLU.
#[test]
fn gradient_agrees_with_finite_differences() {
    let case = Case { n: 1, c_in: 5, c_out: 7, h: 11, w: 19 };
    let (weight, bias) = (numbers(5 * 7 * 9, 1), numbers(7, 2));
    let (x, g, direction) =
        (numbers(case.x_len(), 3), numbers(case.y_len(), 4), numbers(case.x_len(), 5));
    let step = 1e-4;
    let value = |sign: f32| -> f64 {
        let x: Vec<f32> = x.iter().zip(&direction).map(|(x, d)| x + sign * step * d).collect();
        case.forward(&x, &weight, Some(&bias), true)
            .iter()
            .zip(&g)
            .map(|(y, g)| y * f64::from(*g))
            .sum()
    };
    let slope = (value(1.0) - value(-1.0)) / (2.0 * f64::from(step));
    for plan in every_plan(case, &weight, Some(&bias)) {
        let y = plan.forward(&x, 1, 11, 19, true);
        let gx = plan.backward(Some(&y), &g, 1, 11, 19);
        let found: f64 =
            gx.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        // f32 inputs step inexactly, and a few of the 1463 outputs cross zero within a step.
        assert!((found - slope).abs() < 5e-3 * slope.abs(), "{plan:?}: {found} for {slope}");
    }
}

/// The table in the documentation of the module.
#[test]
fn errors_stay_within_their_bounds() {
    let case = Case { n: 1, c_in: 256, c_out: 16, h: 16, w: 16 };
    let (x, weight) = (numbers(case.x_len(), 1), numbers(256 * 16 * 9, 2));
    let expected = case.forward(&x, &weight, None, false);
    for plan in every_plan(case, &weight, None) {
        let error = relative_error(&plan.forward(&x, 1, 16, 16, false), &expected);
        println!("{plan:?}: {error:.2e}");
        let bound = match plan.algorithm {
            Some(Algorithm::Winograd4) => 2e-6,
            _ => 1e-6,
        };
        assert!(error < bound, "{plan:?}: {error}");
    }
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let case = Case { n: 2, c_in: 70, c_out: 66, h: 37, w: 65 };
    let (x, weight) = (numbers(case.x_len(), 1), numbers(70 * 66 * 9, 2));
    for plan in every_plan(case, &weight, None) {
        let results = [1, 3, 64].map(|threads| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| plan.forward(&x, 2, 37, 65, true))
        });
        assert!(results.iter().all(|y| *y == results[0]), "{plan:?}");
    }
}

#[test]
fn a_nan_passes_the_relu() {
    let weight = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    for plan in every_plan(Case { n: 1, c_in: 1, c_out: 1, h: 5, w: 5 }, &weight, None) {
        assert!(
            plan.forward(&[f32::NAN; 25], 1, 5, 5, true).iter().all(|y| y.is_nan()),
            "{plan:?}"
        );
    }
}

#[test]
fn an_empty_batch_gives_nothing() {
    for plan in every_plan(Case { n: 0, c_in: 2, c_out: 3, h: 4, w: 4 }, &[0.5; 54], None) {
        assert!(plan.forward(&[], 0, 4, 4, true).is_empty());
        assert!(plan.backward(None, &[], 0, 4, 4).is_empty());
    }
}
