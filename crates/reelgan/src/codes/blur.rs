//! Codes of a clip averaged along time.

use std::ops::Range;

use crate::Result;

/// Code `k` of a sequence, averaged with its neighbours.
///
/// The weights are binomial: over `reach` frames on each side, frame `k + i` counts
/// `C(2 reach, reach + i) / 4^reach` (1 2 1 for a reach of 1), the values of a low-pass filter
/// without overshoot. Near an end the reach is what there is on both sides, so the first and the
/// last code stay as they are. Numbers that are the same in all codes stay the same, to the bit.
/// # Shapes   `code(k)` is one code `[L,D]`, for `k` in `sequence`; so is the result
///
/// # Errors
/// Those of `code`.
pub fn blurred(
    k: usize,
    sequence: &Range<usize>,
    reach: usize,
    code: &mut dyn FnMut(usize) -> Result<Vec<f32>>,
) -> Result<Vec<f32>> {
    let reach = reach.min(k - sequence.start).min(sequence.end - 1 - k);
    let mut here = code(k)?;
    let centre = here.clone();
    for i in (1..=reach).rev() {
        let weight = weight(reach, i) as f32;
        for other in [k - i, k + i] {
            // As changes from the centre, which vanish where nothing changes.
            let neighbour = code(other)?;
            for ((value, centre), other) in here.iter_mut().zip(&centre).zip(neighbour) {
                *value += weight * (other - centre);
            }
        }
    }
    Ok(here)
}

/// Part of the average that a frame `i` away has.
fn weight(reach: usize, i: usize) -> f64 {
    // C(2r, r+i) / C(2r, r), then C(2r, r) / 4^r.
    let to_centre: f64 = (0..i).map(|j| (reach - j) as f64 / (reach + j + 1) as f64).product();
    let centre: f64 = (1..=reach).map(|j| (2 * j - 1) as f64 / (2 * j) as f64).product();
    to_centre * centre
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &[f32], reach: usize) -> Vec<f32> {
        let mut code = |k: usize| Ok(vec![data[k], 0.1]);
        (0..data.len())
            .map(|k| {
                let found = blurred(k, &(0..data.len()), reach, &mut code).unwrap();
                assert_eq!(found[1], 0.1, "what does not change stays");
                found[0]
            })
            .collect()
    }

    #[test]
    fn weights_are_those_of_pascals_triangle() {
        let three: Vec<f64> = (0..=3).map(|i| 64.0 * weight(3, i)).collect();
        for (got, want) in three.iter().zip([20.0, 15.0, 6.0, 1.0]) {
            assert!((got - want).abs() < 1e-12, "{got} and {want}");
        }
    }

    #[test]
    fn a_peak_spreads_and_the_ends_stay() {
        assert_eq!(of(&[4.0, 0.0, 0.0, 0.0, 8.0], 1), [4.0, 1.0, 0.0, 2.0, 8.0]);
        assert_eq!(of(&[0.0, 0.0, 16.0, 0.0, 0.0], 2), [0.0, 4.0, 6.0, 4.0, 0.0]);
        assert_eq!(of(&[3.0, 5.0], 4), [3.0, 5.0]);
        assert_eq!(of(&[3.0, 5.0, 1.0], 0), [3.0, 5.0, 1.0]);
    }

    #[test]
    fn steady_motion_is_unchanged() {
        let line: Vec<f32> = (0..9).map(|k| k as f32).collect();
        for reach in 0..4 {
            for (got, want) in of(&line, reach).iter().zip(&line) {
                assert!((got - want).abs() < 1e-5, "{got} and {want}");
            }
        }
    }
}
