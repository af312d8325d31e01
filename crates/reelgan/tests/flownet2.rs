//! FlowNet2 as a source of flow, with the reduced network of the reference data: sizes, threads,
//! memory, bad weights, and a run that uses it.

mod job_toy;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use job_toy::{after, assert_same, config, frames, kit, request};
use reelgan::flow::{FlowError, FlowEstimator, FlowNet2Flow};
use reelgan::invert::{InvertConfig, Silent, StopReason};
use reelgan::job::{self, FlowSource, InvertRequest};
use reelgan_golden::{Golden, max_abs, path};
use reelgan_run::Images;
use reelgan_run::manifest::Manifest;
use tempfile::TempDir;

const CHECKPOINT: &str = "FlowNet2_checkpoint.pth.tar";
/// Weights of something else.
const OTHER: &str = "karras2019stylegan-ffhq-64x64.for_g_all.pt";

fn estimator() -> FlowNet2Flow {
    FlowNet2Flow::new(path(CHECKPOINT), &Device::flex())
}

/// The two images of the reference, 64 px.
fn pair(golden: &Golden) -> Images {
    let both = ["img1", "img2"].map(|name| golden.values(name)).concat();
    Images::new(2, 64, 64, both).expect("two images")
}

#[test]
fn multiples_of_64_are_taken_as_they_are() {
    let golden = Golden::open("flownet2_small_64.safetensors");
    let flow = estimator().estimate(&pair(&golden), 0, 1).expect("a flow");
    assert_eq!((flow.count(), flow.height(), flow.width()), (1, 64, 64));
    let difference = max_abs(flow.data(), &golden.values("flow"));
    assert!(difference < 1e-3, "differs by {difference}");
}

/// `plane` of side `n` at twice the size, bilinear, written out: weights 3/4 and 1/4.
fn doubled(plane: &[f32], n: usize) -> Vec<f32> {
    let pick = |i: usize| {
        let other =
            if i.is_multiple_of(2) { (i / 2).saturating_sub(1) } else { (i / 2 + 1).min(n - 1) };
        [(i / 2, 0.75), (other, 0.25)]
    };
    let at = |y: usize, x: usize| -> f32 {
        let terms = pick(y).into_iter().flat_map(|a| pick(x).map(|b| (a, b)));
        terms.map(|((y, u), (x, v))| u * v * plane[y * n + x]).sum()
    };
    (0..4 * n * n).map(|p| at(p / (2 * n), p % (2 * n))).collect()
}

#[test]
fn other_sizes_are_enlarged_and_the_flow_is_brought_back() {
    let golden = Golden::open("flownet2_small_64.safetensors");
    let large = pair(&golden);
    // Every second pixel: any 32 px frames will do.
    let small: Vec<f32> = (0..6 * 32 * 32)
        .map(|p| large.data()[(p / 1024 * 64 + 2 * (p / 32 % 32)) * 64 + 2 * (p % 32)])
        .collect();
    let enlarged = small.chunks_exact(32 * 32).flat_map(|plane| doubled(plane, 32)).collect();
    let small = Images::new(2, 32, 32, small).expect("frames");
    let enlarged = Images::new(2, 64, 64, enlarged).expect("frames");
    let flow = estimator();
    let got = flow.estimate(&small, 0, 1).expect("a flow");
    let full = flow.estimate(&enlarged, 0, 1).expect("a flow");
    // Halved by the mean of four, and half as many pixels to go.
    let want: Vec<f32> = (0..2 * 32 * 32)
        .map(|p| {
            let at = (p / 1024 * 64 + 2 * (p / 32 % 32)) * 64 + 2 * (p % 32);
            let four = [at, at + 1, at + 64, at + 65].map(|i| full.data()[i]);
            0.5 * four.iter().sum::<f32>() / 4.0
        })
        .collect();
    let difference = max_abs(got.data(), &want);
    assert!(difference < 1e-5, "differs by {difference}");
}

#[test]
fn any_size_gives_a_flow_of_that_size() {
    let flow = estimator();
    for (width, height) in [(1, 1), (3, 70), (65, 40)] {
        let frame = job_toy::frame(width, height, 0);
        let frames = Images::from_frames(vec![frame.clone(), frame]).expect("frames");
        let got = flow.estimate(&frames, 1, 0).expect("a flow");
        assert_eq!((got.width(), got.height()), (width, height));
    }
}

#[test]
fn the_number_of_threads_does_not_matter_and_weights_can_be_let_go() {
    let frames = pair(&Golden::open("flownet2_small_64.safetensors"));
    let flow = estimator();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| flow.estimate(&frames, 0, 1).expect("a flow"))
    };
    let one = with(1);
    flow.release();
    assert_eq!(with(3), one);
}

