//! Against the defining sums in f64, against finite differences, and for any number of threads.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// A layer and what goes through it.
#[derive(Clone, Debug)]
struct Case {
    shape: Shape,
    c: usize,
    o: usize,
    dw: Vec<f32>,
    pw: Vec<f32>,
    bias: Vec<f32>,
    x: Vec<f32>,
    s: Vec<f32>,
    noise: Vec<f32>,
    gy: Vec<f32>,
}

impl Case {
    /// Numbers between -1 and 1 from a linear congruential generator.
    fn new([n, c, o, h, w]: [usize; 5], shared_noise: bool, seed: u64) -> Case {
        let mut state = seed.wrapping_mul(2862933555777941757).wrapping_add(3037000493);
        let mut draw = |count: usize| -> Vec<f32> {
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            };
            (0..count).map(|_| next()).collect()
        };
        Case {
            shape: Shape { n, h, w },
            c,
            o,
            dw: draw(9 * c),
            pw: draw(c * o),
            bias: draw(o),
            x: draw(n * c * h * w),
            s: draw(n * c),
            noise: draw(if shared_noise { h * w } else { n * h * w }),
            gy: draw(n * o * h * w),
        }
    }

    fn plan(&self, isa: Isa) -> SeparablePlan {
        SeparablePlan::new(&self.dw, &self.pw, &self.bias, self.c, self.o).with_isa(isa)
    }

    fn forward(&self, isa: Isa) -> Vec<f32> {
        let Shape { n, h, w } = self.shape;
        self.plan(isa).forward(&self.x, &self.s, &self.noise, n, h, w)
    }

    fn backward(&self, isa: Isa, y: &[f32]) -> Grads {
        let Shape { n, h, w } = self.shape;
        self.plan(isa).backward(&self.x, &self.s, y, &self.gy, n, h, w, true)
    }

    /// Calls `f(channel, row, column of the output, row, column of the input, tap)` for every term
    /// of the depthwise sums.
    fn each_tap(&self, mut f: impl FnMut(usize, usize, usize, f64)) {
        let Shape { n, h, w } = self.shape;
        for plane in 0..n * self.c {
            for p in 0..h * w {
                for t in 0..9 {
                    let (row, column) = (p / w + t / 3, p % w + t % 3);
                    if (1..=h).contains(&row) && (1..=w).contains(&column) {
                        let from = (row - 1) * w + column - 1;
                        f(plane, p, from, f64::from(self.dw[plane % self.c * 9 + t]));
                    }
                }
            }
        }
    }

    /// The layer before its activation, in f64.
    fn reference_argument(&self) -> Vec<f64> {
        let Shape { n, h, w } = self.shape;
        let hw = h * w;
        let mut d = vec![0.0f64; n * self.c * hw];
        self.each_tap(|plane, to, from, tap| {
            d[plane * hw + to] +=
                tap * f64::from(self.x[plane * hw + from]) * f64::from(self.s[plane]);
        });
        let mut y = vec![0.0f64; n * self.o * hw];
        for (i, y) in y.iter_mut().enumerate() {
            let (image, o, p) = (i / (self.o * hw), i / hw % self.o, i % hw);
            let noise = if self.noise.len() == hw { p } else { image * hw + p };
            *y = f64::from(self.bias[o]) + f64::from(self.noise[noise]);
            for c in 0..self.c {
                *y += f64::from(self.pw[o * self.c + c]) * d[(image * self.c + c) * hw + p];
            }
        }
        y
    }

    fn reference_forward(&self) -> Vec<f64> {
        self.reference_argument().iter().map(|v| if *v > 0.0 { *v } else { 0.2 * v }).collect()
    }

    /// `gx`, `gs`, `gnoise` by the chain rule, sum after sum, with the branches that `y` shows; last
    /// the sums of `gs` with all their terms taken as positive.
    fn reference_backward(&self, y: &[f32]) -> [Vec<f64>; 4] {
        let Shape { n, h, w } = self.shape;
        let hw = h * w;
        let mut q = vec![0.0f64; n * self.c * hw];
        let mut gnoise = vec![0.0f64; n * hw];
        for (i, (y, gy)) in y.iter().zip(&self.gy).enumerate() {
            let (image, o, p) = (i / (self.o * hw), i / hw % self.o, i % hw);
            let g = f64::from(*gy) * if *y > 0.0 { 1.0 } else { 0.2 };
            gnoise[image * hw + p] += g;
            for c in 0..self.c {
                q[(image * self.c + c) * hw + p] += f64::from(self.pw[o * self.c + c]) * g;
            }
        }
        let mut gx = vec![0.0f64; n * self.c * hw];
        let mut gs = vec![0.0f64; n * self.c];
        let mut gs_terms = gs.clone();
        self.each_tap(|plane, to, from, tap| {
            let g = tap * q[plane * hw + to];
            gx[plane * hw + from] += g * f64::from(self.s[plane]);
            let term = g * f64::from(self.x[plane * hw + from]);
            gs[plane] += term;
            gs_terms[plane] += term.abs();
        });
        [gx, gs, gnoise, gs_terms]
    }
}

