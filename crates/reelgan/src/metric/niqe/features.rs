//! Local contrast, and eighteen numbers of a block of it.

use rayon::prelude::*;

use super::aggd::fit;

/// Side and deviation of the Gaussian window.
const WINDOW: usize = 7;
const SIGMA: f64 = 7.0 / 6.0;
/// Neighbours whose products are looked at, (rows, columns).
const NEIGHBOURS: [[isize; 2]; 4] = [[0, 1], [1, 0], [1, 1], [1, -1]];

/// `(x - mean) / (deviation + 1)`, both by a Gaussian window with replicated border.
///
/// In f32 but for the sums: a flat area then has a contrast of exactly 0. In f64 the signs
/// of rounding errors would decide the features of its blocks.
pub(super) fn normalised(image: &[f64], width: usize) -> Vec<f64> {
    let squares: Vec<f64> = image.iter().map(|v| v * v).collect();
    let (mean, square) = (blurred(image, width), blurred(&squares, width));
    let moments = mean.into_iter().zip(square).map(|(m, s)| (m as f32, s as f32));
    let contrast = |(x, (m, s)): (&f64, (f32, f32))| {
        f64::from((*x as f32 - m) / ((s - m * m).abs().sqrt() + 1.0))
    };
    image.iter().zip(moments).map(contrast).collect()
}

/// The window, `[7,7]`, and in it `exp(-(x^2 + y^2) / 2 sigma^2)` over their sum.
fn window() -> [[f64; WINDOW]; WINDOW] {
    let off = |k: usize| k as f64 - (WINDOW / 2) as f64;
    let bell =
        |y: usize, x: usize| (-(off(x) * off(x) + off(y) * off(y)) / (2.0 * SIGMA * SIGMA)).exp();
    let bell: [[f64; WINDOW]; WINDOW] =
        std::array::from_fn(|y| std::array::from_fn(|x| bell(y, x)));
    let sum: f64 = bell.iter().flatten().sum();
    bell.map(|row| row.map(|v| v / sum))
}

/// Windowed means, border replicated.
///
/// One pass of 49, summed row by row.
fn blurred(image: &[f64], width: usize) -> Vec<f64> {
    let (window, height) = (window(), image.len() / width);
    let near = |at: usize, k: usize, len: usize| (at + k).saturating_sub(WINDOW / 2).min(len - 1);
    let at = |y: usize, x: usize| {
        let mut sum = 0.0;
        for (j, weights) in window.iter().enumerate() {
            let row = &image[near(y, j, height) * width..][..width];
            for (i, weight) in weights.iter().enumerate() {
                sum += weight * row[near(x, i, width)];
            }
        }
        sum
    };
    (0..image.len()).into_par_iter().map(|p| at(p / width, p % width)).collect()
}

/// The block of that side with its top left corner at `[row, column]`.
pub(super) fn of_block(
    image: &[f64],
    width: usize,
    [top, left]: [usize; 2],
    side: usize,
) -> [f64; 18] {
    let block: Vec<f64> =
        (0..side).flat_map(|y| &image[(top + y) * width + left..][..side]).copied().collect();
    let mut out = [0.0; 18];
    let own = fit(block.iter().copied());
    out[0] = own.shape;
    out[1] = (own.left + own.right) / 2.0;
    for (part, [down, right]) in out[2..].chunks_exact_mut(4).zip(NEIGHBOURS) {
        // Neighbours wrap around inside the block.
        let around = |at: usize, by: isize| (at + side).wrapping_add_signed(-by) % side;
        let products = block.iter().enumerate().map(|(at, v)| {
            let (y, x) = (around(at / side, down), around(at % side, right));
            v * block[y * side + x]
        });
        let fitted = fit(products);
        part.copy_from_slice(&[fitted.shape, fitted.mean(), fitted.left, fitted.right]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_no_contrast_and_blurring_keeps_it() {
        let image = vec![7.0; 12 * 9];
        assert!(blurred(&image, 12).iter().all(|v| (v - 7.0).abs() < 1e-12));
        assert!(normalised(&image, 12).iter().all(|v| v.abs() < 1e-12));
        let mut point = vec![0.0; 11 * 11];
        point[5 * 11 + 5] = 1.0;
        let spread = blurred(&point, 11);
        assert!((spread.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((spread[5 * 11 + 4] - spread[4 * 11 + 5]).abs() < 1e-15);
    }
}
