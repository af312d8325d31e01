//! The direction that vectors go along most.

use crate::spectrum::eigen;

/// The unit vector with the largest sum of squared products with the vectors `[N, size]`
/// (not centred), pointing the way of the last one; `None` if all are zero.
///
/// Worked out from the `[N,N]` products of the vectors, of which there are far fewer than
/// numbers in each.
pub(crate) fn principal(vectors: &[f32], size: usize) -> Option<Vec<f64>> {
    let rows: Vec<&[f32]> = vectors.chunks_exact(size).collect();
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    let count = rows.len();
    let product = |k: usize| dot(rows[k / count], rows[k % count]);
    let products: Vec<f64> = (0..count * count).map(product).collect();
    let (values, weights) = eigen(&products, count);
    if !values.first().is_some_and(|v| *v > 0.0) {
        return None;
    }
    let mut axis = vec![0.0f64; size];
    for (row, weight) in rows.iter().zip(&weights[0]) {
        axis.iter_mut().zip(*row).for_each(|(a, v)| *a += weight * f64::from(*v));
    }
    let length = axis.iter().map(|v| v * v).sum::<f64>().sqrt();
    let last: f64 = axis.iter().zip(*rows.last()?).map(|(a, v)| a * f64::from(*v)).sum();
    let scale = if last < 0.0 { -1.0 / length } else { 1.0 / length };
    axis.iter_mut().for_each(|v| *v *= scale);
    Some(axis)
}
