//! How far the rows of a code lie from each other.

use crate::codes::Codes;

/// Mean squared distance of the rows of a code from their mean, and its gradient.
///
/// `L = 1/N sum over k of mean (w_k - mean over rows of w_k)^2`, with `N` codes. Codes that the
/// generator draws have equal rows, and so none; the farther apart the rows, the less edits do
/// what they should.
/// # Shapes   codes `[N,L,D]`; gradient `[N,L,D]`
/// # Range    result >= 0
/// # Source   after the delta regularisation of e4e (Tov et al. 2021, eq. 3), which measures
/// distances from the first row
pub fn spread(codes: &Codes) -> (f32, Vec<f32>) {
    let (rows, dim) = (codes.rows(), codes.dim());
    let unit = 1.0 / codes.data().len().max(1) as f64;
    let mut gradient = Vec::with_capacity(codes.data().len());
    let mut sum = 0.0f64;
    for code in codes.data().chunks_exact(rows * dim) {
        let column = |d: usize| code[d..].iter().step_by(dim).map(|&v| f64::from(v)).sum::<f64>();
        let mean: Vec<f64> = (0..dim).map(|d| column(d) / rows as f64).collect();
        for row in code.chunks_exact(dim) {
            for (value, mean) in row.iter().zip(&mean) {
                let distance = f64::from(*value) - mean;
                sum += distance * distance;
                // The mean moves along with every row, but distances from it add up to nothing.
                gradient.push((2.0 * unit * distance) as f32);
            }
        }
    }
    ((unit * sum) as f32, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(data: &[f32]) -> Codes {
        Codes::new(3, 2, data.to_vec()).unwrap()
    }

    #[test]
    fn value_is_that_of_the_formula() {
        // Rows (0,0), (3,0), (0,6): distances from (1,2) squared 5, 8, 17; and a code of equal rows.
        let data = [0.0, 0.0, 3.0, 0.0, 0.0, 6.0, 7.0, 8.0, 7.0, 8.0, 7.0, 8.0];
        assert!((spread(&codes(&data)).0 - 30.0 / 12.0).abs() < 1e-6);
        assert_eq!(spread(&codes(&data[6..])), (0.0, vec![0.0; 6]));
    }

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let data: Vec<f32> = (0..12).map(|i| ((i * 5) % 7) as f32 / 3.0).collect();
        let gradient = spread(&codes(&data)).1;
        for i in 0..data.len() {
            let at = |step: f32| {
                let mut moved = data.clone();
                moved[i] += step;
                f64::from(spread(&codes(&moved)).0)
            };
            // A quadratic: the central difference is exact up to rounding.
            let slope = (at(0.125) - at(-0.125)) / 0.25;
            assert!((slope - f64::from(gradient[i])).abs() < 1e-5, "{i}: {slope}");
        }
    }
}
