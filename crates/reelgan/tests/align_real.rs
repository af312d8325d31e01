//! Clips to crops with the real face networks.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use reelgan::align::{
    self, AlignConfig, ExportOptions, Progress, Smoothing, Source, Survey, Template,
};
use reelgan::face::{FaceReader, Finding};
use reelgan::{Error, Result};
use reelgan_golden::Golden;
use reelgan_models::Store;
use reelgan_run::landmarks::{Landmarks, Part};
use reelgan_run::{Clip, Images, media};

fn reader() -> FaceReader {
    let finding = Finding { threshold: 0.3, ..Finding::default() };
    let store = Store::standard().expect("a cache for models");
    FaceReader::with(&store, finding, &Device::flex())
        .expect("the face networks; run `reelgan models fetch face-nets` first")
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)
}

fn config(side: usize, fps: Option<f64>) -> AlignConfig {
    let template = Template::ffhq(side).unwrap();
    AlignConfig { template, face: 1, smoothing: Smoothing::default(), fps }
}

fn go(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn survey(clip: &Clip, reader: &FaceReader) -> Survey {
    align::survey(clip, reader, &mut go).unwrap().expect("nobody ended it")
}

/// Centres of eyes and mouth of the surest face of a picture.
fn centres(reader: &FaceReader, picture: &Images) -> [[f64; 2]; 3] {
    let face = reader.faces(picture, 0).unwrap().remove(0);
    [Part::LeftEye, Part::RightEye, Part::Mouth].map(|part| face.landmarks.centre(part))
}

#[test]
fn a_clip_keeps_its_frames_and_its_face_is_steadied() {
    let clip = Clip::open(sample("GRID_bbaf2n.mpg")).unwrap();
    let survey = survey(&clip, &reader());
    let found = align::plan(&survey, &config(256, None)).unwrap();
    assert_eq!((found.placements.len(), found.without_face(), found.people), (75, 0, 1));
    let [raw, smoothed] = found.jitter.unwrap();
    assert!(smoothed < raw / 3.0, "{raw} -> {smoothed}");
    // A speaker who sits still: the square neither jumps nor turns.
    for pair in found.placements.windows(2) {
        let (a, b) = (pair[0].crop, pair[1].crop);
        assert!((a.size / b.size - 1.0).abs() < 0.03, "{a} -> {b}");
        assert!((a.angle - b.angle).abs() < 1.5, "{a} -> {b}");
    }
}

#[test]
fn crops_of_portraits_have_the_face_where_the_template_says() {
    let reader = reader();
    let files: Vec<PathBuf> =
        ["london_001_03.jpg", "london_001_08.jpg", "london_002_03.jpg"].map(sample).into();
    let clip = Clip::from_paths(&files, &Default::default()).unwrap();
    let survey = survey(&clip, &reader);
    let alignment = align::plan(&survey, &config(512, None)).unwrap();
    assert!(alignment.placements.iter().all(|p| p.source == Source::Face));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let options = ExportOptions::default();
    let written =
        align::export(&clip, &survey, &alignment, &out, &options, &mut go).unwrap().unwrap();
    assert_eq!((written.crops.len(), written.others.len()), (3, 5));
    for crop in &written.crops {
        let picture = media::read(crop).unwrap().images;
        assert_eq!((picture.width(), picture.height()), (512, 512));
        let [left, right, mouth] = centres(&reader, &picture);
        // By the formula the middle of eyes and mouth lies on the upright centre line,
        // the eyes above the centre. The network reads the crop anew, so to 3 % of 512.
        let middle = (left[0] + right[0]) / 2.0;
        assert!((middle - 256.0).abs() < 16.0 && (mouth[0] - 256.0).abs() < 16.0, "{crop:?}");
        assert!((left[1] - right[1]).abs() < 8.0 && left[1] < 256.0 && mouth[1] > 300.0);
        let span = (right[0] - left[0]).max((mouth[1] - left[1]) * 0.9);
        assert!((110.0..150.0).contains(&span), "{crop:?}: {span}");
    }
    // What was written can be brought again and gives the same squares.
    let brought = align::read_landmarks(&out.join("landmarks.json")).unwrap();
    let again = align::survey_with(&clip, brought, &mut go).unwrap().unwrap();
    let again = align::plan(&again, &config(512, None)).unwrap();
    for (a, b) in alignment.placements.iter().zip(&again.placements) {
        assert!((a.crop.x - b.crop.x).abs() < 1e-6 && (a.crop.angle - b.crop.angle).abs() < 1e-6);
    }
    let full = align::export(&clip, &survey, &alignment, &out, &options, &mut go);
    assert!(matches!(full, Err(Error::File { .. })));
}

/// Another predictor, other training: the centres that the template rests on agree to
/// less than 3 % of the distance of the eyes.
#[test]
fn eyes_and_mouth_lie_where_dlib_finds_them() {
    let golden = Golden::open("dlib_landmarks_astronaut.safetensors");
    let points = golden.values("dlib_68_rgb");
    // Whole pixels, counted at their centres.
    let points: Vec<[f64; 2]> =
        points.as_chunks::<2>().0.iter().map(|p| p.map(|v| f64::from(v) + 0.5)).collect();
    let dlib = Landmarks::try_from(points).unwrap();
    let clip = Clip::open(reelgan_golden::path("images/astronaut.png")).unwrap();
    let ours = survey(&clip, &reader()).frames.remove(0).faces.remove(0).landmarks;
    let apart = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let eyes = apart(dlib.centre(Part::LeftEye), dlib.centre(Part::RightEye));
    for part in [Part::LeftEye, Part::RightEye, Part::Mouth] {
        let away = apart(ours.centre(part), dlib.centre(part)) / eyes;
        println!("{part:?}: {:.2} % of the distance of the eyes", 100.0 * away);
        assert!(away < 0.03, "{part:?}: {away} of the distance of the eyes");
    }
}

#[test]
fn people_of_one_pose_are_told_apart() {
    let names = ["london_001_03.jpg", "london_002_03.jpg", "london_001_08.jpg"];
    let files: Vec<PathBuf> = names.map(sample).into();
    let clip = Clip::from_paths(&files, &Default::default()).unwrap();
    let survey = survey(&clip, &reader());
    // As stills, and as a clip with cuts between people who sit in one place.
    for fps in [None, Some(25.0)] {
        let found = align::plan(&survey, &config(64, fps)).unwrap();
        assert_eq!((found.people, found.placements.len()), (2, 3), "{fps:?}");
    }
}

#[test]
fn ending_early_and_clips_without_a_face() {
    let reader = reader();
    let folder = tempfile::tempdir().unwrap();
    let grey = Images::new(1, 60, 80, vec![0.5; 3 * 60 * 80]).unwrap();
    for k in 0..2 {
        let path = folder.path().join(format!("{k}.png"));
        media::write_png(&path, &grey, 0, media::Origin::Input).unwrap();
    }
    let clip = Clip::open(folder.path()).unwrap();
    let none = align::plan(&survey(&clip, &reader), &config(64, None));
    assert!(matches!(none, Err(Error::NoFace { frames: 2 })));
    let mut stop = |_| ControlFlow::Break(());
    let stopped: Result<_> = align::survey(&clip, &reader, &mut stop);
    assert_eq!(stopped.unwrap(), None);
    // Landmarks for another number of frames.
    for count in [1, 3] {
        let wrong = align::survey_with(&clip, vec![None; count], &mut go);
        assert!(matches!(wrong, Err(Error::Shape { .. })), "{count}");
    }
}
