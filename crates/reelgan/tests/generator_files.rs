//! Generators from checkpoint files, small ones of every family, through whole jobs.

mod job_toy;

use std::path::Path;

use burn::tensor::Device;
use job_toy::{config, frames, kit, request};
use reelgan::generator::{self, Choice, Generator, SampleConfig};
use reelgan::invert::{InvertConfig, NoiseConfig, Schedule, Silent, Space, StopReason};
use reelgan::job::{self, EditRequest, Kit, MorphRequest, RenderRequest};
use reelgan_golden::{max_abs, path};
use reelgan_models::Store;
use reelgan_run::manifest::Manifest;

const STYLEGAN2: &str = "stylegan2-ffhq-config-f.64px.pt";
const ROSINALITY: &str = "rosinality_sg1_stylegan-128px.model";

fn load(file: &str, resolution: Option<usize>) -> Box<dyn Generator> {
    let choice = Choice::File { path: path(file), resolution };
    let store = Store::standard().expect("a cache for models");
    generator::load(&store, &choice, &Device::flex()).expect("a generator's file")
}

#[test]
fn names_say_family_layout_and_size() {
    for (file, resolution, name) in [
        ("karras2019stylegan-ffhq-64x64.for_g_all.pt", None, "stylegan1-lernapparat-64"),
        ("karras2019stylegan-ffhq-64x64.tfnames.pt", None, "stylegan1-lernapparat-list-64"),
        ("karras2019stylegan-ffhq-64x64.pkl", None, "stylegan1-tensorflow-64"),
        ("stylegan_ffhq128.interfacegan.pth", None, "stylegan1-interfacegan-128"),
        ("styleganinv_ffhq128_generator.pth", None, "stylegan1-idinvert-128"),
        ("stylegan_ffhq128.genforce.pth", None, "stylegan1-genforce-128"),
        (ROSINALITY, Some(32), "stylegan1-rosinality-32"),
        (STYLEGAN2, None, "stylegan2-rosinality-64"),
        ("ffhq-ada-64.pkl", None, "stylegan2-ada-64"),
    ] {
        let generator = load(file, resolution);
        assert_eq!(generator.identity().name, name);
        assert_eq!(generator.identity().sha256.len(), 64);
        assert_eq!(generator.dim(), generator.mean_code().len());
        assert!(generator.provenance().file.expect("a file").contains(file));
    }
}

#[test]
fn what_a_file_lacks_is_made_and_said() {
    let whole = load(STYLEGAN2, None);
    assert!(whole.provenance().remarks().is_empty());
    let bare = load("karras2019stylegan-ffhq-64x64.for_g_all.pt", None);
    let remarks = bare.provenance().remarks();
    assert!(remarks[0].contains("mean code") && remarks[0].contains("16384"), "{remarks:?}");
    assert!(remarks[1].contains("noise maps") && remarks[1].contains("seed 0"), "{remarks:?}");
    let again = load("karras2019stylegan-ffhq-64x64.for_g_all.pt", None);
    assert!(max_abs(bare.mean_code(), again.mean_code()) == 0.0);
    // The mean over other codes of the same network lies within the error of both.
    let sample = SampleConfig { count: 4096, seed: 9, truncation: 1.0, truncated_rows: None };
    let codes = generator::sample(bare.as_ref(), &sample).expect("codes");
    let dim = bare.dim();
    for d in 0..dim {
        let all: Vec<f64> = (0..4096).map(|k| f64::from(codes.code(k)[d])).collect();
        let mean = all.iter().sum::<f64>() / 4096.0;
        let variance = all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4095.0;
        let error = (variance / 4096.0 + variance / 16384.0).sqrt();
        let difference = (mean - f64::from(bare.mean_code()[d])).abs();
        assert!(difference < 5.0 * error, "{d}: {difference}, error {error}");
    }
}

