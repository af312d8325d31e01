//! Seconds and peak memory of one inversion step at the generator's own size, and
//! of its parts. Run by `cargo xtask bench`; prints one JSON object.
//!
//! Each case runs in a process of its own, so that its peak memory is its own.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use reelgan::codes::Codes;
use reelgan::generator::{self, Generator, SampleConfig};
use reelgan::invert::{InvertConfig, Inverter, Precision, Preset, Schedule};
use reelgan::loss::{Along, ImageTermsBuilder, ImageWeights, Perceptual};
use reelgan::perceptual::{self, PerceptualNets};
use reelgan_models::Store;
use reelgan_run::{Flow, Images};
use serde_json::{Value, json};

/// As in the command: glibc's allocator gives pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Timed repetitions of a part, after one that does not count.
const REPEATS: usize = 7;
const CASES: [&str; 10] = [
    "generator_1",
    "perceptual_1",
    "images_1",
    "render_1",
    "step_fast_1",
    "step_fast_5",
    "step_fast_5_bf16",
    "step_default_5",
    "step_paper_5",
    "step_paper_5_bf16",
];

fn main() -> ExitCode {
    reelgan::machine::prepare().expect("an instruction set of this CPU");
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|a| a == "--case") {
        println!("{}", case(&args[at + 1]));
        return ExitCode::SUCCESS;
    }
    let program = std::env::current_exe().expect("the path of this program");
    let mut rows = Vec::new();
    for name in CASES {
        let out = Command::new(&program).args(["--case", name]).output().expect("a child process");
        match serde_json::from_slice::<Value>(&out.stdout) {
            Ok(row) if out.status.success() => rows.push(row),
            _ => {
                eprintln!("case {name} failed:\n{}", String::from_utf8_lossy(&out.stderr));
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{}", json!({ "rows": rows }));
    ExitCode::SUCCESS
}

struct Setup {
    generator: generator::FaceGenerator,
    nets: PerceptualNets,
    device: Device,
}

fn case(name: &str) -> Value {
    let device = Device::flex();
    let store = Store::standard().expect("a cache folder");
    let generator = generator::open(&store, generator::DEFAULT_GENERATOR, &device)
        .expect("fetched before (`reelgan models fetch`)");
    let nets = perceptual::open(&store, &device).expect("fetched before (`reelgan models fetch`)");
    let setup = Setup { generator, nets, device };
    let seconds = match name {
        "generator_1" => generator_pass(&setup),
        "perceptual_1" => perceptual_pass(&setup),
        "images_1" => images_pass(&setup),
        "render_1" => render(&setup),
        "step_fast_1" => steps(&setup, Preset::Fast, 1, Precision::F32),
        "step_fast_5" => steps(&setup, Preset::Fast, 5, Precision::F32),
        "step_fast_5_bf16" => steps(&setup, Preset::Fast, 5, Precision::Bf16),
        "step_default_5" => steps(&setup, Preset::Default, 5, Precision::F32),
        "step_paper_5" => steps(&setup, Preset::Paper, 5, Precision::F32),
        "step_paper_5_bf16" => steps(&setup, Preset::Paper, 5, Precision::Bf16),
        other => panic!("unknown case {other}"),
    };
    json!({
        "workload": name,
        "median_s": seconds[seconds.len() / 2],
        "min_s": seconds[0],
        "max_s": seconds[seconds.len() - 1],
        "peak_mb": peak_memory_mb(),
    })
}

/// Sorted seconds of `REPEATS` runs.
fn timed(mut work: impl FnMut()) -> Vec<f64> {
    work();
    let mut seconds: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}

fn faces(setup: &Setup, count: usize) -> (Codes, Images) {
    let config = SampleConfig { count, seed: 1, truncation: 0.7, truncated_rows: None };
    let codes = generator::sample(&setup.generator, &config).expect("codes");
    let images = generator::render(&setup.generator, &codes).expect("images");
    (codes, images)
}

fn tensor(setup: &Setup, images: &Images) -> Tensor<4> {
    let shape = [images.count(), 3, images.height(), images.width()];
    let data = burn::tensor::TensorData::new(images.data().to_vec(), shape);
    Tensor::from_data(data, &setup.device)
}

/// Synthesis of one image, forward and backward to the codes.
fn generator_pass(setup: &Setup) -> Vec<f64> {
    let (codes, _) = faces(setup, 1);
    let noise = setup.generator.fixed_noise();
    let shape = [1, setup.generator.rows(), setup.generator.dim()];
    timed(|| {
        let data = burn::tensor::TensorData::new(codes.data().to_vec(), shape);
        let code = Tensor::<3>::from_data(data, &setup.device).autodiff().require_grad();
        let image = setup.generator.synthesize(code.clone(), &noise);
        let mut grads = image.mean().backward();
        black_box(code.grad_remove(&mut grads));
    })
}

/// Synthesis of one image, forward only.
fn render(setup: &Setup) -> Vec<f64> {
    let (codes, _) = faces(setup, 1);
    timed(|| {
        black_box(generator::render(&setup.generator, &codes).expect("an image"));
    })
}

/// The perceptual term of one image, forward and backward to the image.
fn perceptual_pass(setup: &Setup) -> Vec<f64> {
    let (_, images) = faces(setup, 1);
    let perceptual = Perceptual::new(setup.nets.vgg16());
    let image = tensor(setup, &images);
    let target = perceptual.target(image.clone().mul_scalar(0.9));
    timed(|| {
        let x = image.clone().autodiff().require_grad();
        let mut grads = perceptual.loss(&target, x.clone()).backward();
        black_box(x.grad_remove(&mut grads));
    })
}

/// Pixel and warp terms of a base frame with four flows, forward and backward.
fn images_pass(setup: &Setup) -> Vec<f64> {
    let (_, images) = faces(setup, 1);
    let side = images.height();
    let flow: Vec<f32> =
        (0..2 * side * side).map(|i| ((i % side) as f32 * 0.01).sin() * 5.0).collect();
    let flow = Flow::new(1, side, side, flow).expect("a flow");
    let image = tensor(setup, &images);
    let weights = ImageWeights { pixel: 1.0, consistency: 1.0, cross_frame: 0.0 };
    let target: Vec<f32> = images.frame(0).iter().map(|v| 0.9 * v).collect();
    let mut terms = ImageTermsBuilder::new(&target, [side, side], weights, &setup.device);
    (0..4).for_each(|_| terms.add(Along { flow: &flow, weight: 0.25, other: None }));
    let terms = terms.finish().expect("terms that count");
    timed(|| {
        let x = image.clone().autodiff().require_grad();
        let mut grads = terms.loss(x.clone()).total.backward();
        black_box(x.grad_remove(&mut grads));
    })
}

/// Whole steps of a preset on `count` frames, without the preparation.
fn steps(setup: &Setup, preset: Preset, count: usize, gradients: Precision) -> Vec<f64> {
    let (_, images) = faces(setup, count);
    let flow = reelgan::flow::DenseFlow::default();
    let whole = preset.config();
    // Every step on all frames.
    let schedule = Schedule { lead: 0.0, turn: 0, ..whole.schedule };
    let config = InvertConfig { steps: REPEATS + 1, schedule, gradients, ..whole };
    let inverter =
        Inverter::new(&setup.generator, &setup.nets, &flow, config).expect("a configuration");
    let mut last = Instant::now();
    let mut seconds = Vec::new();
    let mut watch = |event: &reelgan::invert::Event<'_>| {
        if matches!(event, reelgan::invert::Event::Step { .. }) {
            seconds.push(last.elapsed().as_secs_f64());
        }
        last = Instant::now();
        std::ops::ControlFlow::Continue(())
    };
    inverter.run(&images, &mut watch).expect("a run");
    // The first step also pays for the preparation of the targets.
    let mut seconds = seconds.split_off(1);
    seconds.sort_by(f64::total_cmp);
    seconds
}

/// The most memory this process held at once, in 10^6 bytes; 0 where the system does not say.
fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().nth(1)).and_then(|v| v.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}
