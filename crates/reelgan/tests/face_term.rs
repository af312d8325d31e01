//! The LPIPS term of the inner face: what it looks at, and its gradient.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan::loss::{LpipsTerm, Perceptual};
use reelgan::objective::{ConsistencyBase, FlowPairs, LossWeights, Networks, Objective, Room};
use reelgan::perceptual;
use reelgan::prelude::Store;
use reelgan_run::Images;

const SIDE: usize = 64;
/// The inner face of a picture of that side: left, top, side.
const FACE: [usize; 3] = [16, 24, 32];

/// A smooth picture with values in [0.2,0.8], like no other with another `phase`.
fn picture(phase: f32) -> Vec<f32> {
    let value = |c: usize, y: usize, x: usize| {
        let (x, y) = (x as f32, y as f32);
        0.5 + 0.3
            * ((0.31 + 0.1 * c as f32) * x + phase).sin()
            * (0.23 * y + c as f32 - phase).cos()
    };
    (0..3 * SIDE * SIDE).map(|i| value(i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE)).collect()
}

fn cut(data: &[f32]) -> Vec<f32> {
    let [left, top, side] = FACE;
    let row = |c: usize, y: usize| (c * SIDE + y) * SIDE + left;
    (0..3)
        .flat_map(|c| (top..top + side).map(move |y| row(c, y)))
        .flat_map(|start| data[start..start + side].to_vec())
        .collect()
}

fn tensor(data: Vec<f32>, side: usize) -> Tensor<4> {
    Tensor::from_data(TensorData::new(data, [1, 3, side, side]), &Device::flex())
}

fn networks() -> (LpipsTerm, Perceptual) {
    let store = Store::standard().expect("a cache for models");
    let nets = perceptual::open(&store, &Device::flex())
        .expect("the perceptual networks; run `reelgan models fetch` first");
    (LpipsTerm::new(nets.lpips().clone()), Perceptual::new(nets.vgg16()))
}

fn objective(target: Vec<f32>, weights: LossWeights, term: Option<LpipsTerm>) -> Objective {
    objective_in(&Room::default(), target, weights, term)
}

fn objective_in(
    room: &Room,
    target: Vec<f32>,
    weights: LossWeights,
    term: Option<LpipsTerm>,
) -> Objective {
    let (_, perceptual) = networks();
    let frames = Images::new(1, SIDE, SIDE, target).unwrap();
    let networks = Networks { perceptual, lpips: term };
    let (flows, base) = (FlowPairs::given(Vec::new()), ConsistencyBase::First);
    Objective::new(&frames, networks, &flows, base, weights, room, &Device::flex()).unwrap()
}

#[test]
fn it_is_lpips_of_that_part_of_the_picture() {
    let (term, _) = networks();
    let (target, picture) = (picture(0.0), picture(0.9));
    let weights = LossWeights { lpips: 0.5, face: 2.0, ..LossWeights::default() };
    let objective = objective(target.clone(), weights, Some(term.clone()));
    let terms = objective.frame(0, &tensor(picture.clone(), SIDE)).unwrap().terms();
    let lpips = |a: Vec<f32>, b: Vec<f32>, side| {
        term.loss(&term.target(tensor(a, side)), tensor(b, side)).into_scalar::<f32>()
    };
    let want = lpips(cut(&target), cut(&picture), FACE[2]);
    assert!(want > 0.01 && (terms.face - want).abs() < 1e-6, "{} and {want}", terms.face);
    let whole = lpips(target, picture, SIDE);
    assert!((terms.lpips - whole).abs() < 1e-6 && (whole - want).abs() > 1e-3);
    assert!((terms.total - 0.5 * whole - 2.0 * want).abs() < 1e-5, "{terms:?}");
}

#[test]
fn its_gradient_is_that_of_finite_differences_and_none_outside() {
    let (term, _) = networks();
    let weights = LossWeights { face: 1.0, ..LossWeights::default() };
    let objective = objective(picture(0.0), weights, Some(term));
    let data = picture(0.9);
    let x = tensor(data.clone(), SIDE).autodiff().require_grad();
    let mut grads = objective.frame(0, &x).unwrap().total.backward();
    let gradient = x.grad_remove(&mut grads).unwrap().into_data().try_into_vec::<f32>().unwrap();
    let [left, top, side] = FACE;
    let inside = |i: usize| {
        let (y, x) = (i / SIDE % SIDE, i % SIDE);
        (left..left + side).contains(&x) && (top..top + side).contains(&y)
    };
    for (i, g) in gradient.iter().enumerate() {
        assert!(inside(i) || *g == 0.0, "number {i} lies outside");
    }
    // Along a direction with a part in every number of the face, so that rounding drowns.
    let along: Vec<f32> = gradient.iter().map(|g| g.signum() * f32::from(*g != 0.0)).collect();
    let at = |step: f32| {
        let moved = data.iter().zip(&along).map(|(v, d)| v + step * d).collect();
        f64::from(objective.frame(0, &tensor(moved, SIDE)).unwrap().terms().total)
    };
    let (step, want) = (1e-4, gradient.iter().map(|g| f64::from(g.abs())).sum::<f64>());
    let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
    assert!((slope / want - 1.0).abs() < 0.02, "{slope} and {want}");
}

#[test]
fn without_its_network_it_is_refused() {
    let (_, perceptual) = networks();
    let weights = LossWeights { face: 1.0, ..LossWeights::default() };
    let networks = Networks { perceptual, lpips: None };
    let frames = Images::new(1, SIDE, SIDE, picture(0.0)).unwrap();
    let flows = FlowPairs::given(Vec::new());
    let (base, room) = (ConsistencyBase::First, Room::default());
    let error = Objective::new(&frames, networks, &flows, base, weights, &room, &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(error.contains("weights.face"), "{error}");
}

#[test]
fn a_target_put_away_changes_no_number() {
    let (term, _) = networks();
    let weights = LossWeights { lpips: 0.5, face: 2.0, ..LossWeights::default() };
    let away = Room { bytes: 0, ..Room::default() };
    let picture = tensor(picture(0.9), SIDE);
    let [near, far] = [Room::default(), away].map(|room| {
        let objective = objective_in(&room, self::picture(0.0), weights, Some(term.clone()));
        objective.frame(0, &picture).unwrap().terms()
    });
    assert!(near.lpips > 0.0 && near.face > 0.0 && near == far, "{near:?} and {far:?}");
}
