use proptest::prelude::*;

use super::*;
use crate::ops::cpu::warp::WarpPlan;
use reelgan_golden::Detw;

/// The definition in `f64`: values of warps and squares one by one, and the gradient by the
/// transpose of each warp.
struct Definition<'a> {
    size: usize,
    image: &'a [f32],
    x: &'a [f32],
}

impl Definition<'_> {
    fn warped(&self, warp: &WarpPlan, of: &[f32], channel: usize, pixel: usize) -> f64 {
        let block = warp.block(pixel);
        block.iter().map(|(at, v)| v * f64::from(of[channel * self.size + at])).sum()
    }

    /// Value and gradient of one term.
    fn term(&self, term: &WarpedTarget) -> (f64, Vec<f64>) {
        let (mut value, mut gradient) = (0.0, vec![0.0; self.x.len()]);
        let share = f64::from(term.weight) / self.x.len() as f64;
        for channel in 0..CHANNELS {
            for pixel in 0..self.size {
                let (target, mask) = match term.other {
                    None => (self.warped(term.warp, self.image, channel, pixel), 1.0),
                    Some((other, mask)) => {
                        (f64::from(other[channel * self.size + pixel]), f64::from(mask[pixel]))
                    }
                };
                let rest = mask * (self.warped(term.warp, self.x, channel, pixel) - target);
                value += share * rest * rest;
                for (at, weight) in term.warp.block(pixel) {
                    gradient[channel * self.size + at] += 2.0 * share * mask * rest * weight;
                }
            }
        }
        (value, gradient)
    }
}

fn numbers(name: &str, len: usize) -> Vec<f32> {
    Detw::new(name).take(len).collect()
}

fn form(image: &[f32], size: [usize; 2], terms: &[WarpedTarget]) -> Form {
    let mut sum = FormSum::new(image, size);
    terms.iter().for_each(|term| sum.add(term));
    sum.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn agrees_with_the_definition(
        (h, w) in (1usize..70, 1usize..50),
        flows in 0usize..4,
        reach in prop::sample::select(vec![0f32, 0.7, 6.0, 300.0]),
        crossed: bool,
    ) {
        let size = h * w;
        let (image, x) = (numbers("image", 3 * size), numbers("x", 3 * size));
        let (other, mask) = (numbers("other", 3 * size), numbers("mask", size));
        let plans: Vec<WarpPlan> = (0..flows)
            .map(|k| {
                let flow = numbers(&format!("flow{k}"), 2 * size);
                WarpPlan::new(&flow.iter().map(|v| v * reach).collect::<Vec<_>>(), 1, h, w)
            })
            .collect();
        let terms: Vec<WarpedTarget> = plans
            .iter()
            .enumerate()
            .map(|(k, warp)| WarpedTarget {
                warp,
                other: (crossed && k % 2 == 0).then_some((&other[..], &mask[..])),
                weight: 0.5 + k as f32,
            })
            .collect();
        let definition = Definition { size, image: &image, x: &x };
        let mut gradient = vec![0.0; 3 * size];
        let mut values = [0.0; 2];
        for (value, slope) in terms.iter().map(|term| definition.term(term)) {
            values[1] += value;
            gradient.iter_mut().zip(slope).for_each(|(sum, g)| *sum += 2.0 * g);
        }
        for ((sum, x), image) in gradient.iter_mut().zip(&x).zip(&image) {
            let d = f64::from(x - image);
            values[0] += d * d / (3 * size) as f64;
            *sum += 3.0 * 2.0 * d / (3 * size) as f64;
        }
        for isa in Isa::available() {
            let form = self::form(&image, [h, w], &terms);
            let parts = vec![
                Part { weight: 3.0, form: None },
                Part { weight: 2.0, form: Some(form) },
            ];
            let plan = QuadraticPlan::new(&image, [h, w], parts).with_isa(isa);
            let got = plan.evaluate(&x);
            let total = 3.0 * values[0] + 2.0 * values[1];
            let all = [got.parts[0], got.parts[1], got.total];
            for (got, want) in all.iter().zip([values[0], values[1], total]) {
                // Sums of some thousand squares in f32 rows and f64.
                prop_assert!((f64::from(*got) - want).abs() <= 1e-5 * want, "{} for {}", got, want);
            }
            let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            for (got, want) in got.gradient.iter().zip(&gradient) {
                prop_assert!((f64::from(*got) - want).abs() <= 1e-5 * scale, "{} for {}", got, want);
            }
        }
    }
}

#[test]
fn a_flow_that_is_no_number_shows() {
    let image = numbers("image", 3 * 4 * 5);
    let mut flow = vec![0.0; 2 * 20];
    flow[7] = f32::NAN;
    let warp = WarpPlan::new(&flow, 1, 4, 5);
    let form =
        self::form(&image, [4, 5], &[WarpedTarget { warp: &warp, other: None, weight: 1.0 }]);
    let plan = QuadraticPlan::new(&image, [4, 5], vec![Part { weight: 1.0, form: Some(form) }]);
    assert!(plan.evaluate(&numbers("x", 60)).total.is_nan());
}

#[test]
fn at_the_image_all_is_zero() {
    let image = numbers("image", 3 * 9 * 7);
    let flow: Vec<f32> = numbers("flow", 2 * 63).iter().map(|v| v * 4.0).collect();
    let warp = WarpPlan::new(&flow, 1, 9, 7);
    let form =
        self::form(&image, [9, 7], &[WarpedTarget { warp: &warp, other: None, weight: 1.0 }]);
    let parts = vec![Part { weight: 1.0, form: Some(form) }, Part { weight: 1.0, form: None }];
    let got = QuadraticPlan::new(&image, [9, 7], parts).evaluate(&image);
    assert_eq!((got.total, got.parts), (0.0, vec![0.0, 0.0]));
    assert!(got.gradient.iter().all(|g| *g == 0.0));
}
