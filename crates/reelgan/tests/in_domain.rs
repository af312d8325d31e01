//! In-domain inversion, and encoders as the method uses them.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan::encode::{Encoder, EncoderKind};
use reelgan::generator::{Identity, Noise, StyleGan1Generator};
use reelgan::invert::{InDomainConfig, InDomainInverter, StopReason};
use reelgan_golden::{Golden, detw, keys, max_abs, path, relative};
use reelgan_nets::Weights;
use reelgan_nets::generators::StyleGan1;
use reelgan_nets::perceptual::InDomainVgg;
use reelgan_run::Images;

const GENERATOR: &str = "karras2019stylegan-ffhq-64x64.for_g_all.pt";
const ENCODER: &str = "styleganinv_ffhq64_encoder.pth";
const GOLDEN: &str = "in_domain_64.safetensors";

fn identity(name: &str) -> Identity {
    Identity { name: name.into(), sha256: "0".repeat(64) }
}

/// The small StyleGAN1 with the noise of its reference.
fn generator(device: &Device) -> StyleGan1Generator {
    let weights = Weights::open(StyleGan1::NETWORK, &path(GENERATOR)).expect("readable weights");
    let net = StyleGan1::from_weights(&weights, device).expect("weights of the network");
    let golden = Golden::open("sg1_lernapparat_64.safetensors");
    let plane = |k: usize| {
        let name = format!("noise{k}");
        let shape: [usize; 4] = golden.shape(&name).try_into().expect("rank 4");
        Tensor::from_data(TensorData::new(golden.values(&name), shape), device)
    };
    let noise = Noise { planes: (0..net.rows()).map(plane).collect() };
    let mean = vec![0.0; net.dim()];
    StyleGan1Generator::new(net, identity("small"), device.clone(), mean, Some(noise))
}

fn encoder(device: &Device) -> Encoder {
    Encoder::open(&path(ENCODER), None, device).expect("the encoder")
}

fn vgg(device: &Device) -> InDomainVgg {
    let mut weights = Weights::empty(InDomainVgg::NETWORK);
    for key in keys("idinvert_vgg16") {
        let fan_in = key.len() / key.shape[0];
        let bound = if key.shape.len() > 1 { (6.0 / fan_in as f64).sqrt() as f32 } else { 0.1 };
        let numbers = detw(&key.name, key.len(), bound);
        weights.insert(&key.name, key.shape, numbers);
    }
    InDomainVgg::from_weights(weights, device).expect("weights of the network")
}

fn image(golden: &Golden) -> Images {
    Images::new(1, 64, 64, golden.values("image")).expect("an image")
}

#[test]
fn steps_match_the_reference() {
    let device = Device::flex();
    let golden = Golden::open(GOLDEN);
    let (generator, encoder, vgg) = (generator(&device), encoder(&device), vgg(&device));
    let losses = golden.values("losses");
    for steps in 1..=3 {
        let config = InDomainConfig { steps, ..InDomainConfig::default() };
        let inverter = InDomainInverter::new(&generator, &encoder, &vgg, config).expect("a fit");
        let run = inverter.run(&image(&golden), &mut |_| ControlFlow::Continue(())).expect("a run");
        assert_eq!(run.stop, StopReason::Finished);
        // Adam's first steps go by the sign of the gradient, so its smallest entries move
        // by their rounding; all but a few of the 320 numbers must agree closely.
        let want = golden.values(&format!("codes_{steps}"));
        let far = run.codes.data().iter().zip(&want).filter(|(a, b)| (*a - *b).abs() > 1e-4);
        assert!(far.count() <= 3, "codes after step {steps}");
        let difference = max_abs(run.codes.data(), &want);
        println!("codes after step {steps}: {difference:e}");
        assert!(difference < 2e-3, "codes after step {steps} differ by {difference}");
        for (record, want) in run.history.iter().zip(losses.chunks_exact(4)) {
            let got = [record.total, record.pixel, record.perceptual, record.domain];
            let error = relative(&got, want);
            assert!(error < 1e-3, "losses of step {}: {got:?} instead of {want:?}", record.step);
            for (got, want) in got.iter().zip(want) {
                assert!((got / want - 1.0).abs() < 1e-3, "{got} instead of {want}");
            }
        }
        assert_eq!(run.history.len(), steps);
    }
}

