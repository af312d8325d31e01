//! One sequence: a code, its frames, and an edit to test with.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::codes::Direction;
use crate::{Error, Result};

/// How the frames of a sequence come from its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Each frame is the code plus one direction at one strength, both random.
    Linear,
    /// Frames lie on a curve: `w + t s_1 n_1 + t^2 s_2 n_2` for t from 0 to 1, so that no
    /// straight line holds them. These are curves of our own, not those of StyleFlow.
    Curved,
}

/// What to synthesise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SynthConfig {
    /// How frames are made.
    pub kind: Kind,
    /// Sequences.
    pub count: usize,
    /// Frames of each.
    pub frames: usize,
    /// Seed of everything.
    pub seed: u64,
    /// Truncation of the codes.
    pub truncation: f32,
    /// Strengths are drawn from minus this to this.
    pub extent: f32,
}

impl Default for SynthConfig {
    /// # Source   paper 4.2: 1000 samples, 5 frames each, strengths -3 to 3
    fn default() -> Self {
        Self { kind: Kind::Linear, count: 1000, frames: 5, seed: 0, truncation: 0.7, extent: 3.0 }
    }
}

/// A direction by name, and how far along it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the direction.
    pub direction: String,
    /// How far.
    pub strength: f32,
}

/// One sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The code that it was made from, `[D]`.
    pub original: Vec<f32>,
    /// What was added for each frame.
    pub changes: Vec<Vec<Change>>,
    /// The code of each frame, `[N,D]`.
    pub frames: Vec<f32>,
    /// An edit along a direction that no frame was moved along.
    pub test: Change,
}

impl SynthConfig {
    /// Refuses what makes no sequence.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self, directions: usize) -> Result<()> {
        let wrong = |what: &str, problem: &str| Err(Error::setting(what, problem));
        if self.count == 0 || self.frames == 0 {
            return wrong("count and frames", "must be at least 1");
        }
        let extent = self.extent > 0.0 && self.extent.is_finite();
        if !extent || !self.truncation.is_finite() {
            return wrong("extent and truncation", "must be finite numbers, the extent above 0");
        }
        let needed = if self.kind == Kind::Curved { 3 } else { 2 };
        if directions < needed {
            return Err(Error::setting(
                "directions",
                format!("{directions} are too few: {needed} are needed, one of them to test with"),
            ));
        }
        Ok(())
    }
}

/// Sequence `number` of a set, from its code `[D]`; it is the same whatever the count.
///
/// # Panics
/// If the configuration was not checked, or a direction has another width than the code.
pub fn sequence(
    original: &[f32],
    directions: &[Direction],
    config: &SynthConfig,
    number: usize,
) -> Sequence {
    let mut rng = Pcg64Mcg::seed_from_u64(config.seed);
    // A stream of its own for each sequence.
    rng.advance((number as u128 + 1) << 64);
    let mut order: Vec<&Direction> = directions.iter().collect();
    order.shuffle(&mut rng);
    let (test, usable) = order.split_first().expect("directions were checked");
    let strength = |rng: &mut Pcg64Mcg| rng.random_range(-config.extent..=config.extent);
    let change =
        |direction: &Direction, strength| Change { direction: direction.name.clone(), strength };
    let changes: Vec<Vec<Change>> = match config.kind {
        Kind::Linear => (0..config.frames)
            .map(|_| {
                let direction = usable[rng.random_range(0..usable.len())];
                vec![change(direction, strength(&mut rng))]
            })
            .collect(),
        Kind::Curved => {
            let [s1, s2] = [strength(&mut rng), strength(&mut rng)];
            let last = config.frames.saturating_sub(1).max(1) as f32;
            let at = |k: usize| k as f32 / last;
            (0..config.frames)
                .map(|k| vec![change(usable[0], at(k) * s1), change(usable[1], at(k).powi(2) * s2)])
                .collect()
        }
    };
    // Half the extent at least, so that there is something to see.
    let size = rng.random_range(config.extent / 2.0..=config.extent);
    let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let find = |name: &str| directions.iter().find(|d| d.name == name).expect("one of them");
    let moved = |changes: &Vec<Change>| {
        let mut code = original.to_vec();
        for Change { direction, strength } in changes {
            let step = find(direction).row(0);
            code.iter_mut().zip(step).for_each(|(w, n)| *w += strength * n);
        }
        code
    };
    Sequence {
        original: original.to_vec(),
        frames: changes.iter().flat_map(moved).collect(),
        changes,
        test: change(test, sign * size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directions() -> Vec<Direction> {
        let axis = |k: usize| (0..4).map(|i| if i == k { 1.0 } else { 0.0 }).collect();
        let one = |k| Direction::new(format!("d{k}"), axis(k), 1, None, "test").unwrap();
        (0..4).map(one).collect()
    }

    #[test]
    fn frames_follow_from_their_changes_and_never_hold_the_test() {
        let config = SynthConfig { count: 50, ..SynthConfig::default() };
        for number in 0..50 {
            let s = sequence(&[1.0; 4], &directions(), &config, number);
            assert_eq!((s.changes.len(), s.frames.len()), (5, 20));
            for (changes, code) in s.changes.iter().zip(s.frames.chunks_exact(4)) {
                let [Change { direction, strength }] = changes.as_slice() else { panic!("one") };
                assert!(strength.abs() <= 3.0 && *direction != s.test.direction);
                let k: usize = direction[1..].parse().unwrap();
                let want: Vec<f32> =
                    (0..4).map(|i| if i == k { 1.0 + strength } else { 1.0 }).collect();
                assert_eq!(code, want);
            }
            assert!((1.5..=3.0).contains(&s.test.strength.abs()));
        }
    }

    #[test]
    fn sequences_do_not_depend_on_the_count_and_differ() {
        let of = |count, number| {
            let config = SynthConfig { count, ..SynthConfig::default() };
            sequence(&[0.0; 4], &directions(), &config, number)
        };
        assert_eq!(of(10, 3), of(1000, 3));
        assert_ne!(of(10, 3).changes, of(10, 4).changes);
    }

    #[test]
    fn curves_begin_at_the_code_and_are_no_lines() {
        let config = SynthConfig { kind: Kind::Curved, ..SynthConfig::default() };
        let s = sequence(&[0.5; 4], &directions(), &config, 7);
        let frames: Vec<&[f32]> = s.frames.chunks_exact(4).collect();
        assert_eq!(frames[0], [0.5; 4]);
        // The middle of a line would be the mean of its ends; t^2 is a quarter there.
        let last = &s.changes[4];
        let second = |k: usize| s.changes[k][1].strength;
        assert_eq!(second(2), last[1].strength / 4.0);
        assert_eq!(s.changes[2][0].strength, last[0].strength / 2.0);
    }

    #[test]
    fn nonsense_is_refused() {
        let good = SynthConfig::default();
        assert!(good.check(2).is_ok());
        assert!(good.check(1).is_err());
        assert!(SynthConfig { kind: Kind::Curved, ..good.clone() }.check(2).is_err());
        assert!(SynthConfig { frames: 0, ..good.clone() }.check(5).is_err());
        assert!(SynthConfig { extent: f32::NAN, ..good }.check(5).is_err());
    }
}
