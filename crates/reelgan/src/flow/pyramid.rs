//! What is compared at each scale: smoothed brightness, from fine to coarse.

use reelgan_run::images::Frames;

use super::checked_values;
use super::error::Result;
use super::plane::Plane;

/// Blur before halving: binomial, [1 4 6 4 1] / 16, centre first.
const BINOMIAL: [f32; 3] = [6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
/// Blur of every level before it is compared: Gaussian with sigma 0.6 pixel.
const PRESMOOTH: [f32; 3] = [0.662_82, 0.165_28, 0.003_31];
/// Levels are halved as long as the shorter side has at least twice this.
const COARSEST_SIDE: usize = 12;

/// Levels of one frame from fine to coarse. The finest is halved until its
/// longest side is at most `finest_side`.
pub(super) fn pyramid(frame: Plane, finest_side: usize) -> Vec<Plane> {
    let mut level = frame;
    while level.width.max(level.height) > finest_side {
        level = halved(&level);
    }
    let mut levels = Vec::new();
    while level.width.min(level.height) >= 2 * COARSEST_SIDE {
        let next = halved(&level);
        levels.push(level.smoothed(&PRESMOOTH));
        level = next;
    }
    levels.push(level.smoothed(&PRESMOOTH));
    levels
}

fn halved(plane: &Plane) -> Plane {
    let (width, height) = (plane.width.div_ceil(2), plane.height.div_ceil(2));
    plane.smoothed(&BINOMIAL).resized(width, height)
}

/// Rec. 601 luma of one frame in grey levels, 0 to 255.
pub(super) fn luma(frames: &dyn Frames, k: usize) -> Result<Plane> {
    let (height, width) = (frames.height(), frames.width());
    let frame = checked_values(frames, k)?;
    let (red, rest) = frame.split_at(width * height);
    let (green, blue) = rest.split_at(width * height);
    Ok(Plane::from_rows(width, height, |y, row| {
        let at = y * width..(y + 1) * width;
        let (r, g, b) = (&red[at.clone()], &green[at.clone()], &blue[at]);
        for (x, value) in row.iter_mut().enumerate() {
            *value = 255.0 * (0.299 * r[x] + 0.587 * g[x] + 0.114 * b[x]);
        }
    }))
}
