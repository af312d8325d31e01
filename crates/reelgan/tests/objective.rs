//! The authors' whole objective, its gradients and three Adam steps, against
//! numbers their own layers and losses gave (`golden/data/objective_64.safetensors`).
//!
//! The environment variable `REELGAN_TEST_DEVICE` has them computed on another device than the
//! processor, whose feature must be compiled in: `wgpu:cpu` is a graphics driver that computes
//! on the processor.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan::codes::{Codes, OffsetSpace, Trajectory};
use reelgan::generator::{Generator, Identity, Noise, StyleGan1Generator};
use reelgan::invert::{Adam, AdamConfig, Variables};
use reelgan::loss::Perceptual;
use reelgan::objective::{
    ConsistencyBase, FlowPairs, LossWeights, Networks, Objective, Room, Terms,
};
use reelgan_golden::{Golden, detw, path, relative};
use reelgan_nets::generators::StyleGan1;
use reelgan_nets::perceptual::Vgg16;
use reelgan_nets::{DeviceName, Weights};
use reelgan_run::{Flow, Images};

const FRAMES: usize = 5;
const ROWS: usize = 10;
const DIM: usize = 32;

fn device() -> Device {
    let name = std::env::var("REELGAN_TEST_DEVICE").unwrap_or_else(|_| "cpu".into());
    name.parse::<DeviceName>().unwrap().open().unwrap()
}

/// The authors' generator layout at 64 px, with the noise maps of the reference run.
fn generator() -> StyleGan1Generator {
    let file = path("karras2019stylegan-ffhq-64x64.for_g_all.pt");
    let weights = Weights::open(StyleGan1::NETWORK, &file).expect("readable weights");
    let device = device();
    let net = StyleGan1::from_weights(&weights, &device).expect("weights of the network");
    let golden = Golden::open("sg1_lernapparat_64.safetensors");
    let planes = (0..ROWS)
        .map(|k| {
            let name = format!("noise{k}");
            let shape: [usize; 4] = golden.shape(&name).try_into().expect("rank 4");
            Tensor::from_data(TensorData::new(golden.values(&name), shape), &device)
        })
        .collect();
    let identity = Identity { name: "stylegan1-64".into(), sha256: "none".into() };
    StyleGan1Generator::new(net, identity, device, vec![0.0; DIM], Some(Noise { planes }))
}

/// VGG16 with the reference run's reproducible weights (torchvision key names).
fn vgg16() -> Vgg16 {
    let indices = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
    let names =
        ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3"];
    let widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];
    let mut weights = Weights::empty(Vgg16::NETWORK);
    for (k, name) in names.iter().enumerate() {
        let (input, out) = (widths[k], widths[k + 1]);
        let bound = (6.0 / (input * 9) as f64).sqrt() as f32;
        let kernel = detw(&format!("features.{}.weight", indices[k]), out * input * 9, bound);
        weights.insert(&format!("conv{name}.weight"), vec![out, input, 3, 3], kernel);
        let bias = detw(&format!("features.{}.bias", indices[k]), out, 0.1);
        weights.insert(&format!("conv{name}.bias"), vec![out], bias);
    }
    Vgg16::from_weights(&weights, &device()).expect("weights of the network")
}

fn frames(golden: &Golden) -> Images {
    let data = (0..FRAMES).flat_map(|k| golden.values(&format!("frame{k}"))).collect();
    Images::new(FRAMES, 64, 64, data).expect("frames")
}

/// `flow_fwd{k-1}` lies on frame k's grid and points into frame 0, `flow_bwd` the other way.
fn flows(golden: &Golden) -> FlowPairs {
    let flow = |name: String| Flow::new(1, 64, 64, golden.values(&name)).expect("a flow");
    FlowPairs::given(
        (1..FRAMES)
            .flat_map(|k| {
                [
                    ((k, 0), flow(format!("flow_fwd{}", k - 1))),
                    ((0, k), flow(format!("flow_bwd{}", k - 1))),
                ]
            })
            .collect(),
    )
}

fn objective(golden: &Golden) -> Objective {
    objective_with(golden, 0.0, &Room::default())
}

fn objective_with(golden: &Golden, cross_frame: f32, room: &Room) -> Objective {
    let weights = LossWeights {
        pixel: 1.0,
        perceptual: 1.0,
        consistency: 1.0,
        cross_frame,
        ..LossWeights::default()
    };
    let networks = Networks { perceptual: Perceptual::new(Arc::new(vgg16())), lpips: None };
    let (flows, base) = (flows(golden), ConsistencyBase::First);
    Objective::new(&frames(golden), networks, &flows, base, weights, room, &device())
        .expect("an objective")
}

