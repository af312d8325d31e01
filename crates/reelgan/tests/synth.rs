//! Synthesised sets: the same again, going on, and what was tampered with.

use std::fs;
use std::ops::ControlFlow;

use reelgan::codes::Direction;
use reelgan::generator::Generator;
use reelgan::synth::{Kind, Set, SynthConfig};

mod job_toy;

use job_toy::{Toy, contents};

fn directions() -> Vec<Direction> {
    let axis = |k: usize| (0..4).map(|i| if i == k { 1.0 } else { 0.0 }).collect();
    (0..4).map(|k| Direction::new(format!("d{k}"), axis(k), 1, None, "test").unwrap()).collect()
}

#[test]
fn a_set_is_reproduced_taken_up_again_and_opened() {
    let (home, toy) = (tempfile::tempdir().unwrap(), Toy::named("toy"));
    let (a, b) = (home.path().join("a"), home.path().join("b"));
    let config = SynthConfig { count: 230, ..SynthConfig::default() };
    let made = Set::create(&toy, &directions(), &config, &a).unwrap();
    assert_eq!(made.sequences().len(), 230);
    // Interrupted after 120 and without one of its files, it goes on to the same bytes.
    let some = SynthConfig { count: 120, ..config.clone() };
    Set::create(&toy, &directions(), &some, &b).unwrap();
    fs::remove_file(b.join("codes_0000.safetensors")).unwrap();
    Set::create(&toy, &directions(), &config, &b).unwrap();
    assert!(contents(&a) == contents(&b));
    let opened = Set::open(&a).unwrap();
    assert_eq!(opened.sequences(), made.sequences());
    // Codes and specifications of three shards, four directions.
    assert_eq!(opened.contents().files.len(), 10);
    let edit = opened.test_edit(229).unwrap();
    assert!(directions().contains(&edit.direction), "{:?}", edit.direction);
    assert_eq!(edit.strength, opened.sequences()[229].test.strength);
    assert!(opened.test_edit(230).is_err());
    let codes = opened.codes(&toy, 229).unwrap();
    assert_eq!((codes.count(), codes.rows()), (5, toy.rows()));
    assert_eq!(codes.code(4)[..4], made.sequences()[229].frames[16..]);
    assert!(opened.codes(&toy, 230).is_err());
    let error = opened.codes(&Toy::named("other"), 0).unwrap_err().to_string();
    assert!(error.contains("belongs to the generator toy"), "{error}");
}

#[test]
fn pictures_are_rendered_on_demand() {
    let (home, toy) = (tempfile::tempdir().unwrap(), Toy::named("toy"));
    let config = SynthConfig { kind: Kind::Curved, count: 3, frames: 2, ..SynthConfig::default() };
    let set = Set::create(&toy, &directions(), &config, home.path()).unwrap();
    assert!(set.write_images(&toy, &[2], &mut |_, _| ControlFlow::Continue(())).unwrap());
    assert!(home.path().join("images/0003/frame_2.png").exists());
    assert!(!home.path().join("images/0001").exists());
    assert!(!set.write_images(&toy, &[0], &mut |_, _| ControlFlow::Break(())).unwrap());
}

#[test]
fn other_sets_and_changed_files_are_told() {
    let (home, toy) = (tempfile::tempdir().unwrap(), Toy::named("toy"));
    let config = SynthConfig { count: 3, ..SynthConfig::default() };
    Set::create(&toy, &directions(), &config, home.path()).unwrap();
    let other = SynthConfig { seed: 1, ..config.clone() };
    let error = Set::create(&toy, &directions(), &other, home.path()).unwrap_err().to_string();
    assert!(error.contains("another set"), "{error}");
    let file = home.path().join("specs_0000.json");
    let text = fs::read_to_string(&file).unwrap().replacen("d1", "d2", 1);
    fs::write(&file, text).unwrap();
    let error = Set::open(home.path()).unwrap_err().to_string();
    assert!(error.contains("specs_0000.json") && error.contains("changed"), "{error}");
    assert!(Set::create(&toy, &directions(), &config, home.path()).is_err());
    assert!(Set::open(&home.path().join("none")).is_err());
    let mut twice = directions();
    twice.push(twice[0].clone());
    let error = Set::create(&toy, &twice, &config, &home.path().join("x")).unwrap_err().to_string();
    assert!(error.contains("given twice"), "{error}");
}
