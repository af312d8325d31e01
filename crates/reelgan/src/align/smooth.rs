//! Squares over time: gaps filled, jitter taken out, jitter measured.

use std::ops::Range;

use reelgan_run::images::Crop;

use super::template::Square;

/// How far in time landmarks and squares are averaged; 0 leaves them alone.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Smoothing {
    /// How far landmarks are averaged along the optical flow, in seconds: their weight falls
    /// to 1/e over it. Motion is followed, so this blurs none of it.
    #[serde(default)]
    pub landmarks: f64,
    /// Deviation of the Gaussian over the centre, in seconds.
    pub centre: f64,
    /// Deviation of the Gaussian over size and angle, in seconds.
    pub axes: f64,
}

impl Default for Smoothing {
    /// Five frames, one frame and three frames of a film at 25 a second.
    fn default() -> Self {
        Self { landmarks: 0.2, centre: 0.04, axes: 0.12 }
    }
}

/// Weights beyond so many deviations are left out.
const REACH: f64 = 4.0;
/// A centre that jumps by more than this part of the side belongs to another shot.
const JUMP: f64 = 0.5;

/// Fills the gaps: between two squares on a straight line, at the ends with the
/// nearest. `None` if there is no square at all.
pub(super) fn filled(squares: &[Option<Square>]) -> Option<Vec<Square>> {
    let known: Vec<(usize, Square)> =
        squares.iter().enumerate().filter_map(|(k, s)| s.map(|s| (k, s))).collect();
    let (first, last) = (known.first()?, known.last()?);
    let at = |k: usize| {
        let next = known.partition_point(|(j, _)| *j < k);
        match (next.checked_sub(1).map(|i| known[i]), known.get(next)) {
            (_, Some((j, square))) if *j == k => *square,
            (Some((i, a)), Some((j, b))) => between(a, *b, (k - i) as f64 / (j - i) as f64),
            (None, _) => first.1,
            (_, None) => last.1,
        }
    };
    Some((0..squares.len()).map(at).collect())
}

fn between(a: Square, b: Square, t: f64) -> Square {
    let mix = |a: [f64; 2], b: [f64; 2]| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    Square { centre: mix(a.centre, b.centre), axes: mix(a.axes, b.axes) }
}

/// Takes the jitter out of the squares of consecutive frames, shot by shot.
///
/// Inside a shot that is the Gaussian mean over time. At its ends, where the
/// neighbours lie on one side, the steady part of the motion is taken off before
/// and put back, so that the square does not lag behind a moving face.
pub(super) fn smoothed(squares: &[Square], smoothing: Smoothing, fps: f64) -> Vec<Square> {
    let mut out = Vec::with_capacity(squares.len());
    for shot in shots(squares) {
        let part = &squares[shot];
        let centres: Vec<[f64; 2]> = part.iter().map(|s| s.centre).collect();
        let axes: Vec<[f64; 2]> = part.iter().map(|s| s.axes).collect();
        let centres = averaged(&centres, smoothing.centre * fps);
        let axes = averaged(&axes, smoothing.axes * fps);
        out.extend(centres.into_iter().zip(axes).map(|(centre, axes)| Square { centre, axes }));
    }
    out
}

/// Runs of frames without a jump.
fn shots(squares: &[Square]) -> Vec<Range<usize>> {
    let mut shots = Vec::new();
    let mut start = 0;
    for k in 1..squares.len() {
        let (a, b) = (squares[k - 1], squares[k]);
        let moved = (b.centre[0] - a.centre[0]).hypot(b.centre[1] - a.centre[1]);
        let side = 2.0 * a.axes[0].hypot(a.axes[1]).max(b.axes[0].hypot(b.axes[1]));
        if moved > JUMP * side {
            shots.push(start..k);
            start = k;
        }
    }
    shots.push(start..squares.len());
    shots
}

/// How much wider than the mean the window is that tells the steady motion.
const WIDER: f64 = 3.0;

/// The Gaussian mean at every position; `sigma` in frames.
fn averaged(values: &[[f64; 2]], sigma: f64) -> Vec<[f64; 2]> {
    // A narrower Gaussian has no weight beyond its own frame.
    if sigma.is_nan() || sigma < 0.1 {
        return values.to_vec();
    }
    let at = |k: usize| {
        let (near, far) = (Sums::about(values, k, sigma), Sums::about(values, k, WIDER * sigma));
        let slope = far.slope();
        [0, 1].map(|axis| (near.value[axis] - slope[axis] * near.first) / near.weight)
    };
    (0..values.len()).map(at).collect()
}

/// Sums over the neighbours of a position, weighted by a Gaussian: of 1, of their
/// distance d and its square, of the values, of d times the values.
#[derive(Default)]
struct Sums {
    weight: f64,
    first: f64,
    second: f64,
    value: [f64; 2],
    moment: [f64; 2],
}

