//! Every operator with kernels of its own against the same out of stock operators,
//! forward and backward, over odd sizes, batches and channel counts.

use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;
use reelgan_golden::{Detw, relative};
use reelgan_nets::ops::{
    Conv3x3, DoubledConv3x3, LayerEpilogue, ModulatedEpilogue, Pointwise, Separable,
    SquaredDistance, UnitDistance, Warp, Window, WindowKind, correlation, fir_double, haar_up,
    max_pool2, reference, resize_bilinear,
};

fn numbers(name: &str, len: usize) -> Vec<f32> {
    Detw::new(name).take(len).collect()
}

fn tensor<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let data = numbers(name, shape.iter().product());
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// Output and gradients (to x, s, noise) of `f` under a fixed gradient of the output.
fn run(
    f: impl Fn(Tensor<4>, Tensor<2>, Tensor<4>) -> Tensor<4>,
    [n, c, h, w]: [usize; 4],
) -> [Vec<f32>; 4] {
    let x = tensor("x", [n, c, h, w]).autodiff().require_grad();
    let s = (tensor("s", [n, c]) + 1.5).autodiff().require_grad();
    let noise = tensor("noise", [1, 1, h, w]).autodiff().require_grad();
    let y = f(x.clone(), s.clone(), noise.clone());
    let out = y.dims();
    let mut grads = (y.clone() * tensor("gradient", out)).sum().backward();
    let zero = |len| vec![0.0; len];
    let gx = x.grad_remove(&mut grads).map_or(zero(n * c * h * w), values);
    let gs = s.grad_remove(&mut grads).map_or(zero(n * c), values);
    let gn = noise.grad_remove(&mut grads).map_or(zero(h * w), values);
    [values(y.inner()), gx, gs, gn]
}

/// One number as a map of one pixel.
fn as_map(x: Tensor<1>) -> Tensor<4> {
    x.reshape([1, 1, 1, 1])
}

