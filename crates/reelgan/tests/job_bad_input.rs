//! Bad input to jobs: one clear error, and what was there before is as it was.

mod job_toy;

use std::fs;
use std::path::{Path, PathBuf};

use job_toy::{after, config, contents, frame, frames, kit, kit_with, request};
use reelgan::codes::{CodeFile, Direction};
use reelgan::generator::Identity;
use reelgan::invert::{InvertConfig, Precision, Silent, StopReason};
use reelgan::job::{self, Crop, EditRequest, Fit, FlowSource, InvertRequest, Kit, MorphRequest};
use reelgan_nets::ops::cpu::simd::Isa;
use reelgan_run::media::{self, Origin};
use tempfile::TempDir;

/// A finished run of two frames.
fn finished(kit: &Kit) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 2);
    let run = home.path().join("run");
    job::invert(kit, &small(&home), &run, &mut Silent).unwrap();
    (home, run)
}

/// The same run, interrupted after its first step.
fn interrupted(kit: &Kit) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 2);
    let run = home.path().join("run");
    let outcome = job::invert(kit, &small(&home), &run, &mut after(1)).unwrap();
    assert_eq!(outcome.stop, StopReason::Interrupted);
    (home, run)
}

fn small(home: &TempDir) -> InvertRequest {
    request(vec![home.path().join("in")], config(3))
}

/// The message of an inversion that must fail.
fn refused(kit: &Kit, request: &InvertRequest, out: &Path) -> String {
    job::invert(kit, request, out, &mut Silent).unwrap_err().to_string()
}

/// The message of a resumption that must fail and leave the folder as it was.
fn not_resumed(kit: &Kit, run: &Path) -> String {
    let before = contents(run);
    let error = job::resume(kit, run, &mut Silent).unwrap_err().to_string();
    assert!(contents(run) == before, "the folder changed");
    error
}

fn flip_last_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

fn along(edits: &[&str]) -> EditRequest {
    let edits = edits.iter().map(|text| text.parse().unwrap()).collect();
    EditRequest { edits, ..Default::default() }
}

#[test]
fn a_folder_with_another_run_is_refused_and_left_alone() {
    let kit = kit();
    let (home, run) = finished(&kit);
    let before = contents(&run);
    let error = refused(&kit, &small(&home), &run);
    assert!(error.contains("already holds a finished run") && error.contains("-o"), "{error}");
    assert!(contents(&run) == before);
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_alone() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    frames(&home.path().join("in"), 1);
    let out = home.path().join("thesis");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("main.tex"), "x").unwrap();
    let error = refused(&kit, &small(&home), &out);
    assert!(error.contains("main.tex") && error.contains("-o"), "{error}");
    assert_eq!(contents(&out).len(), 1);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    frames(&home.path().join("in"), 1);
    fs::write(home.path().join("file"), "x").unwrap();
    let out = home.path().join("file/run");
    let error = refused(&kit, &small(&home), &out);
    assert!(error.contains("cannot write") && error.contains("file/run"), "{error}");
}

/// No process may make folders there, whoever runs it.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_place_is_named() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    frames(&home.path().join("in"), 1);
    let error = refused(&kit, &small(&home), Path::new("/proc/reelgan-run"));
    assert!(error.contains("cannot write") && error.contains("/proc/reelgan-run"), "{error}");
}

#[test]
fn inputs_that_cannot_be_used_leave_no_folder() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    let at = |name: &str| home.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("notes.txt"), "no picture").unwrap();
    fs::write(at("fake.png"), "no picture").unwrap();
    fs::create_dir(at("mixed")).unwrap();
    media::write_png(&at("mixed/1.png"), &frame(40, 40, 0), 0, Origin::Input).unwrap();
    media::write_png(&at("mixed/2.png"), &frame(40, 32, 0), 0, Origin::Input).unwrap();
    for (inputs, wanted) in [
        (vec![], "no images"),
        (vec![at("missing.png")], "missing.png"),
        (vec![at("empty")], "no images in"),
        (vec![at("notes.txt")], "no video stream"),
        (vec![at("fake.png")], "fake.png"),
        (vec![at("mixed")], "one size"),
        (vec![at("mixed"), at("empty")], "a folder"),
    ] {
        let error = refused(&kit, &request(inputs, config(1)), &at("run"));
        assert!(error.contains(wanted), "{error}");
        assert!(!at("run").exists(), "{wanted}");
    }
}

