//! Where the crops of a clip belong, as `reelgan align` wrote it down.

use std::path::{Path, PathBuf};

use reelgan_run::atomic;
use reelgan_run::images::Crop;
use serde::Deserialize;

use crate::align::{Source, read_landmarks};
use crate::{Error, Result};

/// The most bytes of a file of transforms: some 2,000,000 frames.
const MAX_FILE: u64 = 1 << 30;

/// Points of a face in its crop, where the upper left corner is (0, 0) and the lower
/// right one (1, 1).
pub(super) type Outline = Vec<[f64; 2]>;

/// Where the crop of a frame belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The square, in pixels of the frame.
    pub crop: Crop,
    /// Width and height of the frame, as far as they are known.
    pub size: Option<(usize, usize)>,
    /// Which frame of the clip it is, counted from 0.
    pub frame: usize,
    /// The 68 points of the face in its crop, `[0,1]` from corner to corner, without
    /// the jitter of single frames.
    pub(super) outline: Option<Outline>,
    /// How much of the crop is shown, `[0,1]`: less where the face is away for longer.
    pub(super) presence: f64,
}

/// The places of all crops of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    /// One a crop, in the order of the frames.
    pub places: Vec<Place>,
    /// The clip, if the files say.
    pub source: Option<PathBuf>,
}

/// As much of `transforms.json` as is needed here.
#[derive(Deserialize)]
struct TransformsFile {
    #[serde(default)]
    fps: Option<f64>,
    #[serde(default)]
    source: Option<PathBuf>,
    frames: Vec<TransformOf>,
}

#[derive(Deserialize)]
struct TransformOf {
    #[serde(default)]
    width: Option<usize>,
    #[serde(default)]
    height: Option<usize>,
    crop: Crop,
    #[serde(default)]
    source: Option<Source>,
    /// Its number in the clip, counted from 0; in order if it is not said.
    #[serde(default)]
    frame: Option<usize>,
}

impl Places {
    /// Reads `transforms.json` and, if it is there, `landmarks.json` from a folder that
    /// `reelgan align` wrote.
    ///
    /// # Errors
    /// Files that are missing or hold something else, or are for different numbers of
    /// frames.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("transforms.json");
        if !path.is_file() {
            return Err(Error::file(
                folder,
                "has no transforms.json, which says where its crops belong; give a folder that \
                 `reelgan align` wrote, or a run made from one",
            ));
        }
        let bytes = atomic::read(&path, MAX_FILE)?;
        let file: TransformsFile = serde_json::from_slice(&bytes).map_err(|e| {
            Error::file(&path, format!("{e}; expected a transforms.json as `reelgan align` writes"))
        })?;
        let landmarks = folder.join("landmarks.json");
        let points = if landmarks.is_file() { Some(read_landmarks(&landmarks)?) } else { None };
        if let Some(points) = points.as_ref().filter(|p| p.len() != file.frames.len()) {
            return Err(Error::file(
                landmarks,
                format!(
                    "is for {} frames, transforms.json for {}",
                    points.len(),
                    file.frames.len()
                ),
            ));
        }
        let outlines = points.map(|points| {
            let pairs = file.frames.iter().zip(&points);
            pairs.map(|(f, p)| Some(in_crop(&f.crop, p.as_ref()?.points()))).collect::<Vec<_>>()
        });
        Self::of(file, outlines).map_err(|problem| Error::file(&path, problem))
    }

    fn of(file: TransformsFile, outlines: Option<Vec<Option<Outline>>>) -> Result<Self, String> {
        let faces: Vec<bool> =
            file.frames.iter().map(|f| f.source != Some(Source::Neighbours)).collect();
        let presence = presence(&faces, file.fps);
        let outlines = match outlines {
            Some(outlines) => steadied(&outlines, file.fps),
            None => vec![None; file.frames.len()],
        };
        let mut places: Vec<Place> = Vec::with_capacity(file.frames.len());
        for (k, (frame, outline)) in file.frames.into_iter().zip(outlines).enumerate() {
            let number = frame.frame.unwrap_or(k);
            if places.last().is_some_and(|last| last.frame >= number) {
                return Err(format!("the frames are not in order at entry {}", k + 1));
            }
            let size = frame.width.zip(frame.height);
            if let Some((width, height)) = size {
                frame
                    .crop
                    .check(height, width)
                    .map_err(|e| format!("frame {}: {e}", number + 1))?;
            }
            places.push(Place {
                crop: frame.crop,
                size,
                frame: number,
                outline,
                presence: presence[k],
            });
        }
        if places.is_empty() {
            return Err("it has no frames".into());
        }
        Ok(Self { places, source: file.source })
    }
}

/// Points of a frame as parts of the side of its crop.
fn in_crop(crop: &Crop, points: &[[f64; 2]]) -> Outline {
    let (sin, cos) = crop.angle.to_radians().sin_cos();
    let half = crop.size / 2.0;
    let turned = |[x, y]: &[f64; 2]| {
        let (dx, dy) = (x - crop.x - half, y - crop.y - half);
        [(dx * cos + dy * sin) / crop.size + 0.5, (dy * cos - dx * sin) / crop.size + 0.5]
    };
    points.iter().map(turned).collect()
}

/// The inverse of [`in_crop`].
pub(super) fn in_frame(crop: &Crop, points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let (sin, cos) = crop.angle.to_radians().sin_cos();
    let (x, y) = (crop.x + crop.size / 2.0, crop.y + crop.size / 2.0);
    let turned = |[u, v]: &[f64; 2]| {
        let (dx, dy) = ((u - 0.5) * crop.size, (v - 0.5) * crop.size);
        [x + dx * cos - dy * sin, y + dx * sin + dy * cos]
    };
    points.iter().map(turned).collect()
}

