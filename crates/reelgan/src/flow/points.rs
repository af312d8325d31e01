//! Optical flow at single points: where they are in another picture.

use reelgan_run::Images;

use super::checked_frame;
use super::error::{FlowError, Result};
use super::plane::Plane;
use super::pyramid::{luma, pyramid};

/// Half the side of the window that is looked for, in samples of each level.
const REACH: isize = 7;
/// Newton steps on each level, and the one that is small enough to end.
const STEPS: usize = 12;
const STILL: f32 = 0.01;
/// The least eigenvalue of the structure tensor, as the mean over the window in squared
/// grey levels: flatter places could lie anywhere.
const TEXTURE: f32 = 4.0;
/// A point that is followed there and back ends where it began, to so many pixels.
const RETURN: f64 = 0.75;

/// Where points of the first picture are in the second, in pixels with pixel `(i, j)` over
/// `[i, i+1) x [j, j+1)`; `None` where nothing can be told: flat places, points that leave or
/// are covered, and those that do not come back when followed backwards.
///
/// # Shapes   both `[1,3,H,W]`, one size
/// # Errors   [`FlowError::Shape`] for pictures of two sizes; pixels that no picture has
/// # Source   Lucas and Kanade 1981, on a pyramid as in Bouguet 2000
pub fn follow(from: &Images, to: &Images, points: &[[f64; 2]]) -> Result<Vec<Option<[f64; 2]>>> {
    checked_frame(from, 0)?;
    checked_frame(to, 0)?;
    if (from.height(), from.width()) != (to.height(), to.width()) {
        return Err(FlowError::Shape {
            what: "the picture to follow points into".into(),
            expected: format!("{}x{}, as the other", from.width(), from.height()),
            got: format!("{}x{}", to.width(), to.height()),
        });
    }
    let levels = |images: &Images| -> Result<Vec<Level>> {
        let side = images.width().max(images.height());
        Ok(pyramid(luma(images, 0)?, side).into_iter().map(Level::of).collect())
    };
    let (a, b) = (levels(from)?, levels(to)?);
    let one = |point: &[f64; 2]| {
        let there = track(&a, &b, *point)?;
        let back = track(&b, &a, there)?;
        let off = (back[0] - point[0]).hypot(back[1] - point[1]);
        (off <= RETURN).then_some(there)
    };
    Ok(points.iter().map(one).collect())
}

/// One scale of a picture with its slopes.
struct Level {
    plane: Plane,
    along_x: Plane,
    along_y: Plane,
}

impl Level {
    fn of(plane: Plane) -> Self {
        Self { along_x: plane.derivative_x(), along_y: plane.derivative_y(), plane }
    }
}

/// Follows a point from the coarsest level to the finest.
fn track(from: &[Level], to: &[Level], point: [f64; 2]) -> Option<[f64; 2]> {
    let finest = &from[0].plane;
    let mut moved = [0.0f32; 2];
    let mut told = false;
    for (k, (a, b)) in from.iter().zip(to).enumerate().rev() {
        // Every level covers the same rectangle.
        let scale = [
            a.plane.width as f32 / finest.width as f32,
            a.plane.height as f32 / finest.height as f32,
        ];
        let at = [0, 1].map(|axis| point[axis] as f32 * scale[axis] - 0.5);
        let guess = [0, 1].map(|axis| moved[axis] * scale[axis]);
        // A level too flat to tell leaves the guess; the finest has to tell.
        if let Some(found) = settle(a, b, at, guess) {
            moved = [0, 1].map(|axis| found[axis] / scale[axis]);
            told |= k == 0;
        }
    }
    let there = [0, 1].map(|axis| point[axis] + f64::from(moved[axis]));
    let inside = there[0] >= 0.0
        && there[1] >= 0.0
        && there[0] <= finest.width as f64
        && there[1] <= finest.height as f64;
    (told && inside).then_some(there)
}

