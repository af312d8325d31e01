//! Every published layout of a generator's file, read as it is and drawn from, against
//! the code it was written for.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_checkpoint::{Array, DType};
use reelgan_golden::{Golden, max_abs, path};
use reelgan_nets::generators::layout::{self, Layout};
use reelgan_nets::generators::{Network, StyleGan1, StyleGan2};

fn tensor<const D: usize>(golden: &Golden, name: &str) -> Tensor<D> {
    let shape: [usize; D] = golden.shape(name).try_into().expect("the rank of the reference");
    Tensor::from_data(TensorData::new(golden.values(name), shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

fn close<const D: usize>(got: Tensor<D>, golden: &Golden, name: &str, tolerance: f32) {
    let difference = max_abs(&values(got), &golden.values(name));
    assert!(difference < tolerance, "{name} differs by {difference}");
}

fn open(file: &str, resolution: Option<usize>) -> (Network, Layout) {
    Network::open(&path(file), resolution, &Device::flex()).expect("a generator's file")
}

fn stylegan1(file: &str, resolution: Option<usize>, layout: Layout) -> StyleGan1 {
    let (network, got) = open(file, resolution);
    assert_eq!(got, layout);
    let Network::StyleGan1(net) = network else { panic!("{file} is a StyleGAN1") };
    net
}

fn stylegan2(file: &str, layout: Layout) -> StyleGan2 {
    let (network, got) = open(file, None);
    assert_eq!(got, layout);
    let Network::StyleGan2(net) = network else { panic!("{file} is a StyleGAN2") };
    net
}

/// `w_avg + psi (codes - w_avg)` on the first `rows` rows.
fn truncated(codes: Tensor<3>, w_avg: &[f32], psi: f32, rows: usize) -> Tensor<3> {
    let [n, all, d] = codes.dims();
    let mean = TensorData::new(w_avg.to_vec(), [1, 1, d]);
    let mean = Tensor::<3>::from_data(mean, &Device::flex()).expand([n, all, d]);
    let part = |t: &Tensor<3>, range: std::ops::Range<usize>| t.clone().slice([0..n, range]);
    if rows < all {
        let low = truncated(part(&codes, 0..rows), w_avg, psi, rows);
        return Tensor::cat(vec![low, part(&codes, rows..all)], 1);
    }
    mean.clone() + (codes - mean) * psi
}

#[test]
fn the_authors_layout_with_fused_layers() {
    let file = "karras2019stylegan-ffhq-128x128.for_g_all.pt";
    let net = stylegan1(file, None, Layout::Lernapparat);
    let golden = Golden::open("sg1_lernapparat_128.safetensors");
    assert_eq!((net.resolution(), net.rows(), net.dim()), (128, 12, 32));
    assert!(net.w_avg().is_none() && net.noise().is_none());
    let noise: Vec<_> = (0..12).map(|k| tensor(&golden, &format!("noise{k}"))).collect();
    close(
        net.synthesize(net.map_to_rows(tensor(&golden, "z")), &noise),
        &golden,
        "img_from_z",
        2e-4,
    );
    close(net.synthesize(tensor(&golden, "wp"), &noise), &golden, "img_from_wp", 2e-4);
}

#[test]
fn the_list_of_three_networks() {
    let net = stylegan1("karras2019stylegan-ffhq-64x64.tfnames.pt", None, Layout::LernapparatList);
    let golden = Golden::open("sg1_lernapparat_64.safetensors");
    assert!(net.w_avg().is_none() && net.noise().is_none());
    let noise: Vec<_> = (0..10).map(|k| tensor(&golden, &format!("noise{k}"))).collect();
    close(net.map(tensor(&golden, "z")), &golden, "w", 1e-5);
    close(net.synthesize(tensor(&golden, "wp"), &noise), &golden, "img_from_wp", 2e-4);
}

/// Images from z with truncation and from codes, with the file's own mean code and noise.
fn genforce_family(net: &StyleGan1, golden: &Golden, prefix: &str) {
    let w_avg = net.w_avg().expect("the file has a mean code");
    assert!(max_abs(w_avg, &golden.values("w_avg")) == 0.0);
    let noise = net.noise().expect("the file has noise maps");
    let codes = truncated(net.map_to_rows(tensor(golden, "z")), w_avg, 0.7, 8);
    close(net.synthesize(codes, noise), golden, &format!("{prefix}_img_from_z_psi07"), 3e-4);
    let image = net.synthesize(tensor(golden, "wp"), noise);
    close(image, golden, &format!("{prefix}_img_from_wp"), 3e-4);
}

#[test]
fn interfacegan() {
    let net = stylegan1("stylegan_ffhq128.interfacegan.pth", None, Layout::InterFaceGan);
    let golden = Golden::open("sg1_genforce_128.safetensors");
    close(net.map(tensor(&golden, "z")), &golden, "w", 1e-4);
    genforce_family(&net, &golden, "interfacegan");
}

#[test]
fn the_genforce_zoo_and_its_averaged_network() {
    let net = stylegan1("stylegan_ffhq128.genforce.pth", None, Layout::GenForce);
    genforce_family(&net, &Golden::open("sg1_genforce_128.safetensors"), "genforce");
}

#[test]
fn in_domain_inversion_maps_to_a_code_a_row() {
    let net = stylegan1("styleganinv_ffhq128_generator.pth", None, Layout::IdInvert);
    let golden = Golden::open("sg1_genforce_128.safetensors");
    assert!(net.maps_to_rows());
    let rows = net.map_to_rows(tensor(&golden, "z"));
    close(rows.clone(), &golden, "idinvert_wp_from_z", 1e-4);
    let mean = values(rows.mean_dim(1));
    assert!(max_abs(&values(net.map(tensor(&golden, "z"))), &mean) == 0.0);
    genforce_family(&net, &golden, "idinvert");
}

#[test]
fn nvidias_pickle() {
    let net = stylegan1("karras2019stylegan-ffhq-64x64.pkl", None, Layout::TensorflowStyleGan1);
    genforce_family(&net, &Golden::open("sg1_genforce_64.safetensors"), "interfacegan");
}

#[test]
fn rosinality_at_two_depths() {
    let file = "rosinality_sg1_stylegan-128px.model";
    let golden = Golden::open("sg1_rosinality.safetensors");
    let noise: Vec<Tensor<4>> = (0..6).map(|k| tensor(&golden, &format!("noise{k}"))).collect();
    let net = stylegan1(file, Some(128), Layout::RosinalityStyleGan1);
    assert_eq!((net.rows(), net.noise_shapes().len()), (12, 6));
    close(net.map(tensor(&golden, "z")), &golden, "w", 1e-5);
    let image = net.synthesize(net.map_to_rows(tensor(&golden, "z")), &noise);
    close(image, &golden, "img_step5_128px", 2e-4);
    let image = net.synthesize(tensor(&golden, "wp"), &noise);
    close(image, &golden, "img_from_wp_128px", 2e-4);
    let net = stylegan1(file, Some(32), Layout::RosinalityStyleGan1);
    let image = net.synthesize(net.map_to_rows(tensor(&golden, "z")), &noise[..4]);
    close(image, &golden, "img_step3_32px", 2e-4);
}

#[test]
fn rosinality_does_not_record_its_depth() {
    let file = path("rosinality_sg1_stylegan-128px.model");
    let refused =
        |side| Network::open(&file, side, &Device::flex()).expect_err("no such depth").to_string();
    assert!(refused(None).contains("FILE@256"), "{}", refused(None));
    assert!(refused(Some(96)).contains("it has no 96 px"), "{}", refused(Some(96)));
}

#[test]
fn another_resolution_than_the_files_is_refused() {
    let file = path("stylegan2-ffhq-config-f.64px.pt");
    let error = Network::open(&file, Some(128), &Device::flex()).expect_err("64 px").to_string();
    assert!(error.contains("64 px wide, not 128"), "{error}");
}

#[test]
fn stylegan2_of_rosinality() {
    let net = stylegan2("stylegan2-ffhq-config-f.64px.pt", Layout::RosinalityStyleGan2);
    let golden = Golden::open("sg2_rosinality_64.safetensors");
    assert_eq!((net.resolution(), net.rows(), net.dim()), (64, 10, 32));
    let noise = net.noise().expect("the file has noise maps");
    for (k, map) in noise.iter().enumerate() {
        close(map.clone(), &golden, &format!("noise{k}"), f32::MIN_POSITIVE);
    }
    let w = net.map(tensor(&golden, "z"));
    close(w.clone(), &golden, "w", 1e-5);
    let [n, d] = w.dims();
    let codes = w.reshape([n, 1, d]).expand([n, 10, d]);
    let codes = truncated(codes, net.w_avg().expect("a mean code"), 0.7, 10);
    close(net.synthesize(codes, noise), &golden, "img_from_z_psi07", 3e-4);
    close(net.synthesize(tensor(&golden, "wp"), noise), &golden, "img_from_wp", 3e-4);
}

#[test]
fn stylegan2_without_its_buffers() {
    let file = "stylegan2-ffhq-config-f.64px.nobuffers.pt";
    let net = stylegan2(file, Layout::RosinalityStyleGan2);
    let golden = Golden::open("sg2_rosinality_64.safetensors");
    assert!(net.noise().is_none());
    let noise: Vec<_> = (0..9).map(|k| tensor(&golden, &format!("noise{k}"))).collect();
    close(net.synthesize(tensor(&golden, "wp"), &noise), &golden, "img_from_wp", 3e-4);
}

/// The arrays of the file as NVIDIA's TensorFlow code would have written them.
fn as_tensorflow(name: &str, array: &Array) -> Option<(String, Array)> {
    let name = name.strip_prefix("G_ema/")?;
    let data = array.to_f32();
    let (synthesis, mapping) =
        ("2/components/synthesis/variables", "2/components/mapping/variables");
    let parts: Vec<&str> = name.split('/').collect();
    let (place, shape, data) = match parts.as_slice() {
        ["mapping", "w_avg"] => ("2/variables/dlatent_avg".into(), array.shape.clone(), data),
        ["mapping", layer, part] => {
            let to = format!("{mapping}/Dense{}/{part}", layer.strip_prefix("fc")?);
            if *part == "weight" {
                transposed(to, array, data)
            } else {
                (to, array.shape.clone(), data)
            }
        }
        ["synthesis", "b4", "const"] => {
            (format!("{synthesis}/4x4/Const/const"), vec![1, array.shape[0], 4, 4], data)
        }
        ["synthesis", block, layer, rest @ ..] => {
            let side: usize = block.strip_prefix('b')?.parse().ok()?;
            let (part, map) = match (*layer, side) {
                ("torgb", _) => ("ToRGB", 0),
                ("conv1", 4) => ("Conv", 0),
                ("conv0", _) => ("Conv0_up", 2 * side.ilog2() - 5),
                (_, _) => ("Conv1", 2 * side.ilog2() - 4),
            };
            let to = |what: &str| format!("{synthesis}/{side}x{side}/{part}/{what}");
            match rest {
                ["weight"] => {
                    // [O,I,H,W] to [H,W,I,O]; the layer that doubles is turned around.
                    let [o, i, h, w] = array.shape[..] else { return None };
                    let turned = *layer == "conv0";
                    let from = |k: usize| {
                        let (y, x, a, b) = (k / (w * i * o), k / (i * o) % w, k / o % i, k % o);
                        let (y, x) = if turned { (h - 1 - y, w - 1 - x) } else { (y, x) };
                        data[((b * i + a) * h + y) * w + x]
                    };
                    (to("weight"), vec![h, w, i, o], (0..data.len()).map(from).collect())
                }
                ["affine", "weight"] => transposed(to("mod_weight"), array, data),
                ["affine", "bias"] => {
                    (to("mod_bias"), array.shape.clone(), data.iter().map(|v| v - 1.0).collect())
                }
                ["noise_const"] => {
                    (format!("{synthesis}/noise{map}"), vec![1, 1, side, side], data)
                }
                [what @ ("bias" | "noise_strength")] => (to(what), array.shape.clone(), data),
                _ => return None,
            }
        }
        _ => return None,
    };
    let bytes = data.iter().flat_map(|v| v.to_le_bytes()).collect();
    Some((place, Array::new(shape, DType::F32, bytes).expect("the same numbers")))
}

fn transposed(to: String, array: &Array, data: Vec<f32>) -> (String, Vec<usize>, Vec<f32>) {
    let (rows, columns) = (array.shape[0], array.shape[1]);
    let turned = (0..data.len()).map(|k| data[k % rows * columns + k / rows]).collect();
    (to, vec![columns, rows], turned)
}

#[test]
fn stylegan2_of_tensorflow() {
    let ada = reelgan_checkpoint::open(&path("ffhq-ada-64.pkl")).expect("a readable file");
    let arrays = ada.arrays.iter().filter_map(|(name, array)| as_tensorflow(name, array)).collect();
    let canonical = layout::read(arrays, &BTreeMap::new(), None).expect("a known layout");
    assert_eq!(canonical.layout, Layout::TensorflowStyleGan2);
    let Ok(Network::StyleGan2(net)) = Network::new(&canonical, &Device::flex()) else {
        panic!("a StyleGAN2")
    };
    let golden = Golden::open("sg2_ada_64.safetensors");
    close(net.map(tensor(&golden, "z")), &golden, "w", 1e-5);
    let noise = net.noise().expect("noise maps");
    close(net.synthesize(tensor(&golden, "ws"), noise), &golden, "img_from_ws", 3e-4);
}

/// Draws the mean of nothing, to see whether what was accepted holds together.
fn draw(network: &Network) {
    let device = Device::flex();
    let drawn = |shapes: Vec<[usize; 2]>| -> Vec<Tensor<4>> {
        shapes.into_iter().map(|[h, w]| Tensor::zeros([1, 1, h, w], &device)).collect()
    };
    let image = match network {
        Network::MobileStyleGan(_) => return,
        Network::StyleGan1(net) => {
            let z = Tensor::ones([1, net.z_dim()], &device);
            net.synthesize(net.map_to_rows(z), &drawn(net.noise_shapes()))
        }
        Network::StyleGan2(net) => {
            let w = net.map(Tensor::ones([1, net.z_dim()], &device));
            let w = w.reshape([1, 1, net.dim()]).expand([1, net.rows(), net.dim()]);
            net.synthesize(w, &drawn(net.noise_shapes()))
        }
    };
    let side = network.resolution();
    assert_eq!(image.dims(), [1, 3, side, side]);
}

/// Every array once missing, once shorter along its first axis, once with a number that
/// is none: an error, or a network that draws.
fn survives_damage(file: &str, prefix: &str, resolution: Option<usize>) {
    let whole = reelgan_checkpoint::open(&path(file)).expect("a readable file").arrays;
    let read = |arrays| {
        let canonical = layout::read(arrays, &BTreeMap::new(), resolution)?;
        Network::new(&canonical, &Device::flex())
    };
    draw(&read(whole.clone()).expect("the whole file is taken"));
    let names: Vec<&String> = whole.keys().filter(|name| name.starts_with(prefix)).collect();
    let mut refused = [0; 3];
    for name in &names {
        let (mut missing, mut short, mut nan) = (whole.clone(), whole.clone(), whole.clone());
        missing.remove(*name);
        let array = short.get_mut(*name).expect("an array");
        if let Some(first) = array.shape.first_mut() {
            *first -= 1;
        }
        array.bytes.truncate(array.shape.iter().product::<usize>() * 4);
        let array = nan.get_mut(*name).expect("an array");
        array.bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        for (kind, arrays) in [missing, short, nan].into_iter().enumerate() {
            match read(arrays) {
                Ok(network) if kind < 2 => draw(&network),
                Ok(_) => {}
                Err(_) => refused[kind] += 1,
            }
        }
    }
    println!("{file}: refused {refused:?} of {}", names.len());
    // What is not looked at (filters, unused levels) may be anything.
    let half = names.len() / 2;
    assert!(refused.iter().all(|&n| n > half), "{file}: {refused:?} of {}", names.len());
    // A layer of the mapping is not left out unsaid.
    let middle = names.iter().find(|name| {
        name.contains("dense3")
            || name.contains("Dense3")
            || name.contains("fc3")
            || name.contains("style.3.")
            || name.contains("style.7.")
    });
    let mut without = whole.clone();
    let middle = middle.expect("a mapping network of several layers").trim_end_matches("bias");
    without.remove(middle);
    for part in ["weight", "weight_orig", "bias"] {
        let stem = middle.trim_end_matches("weight_orig").trim_end_matches("weight");
        without.retain(|name, _| *name != format!("{stem}{part}"));
    }
    assert!(without.len() < whole.len() && read(without).is_err(), "{file}: {middle}");
}

#[test]
fn nothing_of_a_damaged_stylegan1_is_believed() {
    survives_damage("karras2019stylegan-ffhq-64x64.for_g_all.pt", "", None);
    survives_damage("karras2019stylegan-ffhq-64x64.pkl", "2/", None);
    survives_damage("stylegan_ffhq128.interfacegan.pth", "", None);
    survives_damage("stylegan_ffhq128.genforce.pth", "generator_smooth.", None);
    // At its full depth hardly anything is unused.
    survives_damage("rosinality_sg1_stylegan-128px.model", "g_running.", Some(128));
}

#[test]
fn nothing_of_a_damaged_stylegan2_is_believed() {
    survives_damage("stylegan2-ffhq-config-f.64px.pt", "g_ema.", None);
    survives_damage("ffhq-ada-64.pkl", "G_ema/", None);
}

#[test]
fn stylegan2_ada() {
    let net = stylegan2("ffhq-ada-64.pkl", Layout::Ada);
    let golden = Golden::open("sg2_ada_64.safetensors");
    let noise = net.noise().expect("the file has noise maps");
    let w = net.map(tensor(&golden, "z"));
    close(w.clone(), &golden, "w", 1e-5);
    let [n, d] = w.dims();
    let codes = w.reshape([n, 1, d]).expand([n, 10, d]);
    let codes = truncated(codes, net.w_avg().expect("a mean code"), 0.7, 10);
    close(net.synthesize(codes, noise), &golden, "img_from_z_psi07", 3e-4);
    close(net.synthesize(tensor(&golden, "ws"), noise), &golden, "img_from_ws", 3e-4);
}