/// A face that is away for less than this many seconds was only missed.
const MISSED: f64 = 0.4;
/// After that it takes so many seconds until nothing is left of it.
const FADE: f64 = 0.3;

/// How much of the crop of each frame is shown; all or nothing where frames do not
/// follow each other.
fn presence(faces: &[bool], fps: Option<f64>) -> Vec<f64> {
    let Some(fps) = fps.filter(|fps| fps.is_finite() && *fps > 0.0) else {
        return faces.iter().map(|face| f64::from(u8::from(*face))).collect();
    };
    // Frames to the nearest face: from the left, then from the right.
    let mut away = vec![f64::INFINITY; faces.len()];
    let mut last = f64::INFINITY;
    for (k, face) in faces.iter().enumerate() {
        last = if *face { 0.0 } else { last + 1.0 };
        away[k] = last;
    }
    last = f64::INFINITY;
    for (k, face) in faces.iter().enumerate().rev() {
        last = if *face { 0.0 } else { last + 1.0 };
        away[k] = away[k].min(last);
    }
    away.into_iter().map(|n| (1.0 - (n / fps - MISSED) / FADE).clamp(0.0, 1.0)).collect()
}

/// Deviation of the Gaussian over the points, in seconds.
const STEADY: f64 = 0.08;
/// Weights beyond so many deviations are left out.
const REACH: f64 = 3.0;

/// The points averaged over neighbouring frames that have some; a frame without any
/// takes those of the nearest frame that has.
fn steadied(outlines: &[Option<Outline>], fps: Option<f64>) -> Vec<Option<Outline>> {
    let known: Vec<usize> = (0..outlines.len()).filter(|&k| outlines[k].is_some()).collect();
    let sigma = fps.filter(|fps| fps.is_finite()).map_or(0.0, |fps| (STEADY * fps).min(1000.0));
    let at = |k: usize| {
        let next = known.partition_point(|&j| j < k);
        let candidates = [next.checked_sub(1).map(|i| known[i]), known.get(next).copied()];
        let nearest = candidates.into_iter().flatten().min_by_key(|j| j.abs_diff(k))?;
        if sigma <= 0.0 {
            return outlines[nearest].clone();
        }
        Some(mean_around(outlines, nearest, sigma))
    };
    (0..outlines.len()).map(at).collect()
}

fn mean_around(outlines: &[Option<Outline>], k: usize, sigma: f64) -> Outline {
    let reach = (REACH * sigma).ceil() as usize;
    let mut sum: Outline = Vec::new();
    let mut weights = 0.0;
    let near = outlines.iter().enumerate().take(k + reach + 1).skip(k.saturating_sub(reach));
    for (j, outline) in near {
        let Some(outline) = outline else { continue };
        let weight = (-0.5 * (j.abs_diff(k) as f64 / sigma).powi(2)).exp();
        sum.resize(outline.len(), [0.0; 2]);
        for (sum, point) in sum.iter_mut().zip(outline) {
            sum[0] += weight * point[0];
            sum[1] += weight * point[1];
        }
        weights += weight;
    }
    sum.iter().map(|p| [p[0] / weights, p[1] / weights]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_go_into_the_crop_and_back() {
        let crop = Crop { x: 12.0, y: -4.0, size: 50.0, angle: 33.0 };
        let points = [[37.0, 21.0], [10.0, 60.0], [-3.5, 8.25]];
        let inside = in_crop(&crop, &points);
        assert!((inside[0][0] - 0.5).abs() < 1e-12 && (inside[0][1] - 0.5).abs() < 1e-12);
        for (a, b) in in_frame(&crop, &inside).iter().zip(&points) {
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 1e-12, "{a:?} {b:?}");
        }
        // An upright crop: plain parts of its side.
        assert_eq!(in_crop(&Crop::upright(10.0, 20.0, 40.0), &[[20.0, 50.0]]), [[0.25, 0.75]]);
    }

    #[test]
    fn a_face_missed_for_a_moment_stays_and_one_that_left_fades() {
        let mut faces = vec![true; 60];
        faces[10..14].fill(false);
        faces[30..].fill(false);
        let shown = presence(&faces, Some(10.0));
        assert!(shown[..33].iter().all(|v| *v == 1.0), "{shown:?}");
        assert!(shown[34] < 0.8 && shown[34] > shown[35] && shown[37..].iter().all(|v| *v == 0.0));
        assert_eq!(presence(&[true, false], None), [1.0, 0.0]);
        assert_eq!(presence(&[false, false], Some(25.0)), [0.0, 0.0]);
    }

    #[test]
    fn points_are_steadied_and_gaps_take_the_nearest() {
        let jitter: Vec<Option<Outline>> = (0..40)
            .map(|k| Some(vec![[0.5 + if k % 2 == 0 { 0.01 } else { -0.01 }, 0.3]]))
            .collect();
        let calm = steadied(&jitter, Some(25.0));
        assert!(calm[10..30].iter().all(|o| (o.as_ref().unwrap()[0][0] - 0.5).abs() < 1e-3));
        let gaps = [None, Some(vec![[0.2; 2]]), None, None, Some(vec![[0.8; 2]])];
        let filled: Vec<f64> =
            steadied(&gaps, None).iter().map(|o| o.as_ref().unwrap()[0][0]).collect();
        assert_eq!(filled, [0.2, 0.2, 0.2, 0.8, 0.8]);
        assert_eq!(steadied(&[None, None], Some(25.0)), [None, None]);
    }
}
