//! The real generator against another runtime (OpenVINO) and against its own differences.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, max_abs};
use reelgan_models::{Kind, Store};
use reelgan_nets::Weights;
use reelgan_nets::generators::MobileStyleGan;
use reelgan_nets::ops::Rescale;

fn generator() -> MobileStyleGan {
    let store = Store::standard().expect("a cache folder");
    let path = store
        .path_as("mobilestylegan-ffhq-1024", Kind::Generator)
        .expect("fetched before (`reelgan models fetch`)");
    let weights = Weights::open(MobileStyleGan::NETWORK, &path).expect("readable weights");
    MobileStyleGan::from_weights(&weights, &Device::flex()).expect("weights of the network")
}

fn tensor<const D: usize>(data: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

#[test]
fn heavy_mapping_matches_the_reference_runtime() {
    let golden = Golden::open("generator.safetensors");
    let generator = generator();
    let shape = golden.shape("z");
    let z = tensor(golden.values("z"), [shape[0], shape[1]]);
    let difference = max_abs(&values(generator.map(z)), &golden.values("w"));
    assert!(difference < 5e-5, "largest difference {difference}");
}

#[test]
fn heavy_mean_code_agrees_within_sampling_error() {
    // Standard error of a mean of n samples is sigma/sqrt(n); W's rows have a
    // standard deviation near 1 along 80 principal axes and less elsewhere, so two
    // means over at least 4096 samples lie within a norm of sqrt(512 * 2 / 4096).
    let want = Golden::open("generator.safetensors").values("w_avg");
    let generator = generator();
    let distance: f32 =
        generator.w_avg().iter().zip(&want).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    assert!(distance < 0.5, "distance of the means {distance}");
}

#[test]
fn heavy_synthesis_matches_the_reference_runtime() {
    let golden = Golden::open("generator.safetensors");
    let generator = generator();
    for code in ["code_a", "code_b"] {
        let wplus = tensor(golden.values(&format!("{code}.wplus")), [1, 16, 512]);
        let mut statistics = Vec::new();
        let image = generator.synthesize_tapped(
            wplus,
            generator.noise(),
            Rescale::NONE,
            &mut |name, map| {
                statistics.push((name.to_string(), mean_std(&values(map.clone()))));
            },
        );
        for (name, [mean, std]) in statistics {
            let want = golden.values(&format!("{code}.tap.{name}.mean_std"));
            let tolerance = 1e-4 * want[1];
            assert!((mean - want[0]).abs() < tolerance, "{code} {name}: mean {mean}, {want:?}");
            assert!((std - want[1]).abs() < tolerance, "{code} {name}: std {std}, {want:?}");
        }
        check_image(&golden, code, image);
    }
}

/// The crops of the reference file: name, top, left.
const CROPS: [(&str, usize, usize); 2] =
    [("crop0_y416_x352", 416, 352), ("crop1_y640_x480", 640, 480)];

fn check_image(golden: &Golden, code: &str, image: Tensor<4>) {
    assert_eq!(image.dims(), [1, 3, 1024, 1024]);
    let small = image.clone().reshape([3, 128, 8, 128, 8]).mean_dim(4).mean_dim(2);
    let difference = max_abs(&values(small), &golden.values(&format!("{code}.image_128")));
    assert!(difference < 1e-4, "{code}: reduced image differs by {difference}");
    for (name, y, x) in CROPS {
        let crop = image.clone().slice([0..1, 0..3, y..y + 64, x..x + 64]);
        let difference = max_abs(&values(crop), &golden.values(&format!("{code}.{name}")));
        assert!(difference < 5e-4, "{code} {name}: differs by {difference}");
    }
}

fn mean_std(values: &[f32]) -> [f32; 2] {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    [mean as f32, variance.sqrt() as f32]
}

/// The gradient to the codes against differences of the loss itself, along random ways.
#[test]
fn heavy_gradient_to_codes_matches_finite_differences() {
    let golden = Golden::open("generator.safetensors");
    let generator = generator();
    let code = golden.values("code_b.wplus");
    // A smooth loss of the image: a fixed linear form plus a square, summed in f64.
    let weight = |i: usize| ((i % 97) as f32 / 97.0 - 0.5) * 1e-3;
    let loss = |code: &[f32]| -> f64 {
        let image = generator.synthesize(tensor(code.to_vec(), [1, 16, 512]), generator.noise());
        values(image)
            .iter()
            .enumerate()
            .map(|(i, v)| f64::from(*v) * f64::from(weight(i)) + 1e-6 * f64::from(*v).powi(2))
            .sum()
    };
    let gradient = {
        let x = tensor(code.clone(), [1, 16, 512]).autodiff().require_grad();
        let image = generator.synthesize(x.clone(), generator.noise());
        let weights: Vec<f32> = (0..3 * 1024 * 1024).map(weight).collect();
        let linear = image.clone() * tensor(weights, [1, 3, 1024, 1024]);
        let total = (linear + image.powf_scalar(2.0).mul_scalar(1e-6)).sum();
        let mut grads = total.backward();
        values(x.grad_remove(&mut grads).expect("a gradient"))
    };
    for seed in 0..4usize {
        let way: Vec<f32> = (0..code.len())
            .map(|i| (((i * 7919 + seed * 104_729) % 1000) as f32) / 500.0 - 1.0)
            .collect();
        let step = 1e-3f32;
        let moved = |sign: f32| -> Vec<f32> {
            code.iter().zip(&way).map(|(c, w)| c + sign * step * w).collect()
        };
        let difference = (loss(&moved(1.0)) - loss(&moved(-1.0))) / (2.0 * f64::from(step));
        let slope: f64 =
            gradient.iter().zip(&way).map(|(g, w)| f64::from(*g) * f64::from(*w)).sum();
        let scale = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt()
            * way.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
        // Relative to the norms: leaky ReLUs have kinks and f32 images noise of 1e-6.
        let error = (difference - slope).abs() / scale;
        assert!(error < 2e-3, "way {seed}: difference {difference}, slope {slope}, error {error}");
    }
}