#[test]
fn settings_that_make_no_sense_leave_no_folder() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    frames(&home.path().join("in"), 1);
    let out = home.path().join("run");
    /// What the message must say, and how the request is spoilt.
    type Case = (&'static str, fn(&mut InvertRequest));
    let cases: [Case; 6] = [
        ("steps", |r| r.config.steps = 0),
        ("weight of pixel", |r| r.config.weights.pixel = f32::NAN),
        ("seed", |r| r.config.seed = u64::MAX),
        ("outside the picture", |r| {
            r.fit = Fit::Crop(Crop { x: 99.0, y: 0.0, size: 8.0, angle: 0.0 })
        }),
        ("crop", |r| r.fit = Fit::Crop(Crop { x: 0.0, y: 0.0, size: f64::NAN, angle: 0.0 })),
        ("left out", |r| r.selection.start = 9),
    ];
    for (wanted, change) in cases {
        let mut request = small(&home);
        change(&mut request);
        let error = refused(&kit, &request, &out);
        assert!(error.contains(wanted), "{error}");
        assert!(!out.exists(), "{wanted}");
    }
}

#[test]
fn gradients_that_cannot_be_had_leave_no_folder() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    frames(&home.path().join("in"), 2);
    let config = InvertConfig { gradients: Precision::Bf16, ..config(3) };
    let out = home.path().join("run");
    let message = refused(&kit, &request(vec![home.path().join("in")], config), &out);
    let why = if Isa::active().has_bf16() {
        "gradients: toy has gradients in f32 only; take f32"
    } else {
        "gradients: this CPU multiplies bf16 no faster, it lacks AVX512-BF16; take f32"
    };
    assert_eq!(message, why);
    assert!(!out.exists());
}

#[test]
fn flows_that_are_not_there_are_named() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    frames(&home.path().join("in"), 2);
    let mut request = small(&home);
    request.config.weights.consistency = 1.0;
    request.flow = FlowSource::FloFolder(home.path().join("flows"));
    let run = home.path().join("run");
    let error = refused(&kit, &request, &run);
    assert!(
        error.contains("flow_0001_0002.flo") || error.contains("flow_0002_0001.flo"),
        "{error}"
    );
    // Once they are there, the run goes on.
    let flow = reelgan_run::Flow::new(
        1,
        job_toy::SIDE,
        job_toy::SIDE,
        vec![0.0; 2 * job_toy::SIDE.pow(2)],
    )
    .unwrap();
    fs::create_dir(home.path().join("flows")).unwrap();
    for name in ["flow_0001_0002.flo", "flow_0002_0001.flo"] {
        flow.write(0, &home.path().join("flows").join(name)).unwrap();
    }
    assert_eq!(job::resume(&kit, &run, &mut Silent).unwrap().stop, StopReason::Finished);
}

#[test]
fn there_is_nothing_to_resume_in_other_folders() {
    let (kit, home) = (kit(), tempfile::tempdir().unwrap());
    let missing = home.path().join("missing");
    let error = job::resume(&kit, &missing, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("nothing to resume"), "{error}");
    assert!(!missing.exists());
    fs::write(home.path().join("main.tex"), "x").unwrap();
    let error = not_resumed(&kit, home.path());
    assert!(error.contains("main.tex"), "{error}");
}

