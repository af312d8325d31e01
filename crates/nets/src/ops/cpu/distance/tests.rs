use proptest::prelude::*;

use super::*;
use reelgan_golden::Detw;

fn numbers(name: &str, len: usize) -> Vec<f32> {
    Detw::new(name).take(len).collect()
}

/// Value and gradient of the unit distance in `f64`, from its definition.
fn unit_definition(x: &[f32], target: &[f32], head: &[f32]) -> (f64, Vec<f64>) {
    let positions = x.len() / head.len();
    let (mut value, mut gradient) = (0.0, vec![0.0; x.len()]);
    for p in 0..positions {
        let at = |c: usize| f64::from(x[c * positions + p]);
        let root = ((0..head.len()).map(|c| at(c).powi(2)).sum::<f64>() + 1e-20).sqrt();
        let norm = root + 1e-10;
        let error = |c: usize| at(c) / norm - f64::from(target[c * positions + p]);
        let slope = |c: usize| 2.0 * f64::from(head[c]) * error(c) / positions as f64;
        let dot: f64 = (0..head.len()).map(|c| slope(c) * at(c)).sum();
        for c in 0..head.len() {
            value += f64::from(head[c]) * error(c).powi(2) / positions as f64;
            gradient[c * positions + p] = slope(c) / norm - at(c) * dot / (norm * norm * root);
        }
    }
    (value, gradient)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn squared_distance_is_its_definition_on_every_instruction_set(len in 1usize..70_000) {
        let (x, target) = (numbers("x", len), numbers("target", len));
        let d = |i: usize| f64::from(x[i]) - f64::from(target[i]);
        let want = (0..len).map(|i| d(i).powi(2)).sum::<f64>() / len as f64;
        for isa in Isa::available() {
            let got = f64::from(squared_forward_on(isa, &x, &target));
            prop_assert!((got - want).abs() <= 1e-6 * want, "{} for {}", got, want);
            let gradient = squared_backward_on(isa, &x, &target, 3.0);
            for (i, g) in gradient.iter().enumerate() {
                // |d| is up to 2; the difference, the factor and the product round by 6e-8 each.
                let want = 6.0 * d(i) / len as f64;
                prop_assert!((f64::from(*g) - want).abs() <= 3e-6 / len as f64);
            }
        }
    }

    #[test]
    // From two channels on: a single one has unit length whatever it is, so its gradient is 0.
    fn unit_distance_is_its_definition_on_every_instruction_set(
        c in 2usize..20, positions in 1usize..700,
    ) {
        let (x, target) = (numbers("x", c * positions), numbers("target", c * positions));
        let head: Vec<f32> = numbers("head", c).iter().map(|v| v + 1.5).collect();
        let (value, gradient) = unit_definition(&x, &target, &head);
        let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        for isa in Isa::available() {
            let got = f64::from(unit_forward_on(isa, &x, &target, &head));
            prop_assert!((got - value).abs() <= 1e-5 * value, "{} for {}", got, value);
            for (got, want) in unit_backward_on(isa, &x, &target, &head, 2.0).iter().zip(&gradient) {
                prop_assert!((f64::from(*got) - 2.0 * want).abs() <= 1e-5 * scale);
            }
        }
    }
}

#[test]
fn a_position_without_features_has_no_gradient() {
    let gradient = unit_backward(&[0.0; 6], &[0.0; 6], &[1.0, 2.0], 1.0);
    assert_eq!(gradient, [0.0; 6]);
}
