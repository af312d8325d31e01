//! StyleGAN1 through our kernels against the same network out of stock operators, at
//! the published widths: what fast convolutions and fused epilogues cost in accuracy.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{detw, relative};
use reelgan_nets::Weights;
use reelgan_nets::generators::StyleGan1;
use reelgan_nets::ops::reference;

const DIM: usize = 512;
const SIDE: usize = 256;
/// Bound of uniform numbers of unit variance.
const UNIT: f32 = 1.732_050_8;

/// Channels of the layers of a resolution: 8192 shared out, 512 at most.
fn channels(side: usize) -> usize {
    (16_384 / side).min(512)
}

fn sides() -> impl Iterator<Item = usize> {
    (2..).map(|k| 1 << k).take_while(|&side| side <= SIDE)
}

fn random_weights() -> Weights {
    let mut weights = Weights::empty(StyleGan1::NETWORK);
    let mut add = |name: String, shape: &[usize], scale: f32| {
        let data = detw(&name, shape.iter().product(), scale * UNIT);
        weights.insert(&name, shape.to_vec(), data);
    };
    add("g_mapping.dense0.weight".into(), &[DIM, DIM], 1.0);
    add("g_mapping.dense0.bias".into(), &[DIM], 0.1);
    add("g_synthesis.blocks.4x4.const".into(), &[1, channels(4), 4, 4], 1.0);
    add("g_synthesis.blocks.4x4.bias".into(), &[channels(4)], 0.1);
    for size in sides() {
        let c = channels(size);
        let block = format!("g_synthesis.blocks.{size}x{size}");
        let plain = if size == 4 { "conv" } else { "conv1" };
        if size > 4 {
            add(format!("{block}.conv0_up.weight"), &[c, channels(size / 2), 3, 3], 1.0);
            add(format!("{block}.conv0_up.bias"), &[c], 0.1);
        }
        add(format!("{block}.{plain}.weight"), &[c, c, 3, 3], 1.0);
        add(format!("{block}.{plain}.bias"), &[c], 0.1);
        for epilogue in ["epi1", "epi2"] {
            add(format!("{block}.{epilogue}.top_epi.noise.weight"), &[c], 0.1);
            add(format!("{block}.{epilogue}.style_mod.lin.weight"), &[2 * c, DIM], 1.0);
            add(format!("{block}.{epilogue}.style_mod.lin.bias"), &[2 * c], 0.1);
        }
    }
    add("g_synthesis.torgb.weight".into(), &[3, channels(SIDE), 1, 1], 1.0);
    add("g_synthesis.torgb.bias".into(), &[3], 0.1);
    weights
}

/// The network out of stock operators.
struct Stock<'a> {
    weights: &'a Weights,
    device: Device,
}

impl Stock<'_> {
    fn get<const D: usize>(&self, name: &str, shape: [usize; D]) -> Tensor<D> {
        self.weights.tensor(name, shape, &self.device).expect("an array of this shape")
    }

    fn convolved(&self, x: Tensor<4>, layer: &str, c: usize, turned: bool) -> Tensor<4> {
        let input = x.dims()[1];
        let gain = (2.0 / (9 * input) as f32).sqrt();
        let kernel = self.get(&format!("{layer}.weight"), [c, input, 3, 3]).mul_scalar(gain);
        let kernel = if turned { kernel.flip([2, 3]) } else { kernel };
        reference::conv3x3(x, kernel, None, false)
    }

    fn epilogue(
        &self,
        x: Tensor<4>,
        name: &str,
        bias: &str,
        w: Tensor<2>,
        noise: Tensor<4>,
    ) -> Tensor<4> {
        let c = x.dims()[1];
        let style = self.get(&format!("{name}.style_mod.lin.weight"), [2 * c, DIM]);
        let style = w.matmul(style.mul_scalar(1.0 / (DIM as f32).sqrt()).transpose())
            + self.get(&format!("{name}.style_mod.lin.bias"), [1, 2 * c]);
        let strength = self.get(&format!("{name}.top_epi.noise.weight"), [1, c, 1, 1]);
        let x = x + self.get(bias, [1, c, 1, 1]) + noise * strength;
        reference::styled_norm(x, style, 1e-5)
    }

    fn synthesize(&self, codes: Tensor<3>, noise: &[Tensor<4>]) -> Tensor<4> {
        let [n, _, _] = codes.dims();
        let row = |k: usize| codes.clone().slice([0..n, k..k + 1]).reshape([n, DIM]);
        let c = channels(4);
        let mut x = self.get("g_synthesis.blocks.4x4.const", [1, c, 4, 4]).expand([n, c, 4, 4]);
        for (k, size) in sides().enumerate() {
            let c = channels(size);
            let block = format!("g_synthesis.blocks.{size}x{size}");
            let (bias, plain) =
                if size == 4 { ("bias", "conv") } else { ("conv0_up.bias", "conv1") };
            if size > 4 {
                let layer = format!("{block}.conv0_up");
                // Published as a transposed convolution from 128 px on.
                x = self.convolved(reference::nearest_double(x), &layer, c, size >= 128);
                x = reference::blur(x);
            }
            let epilogue = |x, j: usize, bias: &str| {
                let (name, bias) = (format!("{block}.epi{}", j + 1), format!("{block}.{bias}"));
                self.epilogue(x, &name, &bias, row(2 * k + j), noise[2 * k + j].clone())
            };
            x = epilogue(x, 0, bias);
            x = self.convolved(x, &format!("{block}.{plain}"), c, false);
            x = epilogue(x, 1, &format!("{plain}.bias"));
        }
        let c = channels(SIDE);
        let rgb = self.get("g_synthesis.torgb.weight", [3, c, 1, 1]);
        let ones = Tensor::ones([n, c], &self.device);
        let bias = self.get("g_synthesis.torgb.bias", [3]);
        reference::pointwise(x, ones, rgb.mul_scalar(1.0 / (c as f32).sqrt()), bias)
    }
}

fn tensor<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let data = detw(name, shape.iter().product(), UNIT);
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// Measured with AVX-512: images 7e-6, gradients 3e-4.
#[test]
fn images_and_gradients_match_stock_operators() {
    let weights = random_weights();
    let device = Device::flex();
    let net = StyleGan1::from_weights(&weights, &device).expect("whole weights");
    let stock = Stock { weights: &weights, device };
    let noise: Vec<Tensor<4>> = net
        .noise_shapes()
        .iter()
        .enumerate()
        .map(|(k, &[h, w])| tensor(&format!("noise{k}"), [1, 1, h, w]))
        .collect();
    let target = tensor("target", [1, 3, SIDE, SIDE]);
    let run = |synthesize: &dyn Fn(Tensor<3>) -> Tensor<4>| {
        let codes = tensor("codes", [1, net.rows(), DIM]).autodiff().require_grad();
        let image = synthesize(codes.clone());
        let mut grads = reference::squared_distance(image.clone(), target.clone()).backward();
        (values(image.inner()), values(codes.grad_remove(&mut grads).expect("a gradient")))
    };
    let (image, gradient) = run(&|codes| net.synthesize(codes, &noise));
    let (stock_image, stock_gradient) = run(&|codes| stock.synthesize(codes, &noise));
    let error = relative(&image, &stock_image);
    assert!(error < 1e-4, "the image differs by {error}");
    let error = relative(&gradient, &stock_gradient);
    assert!(error < 1e-3, "the gradient to the codes differs by {error}");
    println!("image {}, gradient {error}", relative(&image, &stock_image));
}
