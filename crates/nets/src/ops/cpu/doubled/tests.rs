use proptest::prelude::*;

use super::*;

/// Integers between -3 and 3: every sum below is exact in `f32`, whatever its order.
fn integers(len: usize, factor: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * factor + i / 7 + seed) % 7) as f32 - 3.0).collect()
}

/// The convolution of the doubled map by its definition; `each` is told of every product: places in `x`, weight, `y`.
fn products([n, c, o, h, w]: [usize; 5], mut each: impl FnMut(usize, usize, usize)) {
    let (wide, high) = (2 * w, 2 * h);
    for y in 0..n * o * high * wide {
        let (column, row) = (y % wide, y / wide % high);
        let (to, image) = (y / (wide * high) % o, y / (wide * high * o));
        for tap in 0..9 {
            let (r, t) = ((row + tap / 3).wrapping_sub(1), (column + tap % 3).wrapping_sub(1));
            if r < high && t < wide {
                for from in 0..c {
                    let x = ((image * c + from) * h + r / 2) * w + t / 2;
                    each(x, (to * c + from) * 9 + tap, y);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn both_passes_equal_the_defining_sums(
        (n, c, o) in (1usize..4, 1usize..12, 1usize..20),
        (h, w) in (1usize..8, 1usize..24),
        seed in 0usize..100,
    ) {
        let weight = integers(o * c * 9, 5, seed);
        let (x, gy) = (integers(n * c * h * w, 3, seed), integers(n * o * 4 * h * w, 11, seed));
        let (mut y, mut gx) = (vec![0.0; gy.len()], vec![0.0; x.len()]);
        products([n, c, o, h, w], |from, tap, to| {
            y[to] += weight[tap] * x[from];
            gx[from] += weight[tap] * gy[to];
        });
        for isa in Isa::available() {
            let plan = DoubledPlan::new(c, o, &weight).with_isa(isa);
            prop_assert_eq!(&plan.forward(&x, n, h, w), &y);
            prop_assert_eq!(&plan.backward(&gy, n, h, w), &gx);
        }
    }
}

/// Wide rows (a chunk within one), many channels, and enough pixels that tasks do all channels.
#[test]
fn large_maps() {
    for [n, c, o, h, w] in [[1, 5, 70, 9, 131], [2, 9, 130, 3, 64], [1, 4, 3, 16, 128]] {
        let weight = integers(o * c * 9, 5, 1);
        let (x, gy) = (integers(n * c * h * w, 3, 2), integers(n * o * 4 * h * w, 11, 3));
        let (mut y, mut gx) = (vec![0.0; gy.len()], vec![0.0; x.len()]);
        products([n, c, o, h, w], |from, tap, to| {
            y[to] += weight[tap] * x[from];
            gx[from] += weight[tap] * gy[to];
        });
        for isa in Isa::available() {
            let plan = DoubledPlan::new(c, o, &weight).with_isa(isa);
            assert_eq!(plan.forward(&x, n, h, w), y, "{isa:?} {:?}", [n, c, o, h, w]);
            assert_eq!(plan.backward(&gy, n, h, w), gx, "{isa:?} {:?}", [n, c, o, h, w]);
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (n, c, o, h, w) = (2, 19, 21, 11, 13);
    let third = |v: Vec<f32>| -> Vec<f32> { v.iter().map(|v| v / 3.0).collect() };
    let plan = DoubledPlan::new(c, o, &third(integers(o * c * 9, 5, 1)));
    let (x, gy) = (third(integers(n * c * h * w, 3, 2)), third(integers(n * o * 4 * h * w, 11, 3)));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| (plan.forward(&x, n, h, w), plan.backward(&gy, n, h, w)))
    };
    let one = run(1);
    for threads in [2, 7] {
        assert_eq!(run(threads), one);
    }
}