#[test]
fn it_starts_at_the_code_of_the_encoder() {
    let device = Device::flex();
    let golden = Golden::open(GOLDEN);
    let codes = encoder(&device).encode(&image(&golden), &mut |_| ()).expect("a code");
    assert!(max_abs(codes.data(), &golden.values("start")) < 1e-4);
}

#[test]
fn breaking_off_keeps_the_codes_of_the_other_images() {
    let device = Device::flex();
    let golden = Golden::open(GOLDEN);
    let (generator, encoder, vgg) = (generator(&device), encoder(&device), vgg(&device));
    let config = InDomainConfig { steps: 5, ..InDomainConfig::default() };
    let inverter = InDomainInverter::new(&generator, &encoder, &vgg, config).expect("a fit");
    let two = Images::from_frames(vec![image(&golden), image(&golden)]).expect("two images");
    let run = inverter.run(&two, &mut |_| ControlFlow::Break(())).expect("a run");
    assert_eq!((run.stop, run.history.len()), (StopReason::Interrupted, 1));
    assert!(max_abs(run.codes.code(0), &golden.values("codes_1")) < 2e-3);
    assert!(max_abs(run.codes.code(1), &golden.values("start")) < 1e-4);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let (generator, encoder, vgg) = (generator(&device), encoder(&device), vgg(&device));
    let config = InDomainConfig { domain: f32::NAN, ..InDomainConfig::default() };
    assert!(InDomainInverter::new(&generator, &encoder, &vgg, config).is_err());
    let inverter =
        InDomainInverter::new(&generator, &encoder, &vgg, InDomainConfig::default()).unwrap();
    let large = Images::new(1, 128, 128, vec![0.5; 3 * 128 * 128]).unwrap();
    assert!(inverter.run(&large, &mut |_| ControlFlow::Continue(())).is_err());
}

#[test]
fn encoders_are_known_by_their_arrays() {
    let device = Device::flex();
    let encoder = encoder(&device);
    assert_eq!(encoder.kind(), EncoderKind::InDomain);
    assert_eq!((encoder.side(), encoder.rows(), encoder.dim()), (64, 10, 32));
    assert_eq!(encoder.identity().name, "styleganinv_ffhq64_encoder");
    assert_eq!(encoder.identity().sha256.len(), 64);

    let refused = |file: &str, kind| {
        Encoder::open(&path(file), kind, &device).expect_err("a refusal").to_string()
    };
    assert!(refused(ENCODER, Some(EncoderKind::Psp)).contains("in-domain"));
    assert!(refused(GENERATOR, None).contains("no encoder"));
}

/// Larger images are resized first; without antialiasing here, so a picture whose
/// pixels were doubled gives the code of the picture.
#[test]
fn images_of_any_side_are_encoded() {
    let device = Device::flex();
    let golden = Golden::open(GOLDEN);
    let small = image(&golden);
    let doubled: Vec<f32> = small
        .data()
        .chunks_exact(64)
        .flat_map(|row| {
            let wide: Vec<f32> = row.iter().flat_map(|&v| [v, v]).collect();
            [wide.clone(), wide].concat()
        })
        .collect();
    let large = Images::new(1, 128, 128, doubled).expect("an image");
    let codes = encoder(&device).encode(&large, &mut |_| ()).expect("a code");
    assert!(max_abs(codes.data(), &golden.values("start")) < 1e-4);

    let wide = Images::new(1, 64, 128, vec![0.5; 3 * 64 * 128]).unwrap();
    assert!(encoder(&device).encode(&wide, &mut |_| ()).is_err());
}
