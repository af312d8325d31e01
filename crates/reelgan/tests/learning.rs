//! Learning directions from readings: a planted direction, and what is refused.

use std::ops::ControlFlow;

use burn::tensor::Device;
use reelgan::directions::{LearnConfig, ResponseConfig, Responses, Survey, SurveyConfig, learn};
use reelgan::face::{Attribute, FaceReader, Finding, Reading};
use reelgan::generator::{self, Generator, Identity};
use reelgan_models::Store;

const DIM: usize = 12;

/// Faces whose age is 40 years plus 5 for each unit along axis 3, and nothing else.
fn planted(count: usize) -> Survey {
    let codes = reelgan_golden::detw("codes", count * DIM, 1.0);
    let reading = |code: &[f32]| {
        let mut row = vec![0.5; Reading::LENGTH];
        row[1] = 40.0 + 5.0 * code[3];
        Reading::of_row(&row)
    };
    let named = |name: &str| Identity { name: name.into(), sha256: "0".repeat(64) };
    Survey {
        config: SurveyConfig { count, seed: 1, truncation: 1.0 },
        generator: named("toy"),
        networks: named("nets"),
        dim: DIM,
        readings: codes.chunks_exact(DIM).map(reading).collect(),
        codes,
    }
}

#[test]
fn a_planted_direction_is_found_with_its_unit() {
    let survey = planted(4000);
    let direction = learn(&survey, Attribute::Age, &LearnConfig::default(), "command").unwrap();
    assert!((direction.length() - 1.0).abs() < 1e-6);
    // 112 samples in 12 dimensions leave the other axes some of it.
    assert!(direction.row(0)[3] > 0.97, "{:?}", direction.row(0));
    let learned = direction.learned.as_ref().unwrap();
    assert_eq!((learned.fitted, learned.held_out, learned.faces), (112, 48, 4000));
    assert_eq!((learned.accuracy, learned.command.as_str()), (1.0, "command"));
    // The slope over the distance: 5 a unit, less what the angle takes.
    assert!((4.6..=5.05).contains(&learned.per_strength), "{}", learned.per_strength);
    // The boundary lies near the mean, where age is 40.
    assert!(learned.bias.abs() < 0.2, "{}", learned.bias);
    assert_eq!(
        learn(&survey, Attribute::Age, &LearnConfig::default(), "command").unwrap(),
        direction
    );
}

#[test]
fn too_few_faces_and_equal_ones_are_refused() {
    let said = |survey: &Survey, attribute, config: LearnConfig| {
        learn(survey, attribute, &config, "c").unwrap_err().to_string()
    };
    let error = said(&planted(400), Attribute::Age, LearnConfig::default());
    assert!(error.contains("0.02 of 400 faces are 8") && error.contains("--count"), "{error}");
    let error = said(&planted(4000), Attribute::Gender, LearnConfig::default());
    assert!(error.contains("gender") && error.contains("no two ends"), "{error}");
    // All points of the planted faces are one.
    let error = said(&planted(4000), Attribute::Yaw, LearnConfig::default());
    assert!(error.contains("of 0 faces"), "{error}");
    for config in [
        LearnConfig { tail: 0.0, ..LearnConfig::default() },
        LearnConfig { tail: 0.6, ..LearnConfig::default() },
        LearnConfig { tail: f64::NAN, ..LearnConfig::default() },
        LearnConfig { fitted: 1.0, ..LearnConfig::default() },
    ] {
        assert!(learn(&planted(4000), Attribute::Age, &config, "c").is_err(), "{config:?}");
    }
    assert!("eyeglasses".parse::<Attribute>().is_err());
}

#[test]
fn surveys_and_responses_are_taken_up_again() {
    let store = Store::standard().unwrap();
    let generator = generator::open(&store, generator::DEFAULT_GENERATOR, &Device::flex())
        .expect("the default generator; run `reelgan models fetch` first");
    let finding = Finding { threshold: 0.3, ..Finding::default() };
    let reader = FaceReader::with(&store, finding, &Device::flex())
        .expect("the face networks; run `reelgan models fetch face-nets` first");
    let home = tempfile::tempdir().unwrap();
    let config = SurveyConfig { count: 3, seed: 1, truncation: 0.7 };
    let take = |config, ended: bool| {
        let mut asked = 0;
        let mut progress = |done: usize, total: usize| {
            asked += 1;
            assert!(done <= total);
            if ended && done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let survey = Survey::take(&generator, &reader, config, home.path(), &mut progress);
        survey.map(|survey| (survey, asked))
    };
    let (first, asked) = take(config, false).unwrap();
    let first = first.unwrap();
    assert!(asked > 1 && first.faces() >= 2, "{} faces", first.faces());
    let (again, asked) = take(config, false).unwrap();
    assert_eq!((again.unwrap().readings, asked), (first.readings.clone(), 1));
    let error = take(SurveyConfig { seed: 2, ..config }, false).unwrap_err().to_string();
    assert!(error.contains("other faces"), "{error}");

    // The same faces, moved along a random direction by nearly nothing.
    let vector = reelgan_golden::detw("direction", generator.dim(), 1e-4);
    let identity = Some(generator.identity().clone());
    let direction = reelgan::codes::Direction::new("age", vector, 1, identity, "t").unwrap();
    let config = ResponseConfig { count: 1, seed: 1, truncation: 0.7, strengths: vec![-1.0, 1.0] };
    let place = home.path().join("responses");
    let measure = || {
        let mut progress = |_: usize, _: usize| ControlFlow::Continue(());
        let all = [direction.clone()];
        Responses::take(&generator, &reader, &all, &config, &place, &mut progress).unwrap().unwrap()
    };
    let responses = measure();
    let own = first.readings[0].as_ref().unwrap().value(Attribute::Age);
    for age in responses.curve(0, Attribute::Age) {
        assert!((age - own).abs() < 0.5, "{age} {own}");
    }
    assert!(responses.identity(0).iter().all(|d| *d < 0.05), "{:?}", responses.identity(0));
    assert_eq!(measure().summary(), responses.summary());
    let none = ResponseConfig { strengths: vec![1.0, 0.0], ..config.clone() };
    let mut progress = |_: usize, _: usize| ControlFlow::Continue(());
    let refused = Responses::take(&generator, &reader, &[], &none, &place, &mut progress);
    assert!(refused.unwrap_err().to_string().contains("strengths"));
}
