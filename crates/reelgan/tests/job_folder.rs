//! Jobs with a toy generator: the files, going on after every kind of end, and
//! what is made from a run.

mod job_toy;

use std::fs;
use std::ops::ControlFlow;

use job_toy::{after, assert_same, config, contents, frames, kit, request};
use reelgan::codes::CodeFile;
use reelgan::invert::{LeadLosses, NoiseMode, Offsets, Silent, StopReason};
use reelgan::job::{self, EditRequest, MorphRequest, Notice, RenderRequest};
use reelgan::objective::{ConsistencyBase, LossWeights};
use reelgan_run::manifest::{Manifest, Measurements, State};
use reelgan_run::media;

#[test]
fn a_whole_job_leaves_every_file() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 3);
    let out = home.path().join("run");
    let request = request(vec![home.path().join("in")], config(4));
    let outcome = job::invert(&kit, &request, &out, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Finished);
    assert!(outcome.warnings.iter().any(|w| w.contains("--crop 4,0,40")), "{:?}", outcome.warnings);

    let files = contents(&out);
    let mut wanted = vec!["manifest.json", "config.toml", "state.safetensors", "codes.safetensors"];
    wanted.extend(["losses.csv", "measurements.json", "strip.png"]);
    wanted.extend([
        "npy/0001.npy",
        "npy/0003.npy",
        "inputs/frame_0003.png",
        "frames/recon_0003.png",
    ]);
    if kit.ffmpeg.find().is_ok() {
        wanted.push("video.mp4");
    }
    for name in wanted {
        assert!(files.contains_key(name), "{name} is missing from {:?}", files.keys());
    }
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("lpips_vgg_256"));
    assert!(out.join("timing.json").exists());
    let losses = String::from_utf8(files["losses.csv"].clone()).unwrap();
    assert_eq!(losses.lines().count(), 1 + 4);
    assert!(losses.starts_with("step,rate,total,pixel,"), "{losses}");
    let manifest = Manifest::read(&out.join("manifest.json")).unwrap();
    assert_eq!((manifest.state, manifest.steps_done, manifest.frames), (State::Finished, 4, 3));
    // Nothing unfinished or temporary is left.
    assert!(!files.keys().any(|name| name.contains("unfinished")), "{:?}", files.keys());
}

#[test]
fn measurements_are_those_of_the_files() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 2);
    let out = home.path().join("run");
    let request = request(vec![home.path().join("in")], config(3));
    job::invert(&kit, &request, &out, &mut Silent).unwrap();
    let measured = Measurements::read(&out.join("measurements.json")).unwrap();
    for k in 1..=2 {
        let a = media::read(&out.join(format!("inputs/frame_{k:04}.png"))).unwrap().images;
        let b = media::read(&out.join(format!("frames/recon_{k:04}.png"))).unwrap().images;
        let pairs = a.data().iter().zip(b.data());
        let sum: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let mse = sum / a.data().len() as f64;
        let got = measured.metrics["mse"].frames[k - 1];
        assert!((got - mse).abs() < 1e-9, "{got} instead of {mse}");
        let got = measured.metrics["psnr"].frames[k - 1];
        assert!((got + 10.0 * mse.log10()).abs() < 1e-4, "{got}");
    }
}

