//! Half the size, as MATLAB's `imresize` makes it.

/// Weights of the eight pixels around the middle of two: a cubic of twice the width.
fn taps() -> [f64; 8] {
    let weights: [f64; 8] = std::array::from_fn(|k| cubic((k as f64 - 3.5) / 2.0));
    let sum: f64 = weights.iter().sum();
    weights.map(|w| w / sum)
}

/// Keys' cubic with a = -1/2.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x <= 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

/// Antialiased bicubic halving of an image of even size, edges mirrored.
///
/// # Shapes   `image` `[H,W]` row by row, result `[H/2,W/2]`
pub(super) fn half(image: &[f64], [height, width]: [usize; 2]) -> Vec<f64> {
    let taps = taps();
    let weighted = |of: &dyn Fn(usize) -> f64| -> f64 {
        taps.iter().enumerate().map(|(k, w)| w * of(k)).sum()
    };
    // Output i looks at 2i - 3 to 2i + 4.
    let source = |i: usize, k: usize, len: usize| mirrored((2 * i + k) as isize - 3, len);
    let mut rows = Vec::with_capacity(height / 2 * width);
    for y in 0..height / 2 {
        rows.extend((0..width).map(|x| weighted(&|k| image[source(y, k, height) * width + x])));
    }
    let mut out = Vec::with_capacity(height / 2 * (width / 2));
    for row in rows.chunks_exact(width) {
        out.extend((0..width / 2).map(|x| weighted(&|k| row[source(x, k, width)])));
    }
    out
}

/// `-1` is 0, `-2` is 1; `len` is `len - 1`.
fn mirrored(at: isize, len: usize) -> usize {
    let inside = if at < 0 { (-1 - at) as usize } else { at as usize };
    if inside < len { inside } else { 2 * len - 1 - inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_stay_and_ramps_are_sampled_between_pixels() {
        let (h, w) = (12, 16);
        assert!(half(&vec![3.0; h * w], [h, w]).iter().all(|v| (v - 3.0).abs() < 1e-12));
        let ramp: Vec<f64> = (0..h * w).map(|p| (p % w) as f64 + 10.0 * (p / w) as f64).collect();
        let got = half(&ramp, [h, w]);
        // Away from the edges: the middle of two pixels each way.
        let (y, x) = (2, 3);
        assert!((got[y * w / 2 + x] - (6.5 + 10.0 * 4.5)).abs() < 1e-9);
    }
}
