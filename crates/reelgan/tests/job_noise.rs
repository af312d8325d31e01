//! The second stage in a run folder: the noise of every frame, after the codes.

mod job_toy;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use job_toy::{SIDE, assert_same, config, contents, frames, kit, request};
use reelgan::invert::{Event, InvertConfig, NoiseConfig, Preset, Silent, Space, StopReason};
use reelgan::job::{self, EditNoise, EditRequest, MorphRequest, Notice, RenderRequest};
use reelgan_run::manifest::Measurements;
use reelgan_run::media;

/// Two steps for the codes and three for the noise of each frame, both terms.
fn with_noise() -> InvertConfig {
    InvertConfig {
        space: Space::CodesThenNoise,
        // The toy's noise is small: a step should move it by a few hundredths.
        noise_stage: NoiseConfig { steps: 3, rate: 3.0, pixel: 1.0, consistency: 0.5 },
        ..config(2)
    }
}

/// Runs it on three frames in `home/NAME`.
fn run(home: &Path, name: &str, config: InvertConfig) -> std::path::PathBuf {
    frames(&home.join("in"), 3);
    let out = home.join(name);
    let request = request(vec![home.join("in")], config);
    let outcome = job::invert(&kit(), &request, &out, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Finished);
    out
}

fn mse(run: &Path) -> Vec<f64> {
    Measurements::read(&run.join("measurements.json")).unwrap().metrics["mse"].frames.clone()
}

#[test]
fn noise_lowers_the_error_of_every_frame_and_leaves_the_codes() {
    let home = tempfile::tempdir().unwrap();
    let plain = run(home.path(), "plain", config(2));
    let noisy = run(home.path(), "noisy", with_noise());
    for (frame, (plain, noisy)) in mse(&plain).into_iter().zip(mse(&noisy)).enumerate() {
        assert!(noisy < 0.9 * plain, "frame {frame}: {plain} became {noisy}");
    }
    let (plain, noisy) = (contents(&plain), contents(&noisy));
    assert!(plain["codes.safetensors"] == noisy["codes.safetensors"]);
    assert!(!plain.keys().any(|name| name.starts_with("noise")));
    let of_noise: Vec<&String> = noisy.keys().filter(|n| n.starts_with("noise")).collect();
    let files = (1..=3).map(|k| format!("noise/frame_{k:04}.safetensors"));
    let wanted: Vec<String> = files.chain(["noise_losses.csv".into()]).collect();
    assert_eq!(of_noise, wanted.iter().collect::<Vec<_>>());
    let losses = String::from_utf8(noisy["noise_losses.csv"].clone()).unwrap();
    assert!(losses.starts_with("frame,step,rate,total,pixel,"), "{losses}");
    assert_eq!(losses.lines().count(), 1 + 3 * 3);
}

#[test]
fn interrupted_in_the_noise_of_any_frame_it_ends_with_the_same_bytes() {
    let home = tempfile::tempdir().unwrap();
    let whole = run(home.path(), "whole", with_noise());
    for (frame, step) in [(0, 0), (0, 2), (1, 1), (2, 2)] {
        let parts = home.path().join(format!("parts-{frame}-{step}"));
        let mut stop = |notice: &Notice<'_>| match notice {
            Notice::Invert(Event::NoiseStep { frame: k, record, .. })
                if (*k, record.step) == (frame, step) =>
            {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        };
        let request = request(vec![home.path().join("in")], with_noise());
        let outcome = job::invert(&kit(), &request, &parts, &mut stop).unwrap();
        assert_eq!(outcome.stop, StopReason::Interrupted);
        let outcome = job::resume(&kit(), &parts, &mut Silent).unwrap();
        assert_eq!(outcome.stop, StopReason::Finished);
        assert_same(&whole, &parts);
    }
}

fn picture(path: &Path) -> Vec<f32> {
    media::read(path).unwrap().images.data().to_vec()
}

#[test]
fn edits_with_and_without_the_noise_differ_by_the_noise() {
    let home = tempfile::tempdir().unwrap();
    let run = run(home.path(), "run", with_noise());
    let edit = |noise| {
        let edits = vec!["motion=0.5".parse().unwrap()];
        let request = EditRequest { edits, noise, ..Default::default() };
        job::edit(&kit(), &run, &request, &mut Silent).unwrap().folder
    };
    let (with, without) = (edit(EditNoise::Original), edit(EditNoise::Fixed));
    assert!(with.ends_with("edits/motion=0.5"), "{with:?}");
    assert!(without.ends_with("edits/motion=0.5+fixed-noise"), "{without:?}");
    for k in 1..=3 {
        let file = run.join(format!("noise/frame_{k:04}.safetensors"));
        let own = reelgan_run::ArrayFile::read(&file).unwrap().arrays["plane.00"].data.clone();
        let name = format!("edit_{k:04}.png");
        let (a, b) = (picture(&with.join(&name)), picture(&without.join(&name)));
        assert!(own.len() == 3 * SIDE * SIDE && own.iter().any(|v| (v - 0.01).abs() > 0.02));
        for ((a, b), own) in a.iter().zip(&b).zip(&own) {
            // The toy adds its noise, 0.01 everywhere unless optimised; files have 8 bits,
            // and what leaves the range is cut off.
            let inside = [a, b].iter().all(|v| (0.01..0.99).contains(*v));
            assert!(!inside || (a - b - (own - 0.01)).abs() < 1.01 / 255.0, "{a} {b} {own}");
        }
    }
}

