//! StyleGAN2 beyond its images: the style space, and gradients against finite
//! differences.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{detw, path};
use reelgan_nets::generators::{Network, StyleGan2, Styles};
use reelgan_nets::ops::fir_double;

fn network() -> StyleGan2 {
    let file = path("stylegan2-ffhq-config-f.64px.pt");
    let (network, _) = Network::open(&file, None, &Device::flex()).expect("a generator's file");
    let Network::StyleGan2(net) = network else { panic!("a StyleGAN2") };
    net
}

fn given<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let data = detw(name, shape.iter().product(), 1.0);
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// The weights of a number that depends on every pixel in its own way, `sum w x^2`.
fn pixel_weights(image: &Tensor<4>) -> Tensor<4> {
    given("pixels", image.dims())
}

/// `sum w (a^2 - b^2)` in f64, so that adding up rounds nothing off.
fn rise(a: Tensor<4>, b: Tensor<4>) -> f64 {
    let weights = values(pixel_weights(&a));
    let square = |v: f32| f64::from(v) * f64::from(v);
    let pixels = values(a).into_iter().zip(values(b)).zip(weights);
    pixels.map(|((a, b), w)| f64::from(w) * (square(a) - square(b))).sum()
}

/// Compares the gradient of the number above, through the images `f` draws, with
/// central differences along fixed directions.
fn check<const D: usize>(what: &str, at: Tensor<D>, f: impl Fn(Tensor<D>) -> Tensor<4>) {
    let x = at.clone().autodiff().require_grad();
    let image = f(x.clone());
    let weights = pixel_weights(&image);
    let mut grads = (image.powf_scalar(2.0) * weights).sum().backward();
    let gradient = x.grad_remove(&mut grads).expect("a gradient");
    let norm = gradient.clone().powf_scalar(2.0).sum().into_scalar::<f32>().sqrt();
    for k in 0..3 {
        let direction = given::<D>(&format!("{what} {k}"), at.dims());
        let slope = (gradient.clone() * direction.clone()).sum().into_scalar::<f32>();
        // Along such a direction a slope is about 0.6 of the norm; one that happens to be
        // near 0 is measured against that.
        let scale = f64::from(slope.abs().max(0.2 * norm));
        let error = |h: f32| {
            let image = |sign: f32| f(at.clone() + direction.clone() * (sign * h));
            let difference = rise(image(1.0), image(-1.0)) / f64::from(2.0 * h);
            (difference - f64::from(slope)).abs() / scale
        };
        // Kinks of the activation and curvature grow with the step, rounding of the
        // pixels (some 1e-6) with its inverse: the best step lies between, and leaves up
        // to 1e-2 where a slope is small. A term that is forgotten makes tenths.
        let errors = [2e-3, 1e-3, 5e-4, 2.5e-4].map(error);
        let best = errors.into_iter().fold(f64::INFINITY, f64::min);
        println!("{what} {k}: slope {slope}, errors {errors:?}");
        assert!(best < 2e-2, "{what} {k}: slope {slope}, errors {errors:?}");
    }
}

#[test]
fn the_style_space_draws_the_same_images() {
    let net = network();
    let codes = given("codes", [2, net.rows(), net.dim()]);
    let noise = net.noise().expect("noise maps");
    let styles = net.styles(codes.clone());
    let channels: Vec<usize> = styles.conv.iter().map(|s| s.dims()[1]).collect();
    // The input channels of every convolution of the file.
    assert_eq!(channels, [32, 32, 32, 32, 32, 32, 32, 32, 16]);
    assert_eq!(styles.rgb.len(), 5);
    let same =
        values(net.synthesize(codes, noise)) == values(net.synthesize_styles(&styles, noise));
    assert!(same);
}

#[test]
fn a_style_may_have_any_length_where_it_is_demodulated() {
    let net = network();
    let noise = net.noise().expect("noise maps");
    let Styles { conv, rgb } = net.styles(given("codes", [1, net.rows(), net.dim()]));
    let longer = Styles { conv: conv.iter().map(|s| s.clone() * 3.0).collect(), rgb: rgb.clone() };
    let [a, b] = [Styles { conv, rgb }, longer].map(|s| values(net.synthesize_styles(&s, noise)));
    let difference = reelgan_golden::max_abs(&a, &b);
    // Only the epsilon of the length, 1e-8 beside numbers of about 1, and rounding.
    assert!(difference < 1e-4, "{difference}");
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let net = network();
    let stored: Vec<Tensor<4>> = net.noise().expect("noise maps").to_vec();
    let codes = given("codes", [1, net.rows(), net.dim()]);
    check("codes", codes.clone(), |codes| net.synthesize(codes, &stored));
    for map in [0, 1, 4, 8] {
        check(&format!("noise {map}"), stored[map].clone(), |plane| {
            let mut noise = stored.clone();
            noise[map] = plane;
            net.synthesize(codes.clone().autodiff(), &noise)
        });
    }
    let styles = net.styles(codes);
    for layer in [0, 3] {
        check(&format!("style {layer}"), styles.conv[layer].clone(), |style| {
            let mut styles = styles.clone();
            styles.conv[layer] = style;
            net.synthesize_styles(&styles, &stored)
        });
    }
}

#[test]
fn one_pixel_becomes_the_filter() {
    for margin in [0, 1] {
        let mut data = vec![0.0; 9];
        data[4] = 16.0;
        let x = Tensor::<4>::from_data(TensorData::new(data, [1, 1, 3, 3]), &Device::flex());
        let y = values(fir_double(x, margin));
        let side = 6 + 2 * margin;
        let tap = |p: usize| {
            // The filter begins one pixel before that of the place doubled.
            [1.0, 3.0, 3.0, 1.0].get((p + 3).wrapping_sub(4 + margin)).copied().unwrap_or(0.0)
        };
        let want: Vec<f32> = (0..side * side).map(|k| tap(k / side) * tap(k % side)).collect();
        assert_eq!(y, want, "margin {margin}");
    }
}

#[test]
fn a_flat_map_stays_flat_inside() {
    let x = Tensor::<4>::ones([1, 1, 4, 5], &Device::flex());
    let y = values(fir_double(x, 0));
    for (k, v) in y.iter().enumerate() {
        let (row, column) = (k / 10, k % 10);
        if (1..7).contains(&row) && (1..9).contains(&column) {
            assert_eq!(*v, 1.0, "{row},{column}");
        } else {
            assert!(*v < 1.0, "it fades out at the border");
        }
    }
}