#[test]
fn a_run_interrupted_at_any_step_ends_with_the_same_bytes() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 3);
    let mut config = config(4);
    // Every term and a state that has more to it than positions.
    config.weights = LossWeights {
        pixel: 1.0,
        perceptual: 0.0,
        consistency: 0.5,
        cross_frame: 0.5,
        ..Default::default()
    };
    config.consistency_base = ConsistencyBase::All;
    config.noise = NoiseMode::Fresh;
    config.offsets = Offsets::WPlus;
    let request = request(vec![home.path().join("in")], config);
    let whole = home.path().join("whole");
    job::invert(&kit, &request, &whole, &mut Silent).unwrap();
    for steps in 1..=4 {
        let parts = home.path().join(format!("parts-{steps}"));
        let outcome = job::invert(&kit, &request, &parts, &mut after(steps)).unwrap();
        assert_eq!(outcome.stop, StopReason::Interrupted);
        let manifest = outcome.manifest.unwrap();
        assert_eq!((manifest.state, manifest.steps_done), (State::Running, steps as u64));
        // The best codes so far are there to look at.
        assert_eq!(CodeFile::open(&parts.join("codes.safetensors")).unwrap().trajectory.count(), 3);
        assert_eq!(job::show(&parts).unwrap().steps, steps as u64);
        let outcome = job::resume(&kit, &parts, &mut Silent).unwrap();
        assert_eq!(outcome.stop, StopReason::Finished);
        assert_same(&whole, &parts);
    }
}

#[test]
fn losses_of_the_lead_end_with_it_whatever_interrupts() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 3);
    let mut config = config(7);
    config.weights = LossWeights { pixel: 1.0, consistency: 0.5, ..Default::default() };
    config.lead_losses = LeadLosses::Lpips;
    config.schedule.lead = 0.3;
    assert_eq!(config.lead_steps(3), 2);
    let request = request(vec![home.path().join("in")], config);
    let whole = home.path().join("whole");
    job::invert(&kit, &request, &whole, &mut Silent).unwrap();
    let losses = fs::read_to_string(whole.join("losses.csv")).unwrap();
    let lpips: Vec<f32> = losses
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(5).unwrap().parse().unwrap())
        .collect();
    assert!(
        lpips[..2].iter().all(|v| *v > 0.0) && lpips[2..].iter().all(|v| *v == 0.0),
        "{losses}"
    );
    for steps in 1..=3 {
        let parts = home.path().join(format!("parts-{steps}"));
        job::invert(&kit, &request, &parts, &mut after(steps)).unwrap();
        job::resume(&kit, &parts, &mut Silent).unwrap();
        assert_same(&whole, &parts);
    }
}

#[test]
fn a_run_interrupted_at_any_stage_ends_with_the_same_bytes() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 2);
    let request = request(vec![home.path().join("in")], config(2));
    let whole = home.path().join("whole");
    job::invert(&kit, &request, &whole, &mut Silent).unwrap();
    for stage in ["invert", "render", "pictures", "report"] {
        let parts = home.path().join(stage);
        let mut stop_there = |notice: &Notice<'_>| match notice {
            Notice::Stage { name } if *name == stage => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let outcome = job::invert(&kit, &request, &parts, &mut stop_there).unwrap();
        assert_eq!(outcome.stop, StopReason::Interrupted, "{stage}");
        assert_eq!(outcome.manifest.unwrap().state, State::Running);
        job::resume(&kit, &parts, &mut Silent).unwrap();
        assert_same(&whole, &parts);
    }
}

#[test]
fn a_run_ended_while_it_reads_leaves_nothing() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 2);
    let request = request(vec![home.path().join("in")], config(2));
    let out = home.path().join("run");
    let mut at_once = |_: &Notice<'_>| ControlFlow::Break(());
    let outcome = job::invert(&kit, &request, &out, &mut at_once).unwrap();
    assert_eq!(outcome.stop, StopReason::Interrupted);
    assert!(outcome.manifest.is_none() && !out.exists());
}

