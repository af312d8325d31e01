//! The unsupervised search on a small generator.

use std::ops::ControlFlow;

use reelgan::prelude::Generator;
use reelgan::search::{SearchConfig, search};

mod job_toy;

#[test]
fn directions_of_a_small_generator_are_told_apart() {
    let toy = job_toy::Toy::named("toy");
    let config =
        SearchConfig { directions: 4, steps: 120, batch: 8, rate: 3e-3, ..Default::default() };
    let mut heard = 0;
    let found = search(&toy, &config, &mut |step, _| {
        heard = step;
        ControlFlow::Continue(())
    });
    let found = found.unwrap().unwrap();
    assert_eq!((heard, found.directions.len()), (120, 4));
    // Chance is one in four.
    assert!(found.accuracy > 0.6, "{}", found.accuracy);
    for direction in &found.directions {
        assert!((direction.length() - 1.0).abs() < 1e-5);
        direction.check(toy.identity(), toy.rows(), toy.dim()).unwrap();
    }
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(mean(&found.losses[100..]) < mean(&found.losses[..20]), "it learned something");
}

#[test]
fn it_ends_when_asked_and_refuses_nonsense() {
    let toy = job_toy::Toy::named("toy");
    let config = SearchConfig { directions: 2, steps: 5, batch: 1, ..Default::default() };
    assert!(search(&toy, &config, &mut |_, _| ControlFlow::Break(())).unwrap().is_none());
    for wrong in [
        SearchConfig { directions: 5, ..config },
        SearchConfig { directions: 1, ..config },
        SearchConfig { steps: 0, ..config },
        SearchConfig { rate: f64::NAN, ..config },
        SearchConfig { extent: 0.1, ..config },
    ] {
        assert!(search(&toy, &wrong, &mut |_, _| ControlFlow::Continue(())).is_err(), "{wrong:?}");
    }
}