/// Losses and gradient to the unknowns, as one step of the inversion takes them.
fn losses_and_gradient(
    generator: &dyn Generator,
    objective: &Objective,
    variables: &Variables,
) -> (Terms, Vec<f32>) {
    let codes = variables.codes();
    let noise = generator.fixed_noise();
    let mut terms = Terms::default();
    let mut gradient = Vec::new();
    for k in 0..codes.count() {
        let code = TensorData::new(codes.code(k).to_vec(), [1, ROWS, DIM]);
        let code = Tensor::<3>::from_data(code, &device()).autodiff().require_grad();
        let loss = objective.frame(k, &generator.synthesize(code.clone(), &noise));
        let loss = loss.expect("a target");
        terms.add(&loss.terms());
        let mut grads = loss.total.backward();
        let g = code.grad_remove(&mut grads).expect("a gradient");
        gradient.extend(g.into_data().try_into_vec::<f32>().expect("f32"));
    }
    (terms, variables.backward(&gradient))
}

#[test]
fn reconstructions_at_the_start_match() {
    let golden = Golden::open("objective_64.safetensors");
    let codes = Codes::new(ROWS, DIM, vec![0.0; FRAMES * ROWS * DIM]).expect("codes");
    let images = reelgan::generator::render(&generator(), &codes).expect("images");
    let want: Vec<f32> = golden.values("G0");
    let difference = reelgan_golden::max_abs(images.data(), &want);
    assert!(difference < 2e-4, "largest difference {difference}");
}

#[test]
fn losses_gradients_and_steps_match_the_authors() {
    let golden = Golden::open("objective_64.safetensors");
    let generator = generator();
    let objective = objective(&golden);
    let resting = Trajectory::resting(&vec![0.0; ROWS * DIM], ROWS, FRAMES, OffsetSpace::W);
    let mut variables = Variables::Trajectory(resting);
    let mut adam = Adam::new(AdamConfig::default(), variables.len());
    let want = golden.values("losses_mse_perc_tc_total");
    for step in 0..4 {
        let (terms, gradient) = losses_and_gradient(&generator, &objective, &variables);
        let got = [terms.pixel, terms.perceptual, terms.consistency, terms.total];
        for (name, (got, want)) in ["pixel", "perceptual", "consistency", "total"]
            .iter()
            .zip(got.iter().zip(&want[step * 4..]))
        {
            let error = (got / want - 1.0).abs();
            assert!(error < 1e-3, "step {step}, {name}: {got} instead of {want}");
        }
        if step == 0 {
            let (base, offsets) = gradient.split_at(ROWS * DIM);
            let error = relative(base, &golden.values("grad0_dlatent"));
            assert!(error < 5e-3, "gradient to the base differs by {error}");
            let error = relative(offsets, &golden.values("grad0_dirs"));
            assert!(error < 5e-3, "gradient to the steps differs by {error}");
        }
        if step < 3 {
            adam.step(variables.values_with_rates(0.01, 1.0, 1.0), &gradient);
            compare_unknowns(&golden, step + 1, &variables);
        }
    }
}

#[test]
fn targets_put_away_change_no_number() {
    let golden = Golden::open("objective_64.safetensors");
    let generator = generator();
    // Away from the start, where all codes are equal.
    let codes = detw("codes", FRAMES * ROWS * DIM, 0.3);
    let variables = Variables::Free(Codes::new(ROWS, DIM, codes).expect("codes"));
    let step = |bytes| {
        let room = Room { bytes, ..Room::default() };
        losses_and_gradient(&generator, &objective_with(&golden, 0.5, &room), &variables)
    };
    let (terms, gradient) = step(usize::MAX);
    assert!(
        terms.perceptual > 0.0 && terms.consistency > 0.0 && gradient.iter().any(|g| *g != 0.0)
    );
    // All of them, and all but the first two: features of one frame take 40 MB.
    for bytes in [0, 100 << 20] {
        assert!(step(bytes) == (terms, gradient.clone()), "{bytes} bytes");
    }
}

/// Adam's first steps have the sign of the gradient, so unknowns whose gradient is
/// at the rounding noise may go either way: they are left out, as the reference says.
fn compare_unknowns(golden: &Golden, step: usize, variables: &Variables) {
    let gradient = [golden.values("grad0_dlatent"), golden.values("grad0_dirs")].concat();
    let want = [
        golden.values(&format!("dlatent_after{step}")),
        golden.values(&format!("dirs_after{step}")),
    ]
    .concat();
    let mut compared = 0;
    for ((got, want), g) in variables.values().iter().zip(&want).zip(&gradient) {
        if g.abs() > 1e-6 {
            assert!((got - want).abs() < 5e-4, "after step {step}: {got} instead of {want}");
            compared += 1;
        }
    }
    assert!(compared * 10 > want.len() * 9, "only {compared} of {} compared", want.len());
}
