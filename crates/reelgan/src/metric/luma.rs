//! Brightness of a frame.

/// Brightness by Rec. 601, `0.299 R + 0.587 G + 0.114 B`, of planar `[3,H,W]` values
/// clamped to `[0,1]`.
pub(super) fn luma(frame: &[f32]) -> impl Iterator<Item = f64> + '_ {
    let area = frame.len() / 3;
    let value = move |at: usize| f64::from(frame[at].clamp(0.0, 1.0));
    (0..area).map(move |p| 0.299 * value(p) + 0.587 * value(p + area) + 0.114 * value(p + 2 * area))
}