impl Sums {
    fn about(values: &[[f64; 2]], k: usize, sigma: f64) -> Self {
        let reach = (REACH * sigma).ceil().min(values.len() as f64) as usize;
        let from = k.saturating_sub(reach);
        let mut sums = Self::default();
        for (j, value) in values.iter().enumerate().take(k + reach + 1).skip(from) {
            let d = j as f64 - k as f64;
            let weight = (-0.5 * (d / sigma).powi(2)).exp();
            sums.weight += weight;
            sums.first += weight * d;
            sums.second += weight * d * d;
            for (axis, v) in value.iter().enumerate() {
                sums.value[axis] += weight * v;
                sums.moment[axis] += weight * d * v;
            }
        }
        sums
    }

    /// Change from one position to the next of the straight line through the values.
    fn slope(&self) -> [f64; 2] {
        let determinant = self.weight * self.second - self.first * self.first;
        // One value has no slope.
        if determinant <= 1e-9 * self.weight * self.weight {
            return [0.0; 2];
        }
        [0, 1].map(|k| (self.weight * self.moment[k] - self.first * self.value[k]) / determinant)
    }
}

/// How unsteady squares are: the root mean square of the second difference of their
/// corners, in pixels of crops with this side. 0 for less than three frames.
///
/// `p(k-1) - 2 p(k) + p(k+1)` vanishes for steady motion; what is left is jitter and
/// acceleration. Frames on both sides of a jump do not count.
pub fn jitter(crops: &[Crop], side: usize) -> f64 {
    let squares: Vec<Square> = crops.iter().map(Square::of).collect();
    let (mut sum, mut count) = (0.0, 0);
    for shot in shots(&squares) {
        for three in squares[shot].windows(3) {
            let scale = side as f64 / (2.0 * three[1].axes[0].hypot(three[1].axes[1]));
            let [a, b, c] = [0, 1, 2].map(|k| three[k].corners());
            for ((a, b), c) in a.iter().zip(b).zip(c) {
                let second = [0, 1].map(|axis| scale * (a[axis] - 2.0 * b[axis] + c[axis]));
                sum += second[0].powi(2) + second[1].powi(2);
                count += 1;
            }
        }
    }
    if count == 0 { 0.0 } else { (sum / f64::from(count)).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving(count: usize, noise: impl Fn(usize) -> f64) -> Vec<Square> {
        let at = |k: usize| Square {
            centre: [100.0 + 2.0 * k as f64 + noise(k), 50.0 - k as f64],
            axes: [40.0, noise(k) / 10.0],
        };
        (0..count).map(at).collect()
    }

    #[test]
    fn steady_motion_is_left_alone_up_to_the_ends() {
        let squares = moving(12, |_| 0.0);
        for (a, b) in squares.iter().zip(smoothed(&squares, Smoothing::default(), 25.0)) {
            for k in 0..2 {
                assert!((a.centre[k] - b.centre[k]).abs() < 1e-9, "{a:?} {b:?}");
                assert!((a.axes[k] - b.axes[k]).abs() < 1e-9, "{a:?} {b:?}");
            }
        }
        let crops: Vec<Crop> = squares.iter().map(Square::crop).collect();
        assert!(jitter(&crops, 1024) < 1e-9);
    }

    #[test]
    fn alternating_noise_goes() {
        let squares = moving(40, |k| if k % 2 == 0 { 1.0 } else { -1.0 });
        let crops = |s: &[Square]| s.iter().map(Square::crop).collect::<Vec<_>>();
        let before = jitter(&crops(&squares), 80);
        // The second difference of +-1 is +-4, of +-0.1 a tenth of that; crops of their
        // own size. The first moves every corner along x; the second turns the square,
        // which moves the corners along both axes.
        assert!((before - 4.0f64.hypot(0.4)).abs() < 0.5, "{before}");
        let after = jitter(&crops(&smoothed(&squares, Smoothing::default(), 25.0)), 80);
        assert!(after < before / 20.0, "{before} -> {after}");
        let none = Smoothing { landmarks: 0.0, centre: 0.0, axes: 0.0 };
        assert_eq!(smoothed(&squares, none, 25.0), squares);
    }

    #[test]
    fn a_cut_is_not_smoothed_over() {
        let mut squares = moving(20, |_| 0.0);
        for square in &mut squares[10..] {
            square.centre[0] += 300.0;
        }
        let after = smoothed(&squares, Smoothing::default(), 25.0);
        for (a, b) in squares.iter().zip(&after) {
            assert!((a.centre[0] - b.centre[0]).abs() < 1e-9);
        }
        let crops: Vec<Crop> = squares.iter().map(Square::crop).collect();
        assert!(jitter(&crops, 1024) < 1e-9);
    }

    #[test]
    fn gaps_are_filled() {
        let known = moving(7, |_| 0.0);
        let mut gaps: Vec<Option<Square>> = known.iter().copied().map(Some).collect();
        for k in [0, 3, 4, 6] {
            gaps[k] = None;
        }
        let full = filled(&gaps).unwrap();
        assert_eq!((full[0], full[6]), (known[1], known[5]));
        assert!((full[3].centre[0] - known[3].centre[0]).abs() < 1e-9);
        assert_eq!(filled(&[None, None]), None);
    }
}