#[test]
fn an_early_end_is_the_same_after_an_interruption() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 1);
    let mut config = config(50);
    // No fall is large enough, so the plateau is there as soon as it may be.
    config.stop.plateau_steps = 2;
    config.stop.plateau_tolerance = 1e6;
    let request = request(vec![home.path().join("in")], config);
    let (whole, parts) = (home.path().join("whole"), home.path().join("parts"));
    let outcome = job::invert(&kit, &request, &whole, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Plateau);
    let ended_after = outcome.manifest.unwrap().steps_done as usize;
    // Interrupted at the very step after which the plateau was found.
    job::invert(&kit, &request, &parts, &mut after(ended_after)).unwrap();
    assert_eq!(job::resume(&kit, &parts, &mut Silent).unwrap().stop, StopReason::Plateau);
    assert_same(&whole, &parts);
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_finite_codes() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 2);
    let mut config = config(10);
    config.schedule.peak = 1e30;
    let request = request(vec![home.path().join("in")], config);
    let out = home.path().join("run");
    let outcome = job::invert(&kit, &request, &out, &mut Silent).unwrap();
    assert!(matches!(outcome.stop, StopReason::NotFinite { .. }), "{:?}", outcome.stop);
    assert!(outcome.warnings.iter().any(|w| w.contains("ended early")), "{:?}", outcome.warnings);
    let reason = outcome.manifest.unwrap().stop_reason.unwrap();
    assert!(reason.contains("was not a finite number at step"), "{reason}");
    let codes = CodeFile::open(&out.join("codes.safetensors")).unwrap().trajectory.codes();
    assert!(codes.data().iter().all(|v| v.is_finite()));
    assert!(out.join("report.html").exists());
}

#[test]
fn without_ffmpeg_there_is_a_warning_and_no_video() {
    let (home, mut kit) = (tempfile::tempdir().unwrap(), kit());
    kit.ffmpeg.explicit = Some(home.path().join("no-such-program"));
    frames(&home.path().join("in"), 2);
    let request = request(vec![home.path().join("in")], config(2));
    let out = home.path().join("run");
    let outcome = job::invert(&kit, &request, &out, &mut Silent).unwrap();
    assert!(outcome.warnings.iter().any(|w| w.contains("no video was written")));
    assert!(!out.join("video.mp4").exists() && out.join("report.html").exists());
}

#[test]
fn one_image_needs_no_motion() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let inputs = frames(&home.path().join("in"), 1);
    let out = home.path().join("run");
    let mut config = config(2);
    config.weights.consistency = 1.0;
    let outcome = job::invert(&kit, &request(inputs, config), &out, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Finished);
    assert!(out.join("strip.png").exists() && !out.join("video.mp4").exists());
    let along = EditRequest { edits: vec!["motion=1".parse().unwrap()], ..Default::default() };
    let error = job::edit(&kit, &out, &along, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("one frame"), "{error}");
}

#[test]
fn edits_morphs_and_renders_go_below_the_run_and_leave_it_alone() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 3);
    let out = home.path().join("run");
    job::invert(&kit, &request(vec![home.path().join("in")], config(4)), &out, &mut Silent)
        .unwrap();
    let before = contents(&out);

    let edits = vec!["motion=2".parse().unwrap(), "motion.1:0..1=-1".parse().unwrap()];
    let request = EditRequest { edits, npy: true, ..Default::default() };
    let made = job::edit(&kit, &out, &request, &mut Silent).unwrap();
    assert!(made.finished && made.frames == 3);
    assert!(made.folder.ends_with("edits/motion=2+motion.1[0..1]=-1"), "{:?}", made.folder);
    for name in ["edit_0003.png", "codes.safetensors", "npy/0003.npy", "strip.png", "report.html"] {
        assert!(made.folder.join(name).exists(), "{name}");
    }
    // What was asked for: w + 2 (w_3 - w_1), and on row 0 also - (w_2 - w_1).
    let was = CodeFile::open(&out.join("codes.safetensors")).unwrap().trajectory.codes();
    let is = CodeFile::open(&made.folder.join("codes.safetensors")).unwrap().trajectory.codes();
    for k in 0..3 {
        for i in 0..was.code(k).len() {
            let motion = was.code(2)[i] - was.code(0)[i];
            let first = if i < was.dim() { was.code(1)[i] - was.code(0)[i] } else { 0.0 };
            let want = was.code(k)[i] + 2.0 * motion - first;
            assert!((is.code(k)[i] - want).abs() < 1e-5, "code {k}, number {i}");
        }
    }

    let request = MorphRequest::between(3, 1, 4, 5.0);
    let made = job::morph(&kit, &out, &request, &mut Silent).unwrap();
    assert!(made.folder.ends_with("morphs/3-1") && made.frames == 4);
    // Its ends are the frames, as they were reconstructed.
    let first = media::read(&made.folder.join("morph_0001.png")).unwrap().images;
    let third = media::read(&out.join("frames/recon_0003.png")).unwrap().images;
    assert!(first == third);

    let request = RenderRequest { frames: Some(vec![2]), ..Default::default() };
    let made = job::render(&kit, &out, &request, &mut Silent).unwrap();
    assert!(made.folder.ends_with("renders/frames-2"));
    assert_eq!(
        fs::read(made.folder.join("recon_0002.png")).unwrap(),
        fs::read(out.join("frames/recon_0002.png")).unwrap()
    );

    let mut now = contents(&out);
    now.retain(|name, _| !["edits/", "morphs/", "renders/"].iter().any(|p| name.starts_with(p)));
    assert!(now == before, "the run itself changed");
    let shown = job::show(&out).unwrap();
    assert_eq!(shown.made.len(), 3);
    assert!(shown.files.contains(&"frames/recon_0001.png".to_string()));
}

