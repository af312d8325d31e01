//! Which pixels of one frame can be seen in another.

use reelgan_run::Flow;

use super::error::{FlowError, Result};
use super::resample::{field, warp_channel};

/// Share of the squared motion that forward and backward flow may disagree by.
const RELATIVE: f32 = 0.01;
/// Squared disagreement, in pixels squared, that is always allowed.
const ABSOLUTE: f32 = 0.5;

/// 1 where the point a pixel shows is visible in the other frame too, else 0.
///
/// With `w = forward(p)` and `w' = backward(p + w)` (bilinear), p is visible if
/// `|w + w'|^2 < 0.01 (|w|^2 + |w'|^2) + 0.5` and `p + w` lies on a pixel of the
/// other frame.
/// # Shapes   forward (on the grid of the result) and backward (on the other
/// frame's grid) `[1,2,H,W]`; result `H * W` values, row by row
/// # Range    flows in pixels; result 0 or 1
/// # Errors   `FlowError::Shape` if the flows are not single or differ in size
/// # Source   Sundaram, Brox, Keutzer 2010, Dense point trajectories, eq. 5;
/// differs: also 0 outside the frame
pub fn visibility(forward: &Flow, backward: &Flow) -> Result<Vec<f32>> {
    let (width, height) = (forward.width(), forward.height());
    let shape = |flow: &Flow| [flow.count(), 2, flow.height(), flow.width()];
    for flow in [forward, backward] {
        let expected = [1, 2, height, width];
        if shape(flow) != expected {
            return Err(FlowError::Shape {
                what: "the flows of a visibility check".into(),
                expected: format!("{expected:?}"),
                got: format!("{:?}", shape(flow)),
            });
        }
    }
    let (dx, dy) = field(forward, 0);
    let (back_x, back_y) = field(backward, 0);
    let there_x = warp_channel(back_x, (dx, dy), width, height);
    let there_y = warp_channel(back_y, (dx, dy), width, height);
    let visible = there_x.zip(there_y).enumerate().map(|(at, (bx, by))| {
        let (fx, fy) = (dx[at], dy[at]);
        let (x, y) = ((at % width) as f32 + fx, (at / width) as f32 + fy);
        let gap = (fx + bx).powi(2) + (fy + by).powi(2);
        let motion = fx * fx + fy * fy + bx * bx + by * by;
        let agrees = gap < RELATIVE * motion + ABSOLUTE;
        if agrees && on_a_pixel(x, width) && on_a_pixel(y, height) { 1.0 } else { 0.0 }
    });
    Ok(visible.collect())
}

/// Whether a position lies on one of `length` pixels, each one unit wide.
fn on_a_pixel(position: f32, length: usize) -> bool {
    (-0.5..length as f32 - 0.5).contains(&position)
}