/// Largest difference relative to the largest expected number.
fn difference(got: &[f32], expected: &[f64]) -> f64 {
    difference_to(got, expected, expected)
}

/// Largest difference relative to the largest number of `sizes`.
fn difference_to(got: &[f32], expected: &[f64], sizes: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let scale = sizes.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
    let worst = got.iter().zip(expected).map(|(g, e)| (f64::from(*g) - e).abs());
    worst.fold(0.0, |m: f64, d| if d.is_nan() { f64::NAN } else { m.max(d) }) / scale
}

/// Sums of up to some thousand products of f32 numbers, relative to the largest: a few dozen units
/// in the last place.
const TOLERANCE: f64 = 1e-5;

fn check(case: &Case) {
    let expected = case.reference_forward();
    for isa in Isa::available() {
        let y = case.forward(isa);
        assert!(
            difference(&y, &expected) < TOLERANCE,
            "forward {isa:?} {:?} {} {}",
            case.shape,
            case.c,
            case.o
        );
        let grads = case.backward(isa, &y);
        let [gx, gs, gnoise, gs_terms] = case.reference_backward(&y);
        for (name, got, expected, sizes, tolerance) in [
            ("gx", &grads.gx, &gx, &gx, TOLERANCE),
            // One sum over a whole map, whose terms may nearly cancel: with one channel there is
            // no larger one beside it to measure what is left by. Beside its terms it is small,
            // and so is what it may be wrong by.
            ("gs", &grads.gs, &gs, &gs_terms, 0.1 * TOLERANCE),
            ("gnoise", grads.gnoise.as_ref().unwrap(), &gnoise, &gnoise, TOLERANCE),
        ] {
            let d = difference_to(got, expected, sizes);
            assert!(d < tolerance, "{name} {isa:?} {:?} {} {}: {d}", case.shape, case.c, case.o);
        }
    }
}

#[test]
fn odd_sizes_batches_and_channels_equal_the_defining_sums() {
    let sizes =
        (1usize..4, 1usize..40, 1usize..40, 1usize..40, 1usize..70, any::<bool>(), any::<u64>());
    TestRunner::new(ProptestConfig { cases: 16, ..ProptestConfig::default() })
        .run(&sizes, |(n, c, o, h, w, shared, seed)| {
            check(&Case::new([n, c, o, h, w], shared, seed));
            Ok(())
        })
        .unwrap();
}

/// The same case with every number positive: its results are the sums of the absolute terms.
fn magnitudes(case: &Case) -> Case {
    let abs = |v: &[f32]| v.iter().map(|v| v.abs()).collect();
    Case {
        dw: abs(&case.dw),
        pw: abs(&case.pw),
        bias: abs(&case.bias),
        x: abs(&case.x),
        s: abs(&case.s),
        noise: abs(&case.noise),
        gy: abs(&case.gy),
        ..case.clone()
    }
}

/// Two factors of 8 bits, each wrong by a 256th at most (half the spacing of 1/128), and f32 sums.
const PAIR_TOLERANCE: f64 = 2.01 / 256.0;

#[test]
fn bf16_gradients_are_wrong_by_the_rounding_of_two_factors_at_most() {
    for sizes in [[1, 1, 1, 5, 5], [2, 7, 9, 13, 21], [1, 40, 24, 64, 33], [1, 150, 130, 8, 8]] {
        let case = Case::new(sizes, false, 7);
        let Shape { n, h, w } = case.shape;
        for isa in Isa::available() {
            let plan = case.plan(isa).with_bf16_gradients();
            let y = plan.forward(&case.x, &case.s, &case.noise, n, h, w);
            assert!(y == case.forward(isa), "the forward pass is the same");
            let grads = plan.backward(&case.x, &case.s, &y, &case.gy, n, h, w, true);
            let [gx, gs, gnoise, _] = case.reference_backward(&y);
            let [gx_sizes, gs_sizes, ..] = magnitudes(&case).reference_backward(&y);
            within(&grads.gx, &gx, &gx_sizes, "gx");
            within(&grads.gs, &gs, &gs_sizes, "gs");
            // No product takes part in it.
            assert!(difference(&grads.gnoise.unwrap(), &gnoise) < TOLERANCE);
        }
    }
}