/// `tolerance` is relative, in the root-mean-square sense.
fn agree(
    what: &str,
    fast: impl Fn(Tensor<4>, Tensor<2>, Tensor<4>) -> Tensor<4>,
    slow: impl Fn(Tensor<4>, Tensor<2>, Tensor<4>) -> Tensor<4>,
    shape: [usize; 4],
    tolerance: f64,
) {
    let names = ["output", "gradient to x", "gradient to s", "gradient to noise"];
    for ((name, fast), slow) in names.iter().zip(run(fast, shape)).zip(run(slow, shape)) {
        if slow.iter().all(|v| *v == 0.0) {
            assert!(fast.iter().all(|v| *v == 0.0), "{what}: {name} should be zero");
            continue;
        }
        let error = relative(&fast, &slow);
        assert!(error < tolerance, "{what} {shape:?}: {name} differs by {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn separable(n in 1usize..4, c in 1usize..40, o in 1usize..40, h in 1usize..20, w in 1usize..20) {
        let layer = Separable::new(
            &numbers("dw", c * 9), &numbers("pw", o * c), &numbers("bias", o), &Device::flex(),
        );
        let (fast, slow) = (&layer, &layer);
        agree("separable", |x, s, z| fast.forward(x, s, z), |x, s, z| slow.reference(x, s, z), [n, c, h, w], 1e-5);
    }

    #[test]
    fn pointwise(n in 1usize..4, c in 1usize..70, o in 1usize..20, h in 1usize..20, w in 1usize..20) {
        let layer = Pointwise::new(&numbers("weight", o * c), &numbers("bias", o), &Device::flex());
        agree("pointwise", |x, s, _| layer.forward(x, s), |x, s, _| layer.reference(x, s), [n, c, h, w], 1e-5);
    }

    #[test]
    fn haar(n in 1usize..4, c in 1usize..10, h in 1usize..20, w in 1usize..20) {
        let shape = [n, 4 * c, h, w];
        agree("haar", |x, s, _| haar_up(x, Some(s)), |x, s, _| reference::haar_up(x, Some(s)), shape, 1e-5);
        agree("haar, no style", |x, _, _| haar_up(x, None), |x, _, _| reference::haar_up(x, None), shape, 1e-5);
    }

    #[test]
    fn conv3x3(n in 1usize..3, c in 1usize..40, o in 1usize..40, h in 1usize..24, w in 1usize..24, rectify: bool) {
        let layer = Conv3x3::new(
            &numbers("kernel", o * c * 9), Some(&numbers("bias", o)), [o, c], rectify, &Device::flex(),
        );
        // Winograd transforms round a little more than a direct sum.
        agree("conv3x3", |x, _, _| layer.forward(x), |x, _, _| layer.reference(x), [n, c, h, w], 1e-4);
    }

    #[test]
    fn doubled_conv3x3(n in 1usize..3, c in 1usize..40, o in 1usize..40, h in 1usize..16, w in 1usize..16) {
        let layer = DoubledConv3x3::new(&numbers("kernel", o * c * 9), [o, c], &Device::flex());
        agree("doubled conv3x3", |x, _, _| layer.forward(x), |x, _, _| layer.reference(x), [n, c, h, w], 1e-5);
    }

    #[test]
    // From four pixels on: one is normalised to zero and two to -1 and 1, whatever they were, so that
    // the gradient is rounding noise.
    fn layer_epilogue(n in 1usize..3, c in 1usize..20, h in 2usize..20, w in 2usize..20, blur: bool) {
        let (bias, strength) = (numbers("bias", c), numbers("strength", c));
        let layer = LayerEpilogue::new(&bias, &strength, blur, 1e-5, &Device::flex());
        // The style has two numbers a channel; the ones that `run` makes are doubled.
        let styles = |s: Tensor<2>| Tensor::cat(vec![s.clone(), s.mul_scalar(0.3)], 1);
        agree("epilogue", |x, s, z| layer.forward(x, styles(s), z), |x, s, z| layer.reference(x, styles(s), z), [n, c, h, w], 1e-4);
    }

    #[test]
    fn pooling_and_resizing(n in 1usize..3, c in 1usize..5, h in 2usize..30, w in 2usize..30, a in 1usize..40, b in 1usize..40) {
        agree("pool", |x, _, _| max_pool2(x), |x, _, _| reference::max_pool2(x), [n, c, h, w], 1e-6);
        agree("resize", |x, _, _| resize_bilinear(x, [a, b]), |x, _, _| reference::resize_bilinear(x, [a, b]), [n, c, h, w], 1e-5);
    }

    #[test]
    fn filtered_doubling(n in 1usize..3, c in 1usize..5, h in 1usize..20, w in 1usize..20, m in 0usize..2) {
        let shape = [n, c, h, w];
        agree("fir", |x, _, _| fir_double(x, m), |x, _, _| reference::fir_double(x, m), shape, 1e-6);
    }

    #[test]
    fn modulated_epilogue(
        n in 1usize..3, c in 1usize..5, h in 1usize..20, w in 1usize..20, m in 0usize..2, bounded: bool,
    ) {
        // The bound cuts off some of the numbers, whose size is about 1.
        let bound = bounded.then_some(0.9);
        let layer = ModulatedEpilogue::new(&numbers("bias", c), 0.7, bound, &Device::flex());
        let size = [n, c, h + 2 * m, w + 2 * m];
        let middle = |z: Tensor<4>| z.slice([0..1, 0..1, m..m + h, m..m + w]);
        agree(
            "epilogue",
            |x, s, z| layer.forward(x, s, middle(z)),
            |x, s, z| layer.reference(x, s, middle(z)),
            size,
            1e-5,
        );
    }

    #[test]
    // From two channels on: a single one has unit length whatever it is, so its
    // gradient is 0 and both sides are rounding noise.
    fn distances(c in 2usize..20, h in 1usize..24, w in 1usize..24) {
        let shape = [1, c, h, w];
        let squared = SquaredDistance::new(tensor("target", shape));
        agree("squared", |x, _, _| as_map(squared.forward(x)), |x, _, _| as_map(squared.reference(x)), shape, 1e-5);
        let target = reference::unit(tensor("target", shape));
        let unit = UnitDistance::new(target, tensor("head", [1, c, 1, 1]) + 1.5);
        agree("unit", |x, _, _| as_map(unit.forward(x)), |x, _, _| as_map(unit.reference(x)), shape, 1e-4);
    }

    #[test]
    fn warping(n in 1usize..3, c in 1usize..5, h in 2usize..24, w in 2usize..24, reach in 0.0f32..12.0) {
        let flow: Vec<f32> = numbers("flow", n * 2 * h * w).iter().map(|v| v * reach).collect();
        let warp = Warp::new(&flow, [n, h, w], &Device::flex());
        // The stock path normalises coordinates to [-1,1] and back, which rounds positions.
        agree("warp", |x, _, _| warp.forward(x), |x, _, _| warp.reference(x), [n, c, h, w], 1e-4);
    }
}

/// Output of a forward-only operator against the same out of stock operators.
fn forward_agrees(what: &str, fast: Tensor<4>, slow: Tensor<4>) {
    assert_eq!(fast.dims(), slow.dims(), "{what}");
    let error = relative(&values(fast), &values(slow));
    assert!(error < 1e-5, "{what}: output differs by {error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn windows(
        (n, c, o) in (1usize..3, 2usize..9, 1usize..20),
        (h, w) in (1usize..12, 1usize..50),
        (side, stride) in (0usize..4, 1usize..3),
    ) {
        let kinds = [WindowKind::Convolution { side: 2 * side + 1, stride }, WindowKind::Doubling];
        for kind in kinds {
            let side = match kind {
                WindowKind::Convolution { side, .. } => side,
                WindowKind::Doubling => 4,
            };
            let weight = numbers("weight", o * c * side * side);
            let bias = numbers("bias", o);
            let device = Device::flex();
            let (channels, slope) = ([o, c], 0.1);
            let fast = Window::new(kind, weight.clone(), bias.clone(), channels, slope, &device);
            let slow = Window::stock(kind, weight, bias, channels, slope, &device);
            let x = tensor("x", [n, c, h, w]);
            let parts = [x.clone().slice([0..n, 0..1]), x.clone().slice([0..n, 1..c])];
            forward_agrees("window", fast.forward(parts.clone()), slow.forward(parts));
            forward_agrees("window, one part", fast.forward([x.clone()]), slow.forward([x]));
        }
    }

    #[test]
    fn correlations((n, c) in (1usize..3, 1usize..9), (h, w) in (1usize..30, 1usize..50)) {
        let (a, b) = (tensor("a", [n, c, h, w]), tensor("b", [n, c, h, w]));
        forward_agrees("correlation", correlation(a.clone(), b.clone()), reference::correlation(a, b));
    }
}
