//! Several workers at one list, with a program that stands in for this one.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A program that notes every call, takes a moment and does as `script` says.
fn program(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("stand-in");
    let calls = folder.join("calls");
    let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{script}\n", calls.display());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn calls(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("calls")).unwrap_or_default();
    text.lines().map(String::from).collect()
}

fn item(folder: &Path, name: &str, edits: &[&str]) -> Item {
    let edits = edits.iter().map(|e| e.split(' ').map(String::from).collect()).collect();
    Item { input: "a.mp4".into(), output: folder.join(name), options: vec![], edits }
}

/// A script that leaves a finished run, as `invert INPUT -o OUT` does.
fn inverts(folder: &Path, state: &str) -> String {
    let template = folder.join("manifest.in");
    let manifest = serde_json::json!({
        "format": 1, "reelgan": "0", "command": ["reelgan", "invert", "a.mp4", "-o", "OUT"],
        "inputs": [], "crops": [], "frames": 1, "preset": "fast", "config": {},
        "generator": {"name": "g", "sha256": "0", "resolution": 8, "rows": 1, "dim": 1},
        "perceptual": null, "seed": 0, "device": "cpu", "state": state, "stop_reason": null,
        "steps_done": 1, "best_step": null, "losses": {}, "notice": "synthetic",
    });
    fs::write(&template, manifest.to_string()).unwrap();
    format!(
        "if [ \"$1\" = invert ]; then out=\"$4\"; mkdir -p \"$out\"; \
         sed \"s#OUT#$out#\" {} > \"$out/manifest.json\"; fi",
        template.display()
    )
}

/// The work of one worker alone. A process that another test has just split off holds all
/// files of this one, and so its claims, until it becomes another program.
fn go(item: &Item, program: &Path) -> Status {
    let mut status = work(item, program, &|| false);
    for _ in 0..100 {
        let Status::Busy(_) = status else { break };
        std::thread::sleep(TICK);
        status = work(item, program, &|| false);
    }
    status
}

#[test]
fn done_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = program(folder, &inverts(folder, "finished"));
    let one = item(folder, "run", &["--along motion=1"]);
    assert_eq!(go(&one, &program), Status::Done);
    assert_eq!(go(&one, &program), Status::Before);
    let out = one.output.display();
    let want = [format!("invert a.mp4 -o {out}"), format!("edit {out} --along motion=1")];
    assert_eq!(calls(folder), want);
    // Another edit is new work; the run is not.
    let more = item(folder, "run", &["--along motion=1", "--along motion=2"]);
    assert_eq!(go(&more, &program), Status::Done);
    assert_eq!(calls(folder)[2..], [format!("edit {out} --along motion=2")]);
    // Other options for the same output are refused.
    let other = Item { options: vec!["--seed".into(), "1".into()], ..one };
    let Status::Failed(why) = go(&other, &program) else { panic!("not refused") };
    assert!(why.contains("begun as `reelgan invert a.mp4 -o"), "{why}");
    assert_eq!(calls(folder).len(), 3);
}

#[test]
fn an_interrupted_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Leaves an unfinished run at first; `--resume` finishes it.
    let script = format!(
        "{}\nif [ \"$2\" = --resume ]; then sed -i s/running/finished/ \"$4/manifest.json\"; exit 0; fi\nexit 3",
        inverts(folder, "running").replace("= invert ]", "= invert ] && [ \"$2\" != --resume ]")
    );
    let program = program(folder, &script);
    let one = item(folder, "run", &[]);
    let Status::Failed(why) = go(&one, &program) else { panic!("did not fail") };
    assert!(why.contains("exit status: 3") && why.contains("run.log"), "{why}");
    assert_eq!(go(&one, &program), Status::Done);
    assert_eq!(calls(folder)[1], format!("invert --resume -o {}", one.output.display()));
    assert_eq!(go(&one, &program), Status::Before);
}

#[test]
fn a_run_that_was_killed_while_it_read_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let one = item(folder.path(), "run", &[]);
    fs::create_dir(&one.output).unwrap();
    let leave = |command: &[String]| {
        let command: Vec<_> = ["reelgan".to_string()].into_iter().chain(command.to_vec()).collect();
        let text = serde_json::json!({"base": "/", "request": {"command": command}});
        fs::write(one.output.join("request.json"), text.to_string()).unwrap();
    };
    leave(&one.invert());
    let next = next_of_run(&one, &one.invert()).unwrap().unwrap();
    assert_eq!(next[..2], ["invert", "--resume"]);
    leave(&["invert".into(), "b.mp4".into()]);
    let error = next_of_run(&one, &one.invert()).unwrap_err().to_string();
    assert!(error.contains("begun as `reelgan invert b.mp4`"), "{error}");
}

#[test]
fn the_last_error_is_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program =
        program(folder, "echo 'warning: x' >&2; echo 'error: no face was found' >&2; exit 1");
    let Status::Failed(why) = go(&item(folder, "run", &[]), &program) else { panic!() };
    assert!(why.starts_with("no face was found (all it said: "), "{why}");
    let missing = folder.join("absent");
    assert!(matches!(go(&item(folder, "b", &[]), &missing), Status::Failed(_)));
    // A program that says it is done and is not.
    let idle = super::tests::program(folder, "exit 0");
    let Status::Failed(why) = go(&item(folder, "c", &[]), &idle) else { panic!() };
    assert!(why.contains("not finished"), "{why}");
}

#[test]
fn many_workers_do_each_clip_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = program(folder, &format!("sleep 0.05\n{}", inverts(folder, "finished")));
    let items: Vec<Item> =
        (0..12).map(|k| item(folder, &format!("run{k}"), &["--along m=1"])).collect();
    let told: Vec<Vec<Status>> = std::thread::scope(|scope| {
        let worker =
            || items.iter().map(|item| work(item, &program, &|| false)).collect::<Vec<_>>();
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    for k in 0..items.len() {
        let done = told.iter().filter(|t| t[k] == Status::Done).count();
        assert_eq!(done, 1, "clip {k}: {:?}", told.iter().map(|t| &t[k]).collect::<Vec<_>>());
    }
    let mut made = calls(folder);
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 24, "each call once");
    assert_eq!(calls(folder).len(), 24);
}

#[test]
fn whoever_asks_to_end_ends_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = program(folder, "trap 'exit 130' TERM; while :; do sleep 0.05; done");
    let asked = AtomicBool::new(false);
    let one = item(folder, "run", &[]);
    let begun = std::time::Instant::now();
    let status = std::thread::scope(|scope| {
        scope.spawn(|| {
            while calls(folder).is_empty() {
                std::thread::sleep(TICK);
            }
            asked.store(true, Ordering::SeqCst);
        });
        work(&one, &program, &|| asked.load(Ordering::SeqCst))
    });
    assert_eq!(status, Status::Interrupted);
    assert!(begun.elapsed().as_secs() < 60);
    // It may still be taken for a moment, as above; begun it is not.
    assert_ne!(work(&one, &program, &|| true), Status::Done);
    assert_eq!(calls(folder).len(), 1, "nothing begins after that");
}
