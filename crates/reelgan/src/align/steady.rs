//! Landmarks of neighbouring frames, carried along the optical flow and averaged.
//!
//! The network reads every frame for itself, and its points tremble by a pixel or two where
//! nothing moves. What they have in common with the frames before and after is told by the
//! flow, which sees motion and no trembling.

use reelgan_run::landmarks::{Landmarks, POINTS, Part};
use reelgan_run::{Images, images::Crop};

use super::survey::Seen;
use crate::Result;
use crate::flow;

/// How the points of a face move to the next frame, in pixels of the frame; none for
/// points that cannot be followed.
pub(super) type Followed = [Option<[f64; 2]>; POINTS];

/// Side of the picture of a face in which its points are followed.
const PATCH: usize = 256;
/// Side of the square cut out for it, in units of the extent of the landmarks.
const AROUND: f64 = 1.6;
/// A point that is carried so far from where the frame itself has it, in units of the distance
/// of the eyes, was lost: lips that part hide what was followed.
const LOST: f64 = 0.1;

/// Where the flow carries the points of a face into the next frame, which has the same size.
///
/// # Errors
/// None for pictures that can be read.
pub(super) fn followed(from: &Images, to: &Images, face: &Landmarks) -> Result<Option<Followed>> {
    let [left, top, right, bottom] = face.bounds();
    let size = AROUND * (right - left).max(bottom - top);
    let crop = Crop::upright((left + right - size) / 2.0, (top + bottom - size) / 2.0, size);
    if crop.check(from.height(), from.width()).is_err() {
        return Ok(None);
    }
    let scale = PATCH as f64 / size;
    let points = face.points().map(|[x, y]| [(x - crop.x) * scale, (y - crop.y) * scale]);
    let there = flow::follow(&from.fit(crop, PATCH)?, &to.fit(crop, PATCH)?, &points)?;
    Ok(Some(std::array::from_fn(|k| {
        there[k].map(|there| [0, 1].map(|axis| (there[axis] - points[k][axis]) / scale))
    })))
}

/// Landmarks of consecutive frames, each the mean of itself and its neighbours carried along
/// the flow, with weights that fall to 1/e over `frames` frames to either side. Frames
/// without a face, and places where a point cannot be followed, part them.
///
/// # Errors
/// None for landmarks that are finite.
pub(super) fn steadied(faces: &[Option<&Seen>], frames: f64) -> Result<Vec<Option<Landmarks>>> {
    let keep = if frames > 0.0 { (-1.0 / frames).exp() } else { 0.0 };
    let own = |k: usize| faces[k].map(|seen| &seen.landmarks);
    // How a face moves to the next frame, if both have it.
    let step = |k: usize| -> Option<&Followed> {
        own(k + 1)?;
        faces[k]?.next.as_deref()
    };
    let count = faces.len();
    // From each side: the frame itself, and what was gathered so far, carried here.
    let mut past: Vec<Option<Gathered>> = Vec::with_capacity(count);
    for k in 0..count {
        let before = k.checked_sub(1).and_then(|j| Some((past[j].as_ref()?, step(j)?, 1.0)));
        past.push(own(k).map(|own| Gathered::with(own, before, keep)));
    }
    let mut future: Vec<Option<Gathered>> = vec![None; count];
    for k in (0..count).rev() {
        let after = future.get(k + 1).and_then(|f| Some((f.as_ref()?, step(k)?, -1.0)));
        future[k] = own(k).map(|own| Gathered::with(own, after, keep));
    }
    let both = |k: usize| -> Result<Option<Landmarks>> {
        let (Some(own), Some(past), Some(future)) = (own(k), &past[k], &future[k]) else {
            return Ok(None);
        };
        // Both hold the frame itself: once is enough.
        let mean = |i: usize, axis: usize| {
            let (a, b) = (past.weight[i], future.weight[i]);
            let sum = a * past.mean[i][axis] + b * future.mean[i][axis];
            (sum - own.points()[i][axis]) / (a + b - 1.0)
        };
        Ok(Some(Landmarks::new(std::array::from_fn(|i| [mean(i, 0), mean(i, 1)]))?))
    };
    (0..count).map(both).collect()
}

/// The weighted mean of the points of several frames, carried to one.
#[derive(Clone)]
struct Gathered {
    mean: [[f64; 2]; POINTS],
    weight: [f64; POINTS],
}

