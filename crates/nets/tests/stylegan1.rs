//! StyleGAN1 in the authors' layout against the authors' layers.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, max_abs, path, relative};
use reelgan_nets::Weights;
use reelgan_nets::generators::StyleGan1;

const CHECKPOINT: &str = "karras2019stylegan-ffhq-64x64.for_g_all.pt";

fn tensor<const D: usize>(golden: &Golden, name: &str) -> Tensor<D> {
    let shape: [usize; D] = golden.shape(name).try_into().expect("the rank of the reference");
    Tensor::from_data(TensorData::new(golden.values(name), shape), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

fn network() -> (StyleGan1, Golden, Vec<Tensor<4>>) {
    let weights = Weights::open(StyleGan1::NETWORK, &path(CHECKPOINT)).expect("readable weights");
    let net = StyleGan1::from_weights(&weights, &Device::flex()).expect("weights of the network");
    let golden = Golden::open("sg1_lernapparat_64.safetensors");
    let noise = (0..net.rows()).map(|k| tensor(&golden, &format!("noise{k}"))).collect();
    (net, golden, noise)
}

#[test]
fn dimensions_come_from_the_file() {
    let (net, _, _) = network();
    assert_eq!((net.resolution(), net.rows(), net.dim()), (64, 10, 32));
}

#[test]
fn mapping_and_images_match_the_reference() {
    let (net, golden, noise) = network();
    let w = net.map(tensor(&golden, "z"));
    let difference = max_abs(&values(w.clone()), &golden.values("w"));
    assert!(difference < 1e-5, "w differs by {difference}");
    let [n, d] = w.dims();
    let codes = w.reshape([n, 1, d]).expand([n, net.rows(), d]);
    for (codes, image) in [(codes, "img_from_z"), (tensor(&golden, "wp"), "img_from_wp")] {
        let got = values(net.synthesize(codes, &noise));
        let difference = max_abs(&got, &golden.values(image));
        assert!(difference < 2e-4, "{image} differs by {difference}");
    }
}

#[test]
fn gradient_to_codes_matches_the_reference() {
    let (net, golden, noise) = network();
    let codes = tensor::<3>(&golden, "wp").autodiff().require_grad();
    let image = net.synthesize(codes.clone(), &noise).add_scalar(1.0).div_scalar(2.0);
    let loss = (image - tensor(&golden, "target01")).powf_scalar(2.0).mean();
    let value = loss.clone().into_scalar::<f32>();
    let want = golden.values("mse_loss")[0];
    assert!((value / want - 1.0).abs() < 1e-3, "loss {value} instead of {want}");
    let mut grads = loss.backward();
    let gradient = values(codes.grad_remove(&mut grads).expect("a gradient"));
    let error = relative(&gradient, &golden.values("grad_wp"));
    assert!(error < 1e-3, "gradient differs by {error}");
}
