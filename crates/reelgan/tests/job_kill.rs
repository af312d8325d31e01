//! Processes killed at any moment: the run goes on and ends with the same bytes.

#![cfg(unix)]

mod job_toy;

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use job_toy::{assert_same, config, frames, kit, request};
use reelgan::invert::{InvertConfig, Silent, StopReason, WindowConfig};
use reelgan::job::{self, InvertRequest};

const INPUT: &str = "REELGAN_TEST_INPUT";
const OUT: &str = "REELGAN_TEST_OUT";

fn clip(folder: &Path) -> InvertRequest {
    let windows = WindowConfig { size: 4, stride: 2, effort: 0.5, ..WindowConfig::default() };
    let mut config = InvertConfig { windows, ..config(40) };
    config.weights.consistency = 0.5;
    InvertRequest { fps: Some(25.0), ..request(vec![folder.to_owned()], config) }
}

/// Not a test of its own: what [`killed`] runs in a process that can be killed.
#[test]
#[ignore = "the other tests start it"]
fn child() {
    let place = |name: &str| env::var_os(name).expect("a folder");
    let out = place(OUT);
    let out = Path::new(&out);
    let begun = out.join("request.json").exists() || out.join("manifest.json").exists();
    let outcome = match begun {
        true => job::resume(&kit(), out, &mut Silent),
        false => job::invert(&kit(), &clip(Path::new(&place(INPUT))), out, &mut Silent),
    };
    assert_eq!(outcome.unwrap().stop, StopReason::Finished);
}

/// Runs the job in another process and kills it after a while; whether it came to its end.
fn killed(input: &Path, out: &Path, after: Option<Duration>) -> bool {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored"])
        .env(INPUT, input)
        .env(OUT, out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the job failed in {}", out.display());
            return true;
        }
        if after.is_some_and(|after| begun.elapsed() >= after) {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn trials(count: u32) {
    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("in");
    frames(&input, 8);
    let whole = home.path().join("whole");
    let begun = Instant::now();
    assert!(killed(&input, &whole, None));
    let all = begun.elapsed();
    let mut kills = 0;
    for trial in 0..count {
        let out = home.path().join(format!("trial-{trial}"));
        // Moments spread over the whole run, two or three of them in a trial.
        let part = |k: u32| f64::from((trial * 37 + k * 61) % 97 + 2) / 100.0;
        for k in 0..3 {
            if killed(&input, &out, Some(all.mul_f64(part(k)))) {
                break;
            }
            kills += 1;
        }
        assert!(killed(&input, &out, None));
        assert_same(&whole, &out);
    }
    println!("{count} runs, {kills} kills, all with the same bytes");
}

#[test]
fn a_killed_run_ends_with_the_same_bytes() {
    trials(3);
}

#[test]
#[ignore = "takes minutes"]
fn thirty_killed_runs_end_with_the_same_bytes() {
    trials(30);
}
