//! StyleFlow against its authors' layers under torchdiffeq.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, detw, keys, max_abs, path};
use reelgan_nets::styleflow::StyleFlow;
use reelgan_nets::{Error, Weights};

const CHECKPOINT: &str = "modellarge10k.small.pt";
const GOLDEN: &str = "styleflow_small.safetensors";

fn weights() -> Weights {
    Weights::open(StyleFlow::NETWORK, &path(CHECKPOINT)).expect("readable weights")
}

fn network() -> StyleFlow {
    StyleFlow::from_weights(weights(), &Device::flex()).expect("weights of the network")
}

/// The codes `[1,R,D]` of a reference as `[R,D]`.
fn codes(golden: &Golden, name: &str) -> Tensor<2> {
    let shape = golden.shape(name);
    let data = TensorData::new(golden.values(name), [shape[1], shape[2]]);
    Tensor::from_data(data, &Device::flex())
}

fn values(t: Tensor<2>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

#[test]
fn dimensions_come_from_the_file() {
    let net = network();
    assert_eq!((net.dim(), net.attributes()), (32, 17));
}

/// The reference was integrated with a tolerance of 1e-7.
#[test]
fn both_ways_match_the_reference() {
    let golden = Golden::open(GOLDEN);
    let net = network().with_tolerance(1e-7);
    let (source, target) = (golden.values("attr_source"), golden.values("attr_target"));
    let z = net.forward(codes(&golden, "w"), &source).expect("a solution");
    let difference = max_abs(&values(z.clone()), &golden.values("z_forward"));
    println!("forward: {difference:e}");
    assert!(difference < 1e-4, "forward differs by {difference}");
    for (attributes, name) in [(&target, "w_edited"), (&source, "w_roundtrip")] {
        let w = net.reverse(z.clone(), attributes).expect("a solution");
        let difference = max_abs(&values(w), &golden.values(name));
        println!("{name}: {difference:e}");
        assert!(difference < 1e-4, "{name} differs by {difference}");
    }
}

/// The authors' tolerance of 1e-5 ends within ten times of it.
#[test]
fn usual_tolerance_is_close_to_the_fine_one() {
    let golden = Golden::open(GOLDEN);
    let z = network().forward(codes(&golden, "w"), &golden.values("attr_source")).unwrap();
    let difference = max_abs(&values(z), &golden.values("z_forward"));
    assert!(difference < 1e-4, "forward differs by {difference}");
}

#[test]
fn rows_do_not_depend_on_each_other() {
    let golden = Golden::open(GOLDEN);
    let (net, source) = (network().with_tolerance(1e-7), golden.values("attr_source"));
    let all = codes(&golden, "w");
    let [rows, dim] = all.dims();
    let want = values(net.forward(all.clone(), &source).unwrap());
    for row in [0, rows - 1] {
        let alone = net.forward(all.clone().slice([row..row + 1, 0..dim]), &source).unwrap();
        let difference = max_abs(&values(alone), &want[row * dim..(row + 1) * dim]);
        assert!(difference < 1e-5, "row {row} differs by {difference}");
    }
}

/// The published file by its key list: accepted as it is, refused with one key less,
/// one more, or one of another shape.
#[test]
fn published_layout_is_taken_exactly() {
    let mut weights = Weights::empty(StyleFlow::NETWORK);
    for key in keys("styleflow_modellarge10k") {
        let mut numbers = detw(&key.name, key.len(), 0.05);
        if key.name.ends_with("running_var") {
            numbers.iter_mut().for_each(|v| *v += 1.0);
        }
        weights.insert(&key.name, key.shape, numbers);
    }
    let build = |weights: Weights| StyleFlow::from_weights(weights, &Device::flex());
    let net = build(weights.clone()).expect("the published layout");
    assert_eq!((net.dim(), net.attributes()), (512, 17));

    let mut extra = weights.clone();
    extra.insert("chain.3.what", vec![1], vec![0.0]);
    let error = build(extra).expect_err("an array too many");
    assert!(
        matches!(&error, Error::ExtraTensors { name, others: 0, .. } if name == "chain.3.what")
    );

    let gone = "chain.1.odefunc.diffeq.layers.5._hyper_gate.bias";
    let mut missing = weights.clone();
    missing.take(gone, &[512]).expect("it is there");
    let error = build(missing).expect_err("an array too few");
    assert!(matches!(&error, Error::MissingTensor { name, .. } if name == gone), "{error}");

    let mut misshapen = weights;
    misshapen.insert("chain.2.bias", vec![511], vec![0.0; 511]);
    let error = build(misshapen).expect_err("a wrong shape");
    assert!(matches!(&error, Error::Shape { name, .. } if name == "chain.2.bias"), "{error}");
}

#[test]
fn operands_are_checked() {
    let golden = Golden::open(GOLDEN);
    let (net, w) = (network(), codes(&golden, "w"));
    let error = net.forward(w.clone(), &[0.0; 16]).expect_err("an attribute too few");
    assert!(error.to_string().contains("[17]"), "{error}");
    let [rows, dim] = w.dims();
    let narrow = w.slice([0..rows, 0..dim - 1]);
    assert!(net.reverse(narrow, &[0.0; 17]).is_err());
}
