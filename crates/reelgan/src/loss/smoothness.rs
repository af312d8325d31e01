//! How much codes change from frame to frame.

use crate::codes::Codes;

/// Mean squared change of the code from frame to frame, and its gradient.
///
/// `L = 1/N sum over k of mean (w_k - w_(k-1))^2`, with `N` codes: each step counts as much as
/// a frame does in the other terms. Codes that stand still have none.
/// # Shapes   codes `[N,L,D]`; gradient `[N,L,D]`
/// # Range    result >= 0
pub fn smoothness(codes: &Codes) -> (f32, Vec<f32>) {
    let (count, size) = (codes.count(), codes.rows() * codes.dim());
    let unit = 1.0 / (count * size) as f64;
    let data = codes.data();
    let mut gradient = vec![0.0f32; data.len()];
    let mut sum = 0.0f64;
    for i in size..data.len() {
        let change = data[i] - data[i - size];
        sum += f64::from(change).powi(2);
        let slope = (2.0 * unit * f64::from(change)) as f32;
        gradient[i] += slope;
        gradient[i - size] -= slope;
    }
    ((unit * sum) as f32, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(data: &[f32]) -> Codes {
        Codes::new(2, 2, data.to_vec()).unwrap()
    }

    #[test]
    fn value_is_that_of_the_formula() {
        // Steps of 1 and 3 in every value: (1 + 9) / 3.
        let data: Vec<f32> = [0.0, 1.0, 4.0].iter().flat_map(|v| [*v; 4]).collect();
        assert!((smoothness(&codes(&data)).0 - 10.0 / 3.0).abs() < 1e-6);
        assert_eq!(smoothness(&codes(&[1.0, 2.0, 3.0, 4.0])), (0.0, vec![0.0; 4]));
    }

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let data: Vec<f32> = (0..12).map(|i| ((i * 5) % 7) as f32 / 3.0).collect();
        let gradient = smoothness(&codes(&data)).1;
        for i in 0..data.len() {
            let at = |step: f32| {
                let mut moved = data.clone();
                moved[i] += step;
                f64::from(smoothness(&codes(&moved)).0)
            };
            // A quadratic: the central difference is exact up to rounding.
            let slope = (at(0.125) - at(-0.125)) / 0.25;
            assert!((slope - f64::from(gradient[i])).abs() < 1e-5, "{i}: {slope}");
        }
    }
}
