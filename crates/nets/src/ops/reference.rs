//! Every operator as a composition of stock, differentiable operators: the slow,
//! obviously right twin of each kernel, and the path of devices without kernels.

use burn::tensor::activation::{leaky_relu, relu};
use burn::tensor::module::{conv_transpose2d, conv2d, interpolate, max_pool2d};
use burn::tensor::ops::{
    ConvOptions, ConvTransposeOptions, GridSampleOptions, GridSamplePaddingMode, InterpolateMode,
    InterpolateOptions, MaxPoolOptions,
};
use burn::tensor::{Tensor, TensorData};

use super::WindowKind;

/// Slope of the negative side of every generator activation.
pub const LEAKY_SLOPE: f64 = 0.2;

/// `[N,C]` as `[N,C,1,1]`.
fn per_channel(s: Tensor<2>) -> Tensor<4> {
    let [n, c] = s.dims();
    s.reshape([n, c, 1, 1])
}

/// `lrelu(PW(DW3x3(x * s)) + noise + bias)`; weights `dw [C,1,3,3]`, `pw [O,C,1,1]`.
pub fn separable(
    x: Tensor<4>,
    s: Tensor<2>,
    noise: Tensor<4>,
    dw: Tensor<4>,
    pw: Tensor<4>,
    bias: Tensor<1>,
) -> Tensor<4> {
    let channels = x.dims()[1];
    let x = x * per_channel(s);
    let x = conv2d(x, dw, None, ConvOptions::new([1, 1], [1, 1], [1, 1], channels));
    let x = conv2d(x, pw, Some(bias), ConvOptions::new([1, 1], [0, 0], [1, 1], 1));
    leaky_relu(x + noise, LEAKY_SLOPE)
}

/// `W (x * s) + b`; weight `[O,C,1,1]`.
pub fn pointwise(x: Tensor<4>, s: Tensor<2>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    conv2d(x * per_channel(s), weight, Some(bias), ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
}

/// Inverse orthonormal Haar transform of `x * s`; `[N,4c,H,W]` to `[N,c,2H,2W]`.
pub fn haar_up(x: Tensor<4>, s: Option<Tensor<2>>) -> Tensor<4> {
    let x = match s {
        Some(s) => x * per_channel(s),
        None => x,
    };
    let [n, c4, h, w] = x.dims();
    let c = c4 / 4;
    let low = x.clone().slice([0..n, 0..c]);
    let high = x.slice([0..n, c..c4]).reshape([n, c, 3, h, w]);
    let band = |b: usize| high.clone().slice([0..n, 0..c, b..b + 1]).reshape([n, c, h, w]);
    let (rows, columns, both) = (band(0), band(1), band(2));
    let pixel = |sp: f32, sq: f32| {
        (low.clone()
            + rows.clone().mul_scalar(sp)
            + columns.clone().mul_scalar(sq)
            + both.clone().mul_scalar(sp * sq))
        .mul_scalar(0.5)
    };
    let row = |sp: f32| -> Tensor<4> {
        Tensor::stack::<5>(vec![pixel(sp, 1.0), pixel(sp, -1.0)], 4).reshape([n, c, h, 2 * w])
    };
    Tensor::stack::<5>(vec![row(1.0), row(-1.0)], 3).reshape([n, c, 2 * h, 2 * w])
}

/// Zeros between pixels, then the filter `[1,3,3,1] / 4` along both axes, zeros outside
/// the map; `margin` more pixels on every side.
pub fn fir_double(x: Tensor<4>, margin: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let device = x.device();
    let zeros = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device);
    // The zeros after every pixel, and on every side as many as the filter reaches to.
    let x = Tensor::cat(vec![x.reshape([n * c * h, w, 1, 1]), zeros([n * c * h, w, 1, 1])], 2);
    let x = x.reshape([n, c, h, 2 * w]);
    let x = Tensor::cat(vec![x.reshape([n * c, h, 1, 2 * w]), zeros([n * c, h, 1, 2 * w])], 2);
    let x = x.reshape([n, c, 2 * h, 2 * w]);
    let before = 2 + margin;
    let after = 1 + margin;
    let column = |k: usize| zeros([n, c, 2 * h, k]);
    let x = Tensor::cat(vec![column(before), x, column(after)], 3);
    let width = 2 * w + before + after;
    let row = |k: usize| zeros([n, c, k, width]);
    let x = Tensor::cat(vec![row(before), x, row(after)], 2);
    let (height, width) = (2 * h + 2 * margin, 2 * w + 2 * margin);
    let taps = [0.25f32, 0.75, 0.75, 0.25];
    let mut sum: Option<Tensor<4>> = None;
    for (dy, a) in taps.iter().enumerate() {
        for (dx, b) in taps.iter().enumerate() {
            let part = x.clone().slice([0..n, 0..c, dy..dy + height, dx..dx + width]);
            let part = part.mul_scalar(a * b);
            sum = Some(match sum {
                Some(sum) => sum + part,
                None => part,
            });
        }
    }
    sum.expect("the filter has taps")
}

