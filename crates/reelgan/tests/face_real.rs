//! The whole face pipeline with real weights against the package it comes from.

use burn::tensor::Device;
use reelgan::Error;
use reelgan::face::{Area, Detection, Face, FaceReader, Finding};
use reelgan_golden::{Golden, max_abs, path};
use reelgan_models::Store;
use reelgan_run::{Images, media};

fn reader() -> FaceReader {
    let store = Store::standard().expect("a cache for models");
    FaceReader::open(&store, &Device::flex())
        .expect("the face networks; run `reelgan models fetch face-nets` first")
}

fn picture(name: &str) -> Images {
    media::read(&path(&format!("images/{name}"))).expect("a reference picture").images
}

/// Name in the reference, and the picture.
fn pictures() -> Vec<(&'static str, Images)> {
    let first = picture("face_0_512.png");
    let third = picture("face_2_512.png");
    vec![
        ("face_0_432x512.png", first.crop(40, 0, 432, 512).unwrap()),
        ("face_0_512.png", first),
        ("face_1_512.png", picture("face_1_512.png")),
        ("face_2_512x400.png", third.crop(0, 70, 512, 400).unwrap()),
        ("face_2_512.png", third),
        ("face_3_512.png", picture("face_3_512.png")),
    ]
}

#[test]
fn every_answer_matches_the_package() {
    let golden = Golden::open("face_api.safetensors");
    let reader = reader();
    for (name, image) in pictures() {
        let near = |what: &str, got: &[f64], tolerance: f32| {
            let got: Vec<f32> = got.iter().map(|v| *v as f32).collect();
            let worst = max_abs(&got, &golden.values(&format!("{name}/face0/{what}")));
            assert!(worst < tolerance, "{name}, {what}: differs by {worst}");
        };
        let faces = reader.faces(&image, 0).unwrap();
        let face = faces.first().expect("a face");
        let Area { x, y, width, height } = face.detection.area;
        near("box", &[x, y, width, height], 0.02);
        near("score", &[face.detection.score], 1e-4);
        near("landmarks", face.landmarks.points().as_flattened(), 0.02);
        let age_gender = reader.age_gender(&image, 0, face).unwrap();
        near("age", &[age_gender.years], 1e-3);
        near("prob_male", &[age_gender.male], 1e-4);
        let expressions = reader.expressions(&image, 0, face).unwrap();
        near("expressions", &expressions.iter().map(|(_, p)| p).collect::<Vec<_>>(), 1e-4);
        let descriptor = reader.describe(&image, 0, face).unwrap();
        near("descriptor", &descriptor.values().map(f64::from), 1e-4);
    }
}

#[test]
fn one_person_is_nearer_than_two() {
    let reader = reader();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let describe = |name: &str| {
        let image = media::read(&folder.join(name)).unwrap().images;
        let faces = reader.faces(&image, 0).unwrap();
        reader.describe(&image, 0, faces.first().expect("a face")).unwrap()
    };
    let [a, b] = ["london_001_03.jpg", "london_001_08.jpg"].map(describe);
    let [c, d] = ["london_002_03.jpg", "london_002_08.jpg"].map(describe);
    for (same, other) in [((&a, &b), (&a, &c)), ((&c, &d), (&b, &d))] {
        let (near, far) = (same.0.distance(same.1), other.0.distance(other.1));
        assert!(near < 0.6 && far > 0.6, "{near} and {far}");
        assert!(same.0.cosine(same.1) > other.0.cosine(other.1));
    }
}

#[test]
fn pictures_without_a_face_and_odd_requests() {
    let reader = reader();
    let grey =
        |height, width| Images::new(1, height, width, vec![0.5; 3 * height * width]).unwrap();
    for (height, width) in [(1, 1), (1, 700), (33, 5), (417, 416)] {
        assert_eq!(reader.faces(&grey(height, width), 0).unwrap(), [], "{width}x{height}");
    }
    assert!(matches!(reader.detect(&grey(8, 8), 1), Err(Error::Frame { asked: 2, count: 1 })));
    let area = Area { x: 20.0, y: 0.0, width: 5.0, height: 5.0 };
    let outside = Detection { area, score: 1.0 };
    assert!(matches!(reader.landmarks(&grey(8, 8), 0, outside), Err(Error::Shape { .. })));
    let store = Store::standard().unwrap();
    for finding in [
        Finding { side: 100, ..Finding::default() },
        Finding { side: 0, ..Finding::default() },
        Finding { side: 3200, ..Finding::default() },
        Finding { threshold: f64::NAN, ..Finding::default() },
    ] {
        let refused = FaceReader::with(&store, finding, &Device::flex());
        assert!(matches!(refused, Err(Error::Setting { .. })), "{finding:?}");
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let reader = reader();
    let image = picture("face_3_512.png");
    let read = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let face: Face = reader.faces(&image, 0).unwrap().remove(0);
            (reader.describe(&image, 0, &face).unwrap(), face)
        })
    };
    assert_eq!(read(1), read(3));
}
