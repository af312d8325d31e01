//! StyleGAN1 at its published width, with weights that follow from their names.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, detw, max_abs};
use reelgan_nets::Weights;
use reelgan_nets::generators::StyleGan1;

const DIM: usize = 512;

/// Bound of the weights of that name, from the rule the reference was made with.
fn bound(name: &str) -> f32 {
    match name {
        _ if name.starts_with("g_mapping") && name.ends_with("weight") => 173.0,
        _ if name.starts_with("g_mapping") => 20.0,
        _ if name.ends_with(".noise.weight") => 0.3,
        _ if name.ends_with(".bias") => 0.3,
        _ if name.ends_with("torgb.weight") => 0.4,
        _ => 1.732_050_8,
    }
}

fn channels(side: usize) -> usize {
    (16384 / side).min(512)
}

/// The published network with images of `side` px.
fn network(side: usize) -> StyleGan1 {
    let mut weights = Weights::empty(StyleGan1::NETWORK);
    let mut put = |name: String, shape: &[usize]| {
        let data = detw(&name, shape.iter().product(), bound(&name));
        weights.insert(&name, shape.to_vec(), data);
    };
    for i in 0..8 {
        put(format!("g_mapping.dense{i}.weight"), &[DIM, DIM]);
        put(format!("g_mapping.dense{i}.bias"), &[DIM]);
    }
    let sides = (2..).map(|k| 1 << k).take_while(|&s| s <= side);
    for s in sides {
        let name = |part: &str| format!("g_synthesis.blocks.{s}x{s}.{part}");
        let (c, before) = (channels(s), channels(s / 2));
        let conv = if s == 4 {
            put(name("const"), &[1, c, 4, 4]);
            put(name("bias"), &[c]);
            "conv"
        } else {
            put(name("conv0_up.weight"), &[c, before, 3, 3]);
            put(name("conv0_up.bias"), &[c]);
            "conv1"
        };
        put(name(&format!("{conv}.weight")), &[c, c, 3, 3]);
        put(name(&format!("{conv}.bias")), &[c]);
        for epilogue in ["epi1", "epi2"] {
            put(name(&format!("{epilogue}.top_epi.noise.weight")), &[c]);
            put(name(&format!("{epilogue}.style_mod.lin.weight")), &[2 * c, DIM]);
            put(name(&format!("{epilogue}.style_mod.lin.bias")), &[2 * c]);
        }
    }
    put("g_synthesis.torgb.weight".into(), &[3, channels(side), 1, 1]);
    put("g_synthesis.torgb.bias".into(), &[3]);
    StyleGan1::from_weights(&weights, &Device::flex()).expect("weights of the network")
}

fn given<const D: usize>(name: &str, shape: [usize; D], bound: f32) -> Tensor<D> {
    let data = detw(name, shape.iter().product(), bound);
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn image(net: &StyleGan1, codes: Tensor<3>) -> Tensor<4> {
    let shapes = net.noise_shapes();
    let noise: Vec<_> = shapes
        .iter()
        .enumerate()
        .map(|(k, &[h, w])| given(&format!("noise{k}"), [1, 1, h, w], 1.732_050_8))
        .collect();
    net.synthesize(codes, &noise)
}

fn codes(net: &StyleGan1) -> Tensor<3> {
    given("wp", [1, 18, DIM], 1.0).slice([0..1, 0..net.rows()])
}

fn check<const D: usize>(got: Tensor<D>, golden: &Golden, name: &str, tolerance: f32) {
    let got = got.into_data().try_into_vec::<f32>().expect("f32");
    let difference = max_abs(&got, &golden.values(name));
    println!("{name}: largest difference {difference:e}, tolerance {tolerance:e}");
    assert!(difference < tolerance, "{name} differs by {difference}");
}

#[test]
fn heavy_full_width_at_64_px() {
    let (net, golden) = (network(64), Golden::open("sg1_full_detw.safetensors"));
    let z = given("z", [1, DIM], 1.732_050_8);
    check(net.map(z.clone()), &golden, "w_from_z", 1e-3);
    check(image(&net, net.map_to_rows(z)), &golden, "img64_from_z", 1e-3);
    check(image(&net, codes(&net)), &golden, "img64_from_wp", 1e-3);
}

#[test]
fn heavy_full_width_at_1024_px() {
    let (net, golden) = (network(1024), Golden::open("sg1_full_detw.safetensors"));
    let image = image(&net, codes(&net));
    let mean = image.clone().mean_dim(3).mean_dim(2).reshape([1, 3]);
    check(mean, &golden, "img1024_from_wp_mean_per_channel", 5e-3);
    let crop = image.clone().slice([0..1, 0..3, 480..544, 480..544]);
    check(crop, &golden, "img1024_from_wp_crop64_at_480", 5e-3);
    let pixels = image.into_data().try_into_vec::<f32>().expect("f32");
    let place = |k: usize| ((k / 4096) << 20) | ((k / 64 % 64 * 16) << 10) | (k % 64 * 16);
    let coarse = (0..3 * 64 * 64).map(|k| pixels[place(k)]).collect::<Vec<f32>>();
    let coarse = Tensor::<1>::from_data(TensorData::new(coarse, [12288]), &Device::flex());
    check(coarse, &golden, "img1024_from_wp_stride16", 5e-3);
}
