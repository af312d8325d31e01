//! Whole jobs with the real generator and real faces, few steps: killed, continued,
//! with other thread counts, always the same bytes.

mod job_toy;

use std::env;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use burn::tensor::Device;
use job_toy::{after, assert_same, contents};
use reelgan::generator::DEFAULT_GENERATOR;
use reelgan::invert::{Event, NoiseMode, Preset, Silent, StopReason};
use reelgan::job::{self, Crop, Fit, FlowSource, InvertRequest, Kit, Notice, Selection};
use reelgan_models::Store;
use reelgan_run::manifest::{Manifest, State};
use reelgan_run::media;

/// Tells the child process where to work.
const OUT: &str = "REELGAN_TEST_JOB_OUT";

fn kit() -> Kit {
    let store = Store::standard().expect("a cache for models");
    Kit::open(&store, DEFAULT_GENERATOR, &Device::flex())
        .expect("the models; run `reelgan models fetch` first")
}

fn samples(count: usize) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let names = ["london_001_03.jpg", "london_001_08.jpg"];
    names.iter().take(count).map(|name| folder.join(name)).collect()
}

/// Three steps over two portraits, every term that the preset has.
fn request() -> InvertRequest {
    let mut config = Preset::Fast.config();
    config.steps = 3;
    config.schedule.peak = 0.03;
    InvertRequest {
        inputs: samples(2),
        selection: Selection::default(),
        fit: Fit::Crop(Crop { x: 240.0, y: 259.0, size: 858.0, angle: 0.0 }),
        fps: None,
        flow: FlowSource::Dense,
        config,
        npy: true,
        command: vec!["test".into()],
    }
}

/// Not a test of its own: what [`start`] runs in a process that can be killed.
#[test]
#[ignore = "the other tests start it"]
fn child() {
    let out = env::var_os(OUT).expect("the folder of the job");
    let mut tell = |notice: &Notice<'_>| {
        if let Notice::Invert(Event::Step { record, .. }) = notice {
            println!("\nstep {}", record.step + 1);
        }
        ControlFlow::Continue(())
    };
    job::invert(&kit(), &request(), Path::new(&out), &mut tell).unwrap();
}

fn start(out: &Path, threads: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env(OUT, out)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the child says `line`; false if it ended before.
fn said(child: &mut Child, line: &str) -> bool {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    lines.map_while(Result::ok).any(|l| l == line)
}

#[test]
fn heavy_killed_runs_and_other_thread_counts_end_with_the_same_bytes() {
    let home = tempfile::tempdir().unwrap();
    let (whole, killed) = (home.path().join("whole"), home.path().join("killed"));
    let mut one_thread = start(&whole, 1);
    assert!(said(&mut one_thread, "step 3"));
    // Reads the rest, so that the child never waits for a full pipe.
    assert!(one_thread.wait_with_output().unwrap().status.success());

    let mut victim = start(&killed, 2);
    assert!(said(&mut victim, "step 2"));
    victim.kill().unwrap();
    assert!(!victim.wait().unwrap().success());
    let manifest = Manifest::read(&killed.join("manifest.json")).unwrap();
    assert_eq!(manifest.state, State::Running);
    assert!(job::show(&killed).unwrap().steps >= 1);

    let outcome = job::resume(&kit(), &killed, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Finished);
    assert_same(&whole, &killed);
    looks_like_its_inputs(&whole);
}

#[test]
fn heavy_fresh_noise_is_the_same_after_an_interruption() {
    let home = tempfile::tempdir().unwrap();
    let mut request = request();
    request.inputs = samples(1);
    request.config.noise = NoiseMode::Fresh;
    request.config.steps = 2;
    let (kit, whole, parts) = (kit(), home.path().join("whole"), home.path().join("parts"));
    job::invert(&kit, &request, &whole, &mut Silent).unwrap();
    let outcome = job::invert(&kit, &request, &parts, &mut after(1)).unwrap();
    assert_eq!(outcome.stop, StopReason::Interrupted);
    job::resume(&kit, &parts, &mut Silent).unwrap();
    assert_same(&whole, &parts);
}

/// The kept input is the photo, upright and in its colours, and the loss fell.
fn looks_like_its_inputs(run: &Path) {
    let Fit::Crop(crop) = request().fit else { unreachable!("the request has a crop") };
    let photo = media::read(&samples(1)[0]).unwrap().images;
    let kept = media::read(&run.join("inputs/frame_0001.png")).unwrap().images;
    assert!(photo.fit(crop, 1024).unwrap().quantised() == kept);
    let losses = String::from_utf8(contents(run)["losses.csv"].clone()).unwrap();
    let totals: Vec<f64> = losses
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).unwrap().parse().unwrap())
        .collect();
    assert_eq!(totals.len(), 3);
    assert!(totals[2] < totals[0], "{totals:?}");
}