/// The displacement that makes the windows equal, from a guess on.
fn settle(a: &Level, b: &Level, at: [f32; 2], guess: [f32; 2]) -> Option<[f32; 2]> {
    let offsets = || (-REACH..=REACH).flat_map(|y| (-REACH..=REACH).map(move |x| (x, y)));
    let near = |plane: &Plane, p: [f32; 2], (x, y): (isize, isize)| {
        sample(plane, [p[0] + x as f32, p[1] + y as f32])
    };
    let window: Vec<[f32; 3]> = offsets()
        .map(|o| [&a.plane, &a.along_x, &a.along_y].map(|plane| near(plane, at, o)))
        .collect();
    let (mut xx, mut xy, mut yy) = (0.0f32, 0.0f32, 0.0f32);
    for [_, gx, gy] in &window {
        (xx, xy, yy) = (xx + gx * gx, xy + gx * gy, yy + gy * gy);
    }
    let least = (xx + yy) / 2.0 - ((xx - yy) / 2.0).hypot(xy);
    if least < TEXTURE * window.len() as f32 {
        return None;
    }
    let determinant = xx * yy - xy * xy;
    let mut moved = guess;
    for _ in 0..STEPS {
        let (mut ex, mut ey) = (0.0f32, 0.0f32);
        let there = [at[0] + moved[0], at[1] + moved[1]];
        for ([value, gx, gy], o) in window.iter().zip(offsets()) {
            let off = value - near(&b.plane, there, o);
            (ex, ey) = (ex + off * gx, ey + off * gy);
        }
        let step = [(yy * ex - xy * ey) / determinant, (xx * ey - xy * ex) / determinant];
        moved = [moved[0] + step[0], moved[1] + step[1]];
        if step[0].hypot(step[1]) < STILL {
            break;
        }
    }
    moved.iter().all(|v| v.is_finite()).then_some(moved)
}

/// Bilinear, borders replicated; sample centres at whole numbers.
fn sample(plane: &Plane, [x, y]: [f32; 2]) -> f32 {
    let (x, y) = (x.clamp(0.0, (plane.width - 1) as f32), y.clamp(0.0, (plane.height - 1) as f32));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(plane.width - 1), (top + 1).min(plane.height - 1));
    let (u, v) = (x - left as f32, y - top as f32);
    let (upper, lower) = (plane.row(top), plane.row(bottom));
    let above = upper[left] + u * (upper[right] - upper[left]);
    let below = lower[left] + u * (lower[right] - lower[left]);
    above + v * (below - above)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 160;

    /// Waves of several lengths, moved by `by`, with a flat patch that stays.
    fn picture(by: [f64; 2]) -> Images {
        let value = |x: usize, y: usize| {
            if x < 40 && y < 40 {
                return 0.5;
            }
            let (u, v) = (x as f64 + 0.5 - by[0], y as f64 + 0.5 - by[1]);
            let waves = (u / 5.0 + v / 9.0).sin() + (v / 6.0 - u / 11.0).sin() + (u / 23.0).cos();
            (0.5 + 0.12 * waves) as f32
        };
        let plane: Vec<f32> = (0..SIDE * SIDE).map(|p| value(p % SIDE, p / SIDE)).collect();
        Images::new(1, SIDE, SIDE, plane.repeat(3)).unwrap()
    }

    #[test]
    fn points_are_followed_to_a_part_of_a_pixel() {
        let points = [[80.0, 80.0], [110.25, 64.75], [60.0, 120.0]];
        for by in [[0.0, 0.0], [0.4, -0.3], [2.3, -1.7], [-7.5, 9.25]] {
            let found = follow(&picture([0.0; 2]), &picture(by), &points).unwrap();
            for (point, there) in points.iter().zip(found) {
                let there = there.unwrap_or_else(|| panic!("{point:?} is lost over {by:?}"));
                let off = (there[0] - point[0] - by[0]).hypot(there[1] - point[1] - by[1]);
                assert!(off < 0.05, "{point:?} by {by:?}: {there:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_told_is_not() {
        let (a, b) = (picture([0.0; 2]), picture([3.0, 0.0]));
        // A flat place; a point that leaves.
        assert_eq!(follow(&a, &b, &[[14.0, 14.0]]).unwrap(), [None]);
        assert_eq!(follow(&a, &b, &[[159.5, 100.0]]).unwrap(), [None]);
        // Nothing of it is in the other picture.
        let noise: Vec<f32> =
            (0..3 * SIDE * SIDE).map(|k| (k * 7919 % 101) as f32 / 101.0).collect();
        let other = Images::new(1, SIDE, SIDE, noise).unwrap();
        let found = follow(&a, &other, &[[80.0, 80.0], [100.0, 60.0]]).unwrap();
        assert_eq!(found, [None, None]);
        let small = Images::new(1, 20, 20, vec![0.5; 1200]).unwrap();
        assert!(matches!(follow(&a, &small, &[]), Err(FlowError::Shape { .. })));
        assert_eq!(follow(&small, &small, &[[5.0, 5.0]]).unwrap(), [None]);
    }
}
