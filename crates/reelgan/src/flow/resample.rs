//! Sampling an image where a flow points.

use reelgan_run::{Flow, Images};

use super::error::{FlowError, Result};
use super::plane::Plane;

/// Samples `image` where `flow` points: `out(p) = image(p + flow(p))`.
///
/// Bilinear. The two neighbours `floor(x)` and `floor(x) + 1` are clamped to the
/// frame separately while the weights come from the unclamped fraction, so a
/// position outside takes the nearest border sample. This is FlowNet2's
/// `Resample2d`, equal to `grid_sample(bilinear, border, align_corners = true)`.
/// # Shapes   image `[N,3,H,W]`, flow `[N,2,H,W]`; or one of the two with N = 1,
/// which is then used for every frame of the other; result `[N,3,H,W]`
/// # Range    image any; flow in pixels, finite or not (a NaN samples the origin)
/// # Errors   `FlowError::Shape` if the sizes or counts do not fit
/// # Source   Ilg et al. 2017, FlowNet 2.0, warping layer
pub fn warp(image: &Images, flow: &Flow) -> Result<Images> {
    let (height, width) = (image.height(), image.width());
    let counts = (image.count(), flow.count());
    let count = match counts {
        (images, flows) if images == flows => images,
        (1, flows) => flows,
        (images, 1) => images,
        (images, flows) => {
            return Err(FlowError::Shape {
                what: "the number of flows to warp by".into(),
                expected: format!("{images} (one per image) or 1"),
                got: flows.to_string(),
            });
        }
    };
    if (flow.height(), flow.width()) != (height, width) {
        return Err(FlowError::Shape {
            what: "the flow to warp by".into(),
            expected: format!("{width}x{height} like the image"),
            got: format!("{}x{}", flow.width(), flow.height()),
        });
    }
    let area = height * width;
    let mut data = Vec::with_capacity(count * 3 * area);
    for k in 0..count {
        let source = image.frame(if counts.0 == 1 { 0 } else { k });
        let field = field(flow, if counts.1 == 1 { 0 } else { k });
        for channel in source.chunks_exact(area) {
            data.extend(warp_channel(channel, field, width, height));
        }
    }
    Ok(Images::new(count, height, width, data)?)
}

/// The dx and dy planes of flow `k`.
pub(super) fn field(flow: &Flow, k: usize) -> (&[f32], &[f32]) {
    let area = flow.height() * flow.width();
    flow.data()[2 * k * area..2 * (k + 1) * area].split_at(area)
}

/// One channel sampled where `(dx, dy)` points, bilinear with replicated border.
pub(super) fn warp_channel<'a>(
    channel: &'a [f32],
    (dx, dy): (&'a [f32], &'a [f32]),
    width: usize,
    height: usize,
) -> impl Iterator<Item = f32> + 'a {
    (0..width * height).map(move |at| {
        let x = (at % width) as f32 + dx[at];
        let y = (at / width) as f32 + dy[at];
        let (left, right, across) = split(x, width);
        let (top, bottom, down) = split(y, height);
        let above =
            (1.0 - across) * channel[top * width + left] + across * channel[top * width + right];
        let below = (1.0 - across) * channel[bottom * width + left]
            + across * channel[bottom * width + right];
        (1.0 - down) * above + down * below
    })
}

/// Clamped neighbours of a position and the weight of the second one. Float to
/// integer conversion saturates and takes NaN to zero; the weight stays finite.
fn split(position: f32, length: usize) -> (usize, usize, f32) {
    let floor = position.floor();
    let fraction = position - floor;
    let first = (floor as isize).clamp(0, length as isize - 1);
    let second = (floor as isize).saturating_add(1).clamp(0, length as isize - 1);
    let fraction = if fraction.is_finite() { fraction } else { 0.0 };
    (first as usize, second as usize, fraction)
}

/// `plane` sampled where `(u, v)` points, Catmull-Rom cubic with replicated
/// border: the estimator's own sampler, which blurs less than `warp`.
pub(super) fn warp_cubic(plane: &Plane, u: &Plane, v: &Plane) -> Plane {
    let last = (plane.width as isize - 1, plane.height as isize - 1);
    Plane::from_rows(plane.width, plane.height, |y, row| {
        for (x, (out, (u, v))) in row.iter_mut().zip(u.row(y).iter().zip(v.row(y))).enumerate() {
            let (px, py) = (x as f32 + u, y as f32 + v);
            let (x0, y0) = (px.floor(), py.floor());
            let across = cubic_weights(px - x0);
            let down = cubic_weights(py - y0);
            let (x0, y0) = (x0 as isize, y0 as isize);
            *out = if x0 >= 1 && x0 + 2 <= last.0 {
                column(down, y0, last.1, |yy| {
                    let taps = &plane.row(yy)[x0 as usize - 1..x0 as usize + 3];
                    dot(across, [taps[0], taps[1], taps[2], taps[3]])
                })
            } else {
                let columns = neighbourhood(x0, last.0);
                column(down, y0, last.1, |yy| dot(across, columns.map(|xx| plane.row(yy)[xx])))
            };
        }
    })
}

/// Indices -1, 0, 1, 2 around `first`, clamped to `0..=last`.
fn neighbourhood(first: isize, last: isize) -> [usize; 4] {
    [-1, 0, 1, 2].map(|offset| first.saturating_add(offset).clamp(0, last) as usize)
}

fn column(down: [f32; 4], first: isize, last: isize, sample: impl Fn(usize) -> f32) -> f32 {
    dot(down, neighbourhood(first, last).map(sample))
}

fn dot(a: [f32; 4], b: [f32; 4]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
}

/// Catmull-Rom weights of the samples at -1, 0, 1, 2 for a position in `[0, 1)`.
fn cubic_weights(t: f32) -> [f32; 4] {
    [
        0.5 * t * (-1.0 + t * (2.0 - t)),
        1.0 + 0.5 * t * t * (3.0 * t - 5.0),
        0.5 * t * (1.0 + t * (4.0 - 3.0 * t)),
        0.5 * t * t * (t - 1.0),
    ]
}
