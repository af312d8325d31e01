//! How the codes of a generator are spread.

use super::{Generator, SampleConfig, sample_w};
use crate::Result;
use crate::spectrum::{eigen, spread};

/// The principal axes of W, the widest first.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalAxes {
    /// Unit vectors, `[D]` each; the largest element of each is positive.
    pub axes: Vec<Vec<f64>>,
    /// Standard deviation of codes along each axis.
    pub deviations: Vec<f64>,
}

/// The principal axes of `count` codes drawn from `seed`.
///
/// # Errors
/// [`crate::Error::Setting`] for a count of 0.
/// # Source   eigenvectors of the covariance, as in GANSpace (Härkönen et al. 2020)
pub fn principal_axes(generator: &dyn Generator, count: usize, seed: u64) -> Result<PrincipalAxes> {
    let config = SampleConfig { count, seed, truncation: 1.0, truncated_rows: None };
    let codes: Vec<f64> = sample_w(generator, &config)?.into_iter().map(f64::from).collect();
    Ok(axes_of(&codes, generator.dim()))
}

fn axes_of(codes: &[f64], dim: usize) -> PrincipalAxes {
    let (values, axes) = eigen(&spread(codes, dim).1, dim);
    // Rounding may leave a little less than nothing.
    PrincipalAxes { axes, deviations: values.into_iter().map(|v| v.max(0.0).sqrt()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_of_points_on_two_lines() {
        // Along (3,4)/5 five units from the middle, along (4,-3)/5 one.
        let found = axes_of(&[3.0, 4.0, -3.0, -4.0, 0.8, -0.6, -0.8, 0.6], 2);
        let want = [[0.6, 0.8], [0.8, -0.6]];
        for (axis, want) in found.axes.iter().zip(want) {
            assert!(axis.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{axis:?}");
        }
        let squares = [50.0f64 / 3.0, 2.0 / 3.0];
        for (deviation, square) in found.deviations.iter().zip(squares) {
            assert!((deviation - square.sqrt()).abs() < 1e-12, "{deviation}");
        }
    }
}
