//! The parts of the estimator against closed forms and plain references.

use proptest::prelude::*;

use super::exposure::Exposure;
use super::plane::Plane;
use super::pyramid::pyramid;
use super::resample::warp_cubic;
use super::sor::System;

/// Reproducible numbers in `[0,1)` that look unordered.
fn hash(seed: usize, at: usize) -> f32 {
    let mut z = (seed as u64) << 32 ^ (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
}

fn noise(seed: usize, width: usize, height: usize) -> Plane {
    sampled(width, height, |x, y| hash(seed, y * width + x))
}

fn sampled(width: usize, height: usize, f: impl Fn(usize, usize) -> f32) -> Plane {
    let data = (0..width * height).map(|at| f(at % width, at / width)).collect();
    Plane { width, height, data }
}

/// Index of the neighbour at an offset, the nearest existing one outside.
fn clamped(index: usize, offset: isize, length: usize) -> usize {
    (index as isize + offset).clamp(0, length as isize - 1) as usize
}

proptest! {
    #[test]
    fn median_is_the_middle_of_the_sorted_nine(w in 1usize..9, h in 1usize..9, seed in 0usize..1000) {
        let plane = noise(seed, w, h);
        let median = plane.median();
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let mut nine: Vec<f32> = (0..9)
                .map(|k| (k % 3 - 1, k / 3 - 1))
                .map(|(i, j)| plane.row(clamped(y, j, h))[clamped(x, i, w)])
                .collect();
            nine.sort_by(f32::total_cmp);
            prop_assert_eq!(median.row(y)[x], nine[4]);
        }
    }

    /// Many sweeps end at the solution: it is put back into the equations.
    #[test]
    fn relaxation_solves_the_system(w in 1usize..8, h in 1usize..8, seed in 0usize..1000) {
        let system = random_system(w, h, seed);
        let (du, dv) = system.solve(400, 1.5);
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let (at, here) = (y * w + x, (du.row(y)[x], dv.row(y)[x]));
            let mut left = (
                system.a11.data[at] * here.0 + system.a12.data[at] * here.1,
                system.a12.data[at] * here.0 + system.a22.data[at] * here.1,
            );
            let mut towards = |weight: f32, other: usize| {
                left.0 += weight * (here.0 - du.data[other]);
                left.1 += weight * (here.1 - dv.data[other]);
            };
            if x + 1 < w { towards(system.right.data[at], at + 1); }
            if x > 0 { towards(system.right.data[at - 1], at - 1); }
            if y + 1 < h { towards(system.below.data[at], at + w); }
            if y > 0 { towards(system.below.data[at - w], at - w); }
            // Right-hand sides are below 1 and the system is well conditioned.
            prop_assert!((left.0 - system.b1.data[at]).abs() < 1e-4);
            prop_assert!((left.1 - system.b2.data[at]).abs() < 1e-4);
        }
    }

    #[test]
    fn a_constant_survives_every_filter(w in 1usize..40, h in 1usize..40, to_w in 1usize..40, to_h in 1usize..40) {
        let plane = sampled(w, h, |_, _| 7.0);
        let zero = Plane::zeros(w, h);
        let shift = noise(1, w, h);
        prop_assert_eq!(plane.resized(to_w, to_h), sampled(to_w, to_h, |_, _| 7.0));
        prop_assert_eq!(plane.derivative_x(), zero.clone());
        prop_assert_eq!(plane.derivative_y(), zero);
        for level in pyramid(plane.clone(), 16) {
            prop_assert!(level.width.max(level.height) <= 16);
            prop_assert!(level.data.iter().all(|v| (v - 7.0).abs() < 1e-3));
        }
        prop_assert!(warp_cubic(&plane, &shift, &shift).data.iter().all(|v| (v - 7.0).abs() < 1e-5));
    }
}

/// A symmetric positive definite system with data everywhere.
fn random_system(w: usize, h: usize, seed: usize) -> System {
    let mut right = noise(seed + 1, w, h);
    let mut below = noise(seed + 2, w, h);
    (0..h).for_each(|y| right.data[y * w + w - 1] = 0.0);
    (0..w).for_each(|x| below.data[(h - 1) * w + x] = 0.0);
    let positive = |seed| noise(seed, w, h).zip(&Plane::zeros(w, h), |a, _| 0.6 + a);
    System {
        a11: positive(seed + 3),
        a12: noise(seed + 4, w, h).zip(&Plane::zeros(w, h), |a, _| a - 0.5),
        a22: positive(seed + 5),
        b1: noise(seed + 6, w, h),
        b2: noise(seed + 7, w, h),
        right,
        below,
    }
}

/// The five-point difference is exact for polynomials up to degree four.
#[test]
fn derivatives_of_a_cubic_are_exact_inside() {
    let f = |x: f32, y: f32| 0.01 * x * x * x - 0.1 * x * y + 0.02 * y * y;
    let plane = sampled(12, 11, |x, y| f(x as f32, y as f32));
    let (dx, dy) = (plane.derivative_x(), plane.derivative_y());
    for (x, y) in (2..9).flat_map(|y| (2..10).map(move |x| (x, y))) {
        let (fx, fy) = (x as f32, y as f32);
        assert!((dx.row(y)[x] - (0.03 * fx * fx - 0.1 * fy)).abs() < 1e-5);
        assert!((dy.row(y)[x] - (-0.1 * fx + 0.04 * fy)).abs() < 1e-5);
    }
}

/// Catmull-Rom reproduces quadratics.
#[test]
fn cubic_sampling_of_a_parabola_is_exact_inside() {
    let f = |x: f32, y: f32| 0.05 * x * x - 0.03 * y * y + 0.02 * x * y;
    let plane = sampled(16, 16, |x, y| f(x as f32, y as f32));
    let (u, v) = (sampled(16, 16, |_, _| 1.3), sampled(16, 16, |_, _| -0.6));
    let warped = warp_cubic(&plane, &u, &v);
    for (x, y) in (3..13).flat_map(|y| (1..12).map(move |x| (x, y))) {
        let expected = f(x as f32 + 1.3, y as f32 - 0.6);
        assert!((warped.row(y)[x] - expected).abs() < 1e-4);
    }
}

/// A tenth of the frame shows something else, the rest is darker by a known law.
#[test]
fn exposure_is_found_despite_a_covered_part() {
    let a = sampled(64, 64, |x, y| {
        128.0 + 50.0 * (x as f32 * 0.3).sin() + 30.0 * (y as f32 * 0.2).cos()
    });
    let b = sampled(64, 64, |x, y| {
        if y < 6 { 250.0 * hash(3, y * 64 + x) } else { 0.85 * a.row(y)[x] + 12.0 }
    });
    let fitted = (0..20).fold(Exposure::SAME, |fit, _| fit.updated(&a, &b));
    let corrected = fitted.applied(&b);
    let worst = (6..64)
        .flat_map(|y| (0..64).map(move |x| (x, y)))
        .map(|(x, y)| (corrected.row(y)[x] - a.row(y)[x]).abs())
        .fold(0.0, f32::max);
    // The uncorrected difference reaches 20 grey levels.
    assert!(worst < 3.0, "{worst}");
}

#[test]
fn a_constant_frame_has_no_gain() {
    let fit = Exposure::SAME.updated(&sampled(8, 8, |_, _| 100.0), &sampled(8, 8, |_, _| 90.0));
    assert_eq!(fit.applied(&sampled(2, 2, |_, _| 50.0)), sampled(2, 2, |_, _| 60.0));
}
