//! Runs beside each other, with a toy generator.

mod job_toy;

use std::fs;
use std::path::{Path, PathBuf};

use job_toy::{after, config, frames, kit, request};
use reelgan::invert::{InvertConfig, Schedule, Silent, WindowConfig};
use reelgan::job::{self, InvertRequest, Over};

fn inverted(home: &Path, name: &str, config: InvertConfig) -> PathBuf {
    let (kit, run) = (kit(), home.join(name));
    job::invert(&kit, &request(vec![home.join("in")], config), &run, &mut Silent).unwrap();
    run
}

#[test]
fn a_run_that_ends_lower_has_reached_the_first_before() {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 3);
    let short = inverted(home.path(), "short", config(4));
    let long = inverted(home.path(), "long", config(40));
    let curves = job::compare(&[short.clone(), long.clone()]).unwrap();
    let [a, b] = &curves[..] else { panic!("{curves:?}") };
    assert_eq!((a.points.len(), a.points[3].pictures, a.frames), (4, 12, 3));
    assert_eq!((a.reached_at, a.finished), (Some(12), true));
    // The first point at which the long one is where the short one ended.
    let goal = a.points[3].terms["pixel"];
    let want = b.points.iter().position(|p| p.terms["pixel"] <= goal).unwrap();
    assert_eq!(b.reached_at, Some(3 * (want + 1)));
    assert!(b.points[39].terms["pixel"] < goal);
    // The other way round it is never reached.
    let curves = job::compare(&[long, short]).unwrap();
    assert_eq!(curves[1].reached_at, None);
    let csv = job::compare_csv(&curves, Over::Pictures);
    assert_eq!(csv.lines().count(), 1 + 44);
    assert!(csv.starts_with("run,step,pictures,total,pixel,"), "{csv}");
    let plots = job::compare_plots(&curves, Over::Seconds);
    let pixel = &plots.iter().find(|(term, _)| *term == "pixel").unwrap().1;
    assert_eq!(pixel.series.len(), 2);
    assert!(!plots.iter().any(|(term, _)| *term == "total"), "weights may differ");
    let html = job::compare_html(&curves, Over::Pictures);
    assert!(html.contains("How soon") && html.contains("short"), "{html}");
}

#[test]
fn steps_with_the_first_frame_alone_count_as_one_picture() {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 3);
    let settings = config(10);
    let lead = Schedule { lead: 0.5, ..settings.schedule };
    let run = inverted(home.path(), "run", InvertConfig { schedule: lead, ..settings });
    let curve = &job::compare(std::slice::from_ref(&run)).unwrap()[0];
    let pictures: Vec<usize> = curve.points.iter().map(|p| p.pictures).collect();
    assert_eq!(pictures, [1, 2, 3, 4, 5, 8, 11, 14, 17, 20]);
    assert!(curve.reached_at.unwrap() > 5, "one frame says nothing of the others");
}

#[test]
fn steps_with_some_frames_in_turn_tell_nothing_of_all() {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 3);
    let settings = config(10);
    let schedule = Schedule { turn: 2, ..settings.schedule };
    let run = inverted(home.path(), "run", InvertConfig { schedule, ..settings });
    let curve = &job::compare(std::slice::from_ref(&run)).unwrap()[0];
    let looked_at: Vec<usize> = curve.points.iter().map(|p| p.frames).collect();
    assert_eq!(looked_at, [2, 2, 2, 2, 2, 2, 2, 2, 3, 3]);
    assert!(curve.reached_at.unwrap() >= 8 * 2 + 3);
}

#[test]
fn unfinished_runs_count_as_far_as_they_came() {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 3);
    let (kit, run) = (kit(), home.path().join("run"));
    let of = |config| -> InvertRequest { request(vec![home.path().join("in")], config) };
    job::invert(&kit, &of(config(10)), &run, &mut after(3)).unwrap();
    let curve = job::compare(std::slice::from_ref(&run)).unwrap().remove(0);
    assert_eq!((curve.points.len(), curve.finished, curve.seconds), (3, false, None));
    assert!(curve.metrics.is_empty());
    // The same numbers as those of the finished one.
    job::resume(&kit, &run, &mut Silent).unwrap();
    let whole = job::compare(std::slice::from_ref(&run)).unwrap().remove(0);
    assert_eq!(whole.points[..3], curve.points[..]);
    assert!(whole.seconds.is_some() && whole.metrics.contains_key("mse"));
    // Of a clip of several windows it is the first.
    let windows = WindowConfig { size: 2, stride: 1, ..WindowConfig::default() };
    let run = inverted(home.path(), "long", InvertConfig { windows, ..config(6) });
    let curve = job::compare(std::slice::from_ref(&run)).unwrap().remove(0);
    assert_eq!((curve.points.len(), curve.frames, curve.points[5].pictures), (6, 2, 12));
}

#[test]
fn what_is_no_run_or_damaged_is_refused() {
    let home = tempfile::tempdir().unwrap();
    frames(&home.path().join("in"), 2);
    let error = job::compare(&[home.path().join("in")]).unwrap_err().to_string();
    assert!(error.contains("manifest.json"), "{error}");
    let run = inverted(home.path(), "run", config(3));
    let path = run.join("losses.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}4,0.1\n")).unwrap();
    let error = job::compare(&[run]).unwrap_err().to_string();
    assert!(error.contains("losses.csv") && error.contains("damaged"), "{error}");
}
