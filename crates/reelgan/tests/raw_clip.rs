//! Clips as people film them, through the inversion with a toy generator: faces that leave,
//! return and cross, turned and broken files, one frame, odd sizes.

mod job_toy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use job_toy::{config, kit, request};
use reelgan::face::{FaceReader, Finding};
use reelgan::invert::Silent;
use reelgan::job::{self, Aligning, Crop, Fit, Kit, Outcome, Selection};
use reelgan_models::Store;
use reelgan_run::clip::VideoWriter;
use reelgan_run::{Clip, Images, media};
use serde_json::Value;

fn seeing() -> Kit {
    let store = Store::standard().expect("a cache for models");
    let finding = Finding { threshold: 0.3, ..Finding::default() };
    let faces = FaceReader::with(&store, finding, &Device::flex())
        .expect("the face networks; run `reelgan models fetch face-nets` first");
    Kit { faces: Some(faces), ..kit() }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)
}

/// A portrait, `side` pixels a side.
fn portrait(name: &str, side: usize) -> Images {
    let picture = media::read(&sample(name)).unwrap().images;
    picture.fit(Crop::centre(picture.height(), picture.width()), side).unwrap()
}

/// Grey, with pictures at some places, the first at the back.
fn scene((width, height): (usize, usize), placed: &[(&Images, usize, usize)]) -> Images {
    let mut rgb = vec![128u8; 3 * width * height];
    for (picture, x, y) in placed {
        let row = 3 * picture.width();
        for (k, line) in picture.to_rgb8(0).chunks_exact(row).enumerate() {
            let at = 3 * ((y + k) * width + x);
            rgb[at..at + row].copy_from_slice(line);
        }
    }
    Images::from_rgb8(height, width, &rgb).unwrap()
}

fn video(kit: &Kit, path: &Path, frames: &[Images]) {
    let ffmpeg = kit.ffmpeg.find().expect("these tests need ffmpeg: apt install ffmpeg");
    let size = (frames[0].width(), frames[0].height());
    let mut video = VideoWriter::create(&ffmpeg, path, size, 10.0).unwrap();
    frames.iter().for_each(|frame| video.push(frame).unwrap());
    video.finish().unwrap();
}

fn inverted(kit: &Kit, clip: &Path, selection: Selection, face: usize, out: &Path) -> Outcome {
    let mut request = request(vec![clip.to_owned()], config(2));
    request.fit = Fit::Align(Aligning { face, ..Aligning::default() });
    request.selection = selection;
    job::invert(kit, &request, out, &mut Silent).unwrap()
}

/// Source and square of every frame.
fn placed(run: &Path) -> Vec<(String, Crop)> {
    let bytes = fs::read(run.join("transforms.json")).unwrap();
    let all: Value = serde_json::from_slice(&bytes).unwrap();
    let one = |frame: &Value| {
        let crop = serde_json::from_value(frame["crop"].clone()).unwrap();
        (frame["source"].as_str().unwrap().to_string(), crop)
    };
    all["frames"].as_array().unwrap().iter().map(one).collect()
}

fn middle(crop: &Crop) -> [f64; 2] {
    [crop.x + crop.size / 2.0, crop.y + crop.size / 2.0]
}

#[test]
fn a_face_that_leaves_and_returns_keeps_its_person_and_its_frames() {
    let (home, kit) = (tempfile::tempdir().unwrap(), seeing());
    let one = portrait("london_001_03.jpg", 200);
    let (size, clip) = ((320, 240), home.path().join("clip.mp4"));
    let with = |x| scene(size, &[(&one, x, 20)]);
    let mut frames: Vec<Images> = (0..3).map(|k| with(20 + 4 * k)).collect();
    frames.extend((0..3).map(|_| scene(size, &[])));
    // Back in another place.
    frames.extend((0..3).map(|k| with(90 - 4 * k)));
    video(&kit, &clip, &frames);
    let run = home.path().join("run");
    let outcome = inverted(&kit, &clip, Selection::default(), 1, &run);
    let sources: Vec<String> = placed(&run).into_iter().map(|(source, _)| source).collect();
    let want = [["face"; 3], ["neighbours"; 3], ["face"; 3]].concat();
    assert_eq!(sources, want);
    assert_eq!(outcome.manifest.unwrap().frames, 9);
    let table = fs::read_to_string(run.join("frames.csv")).unwrap();
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let flag = columns.iter().position(|c| *c == "face_found").unwrap();
    let flags: String = lines.map(|line| line.split(',').nth(flag).unwrap()).collect();
    assert_eq!(flags, "111000111");
    assert!(outcome.warnings.iter().any(|w| w.contains("face")), "{:?}", outcome.warnings);
}