#[test]
fn what_cannot_be_used_is_said() {
    let frames = pair(&Golden::open("flownet2_small_64.safetensors"));
    let flow = |file: &Path| FlowNet2Flow::new(file, &Device::flex());
    let error = flow(&path(OTHER)).load().unwrap_err();
    assert!(matches!(error, FlowError::Weights { .. }));
    let text = error.to_string();
    assert!(text.contains(OTHER) && text.contains("FlowNet2_checkpoint.pth.tar"), "{text}");
    let error = flow(Path::new("no/such.pth.tar")).estimate(&frames, 0, 1).unwrap_err();
    assert!(error.to_string().contains("no/such.pth.tar"), "{error}");
    let error = estimator().estimate(&frames, 0, 2).unwrap_err();
    assert!(matches!(error, FlowError::Shape { .. }), "{error}");
    let mut data = frames.into_data();
    data[64 * 64 * 3] = 5e3;
    let frames = Images::new(2, 64, 64, data).expect("finite values");
    let error = estimator().estimate(&frames, 0, 1).unwrap_err();
    assert!(matches!(error, FlowError::Pixel { frame: 2, .. }), "{error}");
}

/// Two frames, an inversion with flow, a copy of the weights.
fn bench() -> (TempDir, InvertRequest, PathBuf) {
    let home = tempfile::tempdir().expect("a folder");
    frames(&home.path().join("in"), 2);
    let weights = home.path().join("flow.pth.tar");
    fs::copy(path(CHECKPOINT), &weights).expect("a copy");
    let mut config: InvertConfig = config(3);
    config.weights.consistency = 1.0;
    let mut request = request(vec![home.path().join("in")], config);
    request.flow = FlowSource::at(&weights).expect("weights");
    (home, request, weights)
}

#[test]
fn a_run_takes_its_flows_from_it_and_remembers_the_weights() {
    let (kit, (home, request, weights)) = (kit(), bench());
    let (whole, parts) = (home.path().join("whole"), home.path().join("parts"));
    let outcome = job::invert(&kit, &request, &whole, &mut Silent).expect("a run");
    assert_eq!(outcome.stop, StopReason::Finished);
    let network = Manifest::read(&whole.join("manifest.json")).expect("a manifest").flow;
    let network = network.expect("the network of the flows");
    let file = reelgan_run::manifest::Input::of(&weights).expect("the weights");
    assert_eq!((network.name.as_str(), &network.sha256), ("flownet2", &file.sha256));

    job::invert(&kit, &request, &parts, &mut after(1)).expect("a run");
    let original = fs::read(&weights).expect("the weights");
    fs::copy(path(OTHER), &weights).expect("other weights");
    let error = job::resume(&kit, &parts, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("weights of the flow network"), "{error}");
    fs::write(&weights, original).expect("the weights again");
    job::resume(&kit, &parts, &mut Silent).expect("the rest");
    assert_same(&whole, &parts);

    // The flow counts: without it the codes are others.
    let dense = home.path().join("dense");
    let request = InvertRequest { flow: FlowSource::Dense, ..request };
    job::invert(&kit, &request, &dense, &mut Silent).expect("a run");
    let codes = |run: &Path| fs::read(run.join("codes.safetensors")).expect("codes");
    assert_ne!(codes(&whole), codes(&dense));
    assert_eq!(Manifest::read(&dense.join("manifest.json")).expect("a manifest").flow, None);
}

#[test]
fn wrong_weights_are_refused_before_anything_is_written() {
    let (kit, (home, mut request, weights)) = (kit(), bench());
    let run = home.path().join("run");
    fs::copy(path(OTHER), &weights).expect("other weights");
    let error = job::invert(&kit, &request, &run, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("flow.pth.tar") && error.contains("FlowNet2"), "{error}");
    assert!(!run.exists());
    // One frame needs no flow, and so no weights.
    request.selection.count = Some(1);
    let outcome = job::invert(&kit, &request, &run, &mut Silent).expect("a run");
    assert_eq!(outcome.stop, StopReason::Finished);
}

#[test]
fn a_source_of_flow_is_known_by_its_content() {
    let home = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &[u8]| {
        let path = home.path().join(name);
        fs::write(&path, content).expect("written");
        path
    };
    let folder = home.path().to_owned();
    assert_eq!(FlowSource::at(&folder).expect("a folder"), FlowSource::FloFolder(folder));
    let weights = path(CHECKPOINT);
    assert_eq!(FlowSource::at(&weights).expect("weights"), FlowSource::FlowNet2(weights));
    for (path, want) in [
        (file("page.pth.tar", b"<!DOCTYPE html><html>"), "web page"),
        (file("pointer.pth.tar", b"version https://git-lfs.github.com/spec/v1\n"), "git-lfs"),
        (file("flow_0001_0002.flo", b"PIEH\x01\0\0\0\x01\0\0\0"), "folder of .flo files"),
        (file("empty.pth.tar", b""), "empty"),
        (home.path().join("none"), "cannot be read"),
    ] {
        let error = FlowSource::at(&path).unwrap_err().to_string();
        assert!(error.contains(want) && error.contains("FlowNet2"), "{error}");
    }
}