#[test]
fn the_same_edit_may_be_made_again_and_another_may_not() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 2);
    let run = home.path().join("run");
    job::invert(&kit, &request(vec![home.path().join("in")], config(2)), &run, &mut Silent)
        .unwrap();
    let out = Some(home.path().join("edit"));
    let along = |text: &str| EditRequest {
        edits: vec![text.parse().unwrap()],
        out: out.clone(),
        ..Default::default()
    };
    let made = job::edit(&kit, &run, &along("motion=1"), &mut Silent).unwrap();
    let first = contents(&made.folder);
    // Asked to end in the middle, it can be made again.
    let mut stop = |notice: &Notice<'_>| match notice {
        Notice::Progress { done: 1, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    assert!(!job::edit(&kit, &run, &along("motion=1"), &mut stop).unwrap().finished);
    job::edit(&kit, &run, &along("motion=1"), &mut Silent).unwrap();
    assert!(contents(&made.folder) == first);
    let error = job::edit(&kit, &run, &along("motion=2"), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("already holds something else"), "{error}");
    assert!(contents(&made.folder) == first);
}

#[test]
fn show_tells_what_a_run_was_without_models() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 2);
    let out = home.path().join("run");
    job::invert(&kit, &request(vec![home.path().join("in")], config(3)), &out, &mut Silent)
        .unwrap();
    let shown = job::show(&out).unwrap();
    let json = serde_json::to_value(&shown).unwrap();
    assert_eq!(json["frames"], 2);
    assert_eq!(json["steps"], 3);
    assert_eq!(json["steps_planned"], 3);
    assert_eq!(json["preset"], "default");
    assert_eq!(json["state"], "finished");
    assert_eq!(json["stop_reason"], "all steps taken");
    assert_eq!(json["generator"]["name"], "toy");
    assert!(json["losses"]["total"].as_f64().unwrap() > 0.0);
    assert!(json["metrics"]["lpips_vgg_256"]["mean"].as_f64().unwrap() > 0.0);
    assert_eq!(json["config"]["invert"]["adam"]["beta1"], 0.9);
}

#[test]
fn the_written_settings_are_those_of_the_run() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let inputs = frames(&home.path().join("in"), 1);
    let out = home.path().join("run");
    let mut config = config(2);
    (config.seed, config.adam.beta2) = (7, 0.99);
    job::invert(&kit, &request(inputs, config.clone()), &out, &mut Silent).unwrap();
    let text = fs::read_to_string(out.join("config.toml")).unwrap();
    assert_eq!(toml::from_str::<reelgan::invert::InvertConfig>(&text).unwrap(), config);
    assert!(text.contains("beta2 = 0.99\n"), "{text}");
}