#[test]
fn a_run_that_died_before_it_began_says_so() {
    let kit = kit();
    let (_home, run) = interrupted(&kit);
    fs::remove_file(run.join("manifest.json")).unwrap();
    let error = not_resumed(&kit, &run);
    assert!(error.contains("manifest.json is missing") && error.contains("begin again"), "{error}");
}

#[test]
fn a_finished_run_is_not_done_again() {
    let kit = kit();
    let (_home, run) = finished(&kit);
    let before = contents(&run);
    let outcome = job::resume(&kit, &run, &mut Silent).unwrap();
    assert!(outcome.warnings.iter().any(|w| w.contains("finished already")));
    assert!(outcome.measurements.is_some() && contents(&run) == before);
}

#[test]
fn a_missing_or_changed_input_frame_stops_a_resumption() {
    let kit = kit();
    let (home, run) = interrupted(&kit);
    let path = run.join("inputs/frame_0002.png");
    let original = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = not_resumed(&kit, &run);
    assert!(error.contains("frame_0002.png"), "{error}");
    media::write_png(&path, &frame(job_toy::SIDE, job_toy::SIDE, 3), 0, Origin::Input).unwrap();
    let error = not_resumed(&kit, &run);
    assert!(error.contains("not those that the run began with"), "{error}");
    media::write_png(&path, &frame(8, 8, 0), 0, Origin::Input).unwrap();
    let error = not_resumed(&kit, &run);
    assert!(error.contains("8x8 pixels"), "{error}");
    fs::write(&path, &original[..original.len() / 2]).unwrap();
    assert!(not_resumed(&kit, &run).contains("frame_0002.png"));
    // With the original back it goes on.
    fs::write(&path, original).unwrap();
    job::resume(&kit, &run, &mut Silent).unwrap();
    drop(home);
}

#[test]
fn a_changed_byte_in_the_state_stops_a_resumption() {
    let kit = kit();
    let (_home, run) = interrupted(&kit);
    let state = run.join("state.safetensors");
    flip_last_byte(&state);
    let error = not_resumed(&kit, &run);
    assert!(error.contains("state.safetensors") && error.contains("changed"), "{error}");
    fs::write(&state, b"short").unwrap();
    assert!(not_resumed(&kit, &run).contains("state.safetensors"));
}

#[test]
fn changed_settings_in_a_manifest_stop_a_resumption() {
    let kit = kit();
    let (_home, run) = interrupted(&kit);
    let manifest = run.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"steps\": 3", "\"steps\": 30")).unwrap();
    let error = not_resumed(&kit, &run);
    assert!(error.contains("other settings"), "{error}");
    fs::write(&manifest, text.replace("\"pixel\"", "\"pixie\"")).unwrap();
    assert!(not_resumed(&kit, &run).contains("manifest.json"));
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    assert!(not_resumed(&kit, &run).contains("manifest.json"));
}

#[test]
fn another_generator_can_neither_continue_nor_edit_a_run() {
    let (ours, other) = (kit(), kit_with("other"));
    let (_home, run) = interrupted(&ours);
    let error = not_resumed(&other, &run);
    assert!(error.contains("belongs to the generator toy") && error.contains("other"), "{error}");
    job::resume(&ours, &run, &mut Silent).unwrap();
    let before = contents(&run);
    let error =
        job::edit(&other, &run, &along(&["motion=1"]), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("codes.safetensors belongs to the generator toy"), "{error}");
    assert!(contents(&run) == before);
}

#[test]
fn codes_of_another_generator_in_a_run_are_refused() {
    let kit = kit();
    let (_home, run) = finished(&kit);
    let path = run.join("codes.safetensors");
    let mut file = CodeFile::open(&path).unwrap();
    file.generator = Identity { name: "toy".into(), sha256: "f".repeat(64) };
    file.save(&path).unwrap();
    let error = job::edit(&kit, &run, &along(&["motion=1"]), &mut Silent).unwrap_err().to_string();
    assert!(
        error.contains("toy (ffffffffffff)") && error.contains("toy (000000000000)"),
        "{error}"
    );
}

