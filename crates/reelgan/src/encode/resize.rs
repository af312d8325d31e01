//! Bringing images to the side an encoder was trained on, by the rule it was trained with.

use burn::tensor::{Device, Tensor, TensorData};

/// Resizes square images to `side`: bilinear, the triangle widened by the scale when
/// shrinking, so that every pixel counts; weights outside the image left out.
///
/// # Shapes   `[N,3,H,W]` to `[N,3,side,side]`; differentiable in the images
/// # Source   the `BILINEAR` filter of PIL's `Image.resize`; differs: nothing is
/// rounded to 8 bits
pub(super) fn antialiased(images: Tensor<4>, side: usize) -> Tensor<4> {
    let [_, _, h, w] = images.dims();
    if [h, w] == [side; 2] {
        return images;
    }
    let device = images.device().inner();
    let rows = operator(h, side, &device);
    let columns = operator(w, side, &device).swap_dims(2, 3);
    rows.matmul(images).matmul(columns)
}

/// The resampling of one axis as a matrix `[1,1,out,source]`.
fn operator(source: usize, out: usize, device: &Device) -> Tensor<4> {
    let data = TensorData::new(triangle(source, out), [1, 1, out, source]);
    Tensor::from_data(data, device)
}

/// Weights `[out,source]` of every source pixel in every output pixel.
fn triangle(source: usize, out: usize) -> Vec<f32> {
    let scale = source as f64 / out as f64;
    let stretch = scale.max(1.0);
    let mut weights = vec![0.0f32; out * source];
    for (i, row) in weights.chunks_exact_mut(source).enumerate() {
        // Positions count from the left edge of the axis, pixel p lies at p + 1/2.
        let centre = (i as f64 + 0.5) * scale;
        let tap = |p: usize| (1.0 - ((p as f64 + 0.5 - centre) / stretch).abs()).max(0.0);
        let near = (centre - stretch).floor().max(0.0) as usize
            ..((centre + stretch).ceil() as usize).min(source);
        let sum: f64 = near.clone().map(tap).sum();
        for p in near {
            row[p] = (tap(p) / sum) as f32;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halving four pixels: taps at distances 1/4 and 3/4 of the triangle's half width,
    /// those beyond the border left out.
    #[test]
    fn halves_by_the_closed_form() {
        let got = triangle(4, 2);
        let edge = [0.75 / 1.75, 0.75 / 1.75, 0.25 / 1.75, 0.0];
        let want: Vec<f32> = edge.iter().chain(edge.iter().rev()).copied().collect();
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} instead of {want}");
        }
    }

    #[test]
    fn doubling_is_plain_bilinear() {
        let got = triangle(2, 4);
        let want = [1.0, 0.0, 0.75, 0.25, 0.25, 0.75, 0.0, 1.0];
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} instead of {want}");
        }
    }

    #[test]
    fn ramps_stay_ramps_inside() {
        let device = Device::flex();
        let data: Vec<f32> = (0..64 * 64).map(|k| (k % 64) as f32).collect();
        let ramp = Tensor::<4>::from_data(TensorData::new(data, [1, 1, 64, 64]), &device);
        let small = antialiased(ramp, 16).into_data().try_into_vec::<f32>().expect("f32");
        for row in small.chunks_exact(16) {
            for (i, &got) in row.iter().enumerate().take(15).skip(1) {
                // The centre of output pixel i, where a symmetric filter finds the ramp.
                let want = (i as f32 + 0.5) * 4.0 - 0.5;
                assert!((got - want).abs() < 1e-3, "pixel {i}: {got} instead of {want}");
            }
        }
    }
}
