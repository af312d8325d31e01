use super::*;
use crate::atomic::{self, UNFINISHED};
use Existing::{Refuse, Resume};

fn manifest(steps: u64, state: State) -> Manifest {
    serde_json::from_value(serde_json::json!({
        "format": 1, "reelgan": "0.1.0", "command": [], "inputs": [],
        "crops": [{"x": 0.0, "y": 0.0, "size": 8.0}], "frames": 5, "preset": "fast", "config": {},
        "generator": {"name": "g", "sha256": "", "resolution": 8, "rows": 4, "dim": 2},
        "perceptual": null, "seed": 0, "device": "cpu", "state": state, "stop_reason": null,
        "steps_done": steps, "best_step": null, "losses": {}, "notice": ""
    }))
    .unwrap()
}

fn message(result: Result<RunFolder>) -> String {
    result.unwrap_err().to_string()
}

/// Every file below a folder with its content.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(snapshot(&path));
            all.push((path, None));
        } else {
            let content = fs::read(&path).unwrap();
            all.push((path, Some(content)));
        }
    }
    all.sort();
    all
}

#[test]
fn a_new_folder_is_made_with_its_parents() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("runs/first");
    let run = RunFolder::create(&path, Refuse).unwrap();
    assert_eq!(run.input(7), path.join("inputs/frame_0007.png"));
    assert_eq!(run.recon(12345), path.join("frames/recon_12345.png"));
    atomic::write(&run.input(1), b"x").unwrap();
    atomic::write(&run.recon(1), b"x").unwrap();
    // An empty folder will do as well.
    RunFolder::create(home.path().join("runs/second").as_path(), Refuse).unwrap();
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("thesis.tex"), "x").unwrap();
    let before = snapshot(home.path());
    for existing in [Refuse, Resume] {
        let error = message(RunFolder::create(home.path(), existing));
        assert!(error.contains("it holds thesis.tex") && error.contains("-o"), "{error}");
    }
    assert_eq!(snapshot(home.path()), before);
}

#[test]
fn a_folder_with_a_run_is_refused_unless_it_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run");
    let run = RunFolder::create(&path, Refuse).unwrap();
    manifest(40, State::Running).write(&run.manifest()).unwrap();
    drop(run);
    let before = snapshot(&path);
    let error = message(RunFolder::create(&path, Refuse));
    assert!(error.contains("an unfinished run (5 frames, preset fast, 40 steps)"), "{error}");
    assert!(error.contains("--resume"), "{error}");
    RunFolder::create(&path, Resume).unwrap();
    assert_eq!(snapshot(&path), before);

    // A copy that lost the hidden marker is still known by its manifest.
    fs::remove_file(path.join(MARKER)).unwrap();
    assert!(matches!(RunFolder::create(&path, Refuse), Err(Error::FolderTaken { .. })));
    RunFolder::create(&path, Resume).unwrap();
}

#[test]
fn a_foreign_manifest_does_not_make_a_folder_ours() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("manifest.json"), r#"{"name": "web app"}"#).unwrap();
    assert!(matches!(RunFolder::create(home.path(), Refuse), Err(Error::FolderNotOurs { .. })));
}

#[test]
fn a_run_killed_at_its_start_is_begun_again() {
    let home = tempfile::tempdir().unwrap();
    drop(RunFolder::create(home.path(), Refuse).unwrap());
    let left = [
        home.path().join(format!("{UNFINISHED}1")),
        home.path().join(format!("frames/{UNFINISHED}2")),
    ];
    fs::write(&left[0], "half").unwrap();
    drop(RunFolder::create(home.path(), Refuse).unwrap());
    assert!(!left[0].exists());
    fs::write(&left[1], "half").unwrap();
    drop(RunFolder::create(home.path(), Resume).unwrap());
    assert!(!left[1].exists());
    // Folders that only some runs have, and those of edits.
    for folder in ["npy", "edits/age"] {
        let half = home.path().join(folder).join(format!("{UNFINISHED}3"));
        fs::create_dir_all(half.parent().unwrap()).unwrap();
        fs::write(&half, "half").unwrap();
        drop(RunFolder::create(home.path(), Resume).unwrap());
        assert!(!half.exists(), "{folder}");
    }
}

#[test]
fn there_must_be_something_to_resume() {
    let home = tempfile::tempdir().unwrap();
    for path in [home.path().to_owned(), home.path().join("absent")] {
        let error = message(RunFolder::create(&path, Resume));
        assert!(error.contains("nothing to resume"), "{error}");
    }
    assert!(!home.path().join("absent").exists());
}

#[test]
fn one_writer_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run");
    let run = RunFolder::create(&path, Refuse).unwrap();
    // Locks belong to the open file, so a second one conflicts within a process too.
    assert!(matches!(RunFolder::create(&path, Refuse), Err(Error::FolderLocked { .. })));
    manifest(1, State::Finished).write(&run.manifest()).unwrap();
    fs::write(run.codes(), "x").unwrap();
    let error = message(RunFolder::create(&path, Resume));
    assert!(error.contains("another reelgan process"), "{error}");
    assert!(matches!(RunFolder::open_to_write(&path), Err(Error::FolderLocked { .. })));
    RunFolder::open(&path).unwrap();
    drop(run);
    RunFolder::open_to_write(&path).unwrap();
}

#[test]
fn opening_names_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let error = message(RunFolder::open(&home.path().join("absent")));
    assert!(error.contains("absent") && error.contains("check the spelling"), "{error}");
    let error = message(RunFolder::open(home.path()));
    assert!(error.contains("manifest.json, codes.safetensors is missing"), "{error}");
    assert!(error.contains("give a folder that `reelgan invert` wrote"), "{error}");
    let run = RunFolder::create(home.path(), Refuse).unwrap();
    manifest(1, State::Running).write(&run.manifest()).unwrap();
    let error = message(RunFolder::open(home.path()));
    assert!(
        error.contains(": codes.safetensors is missing") && error.contains("--resume"),
        "{error}"
    );
}

#[test]
fn a_file_in_the_way() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    fs::write(&path, "x").unwrap();
    for place in [&path, &path.join("run")] {
        let error = message(RunFolder::create(place, Refuse));
        assert!(error.contains("a file stands where a folder is needed"), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_place() {
    // No user, root included, can make folders here.
    let error = message(RunFolder::create(Path::new("/sys/reelgan-run"), Refuse));
    assert!(error.contains("cannot write /sys/reelgan-run"), "{error}");
}