#[test]
fn damaged_codes_are_refused() {
    let kit = kit();
    let (_home, run) = finished(&kit);
    let path = run.join("codes.safetensors");
    let original = fs::read(&path).unwrap();
    let refused = || {
        let request = MorphRequest::between(1, 2, 2, 5.0);
        job::morph(&kit, &run, &request, &mut Silent).unwrap_err().to_string()
    };
    // A byte of the first code.
    let header = 8 + u64::from_le_bytes(original[..8].try_into().unwrap()) as usize;
    let mut bytes = original.clone();
    bytes[header] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = refused();
    assert!(error.contains("codes.safetensors") && error.contains("damaged"), "{error}");
    fs::write(&path, &original[..original.len() - 9]).unwrap();
    assert!(refused().contains("codes.safetensors"));
    fs::remove_file(&path).unwrap();
    assert!(refused().contains("codes.safetensors is missing"));
    assert!(!run.join("morphs").exists());
}

#[test]
fn edits_that_cannot_be_made_leave_the_run_alone() {
    let kit = kit();
    let (home, run) = finished(&kit);
    let before = contents(&run);
    let at = |name: &str| home.path().join(name).display().to_string();
    let direction = |rows: usize, generator: Option<Identity>| {
        Direction::new("d", vec![1.0; rows * 4], rows, generator, "made here").unwrap()
    };
    let stranger = Identity { name: "stranger".into(), sha256: String::new() };
    direction(3, None).save(Path::new(&at("rows.safetensors"))).unwrap();
    direction(1, Some(stranger)).save(Path::new(&at("stranger.safetensors"))).unwrap();
    fs::write(at("junk.npy"), "junk").unwrap();
    for (edit, wanted) in [
        ("motion.9=1".to_string(), "motion.1 to motion.1"),
        ("motion:0..9=1".to_string(), "rows 0..2"),
        (format!("{}=1", at("rows.safetensors")), "(2,4)"),
        (format!("{}=1", at("stranger.safetensors")), "stranger"),
        (format!("{}=1", at("junk.npy")), "junk.npy"),
        (format!("{}=1", at("missing.npy")), "missing.npy"),
    ] {
        let error = job::edit(&kit, &run, &along(&[&edit]), &mut Silent).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let none = job::edit(&kit, &run, &along(&[]), &mut Silent).unwrap_err().to_string();
    assert!(none.contains("motion=1.5"), "{none}");
    for frames in [vec![0], vec![3], vec![]] {
        let request = EditRequest { frames: Some(frames), ..along(&["motion=1"]) };
        let error = job::edit(&kit, &run, &request, &mut Silent).unwrap_err().to_string();
        assert!(error.contains("1 to 2"), "{error}");
    }
    for name in ["", "..", "a/b"] {
        let request = EditRequest { name: Some(name.into()), ..along(&["motion=1"]) };
        let error = job::edit(&kit, &run, &request, &mut Silent).unwrap_err().to_string();
        assert!(error.contains("plain name"), "{error}");
    }
    assert!(contents(&run) == before);
}

#[test]
fn a_missing_input_frame_stops_an_edit() {
    let kit = kit();
    let (_home, run) = finished(&kit);
    fs::remove_file(run.join("inputs/frame_0001.png")).unwrap();
    let error = job::edit(&kit, &run, &along(&["motion=1"]), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("frame_0001.png"), "{error}");
}

#[test]
fn show_says_what_is_no_run() {
    let home = tempfile::tempdir().unwrap();
    let message = |path: &Path| job::show(path).unwrap_err().to_string();
    let error = message(home.path());
    assert!(error.contains("manifest.json is missing"), "{error}");
    assert!(message(&home.path().join("missing")).contains("missing"));
    fs::write(home.path().join("manifest.json"), "{}").unwrap();
    assert!(message(home.path()).contains("manifest.json"));
}
