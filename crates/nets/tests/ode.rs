//! The integrator of StyleFlow on problems with closed forms.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_nets::Error;
use reelgan_nets::styleflow::ode::integrate;

fn state(values: &[f32]) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [1, values.len()]);
    Tensor::from_data(data, &Device::flex())
}

fn numbers(t: Tensor<2>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// `y' = -y cos t`, solved by `y0 exp(-sin t)`, forwards and backwards.
#[test]
fn time_dependent_decay_meets_its_closed_form() {
    let field = |t: f64, y: Tensor<2>| y.mul_scalar(-t.cos());
    for (from, to) in [(0.0, 2.5), (2.5, 0.0), (1.0, -3.0)] {
        let got = numbers(integrate(&field, state(&[1.0, -0.5]), (from, to), 1e-6).unwrap());
        let factor = (from.sin() - to.sin()).exp() as f32;
        for (got, want) in got.iter().zip([factor, -0.5 * factor]) {
            assert!((got - want).abs() < 1e-5, "{from} to {to}: {got} instead of {want}");
        }
    }
}

#[test]
fn rotation_comes_back_to_where_it_began() {
    let field = |_: f64, y: Tensor<2>| {
        let [a, b] = [0, 1].map(|k| y.clone().slice([0..1, k..k + 1]));
        Tensor::cat(vec![b, a.neg()], 1)
    };
    let turn = std::f64::consts::TAU;
    let got = numbers(integrate(&field, state(&[0.6, 0.8]), (0.0, turn), 1e-7).unwrap());
    assert!((got[0] - 0.6).abs() < 1e-5 && (got[1] - 0.8).abs() < 1e-5, "{got:?}");
}

/// A quartic in t is integrated exactly, and so is it by the interpolant, so the
/// end inside the last step must be exact, too.
#[test]
fn interpolant_is_exact_for_quartics() {
    let field =
        |t: f64, y: Tensor<2>| y.zeros_like().add_scalar(4.0 * t.powi(3) - 3.0 * t * t + 1.0);
    for to in [0.3, 1.0, 1.7] {
        let got = numbers(integrate(&field, state(&[2.0]), (0.0, to), 1e-5).unwrap())[0];
        let want = (2.0 + to.powi(4) - to.powi(3) + to) as f32;
        assert!((got - want).abs() < 2e-6 * want.abs(), "{to}: {got} instead of {want}");
    }
}

#[test]
fn explosion_is_an_error() {
    // y' = y^2 reaches infinity at t = 1.
    let field = |_: f64, y: Tensor<2>| y.powf_scalar(2.0);
    let result = integrate(&field, state(&[1.0]), (0.0, 2.0), 1e-5);
    assert!(matches!(result, Err(Error::Integration { at, .. }) if at < 1.1), "{result:?}");
    let result = integrate(&field, state(&[f32::NAN]), (0.0, 2.0), 1e-5);
    assert!(matches!(result, Err(Error::Integration { .. })), "{result:?}");
}

#[test]
fn no_distance_is_no_change() {
    let field = |_: f64, _: Tensor<2>| -> Tensor<2> { unreachable!("nothing to integrate") };
    assert_eq!(numbers(integrate(&field, state(&[3.0]), (1.5, 1.5), 1e-5).unwrap()), [3.0]);
}
