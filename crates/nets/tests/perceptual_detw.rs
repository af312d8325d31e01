//! The perceptual networks with reproducible weights against PyTorch: LPIPS on its
//! three trunks, and the Inception network of FID.

use std::fs;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Detw, Golden, detw, path, relative};
use reelgan_nets::Weights;
use reelgan_nets::perceptual::{AlexNet, FidInput, Inception, Lpips, SqueezeNet, Trunk, Vgg16};

/// torchvision's names and the shapes `[O,C,k]` of square kernels.
fn alexnet() -> Vec<(String, [usize; 3])> {
    let layers = [(0, [64, 3, 11]), (3, [192, 64, 5]), (6, [384, 192, 3]), (8, [256, 384, 3])];
    let layers = layers.into_iter().chain([(10, [256, 256, 3])]);
    layers.map(|(k, shape)| (format!("features.{k}"), shape)).collect()
}

fn vgg16() -> Vec<(String, [usize; 3])> {
    let layers = [
        (0, 3, 64),
        (2, 64, 64),
        (5, 64, 128),
        (7, 128, 128),
        (10, 128, 256),
        (12, 256, 256),
        (14, 256, 256),
        (17, 256, 512),
        (19, 512, 512),
        (21, 512, 512),
        (24, 512, 512),
        (26, 512, 512),
        (28, 512, 512),
    ];
    layers.into_iter().map(|(k, c, o)| (format!("features.{k}"), [o, c, 3])).collect()
}

fn squeezenet() -> Vec<(String, [usize; 3])> {
    let mut all = vec![("features.0".to_string(), [64, 3, 3])];
    let fires = [
        (3, 64, 16, 64),
        (4, 128, 16, 64),
        (6, 128, 32, 128),
        (7, 256, 32, 128),
        (9, 256, 48, 192),
        (10, 384, 48, 192),
        (11, 384, 64, 256),
        (12, 512, 64, 256),
    ];
    for (k, input, squeeze, expand) in fires {
        all.push((format!("features.{k}.squeeze"), [squeeze, input, 1]));
        all.push((format!("features.{k}.expand1x1"), [expand, squeeze, 1]));
        all.push((format!("features.{k}.expand3x3"), [expand, squeeze, 3]));
    }
    all
}

/// Weights that follow from torchvision's key names.
fn drawn(network: &'static str, layers: Vec<(String, [usize; 3])>) -> Weights {
    let mut weights = Weights::empty(network);
    for (name, [out, input, side]) in layers {
        let fan_in = input * side * side;
        let bound = (6.0 / fan_in as f64).sqrt() as f32;
        let key = format!("{name}.weight");
        weights.insert(&key, vec![out, input, side, side], detw(&key, out * fan_in, bound));
        let key = format!("{name}.bias");
        weights.insert(&key, vec![out], detw(&key, out, 0.1));
    }
    weights
}

fn trunk(name: &str) -> Trunk {
    let device = Device::flex();
    match name {
        "alex" => {
            AlexNet::from_weights(&drawn(AlexNet::NETWORK, alexnet()), &device).map(Into::into)
        }
        "vgg" => Vgg16::from_weights(&drawn(Vgg16::NETWORK, vgg16()), &device).map(Into::into),
        _ => SqueezeNet::from_weights(&drawn(SqueezeNet::NETWORK, squeezenet()), &device)
            .map(Into::into),
    }
    .expect("weights of the network")
}

/// The authors' own file of heads.
fn lpips(name: &str) -> Lpips {
    let heads = Weights::open("LPIPS", &path(&format!("lpips_v0.1_{name}.pth"))).expect("heads");
    Lpips::from_weights(trunk(name), &heads, &Device::flex()).expect("heads of the trunk")
}

