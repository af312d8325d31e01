//! Pixel and warp terms taken together against the same terms one by one out of stock
//! operators, value and gradient.

use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;
use reelgan::loss::{Along, ImageLoss, ImageTerms, ImageTermsBuilder, ImageWeights};
use reelgan_golden::{Detw, relative};
use reelgan_run::Flow;

fn numbers(name: &str, len: usize) -> Vec<f32> {
    Detw::new(name).take(len).collect()
}

/// Total, parts and gradient at `x`; the total is scaled, so that the incoming gradient is not 1.
fn at(terms: &ImageTerms, x: &[f32], [h, w]: [usize; 2]) -> (Vec<f32>, Vec<f32>) {
    let x = Tensor::<4>::from_data(TensorData::new(x.to_vec(), [1, 3, h, w]), &Device::flex());
    let x = x.autodiff().require_grad();
    let ImageLoss { total, pixel, consistency, cross_frame } = terms.loss(x.clone());
    let value = total.clone().into_scalar::<f32>();
    let mut grads = total.mul_scalar(3.0).backward();
    let gradient = x.grad_remove(&mut grads).expect("a gradient").into_data();
    let gradient = gradient.try_into_vec::<f32>().expect("f32");
    (vec![value, pixel, consistency, cross_frame], gradient)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn together_as_one_by_one(
        (h, w) in (1usize..40, 1usize..40),
        kinds in prop::collection::vec(any::<bool>(), 0..5),
        reach in prop::sample::select(vec![0f32, 1.3, 9.0, 100.0]),
        (pixel, consistency, cross) in (0u8..3, 0u8..3, 0u8..3),
    ) {
        let size = h * w;
        let (target, x) = (numbers("target", 3 * size), numbers("x", 3 * size));
        let other = numbers("other", 3 * size);
        let flows: Vec<Flow> = (0..kinds.len())
            .map(|k| {
                let flow = numbers(&format!("flow{k}"), 2 * size);
                Flow::new(1, h, w, flow.iter().map(|v| reach * v).collect()).expect("a flow")
            })
            .collect();
        let masks: Vec<Vec<f32>> = (0..kinds.len())
            .map(|k| (0..size).map(|i| ((i + k) % 3 != 0) as u8 as f32).collect())
            .collect();
        let along = |mut terms: ImageTermsBuilder| {
            for (k, flow) in flows.iter().enumerate() {
                let other = kinds[k].then_some((&other[..], &masks[k][..]));
                terms.add(Along { flow, weight: 0.3 + k as f32, other });
            }
            terms.finish()
        };
        let weights = ImageWeights {
            pixel: pixel.into(),
            consistency: consistency.into(),
            cross_frame: cross.into(),
        };
        let device = Device::flex();
        let fast = along(ImageTermsBuilder::new(&target, [h, w], weights, &device));
        let slow = along(ImageTermsBuilder::one_by_one(&target, [h, w], weights, &device));
        prop_assert_eq!(fast.is_some(), slow.is_some());
        let (Some(fast), Some(slow)) = (fast, slow) else { return Ok(()) };
        let ((values, gradient), (want, slope)) = (at(&fast, &x, [h, w]), at(&slow, &x, [h, w]));
        for (value, want) in values.iter().zip(&want) {
            prop_assert!((value - want).abs() <= 1e-5 * want.abs(), "{} for {}", value, want);
        }
        prop_assert!(relative(&gradient, &slope) < 1e-5, "{}", relative(&gradient, &slope));
    }
}
