//! Every frame of a clip, one at a time: its faces and their landmarks.

use std::ops::ControlFlow;
use std::path::Path;

use reelgan_run::clip::Selection;
use reelgan_run::{Clip, Images, Landmarks, atomic, media};
use serde::{Deserialize, Serialize};

use super::eyes::settled;
use super::steady::{Followed, followed};
use crate::face::{Area, Descriptor, Detection, Face, FaceReader};
use crate::{Error, Result};

/// A face of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its box.
    pub area: Area,
    /// How sure the detector is, `[0,1]`; 1 for landmarks that were brought.
    pub score: f64,
    /// Its points, in pixels of the frame.
    pub landmarks: Landmarks,
    /// Who it is, if that was asked.
    pub who: Option<Descriptor>,
    /// How the flow carries its points into the next frame, if they were followed.
    pub(super) next: Option<Box<Followed>>,
}

/// A frame and its faces, the surest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Name of its file, or its number in a video.
    pub name: String,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Its faces.
    pub faces: Vec<Seen>,
}

/// All frames of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// In order; none is left out.
    pub frames: Vec<Frame>,
    /// Frames a second, for a video.
    pub fps: Option<f64>,
    /// What the user should know about the input.
    pub warnings: Vec<String>,
}

/// How far a part of the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// `faces` or `crops`.
    pub stage: &'static str,
    /// Frames done.
    pub done: usize,
    /// Frames there are; 0 where that is not known beforehand.
    pub total: usize,
}

/// Is told of progress; `Break` ends the work.
pub type Tell<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Looks at every frame of a clip, which may be longer than memory; pictures need
/// not have one size. `None` if whoever is told ended the work.
///
/// # Errors
/// Frames that cannot be read.
pub fn survey(clip: &Clip, reader: &FaceReader, tell: Tell<'_>) -> Result<Option<Survey>> {
    survey_some(clip, Selection::default(), reader, tell)
}

/// As [`survey`], for some of the frames.
///
/// # Errors
/// Frames that cannot be read; a selection that holds none.
pub fn survey_some(
    clip: &Clip,
    selection: Selection,
    reader: &FaceReader,
    tell: Tell<'_>,
) -> Result<Option<Survey>> {
    let look = |picture: &Images, _: usize| -> Result<Vec<Seen>> {
        // The networks' resize takes no account of pixels' extent, so their points count
        // from the centre of the first pixel; here places count from its corner.
        let half = |[x, y]: [f64; 2]| [x + 0.5, y + 0.5];
        let seen = |face: Face| -> Result<Seen> {
            let Detection { area, score } = face.detection;
            // Landmarks far outside the picture leave nothing to describe.
            let who = reader.describe(picture, 0, &face).ok();
            Ok(Seen {
                area,
                score,
                landmarks: settled(&face.landmarks.map(half)?)?,
                who,
                next: None,
            })
        };
        reader.faces(picture, 0)?.into_iter().map(seen).collect()
    };
    walk(clip, selection, look, true, tell)
}

/// As [`survey`], with landmarks that the user brought instead of the networks.
///
/// # Errors
/// Frames that cannot be read; [`Error::Shape`] if the landmarks are for another
/// number of frames.
pub fn survey_with(
    clip: &Clip,
    brought: Vec<Option<Landmarks>>,
    tell: Tell<'_>,
) -> Result<Option<Survey>> {
    let entries = brought.len();
    let survey = survey_some_with(clip, Selection::default(), brought, tell)?;
    match &survey {
        Some(found) if found.frames.len() < entries => {
            Err(miscounted(entries, format!("{} frames", found.frames.len())))
        }
        _ => Ok(survey),
    }
}

fn miscounted(entries: usize, got: String) -> Error {
    Error::Shape {
        what: "frames with landmarks".into(),
        expected: format!("{entries}, one for each entry of the file"),
        got,
    }
}

/// As [`survey_with`], for some of the frames; the landmarks are those of all frames of
/// the clip.
///
/// # Errors
/// As [`survey_with`]; there may be more landmarks than frames are taken.
pub fn survey_some_with(
    clip: &Clip,
    selection: Selection,
    brought: Vec<Option<Landmarks>>,
    tell: Tell<'_>,
) -> Result<Option<Survey>> {
    let wrong = |got| miscounted(brought.len(), got);
    let look = |_: &Images, k: usize| -> Result<Vec<Seen>> {
        let landmarks = brought
            .get(selection.start + k * selection.stride)
            .ok_or_else(|| wrong("more frames".into()))?;
        let seen = landmarks.clone().map(|landmarks| {
            let [left, top, right, bottom] = landmarks.bounds();
            let area = Area { x: left, y: top, width: right - left, height: bottom - top };
            Seen { area, score: 1.0, landmarks, who: None, next: None }
        });
        Ok(seen.into_iter().collect())
    };
    // Who brings landmarks means them as they are.
    walk(clip, selection, look, false, tell)
}