/// `clamp(sqrt(2) lrelu(d x + strength noise + bias))` on the middle of `x`.
pub fn modulated_epilogue(
    x: Tensor<4>,
    d: Tensor<2>,
    noise: Tensor<4>,
    bias: Tensor<1>,
    strength: f32,
    clamp: Option<f32>,
) -> Tensor<4> {
    let [n, c, height, _] = x.dims();
    let [_, _, h, w] = noise.dims();
    let m = (height - h) / 2;
    let x = x.slice([0..n, 0..c, m..m + h, m..m + w]);
    let x = x * per_channel(d) + noise.mul_scalar(strength) + bias.reshape([1, c, 1, 1]);
    let y = leaky_relu(x, LEAKY_SLOPE).mul_scalar(std::f32::consts::SQRT_2);
    match clamp {
        Some(bound) => y.clamp(-bound, bound),
        None => y,
    }
}

/// 3x3 convolution, stride 1, zero padding 1, with bias and optional ReLU.
pub fn conv3x3(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    rectify: bool,
) -> Tensor<4> {
    let y = conv2d(x, weight, bias, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
    if rectify { relu(y) } else { y }
}

/// Convolution or transposed convolution with bias and leaky activation; weight `[O,C,k,k]` or
/// `[C,O,4,4]`.
pub fn window(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    kind: WindowKind,
    slope: f64,
) -> Tensor<4> {
    let y = match kind {
        WindowKind::Convolution { side, stride } => {
            let options = ConvOptions::new([stride; 2], [side / 2; 2], [1, 1], 1);
            conv2d(x, weight, Some(bias), options)
        }
        WindowKind::Doubling => {
            let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], 1);
            conv_transpose2d(x, weight, Some(bias), options)
        }
    };
    if slope == 1.0 { y } else { leaky_relu(y, slope) }
}

/// FlowNetC's correlation, see [`super::correlation`](fn@super::correlation).
pub fn correlation(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = a.dims();
    let b = b.pad((20, 20, 20, 20), burn::tensor::ops::PadMode::Constant(0.0));
    let shifts = (0..21).flat_map(|j| (0..21).map(move |i| (2 * j, 2 * i)));
    let planes = shifts.map(|(j, i)| {
        let shifted = b.clone().slice([0..n, 0..c, j..j + h, i..i + w]);
        (a.clone() * shifted).mean_dim(1)
    });
    Tensor::cat(planes.collect(), 1)
}

/// 2x2 maximum, stride 2; an odd last row or column is dropped.
pub fn max_pool2(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2]))
}

/// Bilinear resize, half-pixel centres, no antialiasing: one matrix along each axis. (The stock
/// `interpolate` has no backward on graphics devices.)
pub fn resize_bilinear(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let device = x.device().inner();
    let along = |from, to| {
        let weights = bilinear_weights(from, to);
        Tensor::<4>::from_data(TensorData::new(weights, [1, 1, to, from]), &device)
    };
    along(h, size[0]).matmul(x).matmul(along(w, size[1]).transpose())
}

