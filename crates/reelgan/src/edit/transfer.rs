//! Semantic transfer: the motion of one clip on another face.

use crate::codes::{Codes, Rows};
use crate::directions::principal;
use crate::{Error, Result};

/// What of a motion is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Motion {
    /// All of it: `w_k - w_1`.
    #[default]
    Whole,
    /// Its part along the one direction that it goes along most.
    Principal,
}

/// How a motion is carried over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransferConfig {
    /// What of it.
    pub motion: Motion,
    /// How much; negative does the opposite.
    pub strength: f32,
    /// On which rows: the first some turn the head and move the mouth, the last colour.
    pub rows: Rows,
}

impl Default for TransferConfig {
    fn default() -> Self {
        Self { motion: Motion::Whole, strength: 1.0, rows: Rows::ALL }
    }
}

/// The first code of `target`, moved as `driver` moves: `t + strength * (w_k - w_1)`, one
/// code for each of the driver.
///
/// # Errors
/// Codes of different shapes; a driver of one frame; a strength that is not finite; rows
/// that do not exist.
/// # Source   paper 4.4.3: the learned `n_j` added to other codes
pub fn transfer(driver: &Codes, target: &Codes, config: &TransferConfig) -> Result<Codes> {
    let (rows, dim) = (driver.rows(), driver.dim());
    if (target.rows(), target.dim()) != (rows, dim) {
        return Err(Error::Shape {
            what: "code of the target".into(),
            expected: format!("[{rows},{dim}], as those of the driver"),
            got: format!("[{},{}]", target.rows(), target.dim()),
        });
    }
    if driver.count() < 2 {
        return Err(Error::setting("driver", "has one frame, so nothing moves in it"));
    }
    if !config.strength.is_finite() {
        return Err(Error::setting("strength", "must be a finite number"));
    }
    let range = config.rows.resolve(rows)?;
    let mut steps = away(driver);
    if config.motion == Motion::Principal {
        along_principal(&mut steps, rows * dim)?;
    }
    let mut out = Codes::broadcast(&[0.0], rows * dim, driver.count()).data().to_vec();
    for (code, step) in out.chunks_exact_mut(rows * dim).zip(steps.chunks_exact(rows * dim)) {
        for (k, value) in code.iter_mut().enumerate() {
            let moved = range.contains(&(k / dim));
            *value = target.code(0)[k] + if moved { config.strength * step[k] } else { 0.0 };
        }
    }
    Codes::new(rows, dim, out)
}

/// `w_k - w_1` of every frame.
fn away(driver: &Codes) -> Vec<f32> {
    let first = driver.code(0);
    driver.data().iter().zip(first.iter().cycle()).map(|(w, b)| w - b).collect()
}

/// Leaves only the part along the principal direction of the steps.
fn along_principal(steps: &mut [f32], size: usize) -> Result<()> {
    let axis = principal(steps, size).ok_or_else(|| {
        Error::setting("driver", "all of its frames have the same code, so nothing moves in it")
    })?;
    for step in steps.chunks_exact_mut(size) {
        let dot: f64 = step.iter().zip(&axis).map(|(s, a)| f64::from(*s) * a).sum();
        step.iter_mut().zip(&axis).for_each(|(s, a)| *s = (dot * a) as f32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(data: &[f32]) -> Codes {
        Codes::new(2, 1, data.to_vec()).unwrap()
    }

    #[test]
    fn the_whole_motion_begins_at_the_target_and_its_inverse_takes_it_back() {
        let driver = codes(&[1.0, 2.0, 2.0, 4.0, 0.0, 3.0]);
        let target = codes(&[10.0, 20.0]);
        let there = transfer(&driver, &target, &TransferConfig::default()).unwrap();
        assert_eq!(there.data(), &[10.0, 20.0, 11.0, 22.0, 9.0, 21.0]);
        // What was carried over, the other way, on each frame.
        let back = TransferConfig { strength: -1.0, ..Default::default() };
        for k in 0..3 {
            let one = transfer(&driver, &there.select(&[k]).unwrap(), &back).unwrap();
            assert_eq!(one.code(k), target.code(0));
        }
    }

    #[test]
    fn rows_and_strength_are_kept_to() {
        let driver = codes(&[0.0, 0.0, 1.0, 1.0]);
        let config =
            TransferConfig { strength: 2.0, rows: Rows::range(1, 2), ..Default::default() };
        let got = transfer(&driver, &codes(&[5.0, 5.0]), &config).unwrap();
        assert_eq!(got.data(), &[5.0, 5.0, 5.0, 7.0]);
    }

    #[test]
    fn the_principal_motion_is_that_of_the_widest_direction() {
        // Steps 0, (3,3), (3.5,2.5): the part across the diagonal goes.
        let driver = codes(&[0.0, 0.0, 3.0, 3.0, 3.5, 2.5]);
        let config = TransferConfig { motion: Motion::Principal, ..Default::default() };
        let got = transfer(&driver, &codes(&[0.0, 0.0]), &config).unwrap();
        let last = got.code(2);
        // The largest eigenvector of the second moments, [[21.25,17.75],[17.75,15.25]].
        let (a, b, c) = (21.25f64, 17.75f64, 15.25f64);
        let top = (a + c) / 2.0 + (((a - c) / 2.0).powi(2) + b * b).sqrt();
        let (x, y) = (b, top - a);
        let dot = (3.5 * x + 2.5 * y) / (x * x + y * y);
        let off = (f64::from(last[0]) - dot * x).abs() + (f64::from(last[1]) - dot * y).abs();
        assert!(off < 1e-5, "{last:?}");
    }

    #[test]
    fn what_does_not_move_or_fit_is_refused() {
        let still = codes(&[1.0, 1.0, 1.0, 1.0]);
        let config = TransferConfig { motion: Motion::Principal, ..Default::default() };
        let said = |driver: &Codes, target: &Codes, config| {
            transfer(driver, target, &config).unwrap_err().to_string()
        };
        assert!(said(&still, &codes(&[0.0, 0.0]), config).contains("nothing moves"));
        assert!(said(&codes(&[1.0, 1.0]), &still, config).contains("one frame"));
        let other = Codes::new(1, 1, vec![0.0]).unwrap();
        assert!(said(&still, &other, config).contains("code of the target"));
        let wild = TransferConfig { strength: f32::NAN, ..Default::default() };
        assert!(said(&still, &still, wild).contains("finite"));
    }
}
