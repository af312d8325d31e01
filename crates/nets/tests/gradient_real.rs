//! The gradient of the losses to W+ on the real weights: kernels against stock operators,
//! and what each algorithm of the 3x3 convolution adds to the difference.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, relative};
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::generators::MobileStyleGan;
use reelgan_nets::ops::cpu::conv3x3::Algorithm;
use reelgan_nets::ops::{reference, resize_bilinear};
use reelgan_nets::perceptual::{Tap, Vgg16};

const SIDE: usize = 256;

/// What rounding the factors of 14 layers, by up to 1/256 each, may do to a gradient: hardly any of
/// them is rounded by so much, and they are as often too large as too small.
const BF16: f64 = 2.0 / 256.0;

fn weights(name: &str, kind: Kind, network: &'static str) -> Weights {
    let store = Store::standard().expect("a cache folder");
    let path = store.path_as(name, kind).expect("fetched before (`reelgan models fetch`)");
    Weights::open(network, &path).expect("readable weights")
}

fn code(name: &str) -> Tensor<3> {
    let values = Golden::open("generator.safetensors").values(name);
    Tensor::from_data(TensorData::new(values, [1, 16, 512]), &Device::flex())
}

/// Gradient to the code of a loss of the image.
fn gradient(
    code: Tensor<3>,
    synthesize: impl Fn(Tensor<3>) -> Tensor<4>,
    loss: impl Fn(Tensor<4>) -> Tensor<1>,
) -> Vec<f32> {
    let code = code.autodiff().require_grad();
    let mut grads = loss(synthesize(code.clone())).backward();
    let gradient = code.grad_remove(&mut grads).expect("a gradient").into_data();
    gradient.try_into_vec::<f32>().expect("f32")
}

/// `sum over taps of mean (F(target) - F(x))^2`, with the given networks and resizing.
fn perceptual(
    x: Tensor<4>,
    target: &[Tensor<4>],
    features: impl Fn(Tensor<4>) -> Vec<Tensor<4>>,
) -> Tensor<1> {
    let terms = features(x).into_iter().zip(target);
    let terms = terms.map(|(f, target)| reference::squared_distance(f, target.clone()));
    terms.reduce(|a, b| a + b).expect("four taps")
}

/// The bound is the project's: 1e-3 of the gradient's root mean square.
#[test]
fn heavy_gradient_to_wplus_is_that_of_stock_operators_for_every_algorithm() {
    let device = Device::flex();
    let net = weights("mobilestylegan-ffhq-1024", Kind::Generator, MobileStyleGan::NETWORK);
    let net = MobileStyleGan::from_weights(&net, &device).expect("weights of the network");
    let vgg_weights = weights("vgg16", Kind::Perceptual, Vgg16::NETWORK);
    let vgg = || Vgg16::from_weights(&vgg_weights, &device).expect("weights of the network");
    let unit = |image: Tensor<4>| image.mul_scalar(0.5).add_scalar(0.5);

    let stock = vgg();
    let target = net.synthesize(code("code_a.wplus"), net.noise());
    let small = resize_bilinear(unit(target), [SIDE, SIDE]);
    let target = stock.reference(small, &Tap::PAPER);
    let want = gradient(
        code("code_b.wplus"),
        |code| unit(net.reference(code, net.noise())),
        |x| {
            perceptual(reference::resize_bilinear(x, [SIDE, SIDE]), &target, |x| {
                stock.reference(x, &Tap::PAPER)
            })
        },
    );
    let kernels = |net: &MobileStyleGan, vgg: &Vgg16| {
        gradient(
            code("code_b.wplus"),
            |code| unit(net.synthesize(code, net.noise())),
            |x| {
                perceptual(resize_bilinear(x, [SIDE, SIDE]), &target, |x| {
                    vgg.features(x, &Tap::PAPER)
                })
            },
        )
    };
    for algorithm in Algorithm::ALL {
        let error = relative(&kernels(&net, &vgg().with_algorithm(algorithm)), &want);
        println!("gradient to W+, {algorithm:?}: {error:.1e}");
        assert!(error < 1e-3, "{algorithm:?}: {error}");
    }
    let error = relative(&kernels(&net, &vgg()), &want);
    println!("gradient to W+, chosen for each layer: {error:.1e}");
    assert!(error < 1e-3, "chosen for each layer: {error}");

    // A choice of its own, for speed: factors of 8 bits, in the backward pass alone.
    let error = relative(&kernels(&net.with_bf16_gradients(), &vgg()), &want);
    println!("gradient to W+, generator by bf16: {error:.1e}");
    assert!(error > 1e-3 && error < BF16, "generator in bf16: {error}");
    let image = |net: &MobileStyleGan| {
        let image = net.synthesize(code("code_b.wplus"), net.noise());
        image.into_data().try_into_vec::<f32>().expect("f32")
    };
    assert_eq!(image(&net.with_bf16_gradients()), image(&net));
}
