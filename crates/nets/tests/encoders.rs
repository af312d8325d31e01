//! pSp, e4e and the in-domain encoder with its VGG against their authors' networks.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Detw, Golden, Key, keys, max_abs, path, relative};
use reelgan_nets::encoders::{InDomainEncoder, Psp, PspKind};
use reelgan_nets::perceptual::InDomainVgg;
use reelgan_nets::{Error, Weights};

const CHECKPOINT: &str = "styleganinv_ffhq64_encoder.pth";

/// Images that a reference gives in `[-1,1]`, in `[0,1]`.
fn images(golden: &Golden) -> Tensor<4> {
    let shape: [usize; 4] = golden.shape("x").try_into().expect("rank 4");
    let x = Tensor::<4>::from_data(TensorData::new(golden.values("x"), shape), &Device::flex());
    x.add_scalar(1.0).mul_scalar(0.5)
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// The reproducible numbers of `name` times `bound` plus `offset`.
fn numbers(name: &str, key: &Key, bound: f64, offset: f32) -> Vec<f32> {
    let bound = bound as f32;
    Detw::new(name).take(key.len()).map(|u| u * bound + offset).collect()
}

fn fan_in(key: &Key) -> f64 {
    (key.len() / key.shape[0]) as f64
}

fn in_domain_weights() -> Weights {
    Weights::open(InDomainEncoder::NETWORK, &path(CHECKPOINT)).expect("readable weights")
}

fn in_domain() -> InDomainEncoder {
    InDomainEncoder::from_weights(in_domain_weights(), &Device::flex()).expect("its weights")
}

#[test]
fn in_domain_dimensions_come_from_the_file() {
    let net = in_domain();
    assert_eq!((net.side(), net.rows(), net.dim()), (64, 10, 32));
}

#[test]
fn in_domain_codes_match_the_reference() {
    let golden = Golden::open("idinvert_encoder_64.safetensors");
    let difference = max_abs(&values(in_domain().encode(images(&golden))), &golden.values("codes"));
    println!("in-domain encoder: {difference:e}");
    assert!(difference < 1e-4, "codes differ by {difference}");
}

/// Its loss sends gradients through the encoder to the image: the gradient of `v E(x)`
/// against central differences, in each quarter of the image along the gradient there.
///
/// Along the gradient because the activations have kinks: a step that is large enough
/// for f32 crosses some, and along a random direction they would outweigh the slope.
#[test]
fn in_domain_gradient_matches_finite_differences() {
    let net = in_domain();
    let x = images(&Golden::open("idinvert_encoder_64.safetensors")).narrow(0, 0, 1);
    let (rows, dim) = (net.rows(), net.dim());
    let weights: Vec<f32> = Detw::new("weights").take(rows * dim).collect();
    let v = TensorData::new(weights.clone(), [1, rows, dim]);
    let leaf = x.clone().autodiff().require_grad();
    let loss = (net.encode(leaf.clone()) * Tensor::from_data(v, &Device::flex())).sum();
    let mut grads = loss.backward();
    let gradient = values(leaf.grad_remove(&mut grads).expect("a gradient"));
    // The difference of the codes is taken first and summed in f64: the loss itself
    // would be rounded by a good part of what a step changes.
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    for quarter in 0..4 {
        let inside = |i: usize| (i / 64 % 64 / 32, i % 64 / 32) == (quarter / 2, quarter % 2);
        let part: Vec<f32> =
            gradient.iter().enumerate().map(|(i, g)| if inside(i) { *g } else { 0.0 }).collect();
        let largest = part.iter().fold(0.0f32, |m, g| m.max(g.abs()));
        let along: Vec<f32> = part.iter().map(|g| g / largest).collect();
        let direction = TensorData::new(along.clone(), [1, 3, 64, 64]);
        let direction = Tensor::<4>::from_data(direction, &Device::flex());
        let step = 1e-3;
        let codes = |h: f64| values(net.encode(x.clone() + direction.clone().mul_scalar(h)));
        let change: Vec<f32> =
            codes(step).iter().zip(codes(-step)).map(|(after, before)| after - before).collect();
        let (got, want) = (dot(&gradient, &along), dot(&weights, &change) / (2.0 * step));
        assert!((got / want - 1.0).abs() < 0.01, "{got} instead of {want}");
    }
}

/// A loader takes exactly the arrays it knows.
fn refuses_other_arrays<T>(
    weights: &Weights,
    array: &str,
    build: impl Fn(Weights) -> reelgan_nets::Result<T>,
) {
    let shape = weights.shape(array).expect("an array of the network").to_vec();
    let expect = |weights: Weights| build(weights).err().expect("a refusal");

    let mut extra = weights.clone();
    extra.insert("zz.weight", vec![2], vec![0.0; 2]);
    let error = expect(extra);
    assert!(matches!(&error, Error::ExtraTensors { name, others: 0, .. } if name == "zz.weight"));

    let mut missing = weights.clone();
    missing.take(array, &shape).expect("it is there");
    let error = expect(missing);
    assert!(matches!(&error, Error::MissingTensor { name, .. } if name == array), "{error}");

    let mut misshapen = weights.clone();
    misshapen.insert(array, vec![7, 7], vec![0.0; 49]);
    let error = expect(misshapen);
    assert!(matches!(&error, Error::Shape { name, .. } if name == array), "{error}");

    let mut damaged = weights.clone();
    damaged.insert(array, shape.clone(), vec![f32::NAN; shape.iter().product()]);
    let error = expect(damaged);
    assert!(matches!(&error, Error::NotFinite { name, .. } if name == array), "{error}");
}

#[test]
fn in_domain_encoder_takes_exactly_its_arrays() {
    for array in ["block0.conv.weight", "block2.bn.bn.running_var", "block5.fc.weight"] {
        refuses_other_arrays(&in_domain_weights(), array, |weights| {
            InDomainEncoder::from_weights(weights, &Device::flex())
        });
    }
}

fn vgg_weights() -> Weights {
    let mut weights = Weights::empty(InDomainVgg::NETWORK);
    for key in keys("idinvert_vgg16") {
        let bound = if key.shape.len() > 1 { (6.0 / fan_in(&key)).sqrt() } else { 0.1 };
        let data = numbers(&key.name, &key, bound, 0.0);
        weights.insert(&key.name, key.shape, data);
    }
    weights
}

#[test]
fn in_domain_features_match_the_reference() {
    let golden = Golden::open("idinvert_vgg_detw.safetensors");
    let net = InDomainVgg::from_weights(vgg_weights(), &Device::flex()).expect("its weights");
    let got = values(net.features(images(&golden)));
    let error = relative(&got, &golden.values("feat_relu4_3"));
    println!("in-domain VGG16: {error:e} relative");
    assert!(error < 1e-3, "features differ by {error}");
}

#[test]
fn in_domain_vgg_takes_exactly_its_arrays() {
    refuses_other_arrays(&vgg_weights(), "layer14.bias", |weights| {
        InDomainVgg::from_weights(weights, &Device::flex())
    });
}

/// The weights of pSp and e4e, whose names follow one rule; every extent of 64 and more
/// is divided by `narrower`.
fn psp_weights(narrower: usize) -> Weights {
    let mut weights = Weights::empty(Psp::NETWORK);
    for mut key in keys("psp_encoder_18") {
        key.shape.iter_mut().filter(|d| **d >= 64).for_each(|d| *d /= narrower);
        let name = key.name.as_str();
        let slope = name == "input_layer.2.weight" || name.ends_with(".res_layer.2.weight");
        let (bound, offset) = if name.ends_with("running_var") {
            (0.5, 1.0)
        } else if name.ends_with("running_mean") || name.ends_with(".bias") {
            (0.1, 0.0)
        } else if slope {
            (0.1, 0.25)
        } else if name.ends_with(".linear.weight") {
            (1.0, 0.0)
        } else if key.shape.len() > 1 {
            let gain = if name.ends_with(".res_layer.3.weight") { 0.5 } else { 1.0 };
            (gain * (3.0 / fan_in(&key)).sqrt(), 0.0)
        } else {
            (0.3, 1.0)
        };
        let data = numbers(&format!("encoder.{name}"), &key, bound, offset);
        weights.insert(&key.name, key.shape.clone(), data);
    }
    weights
}

/// The full-size networks, 267 million weights; the tolerance is absolute on codes of
/// standard deviation 0.075.
#[test]
fn heavy_psp_and_e4e_codes_match_the_reference() {
    let golden = Golden::open("psp_e4e_encoder_detw.safetensors");
    let net =
        Psp::from_weights(psp_weights(1), PspKind::Psp, &Device::flex()).expect("its weights");
    assert_eq!((net.side(), net.rows(), net.dim()), (256, 18, 512));
    // Both encoders have the same weights here and differ only in what heads mean.
    let heads = net.heads(images(&golden));
    for (kind, name) in [(PspKind::Psp, "psp_codes"), (PspKind::E4e, "e4e_codes")] {
        let got = values(kind.codes(heads.clone()));
        let difference = max_abs(&got, &golden.values(name));
        println!("{name}: {difference:e}");
        assert!(difference < 5e-3, "{name} differ by {difference}");
    }
}

#[test]
fn psp_takes_exactly_its_arrays() {
    let weights = psp_weights(16);
    for array in [
        "input_layer.0.weight",
        "body.3.shortcut_layer.0.weight",
        "body.23.res_layer.5.fc2.weight",
        "latlayer1.weight",
        "styles.9.linear.weight",
    ] {
        refuses_other_arrays(&weights, array, |weights| {
            Psp::from_weights(weights, PspKind::Psp, &Device::flex())
        });
    }
}

#[test]
fn mean_code_is_added_to_every_image() {
    let device = Device::flex();
    let weights = psp_weights(16);
    let x = images(&Golden::open("psp_e4e_encoder_detw.safetensors"));
    let build = |weights: Weights| Psp::from_weights(weights, PspKind::E4e, &device).unwrap();
    let without = values(build(weights.clone()).encode(x.clone()));
    let mean: Vec<f32> = Detw::new("mean").take(18 * 32).collect();
    for (shape, at) in [(vec![18, 32], 1), (vec![32], 0)] {
        let mut with = weights.clone();
        let given = mean[..shape.iter().product()].to_vec();
        with.insert("latent_avg", shape, given);
        let got = values(build(with).encode(x.clone()));
        for (k, (got, without)) in got.iter().zip(&without).enumerate() {
            let want = without + mean[at * (k / 32) * 32 + k % 32];
            assert!((got - want).abs() < 1e-5, "number {k}: {got} instead of {want}");
        }
    }
}