#[test]
fn truncation_may_leave_the_last_rows_alone() {
    let generator = load("styleganinv_ffhq128_generator.pth", None);
    let sample = |truncation, truncated_rows| {
        let config = SampleConfig { count: 1, seed: 3, truncation, truncated_rows };
        generator::sample(generator.as_ref(), &config).expect("codes").data().to_vec()
    };
    let (free, some, all) = (sample(1.0, None), sample(0.0, Some(8)), sample(0.0, None));
    let dim = generator.dim();
    // A factor of 1 comes to the same but for rounding.
    assert!(max_abs(&some[8 * dim..], &free[8 * dim..]) < 1e-6);
    assert_eq!(some[..8 * dim], all[..8 * dim]);
    for row in all.chunks_exact(dim) {
        assert!(max_abs(row, generator.mean_code()) == 0.0);
    }
    // Its mapping gives every row its own vector.
    assert!(max_abs(&free[..dim], &free[dim..2 * dim]) > 0.1);
}

/// Inverts, edits, morphs and renders with the generator of a file.
fn whole_job(file: &str, resolution: Option<usize>, home: &Path) -> Manifest {
    let kit = Kit { generator: load(file, resolution), ..kit() };
    frames(&home.join("in"), 2);
    let config = InvertConfig {
        space: Space::CodesThenNoise,
        noise_stage: NoiseConfig { steps: 2, ..NoiseConfig::default() },
        // Steps so small that the loss falls whatever the random network is like.
        schedule: Schedule::constant(0.005),
        ..config(3)
    };
    let out = home.join("run");
    let request = request(vec![home.join("in")], config);
    let outcome = job::invert(&kit, &request, &out, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Finished);
    let edits = vec!["motion:0..4=1".parse().unwrap()];
    let request = EditRequest { edits, ..Default::default() };
    assert!(job::edit(&kit, &out, &request, &mut Silent).unwrap().finished);
    let request = MorphRequest::between(1, 2, 3, 5.0);
    assert!(job::morph(&kit, &out, &request, &mut Silent).unwrap().finished);
    let request = RenderRequest { noise_seed: Some(1), ..Default::default() };
    assert!(job::render(&kit, &out, &request, &mut Silent).unwrap().finished);
    let losses = std::fs::read_to_string(out.join("losses.csv")).unwrap();
    let totals: Vec<f64> =
        losses.lines().skip(1).map(|l| l.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!(totals[2] < totals[0], "{totals:?}");
    Manifest::read(&out.join("manifest.json")).unwrap()
}

#[test]
fn whole_jobs_with_stylegan2() {
    let home = tempfile::tempdir().unwrap();
    let manifest = whole_job(STYLEGAN2, None, home.path());
    assert_eq!((manifest.generator.rows, manifest.generator.resolution), (10, 64));
    assert!(manifest.generator.mean_code.is_none());
    let file: Choice = manifest.generator.file.unwrap().parse().unwrap();
    assert_eq!(file, Choice::File { path: path(STYLEGAN2), resolution: None });
}

#[test]
fn whole_jobs_with_a_stylegan1_that_lacks_a_mean_code() {
    let home = tempfile::tempdir().unwrap();
    let manifest = whole_job(ROSINALITY, Some(32), home.path());
    assert!(manifest.generator.mean_code.unwrap().contains("computed over 16384"));
    assert!(manifest.generator.file.unwrap().ends_with(&format!("{ROSINALITY}@32")));
    let report = std::fs::read_to_string(home.path().join("run/report.html")).unwrap();
    assert!(report.contains("the mean code of the generator: computed over"));
}

#[test]
fn files_without_a_generator_are_named() {
    let store = Store::standard().expect("a cache for models");
    let refused = |text: &str| {
        let choice: Choice = text.parse().expect("any word is a choice");
        let loaded = generator::load(&store, &choice, &Device::flex());
        loaded.err().expect("no generator").to_string()
    };
    let text = refused("no/such.pkl");
    assert!(text.contains("no/such.pkl") && text.contains("mobilestylegan"), "{text}");
    let other = path("sg2_rosinality_64.safetensors");
    let text = refused(&other.display().to_string());
    assert!(text.contains("sg2_rosinality_64") && text.contains("known are"), "{text}");
    let rosinality = path(ROSINALITY).display().to_string();
    assert!(refused(&rosinality).contains("FILE@256"));
    assert!(refused(&format!("{rosinality}@100")).contains("no 100 px"));
}
