use super::*;

fn sample() -> Manifest {
    Manifest {
        format: FORMAT,
        reelgan: "0.1.0".into(),
        command: vec!["invert".into(), "talk.mp4".into()],
        inputs: vec![Input { path: "talk.mp4".into(), sha256: "ab".repeat(32) }],
        crops: vec![Crop { x: 1.0 / 3.0, y: 0.1 + 0.2, size: 400.0, angle: -13.7 }],
        frames: 5,
        preset: "default".into(),
        config: serde_json::json!({"steps": 100, "loss": {"pixel": 1.0, "icc": 0.1}}),
        generator: Generator {
            name: "g".into(),
            sha256: "cd".repeat(32),
            resolution: 1024,
            rows: 16,
            dim: 512,
            file: Some("/models/g.pkl".into()),
            mean_code: None,
            noise: None,
        },
        perceptual: None,
        flow: None,
        seed: u64::MAX,
        device: "cpu".into(),
        state: State::Finished,
        stop_reason: Some("steps".into()),
        steps_done: 100,
        best_step: Some(97),
        losses: BTreeMap::from([("pixel".into(), 0.125), ("total".into(), 0.1 + 0.7)]),
        notice: Manifest::notice(),
    }
}

fn change(what: &str, to: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    sample().write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(what), "{text}");
    std::fs::write(&path, text.replace(what, to)).unwrap();
    Manifest::read(&path).unwrap_err().to_string()
}

#[test]
fn a_manifest_comes_back_the_same_and_in_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    sample().write(&path).unwrap();
    let first = std::fs::read(&path).unwrap();
    let read = Manifest::read(&path).unwrap();
    assert_eq!(read, sample());
    read.write(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

#[test]
fn numbers_that_json_lacks_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("measurements.json");
    let values = vec![f64::INFINITY, f64::NEG_INFINITY, 3.0, -0.1];
    let metric = Metric::new("dB", Better::Higher, values.clone()).unwrap();
    assert!(metric.mean.is_nan());
    let all = Measurements { metrics: [("psnr".to_owned(), metric)].into() };
    all.write(&path).unwrap();
    let read = Measurements::read(&path).unwrap();
    assert_eq!(read.metrics["psnr"].frames, values);
    assert!(read.metrics["psnr"].mean.is_nan());

    let path = folder.path().join("manifest.json");
    let mut manifest = sample();
    manifest.losses.insert("pixel".into(), f64::NAN);
    manifest.write(&path).unwrap();
    assert!(Manifest::read(&path).unwrap().losses["pixel"].is_nan());
}

#[test]
fn means() {
    let metric = Metric::new("", Better::Lower, vec![1.0, 2.0, 6.0]).unwrap();
    assert_eq!(metric.mean, 3.0);
    assert!(Metric::new("", Better::Lower, vec![]).is_err());
}

#[test]
fn timing_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timing.json");
    let timing =
        Timing { seconds: [("flow".to_owned(), 1.5)].into(), peak_memory: None, threads: 2 };
    timing.write(&path).unwrap();
    assert_eq!(Timing::read(&path).unwrap(), timing);
}

#[test]
fn damaged_and_newer_manifests_are_refused() {
    for (what, to, says) in [
        ("\"format\": 1", "\"format\": 2", "format version 2"),
        ("\"format\": 1", "\"formal\": 1", "does not say its format version"),
        ("\"seed\"", "\"sead\"", "missing field `seed`"),
        ("\"finished\"", "\"lost\"", "unknown variant `lost`"),
        ("{", "", "manifest.json is not a usable run manifest"),
    ] {
        let error = change(what, to);
        assert!(error.contains(says), "{error}");
        assert!(error.contains("manifest.json"), "{error}");
    }
}

#[test]
fn another_run_is_not_continued() {
    let then = sample();
    let mut now = sample();
    (now.command, now.state, now.steps_done) = (vec![], State::Running, 3);
    now.inputs[0].path = "elsewhere/talk.mp4".into();
    then.check_continues(&now).unwrap();

    let differs = |change: fn(&mut Manifest)| {
        let mut now = sample();
        change(&mut now);
        then.check_continues(&now).unwrap_err().to_string()
    };
    assert!(differs(|m| m.inputs[0].sha256.clear()).contains("input files"));
    assert!(differs(|m| m.crops[0].size += 1.0).contains("crop"));
    assert!(differs(|m| m.seed = 1).contains("seed"));
    assert!(differs(|m| m.generator.rows = 18).contains("generator"));
    assert!(differs(|m| m.reelgan.clear()).contains("version"));
    let config = differs(|m| m.config["loss"]["icc"] = 0.5.into());
    assert!(config.contains("settings (loss.icc: 0.1 then, 0.5 now)"), "{config}");
    let config = differs(|m| m.config["new"] = true.into());
    assert!(config.contains("new: unset then, true now"), "{config}");
}

#[test]
fn inputs_are_known_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    std::fs::write(&path, "abc").unwrap();
    // The example of FIPS 180-4.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Input::of(&path).unwrap().sha256, expected);
    assert!(Input::of(&folder.path().join("absent")).is_err());
}
