//! One whole step of the preset `paper` on five frames at 1024 px.

use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::Device;
use reelgan::codes::Codes;
use reelgan::flow::FlowEstimator;
use reelgan::generator::{self, Generator, SampleConfig};
use reelgan::invert::{Event, Inverter, Preset};
use reelgan::perceptual;
use reelgan_models::{Kind, Store};
use reelgan_run::images::Frames;
use reelgan_run::{Flow, Images};

use crate::exchange::{Exchange, Results};
use crate::networks::model;

const FRAMES: usize = 5;
/// Steps whose losses are compared before any is timed.
const COMPARED: usize = 3;

/// Serves one step a line, of one run that goes on.
pub fn serve(exchange: &Exchange) {
    let device = Device::flex();
    let store = Store::standard().expect("a cache folder");
    let generator = generator::open(&store, generator::DEFAULT_GENERATOR, &device)
        .expect("fetched before (`reelgan models fetch`)");
    let nets = perceptual::open(&store, &device).expect("fetched before (`reelgan models fetch`)");
    let frames = frames(&generator);
    write_inputs(exchange, &frames, generator.mean_code());
    let inverter =
        Inverter::new(&generator, &nets, &Waves, Preset::Paper.config()).expect("a configuration");
    let mut losses = Vec::new();
    let mut last = Instant::now();
    let mut watch = |event: &Event<'_>| {
        let Event::Step { record, .. } = event else { return ControlFlow::Continue(()) };
        let terms = record.terms;
        losses.extend([terms.total, terms.pixel, terms.perceptual, terms.consistency]);
        if record.step + 1 < COMPARED {
            return ControlFlow::Continue(());
        }
        if record.step + 1 == COMPARED {
            exchange.ready(&Results { value: losses.clone(), gradient: Vec::new() });
        } else {
            exchange.took(last);
        }
        if !exchange.asked() {
            return ControlFlow::Break(());
        }
        last = Instant::now();
        ControlFlow::Continue(())
    };
    inverter.run(&frames, &mut watch).expect("a run");
}

/// Five faces on the way from one to another.
fn frames(generator: &dyn Generator) -> Images {
    let config = SampleConfig { count: 2, seed: 1, truncation: 0.7, truncated_rows: None };
    let ends = generator::sample(generator, &config).expect("codes");
    let (first, second) = (ends.code(0), ends.code(1));
    let between = (0..FRAMES).flat_map(|k| {
        let share = 0.1 * k as f32;
        first.iter().zip(second).map(move |(a, b)| a + share * (b - a))
    });
    let codes = Codes::new(generator.rows(), generator.dim(), between.collect()).expect("codes");
    generator::render(generator, &codes).expect("images")
}

/// A smooth motion of some pixels, different for every pair: estimating flows is not timed.
struct Waves;

impl FlowEstimator for Waves {
    fn name(&self) -> String {
        "waves".into()
    }

    fn estimate(&self, frames: &dyn Frames, from: usize, to: usize) -> reelgan::flow::Result<Flow> {
        let (h, w) = (frames.height(), frames.width());
        let phase = (from * FRAMES + to) as f32;
        let data = (0..2 * h * w)
            .map(|i| {
                let (y, x) = (i / w % h, i % w);
                let (fast, slow) = if i < h * w { (x, y) } else { (y, x) };
                5.0 * (0.011 * fast as f32 + phase).sin() + 3.0 * (0.007 * slow as f32).cos()
            })
            .collect();
        Ok(Flow::new(1, h, w, data)?)
    }
}

fn write_inputs(exchange: &Exchange, frames: &Images, mean_code: &[f32]) {
    let (h, w) = (frames.height(), frames.width());
    let mut arrays = vec![
        ("frames".to_string(), vec![FRAMES, 3, h, w], frames.data().to_vec()),
        ("mean_code".to_string(), vec![mean_code.len()], mean_code.to_vec()),
    ];
    for k in 1..FRAMES {
        for (from, to) in [(0, k), (k, 0)] {
            let flow = Waves.estimate(frames, from, to).expect("a flow");
            arrays.push((format!("flow{from}_{to}"), vec![1, 2, h, w], flow.data().to_vec()));
        }
    }
    let paths = [
        ("generator", model("mobilestylegan-ffhq-1024", Kind::Generator)),
        ("vgg16", model("vgg16", Kind::Perceptual)),
    ];
    exchange.write_inputs(arrays, &paths);
}