/// The weights `[to, from]` of a bilinear resize of one axis.
fn bilinear_weights(from: usize, to: usize) -> Vec<f32> {
    let mut weights = vec![0.0; to * from];
    for (i, row) in weights.chunks_exact_mut(from).enumerate() {
        let place = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let left = (place as usize).min(from - 1);
        let part = (place - left as f64) as f32;
        row[left] += 1.0 - part;
        row[(left + 1).min(from - 1)] += part;
    }
    weights
}

/// `out(p) = x(p + flow(p))`, bilinear, border replicated; `flow` in pixels, (dx, dy).
pub fn warp(x: Tensor<4>, flow: Tensor<4>) -> Tensor<4> {
    let [n, _, h, w] = x.dims();
    let device = flow.device();
    let axis = |len: usize| Tensor::<1, burn::tensor::Int>::arange(0..len as i64, &device).float();
    let xs = axis(w).reshape([1, 1, w]).expand([n, h, w]);
    let ys = axis(h).reshape([1, h, 1]).expand([n, h, w]);
    let channel = |c: usize| flow.clone().slice([0..n, c..c + 1]).reshape([n, h, w]);
    // align_corners: pixel centres 0..len-1 map to -1..1; a single pixel maps to 0.
    let normalised =
        |p: Tensor<3>, len: usize| p.mul_scalar(2.0 / (len.max(2) - 1) as f32).sub_scalar(1.0);
    let gx = normalised(xs + channel(0), w);
    let gy = normalised(ys + channel(1), h);
    let grid = Tensor::stack::<4>(vec![gx, gy], 3);
    let options = GridSampleOptions::new(InterpolateMode::Bilinear)
        .with_padding_mode(GridSamplePaddingMode::Border)
        .with_align_corners(true);
    x.grid_sample_2d(grid, options)
}

/// `mean (x - target)^2`.
pub fn squared_distance(x: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    (x - target).powf_scalar(2.0).mean()
}

/// `x / (sqrt(sum_c x_c^2 + 1e-20) + 1e-10)`: unit length over channels at every position.
pub fn unit(x: Tensor<4>) -> Tensor<4> {
    let norm = (x.clone().powf_scalar(2.0).sum_dim(1) + 1e-20).sqrt() + 1e-10;
    x / norm
}

/// Mean over positions of `sum_c head_c (unit(x)_c - target_c)^2`.
pub fn unit_distance(x: Tensor<4>, target: Tensor<4>, head: Tensor<4>) -> Tensor<1> {
    ((unit(x) - target).powf_scalar(2.0) * head).sum_dim(1).mean()
}

/// Depthwise `[1,2,1] x [1,2,1] / 16`, zeros around the map.
pub fn blur(x: Tensor<4>) -> Tensor<4> {
    let c = x.dims()[1];
    let taps = [1.0f32, 2.0, 1.0];
    let kernel: Vec<f32> =
        taps.iter().flat_map(|a| taps.iter().map(move |b| a * b / 16.0)).collect();
    let device = x.device().inner();
    let kernel = Tensor::<4>::from_data(TensorData::new(kernel, [1, 1, 3, 3]), &device);
    conv2d(x, kernel.expand([c, 1, 3, 3]), None, ConvOptions::new([1, 1], [1, 1], [1, 1], c))
}

/// `IN(lrelu(x)) * (1 + s0) + s1`; every plane is brought to mean 0 and variance 1 (`epsilon`
/// added); `s [N,2C]` holds `s0`, then `s1`.
pub fn styled_norm(x: Tensor<4>, s: Tensor<2>, epsilon: f32) -> Tensor<4> {
    let [n, c, _, _] = x.dims();
    let x = leaky_relu(x, LEAKY_SLOPE);
    let centred = x.clone() - x.mean_dim(3).mean_dim(2);
    let variance = centred.clone().powf_scalar(2.0).mean_dim(3).mean_dim(2);
    let part = |k: usize| per_channel(s.clone().slice([0..n, k * c..(k + 1) * c]));
    centred / (variance + epsilon).sqrt() * (part(0) + 1.0) + part(1)
}

/// Every pixel four times: `[N,C,H,W]` to `[N,C,2H,2W]`.
pub fn nearest_double(x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let options =
        InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * h, 2 * w]);
    interpolate(x, options)
}