impl Gathered {
    /// The points of a frame, with those of its neighbours on one side, which move here by
    /// `step`, forwards or backwards.
    fn with(own: &Landmarks, sofar: Option<(&Self, &Followed, f64)>, keep: f64) -> Self {
        let (points, eyes) = (own.points(), [Part::LeftEye, Part::RightEye].map(|p| own.centre(p)));
        let lost = LOST * (eyes[1][0] - eyes[0][0]).hypot(eyes[1][1] - eyes[0][1]);
        let mut all = Self { mean: *points, weight: [1.0; POINTS] };
        let Some((sofar, step, sign)) = sofar else { return all };
        for (i, point) in points.iter().enumerate() {
            let Some(step) = step[i] else { continue };
            let carried = [0, 1].map(|axis| sofar.mean[i][axis] + sign * step[axis]);
            if (carried[0] - point[0]).hypot(carried[1] - point[1]) > lost {
                continue;
            }
            let before = keep * sofar.weight[i];
            all.weight[i] += before;
            all.mean[i] = [0, 1].map(|axis| (point[axis] + before * carried[axis]) / all.weight[i]);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::Area;

    /// A face that moves by (2, -1) a frame, read with an error that changes its sign.
    fn frames(count: usize, error: f64) -> Vec<Seen> {
        let landmarks = |k: usize| {
            let wrong = if k.is_multiple_of(2) { error } else { -error };
            Landmarks::new(std::array::from_fn(|i| {
                [2.0 * (i + k) as f64 + wrong, 50.0 - k as f64 - wrong]
            }))
        };
        let seen = |k: usize| Seen {
            area: Area { x: 0.0, y: 0.0, width: 80.0, height: 80.0 },
            score: 0.9,
            landmarks: landmarks(k).unwrap(),
            who: None,
            next: Some(Box::new([Some([2.0, -1.0]); POINTS])),
        };
        (0..count).map(seen).collect()
    }

    fn errors(found: &[Option<Landmarks>]) -> Vec<f64> {
        let off = |(k, face): (usize, &Option<Landmarks>)| {
            let points = *face.as_ref().unwrap().points();
            let away = |(i, p): (usize, &[f64; 2])| {
                (p[0] - 2.0 * (i + k) as f64).hypot(p[1] - 50.0 + k as f64)
            };
            points.iter().enumerate().map(away).fold(0.0, f64::max)
        };
        found.iter().enumerate().map(off).collect()
    }

    #[test]
    fn trembling_goes_and_motion_stays() {
        let seen = frames(21, 0.25);
        let all: Vec<Option<&Seen>> = seen.iter().map(Some).collect();
        let size = 0.25 * 2f64.sqrt();
        let before = errors(&steadied(&all, 0.0).unwrap());
        let after = errors(&steadied(&all, 5.0).unwrap());
        assert!(before.iter().all(|e| (e - size).abs() < 1e-9), "{before:?}");
        // With q = exp(-1/5), alternating errors leave a part of (1-q)/(1+q) = 0.0997 of
        // themselves where all neighbours are on one side, its square in the middle of many;
        // some more as there are 21 frames only.
        assert!(after.iter().all(|e| *e < 0.11 * size), "{after:?}");
        assert!(after[9..12].iter().all(|e| *e < 0.03 * size), "{after:?}");
        // Without errors nothing changes, at the ends either.
        let still = frames(6, 0.0);
        let all: Vec<Option<&Seen>> = still.iter().map(Some).collect();
        assert!(errors(&steadied(&all, 5.0).unwrap()).iter().all(|e| *e < 1e-9));
    }

    #[test]
    fn gaps_and_faces_that_cannot_be_followed_part_the_frames() {
        let mut seen = frames(8, 0.25);
        seen[5].next = None;
        let mut all: Vec<Option<&Seen>> = seen.iter().map(Some).collect();
        all[2] = None;
        let found = steadied(&all, 4.0).unwrap();
        assert_eq!(
            found.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, true, false, true, true, true, true, true]
        );
        // So does a point that is lost for itself.
        seen[4].next.as_mut().unwrap()[7] = None;
        seen[4].next.as_mut().unwrap()[9] = Some([30.0, 0.0]);
        let all: Vec<Option<&Seen>> = seen.iter().map(Some).collect();
        let lost = steadied(&all, 4.0).unwrap();
        let alone = steadied(&all[5..6], 4.0).unwrap();
        let points = |found: &Option<Landmarks>| *found.as_ref().unwrap().points();
        let (lost, alone, followed) = (points(&lost[5]), points(&alone[0]), points(&found[5]));
        for i in [7, 9] {
            assert_eq!(lost[i], alone[i], "point {i}");
        }
        assert!(lost[8] != alone[8] && followed[8] != alone[8]);
        // A frame is not touched by those beyond a gap: two frames each mean each other.
        let pair = steadied(&all[..2], 4.0).unwrap();
        assert_eq!(found[..2], pair[..]);
        assert_eq!(found[6..], steadied(&all[6..], 4.0).unwrap()[..]);
    }
}