/// Every number beside the sum of its own absolute terms.
fn within(got: &[f32], expected: &[f64], sizes: &[f64], name: &str) {
    for ((got, expected), size) in got.iter().zip(expected).zip(sizes) {
        let error = (f64::from(*got) - expected).abs();
        assert!(error <= PAIR_TOLERANCE * size.abs() + 1e-6, "{name}: {got} for {expected}");
    }
}

#[test]
fn many_bands_and_many_panel_groups_equal_the_defining_sums() {
    // Several bands with a halo and tiles of one row; several groups of panels; both.
    check(&Case::new([1, 3, 70, 50, 1000], true, 1));
    check(&Case::new([1, 150, 130, 8, 8], true, 2));
    check(&Case::new([2, 72, 66, 67, 33], false, 3));
}

#[test]
fn maps_that_are_written_past_the_caches_equal_the_defining_sums() {
    const { assert!(64 * 256 * 257 >= crate::ops::cpu::style::STREAM_FROM) };
    check(&Case::new([1, 1, 64, 256, 257], true, 4));
    check(&Case::new([1, 64, 1, 256, 257], true, 5));
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let case = Case::new([2, 5, 6, 4, 7], false, 4);
    let y = case.forward(Isa::active());
    let grads = case.backward(Isa::active(), &y);
    let loss = |case: &Case| -> f64 {
        case.reference_forward().iter().zip(&case.gy).map(|(y, gy)| y * f64::from(*gy)).sum()
    };
    // The arguments of the activation nearest to its kink; steps stay well below.
    let nearest = case.reference_argument().iter().fold(f64::MAX, |m, v| m.min(v.abs()));
    let step = (nearest / 32.0) as f32;
    assert!(step > 1e-6, "the case has an argument of the activation almost on its kink");
    let slope = |field: fn(&mut Case) -> &mut Vec<f32>, i: usize| {
        let (mut up, mut down) = (case.clone(), case.clone());
        field(&mut up)[i] += step;
        field(&mut down)[i] -= step;
        let width = f64::from(field(&mut up)[i]) - f64::from(field(&mut down)[i]);
        (loss(&up) - loss(&down)) / width
    };
    let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-4 * (1.0 + b.abs());
    for i in (0..case.x.len()).step_by(11) {
        assert!(close(grads.gx[i], slope(|case| &mut case.x, i)), "gx {i}");
    }
    for i in 0..case.s.len() {
        assert!(close(grads.gs[i], slope(|case| &mut case.s, i)), "gs {i}");
    }
    for (i, g) in grads.gnoise.unwrap().iter().enumerate() {
        assert!(close(*g, slope(|case| &mut case.noise, i)), "gnoise {i}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let case = Case::new([2, 24, 40, 70, 40], true, 5);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let y = case.forward(Isa::active());
            let grads = case.backward(Isa::active(), &y);
            (y, grads.gx, grads.gs, grads.gnoise)
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn empty_maps_give_empty_results() {
    let case = Case::new([0, 3, 4, 5, 6], true, 6);
    let y = case.forward(Isa::active());
    assert!(y.is_empty() && case.backward(Isa::active(), &y).gs.is_empty());
    let case = Case::new([2, 3, 4, 0, 6], true, 6);
    assert_eq!(case.backward(Isa::active(), &case.forward(Isa::active())).gs, vec![0.0; 6]);
}

proptest! {
    #[test]
    fn bands_cover_everything_once(
        n in 1usize..4,
        (h, w) in (1usize..70, 1usize..70),
        tile in 1usize..20,
        panels in 1usize..70,
        halo in 0usize..3,
    ) {
        let mut seen = vec![0; n * h * panels];
        for band in bands(Shape { n, h, w }, tile, panels, halo) {
            for row in band.rows.clone() {
                for panel in band.panels.clone() {
                    seen[(band.image * h + row) * panels + panel] += 1;
                }
            }
        }
        prop_assert!(seen.iter().all(|count| *count == 1));
    }
}
