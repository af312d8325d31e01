//! The face networks with real weights against the package they come from.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_golden::{Golden, max_abs, path};
use reelgan_models::{Kind, Store};
use reelgan_nets::faces::{AgeGender, Detector, Expression, Identity, Landmarks68, NETWORK};
use reelgan_nets::{Error, Weights};

const PICTURES: [&str; 4] =
    ["face_0_512.png", "face_1_512.png", "face_2_512.png", "face_3_512.png"];

fn weights() -> Weights {
    let store = Store::standard().expect("a cache folder");
    let path = store
        .path_as("face-nets", Kind::FaceNets)
        .expect("fetched before (`reelgan models fetch face-nets`)");
    Weights::open(NETWORK, &path).expect("readable weights")
}

/// Columns and rows of a picture, `[1,3,H,W]` in `[0,1]`.
fn part(name: &str, [x, y, width, height]: [usize; 4]) -> Tensor<4> {
    let image =
        image::open(path(&format!("images/{name}"))).expect("a reference picture").to_rgb8();
    let mut data = Vec::new();
    for c in 0..3 {
        for row in y..y + height {
            for column in x..x + width {
                data.push(f32::from(image.get_pixel(column as u32, row as u32).0[c]) / 255.0);
            }
        }
    }
    Tensor::from_data(TensorData::new(data, [1, 3, height, width]), &Device::flex())
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// The crop of a picture that the reference gave straight to the networks.
fn crop(golden: &Golden, name: &str) -> Tensor<4> {
    let rect = golden.values(&format!("{name}/crop/rect"));
    part(name, std::array::from_fn(|k| rect[k] as usize))
}

#[track_caller]
fn assert_near(what: &str, got: Vec<f32>, golden: &Golden, tolerance: f32) {
    let worst = max_abs(&got, &golden.values(what));
    assert!(worst < tolerance, "{what}: differs by {worst}, allowed is {tolerance}");
}

#[test]
fn the_detector_matches_its_package() {
    let golden = Golden::open("face_api.safetensors");
    let detector = Detector::from_weights(&weights(), 416, &Device::flex()).expect("weights");
    // The second is columns 40 to 471 of the first, so it is padded.
    for (name, area) in
        [("face_0_512.png", [0, 0, 512, 512]), ("face_0_432x512.png", [40, 0, 432, 512])]
    {
        let raw = detector.raw(part("face_0_512.png", area));
        assert_near(
            &format!("{name}/det416/raw"),
            values(raw.permute([0, 2, 3, 1])),
            &golden,
            1e-3,
        );
    }
}

#[test]
fn boxes_match_at_every_size_of_the_input() {
    let golden = Golden::open("face_api.safetensors");
    let whole = [0, 0, 512, 512];
    let mut cases = Vec::new();
    for name in PICTURES {
        cases.extend([224, 320, 416].map(|side| (name, name, whole, side)));
    }
    cases.push(("face_0_432x512.png", "face_0_512.png", [40, 0, 432, 512], 416));
    cases.push(("face_2_512x400.png", "face_2_512.png", [0, 70, 512, 400], 416));
    let weights = weights();
    for (name, file, area, side) in cases {
        let detector = Detector::from_weights(&weights, side, &Device::flex()).expect("weights");
        let found = detector.detect(part(file, area), 0.5);
        let want = golden.values(&format!("{name}/det{side}/boxes"));
        assert_eq!(found.len() * 5, want.len(), "{name} at {side}");
        for (face, want) in found.iter().zip(want.chunks(5)) {
            let got = [face.x, face.y, face.width, face.height].map(|v| v as f32);
            let (far, score) = (max_abs(&got, &want[..4]), face.score as f32 - want[4]);
            assert!(far < 0.02 && score.abs() < 1e-4, "{name} at {side}: {face:?}, {want:?}");
        }
    }
}

#[test]
fn the_networks_of_crops_match_their_package() {
    let golden = Golden::open("face_api.safetensors");
    let (weights, device) = (weights(), Device::flex());
    let landmarks = Landmarks68::from_weights(&weights, &device).expect("weights");
    let identity = Identity::from_weights(&weights, &device).expect("weights");
    let age_gender = AgeGender::from_weights(&weights, &device).expect("weights");
    let expression = Expression::from_weights(&weights, &device).expect("weights");
    for name in PICTURES {
        let (x, key) = (crop(&golden, name), |what: &str| format!("{name}/crop/{what}"));
        assert_near(&key("lm_raw"), values(landmarks.raw(x.clone())), &golden, 1e-3);
        assert_near(&key("landmarks"), values(landmarks.forward(x.clone())), &golden, 0.02);
        assert_near(&key("descriptor"), values(identity.forward(x.clone())), &golden, 1e-4);
        let (age, gender) = age_gender.logits(x.clone());
        assert_near(&key("age"), values(age), &golden, 1e-3);
        assert_near(&key("gender_logits"), values(gender), &golden, 1e-3);
        assert_near(&key("expr_logits"), values(expression.logits(x)), &golden, 1e-3);
    }
}

/// The gradient of a descriptor along a direction against a central difference.
#[test]
fn the_identity_gradient_is_its_difference() {
    let golden = Golden::open("face_api.safetensors");
    let identity = Identity::from_weights(&weights(), &Device::flex()).expect("weights");
    let x = crop(&golden, "face_1_512.png");
    let along = Tensor::<2>::from_data(
        TensorData::new(
            (0..128).map(|k| ((k * 37) % 11) as f32 - 5.0).collect::<Vec<f32>>(),
            [1, 128],
        ),
        &Device::flex(),
    );
    let tracked = x.clone().autodiff().require_grad();
    let mut grads = (identity.forward(tracked.clone()) * along.clone()).sum().backward();
    let gradient = tracked.grad_remove(&mut grads).expect("a gradient");
    // A broad wave, so that no single kink of the many rectifiers decides.
    let [_, _, h, w] = x.dims();
    let wave = |k: usize| (0.05 * (k % w) as f32).sin() * (0.03 * (k / w) as f32).cos();
    let wave: Vec<f32> = (0..3 * h * w).map(wave).collect();
    let step = Tensor::<4>::from_data(TensorData::new(wave, [1, 3, h, w]), &Device::flex());
    let value = |x: Tensor<4>| (identity.forward(x) * along.clone()).sum().into_scalar::<f32>();
    let slope = (gradient * step.clone()).sum().into_scalar::<f32>();
    let difference = |size: f32| {
        let ahead = value(x.clone() + step.clone().mul_scalar(size));
        (ahead - value(x.clone() - step.clone().mul_scalar(size))) / (2.0 * size)
    };
    // Over larger steps many rectifiers change sides (5 % at 5e-4); under smaller ones
    // the rounding of f32 counts.
    let difference = difference(1e-4);
    assert!((slope / difference - 1.0).abs() < 0.02, "{slope} against {difference}");
}

#[test]
fn foreign_weights_are_refused() {
    let device = Device::flex();
    let mut weights = weights();
    weights.insert("expression.fc.weights", vec![256, 8], vec![0.0; 256 * 8]);
    let error = Expression::from_weights(&weights, &device).unwrap_err();
    assert!(
        matches!(&error, Error::Shape { name, .. } if name == "expression.fc.weights"),
        "{error}"
    );
    weights.insert("identity.conv512.conv.bias", vec![1], vec![0.0]);
    let error = Identity::from_weights(&weights, &device).unwrap_err();
    assert!(
        matches!(&error, Error::ExtraTensors { name, .. } if name == "identity.conv512.conv.bias"),
        "{error}"
    );
    let error = Landmarks68::from_weights(&Weights::empty(NETWORK), &device).unwrap_err();
    assert!(matches!(error, Error::MissingTensor { .. }), "{error}");
}
