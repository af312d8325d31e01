//! `reelgan paste`, and `reelgan edit --paste` that cannot be.

use std::fs;
use std::path::Path;

use crate::program::{Ran, picture, reelgan, sample, words};

fn paste(clip: &Path, faces: &Path, crops: &Path, out: &Path, flags: &[&str]) -> Ran {
    let named = [("--faces", faces), ("--crops", crops), ("-o", out)];
    let named = named.iter().flat_map(|(flag, path)| [flag.as_ref(), path.as_os_str()]);
    let flags = flags.iter().map(|flag| flag.as_ref());
    reelgan(["paste".as_ref(), clip.as_os_str()].into_iter().chain(named).chain(flags))
}

#[test]
fn an_edited_portrait_changes_in_the_face_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (faces, out) = (folder.path().join("faces"), folder.path().join("out"));
    let portrait = sample("london_002_03.jpg");
    let align = ["align".as_ref(), portrait.as_os_str(), "-o".as_ref(), faces.as_os_str()];
    reelgan(align.into_iter().chain(["--side", "256"].map(AsRef::as_ref))).worked();
    // The edit: everything dark.
    let crops = folder.path().join("edited");
    fs::create_dir(&crops).unwrap();
    let mut crop = image::open(faces.join("crops/0001.png")).unwrap().to_rgb8();
    crop.pixels_mut().for_each(|p| p.0 = p.0.map(|v| v / 3));
    crop.save(crops.join("0001.png")).unwrap();
    let json =
        paste(&portrait, &faces, &crops, &out, &["--colour", "keep", "--json"]).worked().json();
    assert_eq!((&json["frames"], &json["changed"]), (&1.into(), &1.into()));
    let before = image::open(&portrait).unwrap().to_rgb8();
    let after = image::open(out.join("0001.png")).unwrap().to_rgb8();
    assert_eq!(before.dimensions(), after.dimensions());
    let points = fs::read(faces.join("landmarks.json")).unwrap();
    let points: serde_json::Value = serde_json::from_slice(&points).unwrap();
    let nose = &points["frames"][0]["points"][30];
    let at = |axis: usize| nose[axis].as_f64().unwrap() as u32;
    let (was, is) = (before.get_pixel(at(0), at(1)), after.get_pixel(at(0), at(1)));
    assert!(u32::from(is[0]) * 2 < u32::from(was[0]), "{was:?} {is:?}");
    let differ = before.pixels().zip(after.pixels()).filter(|(a, b)| a != b).count();
    let share = differ as f64 / f64::from(before.width() * before.height());
    // The face of a portrait: neither next to nothing nor all of it.
    assert!((0.02..0.5).contains(&share), "{share}");
    for (x, y) in [(0, 0), (before.width() - 1, before.height() - 1)] {
        assert_eq!(before.get_pixel(x, y), after.get_pixel(x, y));
    }

    paste(&portrait, &faces, &crops, &out, &[]).refused(1, &["not empty"]);
    let more = folder.path().join("more");
    fs::create_dir(&more).unwrap();
    (0..2).for_each(|k| picture(&more.join(format!("{k}.png")), 64, 64));
    let other = folder.path().join("other");
    paste(&portrait, &faces, &more, &other, &[]).refused(1, &["2 pictures", "1 frame"]);
    paste(&portrait, &more, &crops, &other, &[])
        .refused(1, &["no transforms.json", "reelgan align"]);
    assert!(!other.exists(), "nothing is left of refused work");
}

#[test]
fn flags_that_make_no_sense() {
    let paste = "paste a.mp4 --faces f --crops c -o b.mp4";
    words(&format!("{paste} --compare")).refused(2, &["--recon DIR"]);
    words(&format!("{paste} --region hair")).refused(2, &["neither `face` nor `crop`"]);
    words(&format!("{paste} --codec vp9")).refused(2, &["h264, h265 or ffv1"]);
    words(&format!("{paste} --quality 60")).refused(2, &["0..=51"]);
    words("edit run --along motion=1 --region crop").refused(2, &["add it"]);
    words("edit run --along motion=1 --paste").refused(2, &["--output"]);
    words("edit run --along motion=0@0,1@1s").refused(2, &["0s for seconds or 0f"]);
}
