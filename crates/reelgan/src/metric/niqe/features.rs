//! Local contrast, and eighteen numbers of a block of it.

use super::aggd::fit;

/// Side and deviation of the Gaussian window.
const WINDOW: usize = 7;
const SIGMA: f64 = 7.0 / 6.0;
/// Neighbours whose products are looked at, (rows, columns).
const NEIGHBOURS: [[isize; 2]; 4] = [[0, 1], [1, 0], [1, 1], [1, -1]];

/// `(x - mean) / (deviation + 1)`, both by a Gaussian window with replicated border.
pub(super) fn normalised(image: &[f64], width: usize) -> Vec<f64> {
    let squares: Vec<f64> = image.iter().map(|v| v * v).collect();
    let (mean, square) = (blurred(image, width), blurred(&squares, width));
    let moments = mean.iter().zip(&square);
    image
        .iter()
        .zip(moments)
        .map(|(x, (m, s))| (x - m) / ((s - m * m).abs().sqrt() + 1.0))
        .collect()
}

fn window() -> [f64; WINDOW] {
    let centre = (WINDOW / 2) as f64;
    let bell: [f64; WINDOW] =
        std::array::from_fn(|k| (-0.5 * ((k as f64 - centre) / SIGMA).powi(2)).exp());
    let sum: f64 = bell.iter().sum();
    bell.map(|v| v / sum)
}

fn blurred(image: &[f64], width: usize) -> Vec<f64> {
    let (window, height) = (window(), image.len() / width);
    let near = |at: usize, k: usize, len: usize| (at + k).saturating_sub(WINDOW / 2).min(len - 1);
    let weighted = |of: &dyn Fn(usize) -> f64| -> f64 {
        window.iter().enumerate().map(|(k, w)| w * of(k)).sum()
    };
    let mut rows = Vec::with_capacity(image.len());
    for row in image.chunks_exact(width) {
        rows.extend((0..width).map(|x| weighted(&|k| row[near(x, k, width)])));
    }
    let mut out = Vec::with_capacity(image.len());
    for y in 0..height {
        out.extend((0..width).map(|x| weighted(&|k| rows[near(y, k, height) * width + x])));
    }
    out
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
        assert_eq!(spread[5 * 11 + 4], spread[4 * 11 + 5]);
    }
}
