//! The noise stage with the real generator on a real face.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use reelgan::flow::DenseFlow;
use reelgan::generator::{self, DEFAULT_GENERATOR, Generator};
use reelgan::invert::{Event, InvertConfig, Inverter, NoiseConfig, Silent, StartCode, StopReason};
use reelgan::perceptual;
use reelgan_models::Store;
use reelgan_run::images::Crop;
use reelgan_run::media;

#[test]
fn heavy_noise_lowers_the_pixel_error_of_a_face() {
    let store = Store::standard().expect("a cache for models");
    let device = Device::flex();
    let generator = generator::open(&store, DEFAULT_GENERATOR, &device)
        .expect("the models; run `reelgan models fetch` first");
    let nets = perceptual::open(&store, &device).expect("the perceptual networks");
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/london_001_03.jpg");
    let crop = Crop { x: 240.0, y: 259.0, size: 858.0, angle: 0.0 };
    let photo = media::read(&photo).expect("the sample").images;
    let face = photo.fit(crop, generator.resolution()).expect("a crop inside");
    let config = InvertConfig {
        noise_stage: NoiseConfig { steps: 12, ..NoiseConfig::default() },
        start: StartCode::Mean,
        ..InvertConfig::default()
    };
    let flow = DenseFlow::default();
    let inverter = Inverter::new(&generator, &nets, &flow, config).expect("good settings");
    let ControlFlow::Continue(stage) =
        inverter.noise_stage(&face, &mut Silent).expect("a face of the right size")
    else {
        panic!("nobody asked to end")
    };
    // The mean face: what noise can do does not hang on the codes.
    let code = inverter.fresh(&face).expect("a square").variables.codes();
    let mut seen = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::NoiseStep { record, .. } = event {
            seen.push(record.terms.pixel);
        }
        ControlFlow::Continue(())
    };
    let (state, stop) = stage.run(0, code.code(0), stage.fresh(), &mut watch).expect("a target");
    assert_eq!(stop, StopReason::Finished);
    let (first, best) = (seen[0], state.best.as_ref().expect("steps were taken").total);
    println!("pixel error {first:.5} at the start, {best:.5} after {} steps", seen.len());
    assert!(best < 0.97 * first, "{seen:?}");
    assert_eq!(stage.noise(&state).planes.len(), generator.fixed_noise().planes.len());
}