fn walk(
    clip: &Clip,
    selection: Selection,
    mut look: impl FnMut(&Images, usize) -> Result<Vec<Seen>>,
    follow: bool,
    tell: Tell<'_>,
) -> Result<Option<Survey>> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut before: Option<Images> = None;
    let mut warnings: Vec<String> = clip.warnings().iter().map(ToString::to_string).collect();
    let more = each_frame(clip, selection, "faces", tell, &mut |k, name, picture| {
        let faces = look(picture, k)?;
        let size = (picture.height(), picture.width());
        if let (Some(before), Some(last)) = (&before, frames.last_mut())
            && (before.height(), before.width()) == size
        {
            for face in &mut last.faces {
                face.next = followed(before, picture, &face.landmarks)?.map(Box::new);
            }
        }
        before = follow.then(|| picture.clone());
        frames.push(Frame { name, width: picture.width(), height: picture.height(), faces });
        Ok(())
    })?;
    let Some(more) = more else { return Ok(None) };
    warnings.extend(more.into_iter().filter(|w| !warnings.contains(w)).collect::<Vec<_>>());
    let fps = clip.video().and_then(|video| video.fps);
    let fps = fps.map(|fps| fps / selection.stride.max(1) as f64);
    Ok(Some(Survey { frames, fps, warnings }))
}

/// What is done with a frame: its number, name and picture.
pub(crate) type Each<'a> = &'a mut dyn FnMut(usize, String, &Images) -> Result<()>;

/// Hands out frames of a clip one at a time, stills whatever their sizes; returns
/// what there was to say of the input, or `None` if ended early.
pub(crate) fn each_frame(
    clip: &Clip,
    selection: Selection,
    stage: &'static str,
    tell: Tell<'_>,
    each: Each<'_>,
) -> Result<Option<Vec<String>>> {
    let mut warnings = Vec::new();
    if clip.video().is_none() {
        // An empty choice is refused as it is for a video.
        clip.frames(selection)?;
        let Selection { start, stride, count } = selection;
        let chosen = clip.files().iter().skip(start).step_by(stride);
        let files: Vec<_> = chosen.take(count.unwrap_or(usize::MAX)).collect();
        for (k, path) in files.iter().enumerate() {
            let still = media::read(path)?;
            warnings.extend(still.warnings.iter().map(ToString::to_string));
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            each(k, name, &still.images)?;
            if tell(Progress { stage, done: k + 1, total: files.len() }).is_break() {
                return Ok(None);
            }
        }
        return Ok(Some(warnings));
    }
    let mut frames = clip.frames(selection)?;
    for (k, frame) in (&mut frames).enumerate() {
        let frame = frame?;
        each(k, frame.name, &frame.images)?;
        if tell(Progress { stage, done: k + 1, total: selection.count.unwrap_or(0) }).is_break() {
            return Ok(None);
        }
    }
    warnings.extend(frames.warnings().iter().map(ToString::to_string));
    Ok(Some(warnings))
}

/// The file of landmarks, as it is written and as users may bring it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LandmarksFile {
    /// One entry a frame; `null` where there is no face.
    pub frames: Vec<Option<LandmarksOf>>,
}

/// The landmarks of a frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LandmarksOf {
    #[serde(default)]
    pub name: String,
    pub points: Landmarks,
}

/// The most bytes of a file of landmarks: some 300,000 frames.
const MAX_FILE: u64 = 1 << 30;

/// Reads a file of landmarks: `{"frames": [{"points": [[x, y], ...]}, null, ...]}`,
/// one entry a frame with 68 points in pixels, or `null` for a frame without a face.
///
/// # Errors
/// [`Error::File`] if it holds anything else.
pub fn read_landmarks(path: &Path) -> Result<Vec<Option<Landmarks>>> {
    let bytes = atomic::read(path, MAX_FILE)?;
    let file: LandmarksFile = serde_json::from_slice(&bytes).map_err(|e| {
        let wanted = r#"{"frames": [{"points": [[x, y], ...]}, null, ...]} with 68 points a frame"#;
        Error::file(path, format!("{e}; expected {wanted}"))
    })?;
    Ok(file.frames.into_iter().map(|frame| frame.map(|frame| frame.points)).collect())
}