#[test]
fn of_two_people_who_cross_each_is_followed() {
    let (home, kit) = (tempfile::tempdir().unwrap(), seeing());
    let (one, two) = (portrait("london_001_03.jpg", 200), portrait("london_002_03.jpg", 150));
    let clip = home.path().join("clip.mp4");
    // One walks right before Two, who walks left; halfway Two is hidden.
    let frames: Vec<Images> = (0..9)
        .map(|k| scene((480, 240), &[(&two, 310 - 38 * k, 60), (&one, 10 + 32 * k, 20)]))
        .collect();
    video(&kit, &clip, &frames);
    let middles = |face| {
        let run = home.path().join(format!("run{face}"));
        inverted(&kit, &clip, Selection::default(), face, &run);
        placed(&run).iter().map(|(_, crop)| middle(crop)[0]).collect::<Vec<f64>>()
    };
    // The larger face is the first person.
    let (first, second) = (middles(1), middles(2));
    assert!(first.windows(2).all(|p| p[1] > p[0]), "{first:?}");
    assert!(second.windows(2).all(|p| p[1] < p[0]), "{second:?}");
    assert!(first[8] - first[0] > 200.0 && second[0] - second[8] > 240.0);
}

#[test]
fn a_file_that_says_it_is_turned_is_turned() {
    let (home, kit) = (tempfile::tempdir().unwrap(), seeing());
    let upright = scene((240, 320), &[(&portrait("london_001_03.jpg", 200), 20, 60)]);
    // A camera held upright stores lying pictures: columns from below become rows.
    let (stored, clip) = (home.path().join("stored.mp4"), home.path().join("turned.mp4"));
    let rgb = upright.to_rgb8(0);
    let mut lying = Vec::with_capacity(rgb.len());
    for x in 0..240 {
        for y in (0..320).rev() {
            lying.extend_from_slice(&rgb[3 * (y * 240 + x)..][..3]);
        }
    }
    let lying = Images::from_rgb8(240, 320, &lying).unwrap();
    // Turned a quarter clockwise for storage, so a quarter back to show it.
    video(&kit, &stored, &[lying.clone(), lying]);
    let ffmpeg = kit.ffmpeg.find().unwrap();
    let asked = Command::new(ffmpeg.program())
        .args(["-v", "error", "-i"])
        .arg(&stored)
        .args(["-c", "copy", "-metadata:s:v:0", "rotate=270"])
        .arg(&clip)
        .status();
    assert!(asked.unwrap().success());
    let run = home.path().join("run");
    inverted(&kit, &clip, Selection::default(), 1, &run);
    for (source, crop) in placed(&run) {
        assert_eq!(source, "face");
        assert!(crop.angle.abs() < 10.0, "the head stands upright: {crop:?}");
        assert!(middle(&crop)[1] > 100.0 && middle(&crop)[0] < 160.0, "{crop:?}");
    }
}

#[test]
fn a_broken_tail_leaves_the_frames_before_it() {
    let (home, kit) = (tempfile::tempdir().unwrap(), seeing());
    let bytes = fs::read(sample("GRID_bbaf2n.mpg")).unwrap();
    let clip = home.path().join("broken.mpg");
    fs::write(&clip, &bytes[..bytes.len() * 6 / 10]).unwrap();
    let run = home.path().join("run");
    let selection = Selection { stride: 8, ..Selection::default() };
    let outcome = inverted(&kit, &clip, selection, 1, &run);
    let whole = 75usize.div_ceil(8);
    let frames = outcome.manifest.unwrap().frames;
    assert!((3..whole).contains(&frames), "{frames} of {whole}");
    assert!(placed(&run).iter().all(|(source, _)| source == "face"));
    assert_eq!(fs::read_dir(run.join("inputs")).unwrap().count(), frames);
}

#[test]
fn one_frame_two_frames_and_sizes_of_all_kinds() {
    let (home, kit) = (tempfile::tempdir().unwrap(), seeing());
    let one = portrait("london_001_03.jpg", 150);
    for (count, (width, height)) in [(1, (151, 203)), (2, (301, 155)), (1, (150, 150))] {
        let clip = home.path().join(format!("{count}-{width}.mkv"));
        let frames = vec![scene((width, height), &[(&one, 0, height - 150)]); count];
        video(&kit, &clip, &frames);
        let run = home.path().join(format!("run{width}"));
        let outcome = inverted(&kit, &clip, Selection::default(), 1, &run);
        assert_eq!(outcome.manifest.unwrap().frames, count);
        let shown = Clip::open(run.join("frames")).unwrap();
        assert_eq!(shown.read(Selection::default()).unwrap().images.count(), count, "{width}");
        // One frame is a picture, two are a video.
        assert_eq!(run.join("video.mp4").exists(), count > 1);
    }
}
