//! `reelgan align`, and input it cannot use.

use std::fs;
use std::path::Path;

use crate::program::{Ran, picture, reelgan, sample};

fn align(input: &Path, out: &Path, flags: &[&str]) -> Ran {
    let words = ["align".as_ref(), input.as_os_str(), "-o".as_ref(), out.as_os_str()];
    reelgan(words.into_iter().chain(flags.iter().map(|f| f.as_ref())))
}

#[test]
fn a_portrait_becomes_a_crop_with_its_landmarks() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("faces");
    let ran = align(&sample("london_002_03.jpg"), &out, &["--side", "128", "--json"]);
    let json = ran.worked().json();
    assert_eq!((&json["frames"], &json["without_face"]), (&1.into(), &0.into()));
    for name in ["crops/0001.png", "overlay/0001.png", "landmarks.json", "transforms.json"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let text = fs::read(out.join("transforms.json")).unwrap();
    let transforms: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let frame = &transforms["frames"][0];
    assert_eq!((&frame["source"], &frame["width"]), (&"face".into(), &1350.into()));
    // The benchmarks have a square of this portrait that was placed by eye: 924 px.
    let size = frame["crop"]["size"].as_f64().unwrap();
    assert!((830.0..1020.0).contains(&size), "{frame}");
    align(&sample("london_002_03.jpg"), &out, &[]).refused(1, &["not empty", "-o"]);
}

#[test]
fn input_without_a_face_and_wrong_requests() {
    let folder = tempfile::tempdir().unwrap();
    let (grey, out) = (folder.path().join("grey.png"), folder.path().join("faces"));
    picture(&grey, 120, 90);
    align(&grey, &out, &[]).refused(1, &["no face was found in the picture", "--landmarks"]);
    align(&sample("london_001_03.jpg"), &out, &["--face", "3"])
        .refused(1, &["--face", "no person 3"]);
    align(&grey, &out, &["--detector-side", "100"]).refused(1, &["multiple of 32"]);
    align(&grey, &out, &["--side", "5"]).refused(2, &["--side"]);
    let file = folder.path().join("points.json");
    fs::write(&file, r#"{"frames":[{"points":[[1,2]]}]}"#).unwrap();
    let flags = ["--landmarks", file.to_str().unwrap()];
    align(&grey, &out, &flags).refused(1, &["points.json", "68 points"]);
    assert!(!out.exists(), "nothing is left of refused work");
}
