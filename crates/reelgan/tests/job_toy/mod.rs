//! Jobs small enough for a test: a linear generator of 32 px, a few made frames.

// Each test binary uses some of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use reelgan::generator::{Generator, Identity, Noise};
use reelgan::invert::{Event, InvertConfig, Schedule};
use reelgan::job::{Fit, FlowSource, InvertRequest, Kit, Notice, Selection};
use reelgan::objective::LossWeights;
use reelgan::perceptual;
use reelgan_models::Store;
use reelgan_run::Images;
use reelgan_run::media::{self, Origin};

/// Side of the toy generator's images.
pub const SIDE: usize = 32;
const ROWS: usize = 2;
const DIM: usize = 4;

/// Images that are linear in the code, plus a noise plane.
pub struct Toy {
    identity: Identity,
    device: Device,
    mean: Vec<f32>,
    basis: Vec<f32>,
}

impl Toy {
    pub fn named(name: &str) -> Self {
        let numbers = ROWS * DIM;
        let wave = |i: usize, c: usize, y: usize, x: usize| {
            let (u, v) = (x as f32 / SIDE as f32, y as f32 / SIDE as f32);
            0.2 * ((i + 1) as f32 * u + (i * c) as f32 * v + c as f32).cos()
        };
        let mut basis = Vec::new();
        for i in 0..numbers {
            for c in 0..3 {
                for p in 0..SIDE * SIDE {
                    basis.push(wave(i, c, p / SIDE, p % SIDE));
                }
            }
        }
        let identity = Identity { name: name.into(), sha256: "0".repeat(64) };
        Self { identity, device: Device::flex(), mean: vec![0.3; DIM], basis }
    }
}

impl Generator for Toy {
    fn identity(&self) -> &Identity {
        &self.identity
    }
    fn resolution(&self) -> usize {
        SIDE
    }
    fn rows(&self) -> usize {
        ROWS
    }
    fn dim(&self) -> usize {
        DIM
    }
    fn mean_code(&self) -> &[f32] {
        &self.mean
    }
    fn device(&self) -> &Device {
        &self.device
    }
    fn map(&self, z: Tensor<2>) -> Tensor<2> {
        z
    }
    fn synthesize(&self, codes: Tensor<3>, noise: &Noise) -> Tensor<4> {
        let [n, rows, dim] = codes.dims();
        let shape = [ROWS * DIM, 3 * SIDE * SIDE];
        let basis =
            Tensor::<2>::from_data(TensorData::new(self.basis.clone(), shape), &self.device);
        let flat = codes.reshape([n, rows * dim]).matmul(basis);
        flat.reshape([n, 3, SIDE, SIDE]) + noise.planes[0].clone()
    }
    fn fixed_noise(&self) -> Noise {
        let data = TensorData::new(vec![0.01; 3 * SIDE * SIDE], [1, 3, SIDE, SIDE]);
        Noise { planes: vec![Tensor::from_data(data, &self.device)] }
    }
    fn fresh_noise(&self, seed: u64) -> Noise {
        // One plane for each channel, so that it adds up with the image.
        let drawn = Noise::drawn(&[([3 * SIDE, SIDE], 0.05)], seed, &self.device);
        Noise { planes: vec![drawn.planes[0].clone().reshape([1, 3, SIDE, SIDE])] }
    }
}

/// The toy generator with the real perceptual networks.
pub fn kit() -> Kit {
    kit_with("toy")
}

/// A toy generator of another name.
pub fn kit_with(name: &str) -> Kit {
    let store = Store::standard().expect("a cache for models");
    let nets = perceptual::open(&store, &Device::flex())
        .expect("the perceptual networks; run `reelgan models fetch` first");
    Kit { generator: Box::new(Toy::named(name)), nets, faces: None, ffmpeg: Default::default() }
}

/// Settings of a few quick steps on pixels alone.
pub fn config(steps: usize) -> InvertConfig {
    InvertConfig {
        steps,
        weights: LossWeights {
            pixel: 1.0,
            perceptual: 0.0,
            consistency: 0.0,
            cross_frame: 0.0,
            ..Default::default()
        },
        schedule: Schedule::constant(0.05),
        ..InvertConfig::default()
    }
}

/// Writes `count` frames of 48x40 px on which a light spot moves right.
pub fn frames(folder: &Path, count: usize) -> Vec<PathBuf> {
    fs::create_dir_all(folder).unwrap();
    (0..count)
        .map(|k| {
            let path = folder.join(format!("{k:02}.png"));
            media::write_png(&path, &frame(48, 40, k), 0, Origin::Input).unwrap();
            path
        })
        .collect()
}

/// One such frame of any size.
pub fn frame(width: usize, height: usize, k: usize) -> Images {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 - 16.0 - 4.0 * k as f32, y as f32 - 20.0);
            let spot = (-(dx * dx + dy * dy) / 60.0).exp();
            rgb.push((200.0 * spot) as u8 + 40);
            rgb.push((4 * x) as u8);
            rgb.push((5 * y) as u8);
        }
    }
    Images::from_rgb8(height, width, &rgb).unwrap()
}

/// A request for all frames of some inputs.
pub fn request(inputs: Vec<PathBuf>, config: InvertConfig) -> InvertRequest {
    InvertRequest {
        inputs,
        selection: Selection::default(),
        fps: None,
        fit: Fit::CentreSquare,
        flow: FlowSource::Dense,
        config,
        npy: true,
        command: vec!["reelgan".into(), "invert".into()],
    }
}

/// Every file below a folder by its path there, without those that hold durations.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    gather(folder, "", &mut all);
    all.retain(|name, _| name != "timing.json" && name != "report.html");
    all
}

fn gather(folder: &Path, prefix: &str, all: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{name}/"), all);
        } else {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// Names the first file that differs, which says more than both contents.
pub fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (contents(a), contents(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{name} differs");
    }
}

/// A watcher that asks to end after `steps` steps.
pub fn after(steps: usize) -> impl FnMut(&Notice<'_>) -> ControlFlow<()> {
    move |notice| match notice {
        Notice::Invert(Event::Step { record, .. }) if record.step + 1 >= steps => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    }
}
