//! Operators on another device than the processor, where they are made of stock operators:
//! the same values and gradients as our own kernels.
//!
//! `cargo test -p reelgan-nets --features wgpu --test devices`; the environment variable
//! `REELGAN_TEST_DEVICE` names the device, which must be there [default: wgpu:cpu, a
//! graphics driver that computes on the processor].
#![cfg(feature = "wgpu")]

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Detw, relative};
use reelgan_nets::DeviceName;
use reelgan_nets::ops::{
    Conv3x3, LayerEpilogue, ModulatedEpilogue, Pointwise, Separable, SquaredDistance, UnitDistance,
    Warp, fir_double, haar_up, max_pool2, reference, resize_bilinear,
};

fn device() -> Device {
    let name = std::env::var("REELGAN_TEST_DEVICE").unwrap_or_else(|_| "wgpu:cpu".into());
    name.parse::<DeviceName>().unwrap().open().unwrap()
}

fn numbers(name: &str, len: usize) -> Vec<f32> {
    Detw::new(name).take(len).collect()
}

fn tensor<const D: usize>(name: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
    let data = numbers(name, shape.iter().product());
    Tensor::from_data(TensorData::new(data, shape), device)
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// An operator built for a device, of a map, a style and a noise map.
type Made = Box<dyn Fn(Tensor<4>, Tensor<2>, Tensor<4>) -> Tensor<4>>;

/// Output and gradients of an operator under a fixed gradient of the output.
fn run(make: &dyn Fn(&Device) -> Made, [n, c, h, w]: [usize; 4], device: &Device) -> [Vec<f32>; 4] {
    let f = make(device);
    let x = tensor("x", [n, c, h, w], device).autodiff().require_grad();
    let s = (tensor("s", [n, c], device) + 1.5).autodiff().require_grad();
    let noise = tensor("noise", [1, 1, h, w], device).autodiff().require_grad();
    let y = f(x.clone(), s.clone(), noise.clone());
    let out = y.dims();
    let mut grads = (y.clone() * tensor("gradient", out, device)).sum().backward();
    let gx = x.grad_remove(&mut grads).map_or(Vec::new(), values);
    let gs = s.grad_remove(&mut grads).map_or(Vec::new(), values);
    let gn = noise.grad_remove(&mut grads).map_or(Vec::new(), values);
    [values(y.inner()), gx, gs, gn]
}

/// The same on the device and on the processor, relative in the root-mean-square sense.
fn agree(what: &str, make: &dyn Fn(&Device) -> Made, shape: [usize; 4]) {
    let names = ["output", "gradient to x", "gradient to s", "gradient to noise"];
    let (there, here) = (run(make, shape, &device()), run(make, shape, &Device::flex()));
    for ((name, there), here) in names.iter().zip(there).zip(here) {
        assert_eq!(there.is_empty(), here.is_empty(), "{what}: {name}");
        if !here.is_empty() {
            let error = relative(&there, &here);
            assert!(error < 2e-4, "{what} {shape:?}: {name} differs by {error}");
        }
    }
}

fn as_map(x: Tensor<1>) -> Tensor<4> {
    x.reshape([1, 1, 1, 1])
}

#[test]
fn operators_of_the_generators() {
    let [c, o] = [13, 7];
    agree(
        "separable",
        &|d| {
            let [dw, pw, bias] =
                [("dw", c * 9), ("pw", o * c), ("bias", o)].map(|(k, n)| numbers(k, n));
            let layer = Separable::new(&dw, &pw, &bias, d);
            Box::new(move |x, s, z| layer.forward(x, s, z))
        },
        [2, c, 9, 6],
    );
    agree(
        "pointwise",
        &|d| {
            let layer = Pointwise::new(&numbers("weight", o * c), &numbers("bias", o), d);
            Box::new(move |x, s, _| layer.forward(x, s))
        },
        [2, c, 5, 8],
    );
    agree("haar", &|_| Box::new(|x, s, _| haar_up(x, Some(s))), [2, 12, 5, 7]);
    agree("fir", &|_| Box::new(|x, _, _| fir_double(x, 1)), [2, 3, 6, 5]);
    for blur in [false, true] {
        agree(
            "epilogue of StyleGAN1",
            &|d| {
                let layer =
                    LayerEpilogue::new(&numbers("bias", c), &numbers("strength", c), blur, 1e-5, d);
                Box::new(move |x, s, z| {
                    let styles = Tensor::cat(vec![s.clone(), s.mul_scalar(0.3)], 1);
                    layer.forward(x, styles, z)
                })
            },
            [2, c, 6, 9],
        );
    }
    agree(
        "epilogue of StyleGAN2",
        &|d| {
            let layer = ModulatedEpilogue::new(&numbers("bias", c), 0.7, None, d);
            Box::new(move |x, s, z| layer.forward(x, s, z))
        },
        [2, c, 6, 9],
    );
}

#[test]
fn operators_of_the_losses() {
    let [c, o] = [6, 5];
    agree(
        "conv3x3",
        &|d| {
            let kernel = numbers("kernel", o * c * 9);
            let layer = Conv3x3::new(&kernel, Some(&numbers("bias", o)), [o, c], true, d);
            Box::new(move |x, _, _| layer.forward(x))
        },
        [2, c, 11, 9],
    );
    agree("pool", &|_| Box::new(|x, _, _| max_pool2(x)), [2, 3, 8, 7]);
    agree("resize", &|_| Box::new(|x, _, _| resize_bilinear(x, [5, 9])), [1, 3, 12, 7]);
    let shape = [1, c, 7, 5];
    agree(
        "squared distance",
        &|d| {
            let term = SquaredDistance::new(tensor("target", shape, d));
            Box::new(move |x, _, _| as_map(term.forward(x)))
        },
        shape,
    );
    agree(
        "LPIPS distance",
        &|d| {
            let target = reference::unit(tensor("target", shape, d));
            let term = UnitDistance::new(target, tensor("head", [1, c, 1, 1], d) + 1.5);
            Box::new(move |x, _, _| as_map(term.forward(x)))
        },
        shape,
    );
    let [n, _, h, w] = shape;
    agree(
        "warp",
        &|d| {
            let flow: Vec<f32> = numbers("flow", n * 2 * h * w).iter().map(|v| v * 3.0).collect();
            let warp = Warp::new(&flow, [n, h, w], d);
            Box::new(move |x, _, _| warp.forward(x))
        },
        shape,
    );
}
