use proptest::prelude::*;

use super::*;

/// Numbers between -1 and 1 without a pattern.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// The operator as its documentation writes it, in `f64`; parameters: x, s, noise.
struct Written<'a> {
    bias: &'a [f32],
    strength: &'a [f32],
    blur: bool,
    shape: [usize; 3],
}

const EPSILON: f32 = 1e-5;

impl Written<'_> {
    fn y(&self, x: &[f64], s: &[f64], noise: &[f64]) -> Vec<f64> {
        let [n, h, w] = self.shape;
        let (c, hw) = (self.bias.len(), h * w);
        let mut y = Vec::new();
        for (image, channel) in (0..n * c).map(|k| (k / c, k % c)) {
            let x = &x[(image * c + channel) * hw..][..hw];
            let noise = &noise[if noise.len() == hw { 0 } else { image * hw }..][..hw];
            let mut a = if self.blur { blurred(x, h, w) } else { x.to_vec() };
            for (a, noise) in a.iter_mut().zip(noise) {
                *a += f64::from(self.bias[channel]) + f64::from(self.strength[channel]) * noise;
                *a *= if *a > 0.0 { 1.0 } else { f64::from(SLOPE) };
            }
            let mean = a.iter().sum::<f64>() / hw as f64;
            let variance = a.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / hw as f64;
            let scale = 1.0 / (variance + f64::from(EPSILON)).sqrt();
            let (s0, s1) = (s[image * 2 * c + channel], s[image * 2 * c + c + channel]);
            y.extend(a.iter().map(|a| (a - mean) * scale * (1.0 + s0) + s1));
        }
        y
    }
}

fn blurred(x: &[f64], h: usize, w: usize) -> Vec<f64> {
    let at = |r: isize, t: isize| {
        let inside = (0..h as isize).contains(&r) && (0..w as isize).contains(&t);
        if inside { x[r as usize * w + t as usize] } else { 0.0 }
    };
    let taps = [(-1, 1.0), (0, 2.0), (1, 1.0)];
    (0..h * w)
        .map(|i| {
            let (r, t) = ((i / w) as isize, (i % w) as isize);
            let sum = taps.iter().flat_map(|(dr, a)| {
                taps.iter().map(move |(dt, b)| a * b / 16.0 * at(r + dr, t + dt))
            });
            sum.sum::<f64>()
        })
        .collect()
}

fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|v| f64::from(*v)).collect()
}

fn relative(got: &[f32], want: &[f64]) -> f64 {
    let square = |v: f64| v * v;
    let off: f64 = got.iter().zip(want).map(|(g, w)| square(f64::from(*g) - w)).sum();
    let size: f64 = want.iter().map(|w| square(*w)).sum();
    (off / size.max(1e-30)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn forward_is_as_written_and_backward_its_slope(
        (n, c) in (1usize..4, 1usize..5),
        (h, w) in (1usize..12, 2usize..40),
        (blur, shared) in (any::<bool>(), any::<bool>()),
        seed in 1u64..1000,
    ) {
        let hw = h * w;
        let maps = if shared { 1 } else { n };
        let (bias, strength) = (numbers(c, seed), numbers(c, seed + 1));
        let x = numbers(n * c * hw, seed + 2);
        let s = numbers(n * 2 * c, seed + 3);
        let noise = numbers(maps * hw, seed + 4);
        let gy = numbers(n * c * hw, seed + 5);
        let shape = [n, h, w];
        let written = Written { bias: &bias, strength: &strength, blur, shape };
        let (x64, s64, noise64) = (wide(&x), wide(&s), wide(&noise));
        let y = written.y(&x64, &s64, &noise64);
        let loss = |x: &[f64], s: &[f64], noise: &[f64]| -> f64 {
            written.y(x, s, noise).iter().zip(&gy).map(|(y, g)| y * f64::from(*g)).sum()
        };
        for isa in Isa::available() {
            let plan = EpiloguePlan::new(&bias, &strength, blur, EPSILON).with_isa(isa);
            let got = plan.forward(&x, &s, &noise, shape);
            prop_assert!(relative(&got, &y) < 1e-5, "{isa:?}: y differs by {}", relative(&got, &y));
            let grads = plan.backward(&x, &s, &noise, &gy, shape, true);
            let gnoise = grads.gnoise.expect("it was asked for");
            // Central differences in f64. A kink of the activation within a step would spoil one,
            // so places are skipped where half a step gives something else.
            let check = |which: usize, got: &[f32]| -> Result<(), TestCaseError> {
                for i in (0..got.len()).step_by(1 + got.len() / 12) {
                    let slope = |step: f64| {
                        let mut at = [x64.clone(), s64.clone(), noise64.clone()];
                        at[which][i] += step;
                        let up = loss(&at[0], &at[1], &at[2]);
                        at[which][i] -= 2.0 * step;
                        (up - loss(&at[0], &at[1], &at[2])) / (2.0 * step)
                    };
                    let (whole, half) = (slope(1e-5), slope(5e-6));
                    if (whole - half).abs() < 1e-6 * (1.0 + whole.abs()) {
                        let off = (f64::from(got[i]) - whole).abs();
                        prop_assert!(off < 1e-3 * (1.0 + whole.abs()), "{isa:?} {which}: {off} off {whole}");
                    }
                }
                Ok(())
            };
            check(0, &grads.gx)?;
            check(1, &grads.gs)?;
            check(2, &gnoise)?;
            // The way that blurs at once gives the same numbers, to the bit.
            let at_once = plan.backward(&x, &s, &noise, &gy, shape, false);
            prop_assert_eq!(&at_once.gx, &grads.gx);
            prop_assert!(at_once.gnoise.is_none());
        }
    }
}

#[test]
fn a_mean_far_from_zero_does_not_spoil_the_variance() {
    let shape = [1, 24, 40];
    let x: Vec<f32> = numbers(960, 3).iter().map(|v| 1000.0 + v).collect();
    let (s, noise) = (vec![0.0; 2], vec![0.0; 960]);
    let written = Written { bias: &[0.0], strength: &[0.0], blur: false, shape };
    let want = written.y(&wide(&x), &wide(&s), &wide(&noise));
    for isa in Isa::available() {
        let plan = EpiloguePlan::new(&[0.0], &[0.0], false, EPSILON).with_isa(isa);
        let got = plan.forward(&x, &s, &noise, shape);
        // The mean itself is rounded to f32, by 3e-5 at most.
        assert!(relative(&got, &want) < 1e-4, "{isa:?}: {}", relative(&got, &want));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let shape = [3, 17, 33];
    let (c, hw) = (5, 17 * 33);
    let x = numbers(3 * c * hw, 1);
    let (s, noise, gy) = (numbers(6 * c, 2), numbers(hw, 3), numbers(3 * c * hw, 4));
    let plan = EpiloguePlan::new(&numbers(c, 5), &numbers(c, 6), true, EPSILON);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let y = plan.forward(&x, &s, &noise, shape);
            let grads = plan.backward(&x, &s, &noise, &gy, shape, true);
            (y, grads.gx, grads.gs, grads.gnoise)
        })
    };
    let one = run(1);
    for threads in [2, 7] {
        assert_eq!(run(threads), one);
    }
}