#[test]
fn renders_and_morphs_take_the_noise_of_the_frames() {
    let home = tempfile::tempdir().unwrap();
    let run = run(home.path(), "run", with_noise());
    let request = RenderRequest { frames: Some(vec![3, 1]), ..Default::default() };
    let made = job::render(&kit(), &run, &request, &mut Silent).unwrap().folder;
    for k in [1, 3] {
        let name = format!("recon_{k:04}.png");
        assert!(
            fs::read(made.join(&name)).unwrap()
                == fs::read(run.join("frames").join(&name)).unwrap()
        );
    }
    let request = MorphRequest::between(1, 3, 3, 5.0);
    let made = job::morph(&kit(), &run, &request, &mut Silent).unwrap().folder;
    let recon = |k: usize| picture(&run.join(format!("frames/recon_{k:04}.png")));
    assert!(picture(&made.join("morph_0001.png")) == recon(1));
    assert!(picture(&made.join("morph_0003.png")) == recon(3));
    // In between lies the mean, since the toy is linear.
    let middle = picture(&made.join("morph_0002.png"));
    for ((m, a), b) in middle.iter().zip(recon(1)).zip(recon(3)) {
        let inside = [*m, a, b].iter().all(|v| (0.01..0.99).contains(v));
        assert!(!inside || (m - (a + b) / 2.0).abs() < 1.51 / 255.0, "{m} {a} {b}");
    }
}

#[test]
fn a_run_without_all_of_its_noise_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 2);
    let out = home.path().join("run");
    let mut stop = |notice: &Notice<'_>| match notice {
        Notice::Invert(Event::NoiseStep { frame: 1, .. }) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let request = request(vec![home.path().join("in")], with_noise());
    job::invert(&kit(), &request, &out, &mut stop).unwrap();
    let edits = vec!["motion=1".parse().unwrap()];
    let mut request = EditRequest { edits, ..Default::default() };
    let error = job::edit(&kit(), &out, &request, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("frame_0002") && error.contains("--resume"), "{error}");
    request.noise = EditNoise::Fixed;
    request.frames = Some(vec![1]);
    assert!(job::edit(&kit(), &out, &request, &mut Silent).unwrap().finished);
}

#[test]
fn presets_are_the_published_two_stages() {
    let (ours, i2s) = (Preset::OursPlusPlus.config(), Preset::I2sPlusPlus.config());
    for (config, alone, consistency) in
        [(&ours, Preset::Paper.config(), 1.0), (&i2s, Preset::I2s.config(), 0.0)]
    {
        assert_eq!(config.space, Space::CodesThenNoise);
        assert_eq!((config.noise_stage.steps, config.noise_stage.rate), (3000, 0.01));
        assert_eq!((config.noise_stage.pixel, config.noise_stage.consistency), (1.0, consistency));
        // The first stage is that of the method without noise.
        let first = InvertConfig { preset: alone.preset, space: Space::Codes, ..config.clone() };
        assert_eq!(first, alone);
    }
    assert_eq!("ours++".parse::<Preset>().unwrap(), Preset::OursPlusPlus);
    let text = toml::to_string(&i2s).unwrap();
    assert!(text.contains("space = \"w+,noise\"") && text.contains("preset = \"i2s++\""), "{text}");
    assert_eq!(toml::from_str::<InvertConfig>(&text).unwrap(), i2s);
}

#[test]
fn settings_of_before_have_no_noise() {
    let text = toml::to_string(&Preset::Default.config()).unwrap();
    let old: String =
        text.lines().filter(|l| !l.starts_with("space")).map(|l| format!("{l}\n")).collect();
    let old = old.split("[noise_stage]").next().unwrap();
    assert_eq!(toml::from_str::<InvertConfig>(old).unwrap().space, Space::Codes);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (change, want) in [
        (NoiseConfig { steps: 0, ..NoiseConfig::default() }, "noise_stage.steps"),
        (NoiseConfig { rate: 0.0, ..NoiseConfig::default() }, "noise_stage.rate"),
        (
            NoiseConfig { pixel: 0.0, consistency: 0.0, ..NoiseConfig::default() },
            "nothing to minimise",
        ),
        (NoiseConfig { pixel: -1.0, ..NoiseConfig::default() }, "-1 is no weight"),
    ] {
        let config = InvertConfig { noise_stage: change, ..config(1) };
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}