fn image(golden: &Golden, name: &str, device: &Device) -> Tensor<4> {
    let shape: [usize; 4] = golden.shape(name).try_into().expect("rank 4");
    Tensor::from_data(TensorData::new(golden.values(name), shape), device)
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// From the reference's `[-1,1]` to our `[0,1]`.
fn to_unit(x: Tensor<4>) -> Tensor<4> {
    x.add_scalar(1.0).div_scalar(2.0)
}

#[test]
fn heavy_lpips_on_every_trunk_matches_the_original() {
    let golden = Golden::open("lpips_detw.safetensors");
    let pair = ["in0", "in1"].map(|name| to_unit(image(&golden, name, &Device::flex())));
    for name in ["alex", "vgg", "squeeze"] {
        let (total, layers) = lpips(name).distance(pair[0].clone(), pair[1].clone());
        let want = golden.values(name);
        for (got, want) in values(total).iter().zip(&want) {
            assert!((got / want - 1.0).abs() < 1e-3, "{name}: {got} instead of {want}");
        }
        // The reference has a row a picture.
        let [pictures, count] = golden.shape(&format!("{name}_layers")).try_into().expect("rank 2");
        let rows = golden.values(&format!("{name}_layers"));
        assert_eq!(layers.len(), count, "{name}");
        for (l, layer) in layers.into_iter().enumerate() {
            let layer = values(layer);
            for n in 0..pictures {
                let (got, want) = (layer[n], rows[n * count + l]);
                assert!((got / want - 1.0).abs() < 1e-3, "{name} {l}: {got} instead of {want}");
            }
        }
    }
}

#[test]
fn heads_that_come_with_the_crate_are_the_authors() {
    let Trunk::SqueezeNet(net) = trunk("squeeze") else { panic!("asked for SqueezeNet") };
    let golden = Golden::open("lpips_detw.safetensors");
    let pair = ["in0", "in1"].map(|name| to_unit(image(&golden, name, &Device::flex())));
    let ours = Lpips::squeeze(*net, &Device::flex()).expect("heads");
    let (total, _) = ours.distance(pair[0].clone(), pair[1].clone());
    for (got, want) in values(total).iter().zip(golden.values("squeeze")) {
        assert!((got / want - 1.0).abs() < 1e-3, "{got} instead of {want}");
    }
}

#[test]
fn heavy_gradient_of_lpips_matches_the_original() {
    let golden = Golden::open("lpips_detw.safetensors");
    let device = Device::flex().autodiff();
    let heads = Weights::open("LPIPS", &path("lpips_v0.1_alex.pth")).expect("heads");
    let net = AlexNet::from_weights(&drawn(AlexNet::NETWORK, alexnet()), &device).expect("weights");
    let lpips = Lpips::from_weights(net, &heads, &device).expect("heads of the trunk");
    let x = image(&golden, "in0", &device).require_grad();
    let (total, _) = lpips.distance(to_unit(x.clone()), to_unit(image(&golden, "in1", &device)));
    let grads = total.sum().backward();
    let got = values(x.grad(&grads).expect("a gradient"));
    let error = relative(&got, &golden.values("grad_in0_alex_sum"));
    assert!(error < 1e-3, "gradient differs by {error}");
}

/// All arrays of the FID network by the rule of the reference data; the classifier
/// and counters are left out.
fn fid_weights() -> Weights {
    let table = fs::read_to_string(path("fid_inception.tsv")).expect("the list of keys");
    let mut weights = Weights::empty(Inception::NETWORK);
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [key, _, shape] = fields[..] else { panic!("{line}") };
        if key.starts_with("fc.") || key.ends_with("num_batches_tracked") || key == "key" {
            continue;
        }
        let shape: Vec<usize> = shape.split('x').map(|d| d.parse().expect("a size")).collect();
        let count: usize = shape.iter().product();
        let (bound, offset) = match key {
            _ if shape.len() > 1 => ((6.0 / (count / shape[0]) as f64).sqrt() as f32, 0.0),
            _ if key.ends_with("running_var") => (0.5, 1.0),
            _ if key.ends_with("bn.weight") => (0.3, 1.0),
            _ => (0.1, 0.0),
        };
        let data = Detw::new(key).take(count).map(|u| u * bound + offset).collect();
        weights.insert(key, shape, data);
    }
    weights
}

#[test]
fn heavy_inception_matches_pytorch_fid() {
    let golden = Golden::open("fid_inception_detw.safetensors");
    let net = Inception::from_weights(&fid_weights(), &Device::flex()).expect("weights");
    let means = net.stage_means(image(&golden, "x", &Device::flex()), FidInput::PytorchFid);
    let names = ["block0_mean", "block1_mean", "block2_mean", "feat2048"];
    assert_eq!(means.len(), names.len());
    for (mean, name) in means.into_iter().zip(names) {
        assert_eq!(mean.dims()[..], golden.shape(name)[..], "{name}");
        let error = relative(&values(mean), &golden.values(name));
        assert!(error < 2e-3, "{name}: differs by {error}");
    }
}

/// The same numbers under the names of the TorchScript file, which has no scales.
#[test]
fn heavy_both_spellings_are_the_same_network() {
    let golden = Golden::open("fid_inception_detw.safetensors");
    let theirs = fid_weights();
    let (mut scaleless, mut graph) = (Weights::empty("a"), Weights::empty("b"));
    for key in theirs.names() {
        let shape = theirs.shape(key).expect("listed").to_vec();
        let mut data = theirs.values(key, &shape).expect("listed").to_vec();
        if key.ends_with("bn.weight") {
            data.fill(1.0);
        } else if let Some(name) = graph_key(key) {
            graph.insert(&name, shape.clone(), data.clone());
        }
        scaleless.insert(key, shape, data);
    }
    let features = |weights: &Weights| {
        let net = Inception::from_weights(weights, &Device::flex()).expect("weights");
        values(net.features(image(&golden, "x", &Device::flex()), FidInput::TensorFlow))
    };
    assert_eq!(features(&scaleless), features(&graph));
}

/// The graph's key, by order: both files list branches and layers alike.
fn graph_key(key: &str) -> Option<String> {
    let (conv, part) = match key.split_once(".bn.") {
        Some((conv, "bias")) => (conv, "beta"),
        Some((conv, "running_mean")) => (conv, "mean"),
        Some((conv, "running_var")) => (conv, "var"),
        _ => (key.strip_suffix(".conv.weight")?, "weight"),
    };
    let table = fs::read_to_string(path("fid_inception.tsv")).expect("the list of keys");
    let convs: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split('\t').next()?.strip_suffix(".conv.weight"))
        .collect();
    let k = convs.iter().position(|name| *name == conv)?;
    let graph = fs::read_to_string(path("fid_helper_convs.txt")).expect("the graph's names");
    Some(format!("net.layers.{}.{part}", graph.lines().nth(k)?))
}
