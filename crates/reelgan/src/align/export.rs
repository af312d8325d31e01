//! Crops, landmarks, transforms and an overlay to look at, in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use reelgan_run::clip::{FfmpegSearch, Selection, VideoWriter};
use reelgan_run::media::{self, Origin};
use reelgan_run::picture::Picture;
use reelgan_run::{Clip, Images, atomic};
use serde_json::json;

use super::plan::{Alignment, Placement, Source};
use super::survey::{LandmarksFile, LandmarksOf, Survey, Tell, each_frame};
use super::template::Square;
use crate::{Error, Result};

/// What is written beside the crops.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Where to look for ffmpeg; the overlay of a video needs it.
    pub ffmpeg: FfmpegSearch,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The crops, one a frame.
    pub crops: Vec<PathBuf>,
    /// The other files.
    pub others: Vec<PathBuf>,
}

/// Writes `crops/0001.png`, ..., `landmarks.json`, `transforms.json` and the overlay
/// (`overlay.mp4` for a video, `overlay/0001.png`, ... for pictures) into a folder
/// that is new or empty. `None` if whoever is told ended the work.
///
/// The crops are resampled with antialiasing; what lies outside a frame is its
/// reflection.
///
/// # Errors
/// [`Error::File`] if the folder is not empty; files that cannot be read or written;
/// a clip that changed since the survey.
pub fn export(
    clip: &Clip,
    survey: &Survey,
    alignment: &Alignment,
    folder: &Path,
    options: &ExportOptions,
    tell: Tell<'_>,
) -> Result<Option<Exported>> {
    check_folder(folder)?;
    let crops_folder = sub_folder(folder, "crops")?;
    let mut overlay = Overlay::begin(clip, survey, folder, options)?;
    let mut crops = Vec::new();
    let done = each_frame(clip, Selection::default(), "crops", tell, &mut |k, _, picture| {
        let placement = alignment.placements.get(k).ok_or_else(|| changed(clip))?;
        let crop = picture.fit(placement.crop, alignment.side)?;
        let path = crops_folder.join(numbered(k));
        media::write_png(&path, &crop, 0, Origin::Input)?;
        crops.push(path);
        overlay.add(k, picture, drawn(picture, placement)?)
    })?;
    if done.is_none() {
        return Ok(None);
    }
    if crops.len() < alignment.placements.len() {
        return Err(changed(clip));
    }
    let mut others = vec![folder.join("landmarks.json"), folder.join("transforms.json")];
    write_transforms(survey, alignment, [&others[0], &others[1]])?;
    others.extend(overlay.finish()?);
    Ok(Some(Exported { crops, others }))
}

/// Whether [`export`] may write into a folder; worth asking before the work.
///
/// # Errors
/// [`Error::File`] if it is there and not empty, or is a file.
pub fn check_folder(folder: &Path) -> Result<()> {
    let first = match fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(reelgan_run::Error::Write { path: folder.to_owned(), source }.into());
        }
        Ok(mut entries) => entries.next(),
    };
    match first {
        None => Ok(()),
        Some(_) => Err(Error::file(folder, "the folder is not empty; choose another one with -o")),
    }
}

fn sub_folder(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    fs::create_dir_all(&path)
        .map_err(|source| reelgan_run::Error::Write { path: path.clone(), source })?;
    Ok(path)
}

fn numbered(k: usize) -> String {
    format!("{:04}.png", k + 1)
}

fn changed(clip: &Clip) -> Error {
    let path = clip.files().first().cloned().unwrap_or_default();
    Error::file(path, "it has another number of frames than before; run the command again")
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data");
    bytes.push(b'\n');
    Ok(atomic::write(path, &bytes)?)
}

/// Writes the landmarks and the transforms into two files, as [`export`] does.
///
/// # Errors
/// A disk that does not take them.
pub fn write_transforms(survey: &Survey, alignment: &Alignment, files: [&Path; 2]) -> Result<()> {
    write_json(files[0], &landmarks(survey, alignment))?;
    write_json(files[1], &transforms(survey, alignment))
}

fn landmarks(survey: &Survey, alignment: &Alignment) -> LandmarksFile {
    let of = |(frame, placement): (&super::Frame, &Placement)| {
        let points = placement.landmarks.clone()?;
        Some(LandmarksOf { name: frame.name.clone(), points })
    };
    LandmarksFile { frames: survey.frames.iter().zip(&alignment.placements).map(of).collect() }
}

fn transforms(survey: &Survey, alignment: &Alignment) -> serde_json::Value {
    let frames = survey.frames.iter().zip(&alignment.placements).map(|(frame, placement)| {
        let seen = placement.face.map(|k| &frame.faces[k]);
        json!({
            "name": frame.name,
            "width": frame.width,
            "height": frame.height,
            "crop": placement.crop,
            "source": placement.source,
            "box": seen.map(|s| s.area),
            "score": seen.map(|s| s.score),
        })
    });
    json!({
        "template": "ffhq",
        "side": alignment.side,
        "fps": alignment.fps,
        "people": alignment.people,
        "jitter_px": alignment.jitter.map(|[raw, smoothed]| json!({ "raw": raw, "smoothed": smoothed })),
        "frames": frames.collect::<Vec<_>>(),
    })
}

const POINT: [u8; 3] = [90, 255, 120];
const FOUND: [u8; 3] = [255, 210, 60];
const GUESSED: [u8; 3] = [255, 70, 70];

/// A frame with its landmarks and the square, which is red where it was guessed.
fn drawn(picture: &Images, placement: &Placement) -> Result<Picture> {
    let mut drawing = Picture::from_frame(picture, 0)?;
    let unit = (placement.crop.size / 300.0).clamp(0.6, 6.0);
    let colour = if placement.source == Source::Face { FOUND } else { GUESSED };
    let corners = Square::of(&placement.crop).corners();
    for (i, corner) in corners.iter().enumerate() {
        drawing.line(*corner, corners[(i + 1) % 4], 1.5 * unit, colour);
    }
    if let Some(face) = &placement.landmarks {
        for point in face.points() {
            drawing.dot(*point, 1.5 * unit, POINT);
        }
    }
    Ok(drawing)
}

/// The drawn frames on their way to a file or files.
enum Overlay {
    Video { path: PathBuf, ffmpeg: FfmpegSearch, fps: f64, writer: Option<Box<VideoWriter>> },
    Pictures { folder: PathBuf, files: Vec<PathBuf> },
}

/// Frames a second of an overlay whose video does not say.
const UNKNOWN_FPS: f64 = 25.0;

impl Overlay {
    fn begin(clip: &Clip, survey: &Survey, folder: &Path, options: &ExportOptions) -> Result<Self> {
        if clip.video().is_none() {
            return Ok(Self::Pictures {
                folder: sub_folder(folder, "overlay")?,
                files: Vec::new(),
            });
        }
        let fps = survey.fps.unwrap_or(UNKNOWN_FPS);
        let path = folder.join("overlay.mp4");
        Ok(Self::Video { path, ffmpeg: options.ffmpeg.clone(), fps, writer: None })
    }

    fn add(&mut self, k: usize, frame: &Images, drawing: Picture) -> Result<()> {
        let drawn = Images::from_rgb8(frame.height(), frame.width(), drawing.rgb())?;
        match self {
            Self::Pictures { folder, files } => {
                let path = folder.join(numbered(k));
                media::write_png(&path, &drawn, 0, Origin::Input)?;
                files.push(path);
            }
            Self::Video { path, ffmpeg, fps, writer } => {
                let writer = match writer {
                    Some(writer) => writer,
                    none => {
                        let size = (frame.width(), frame.height());
                        let found = ffmpeg.find()?;
                        let begun =
                            VideoWriter::create_of(Origin::Input, &found, path, size, *fps)?;
                        none.insert(Box::new(begun))
                    }
                };
                writer.push(&drawn)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<PathBuf>> {
        match self {
            Self::Pictures { files, .. } => Ok(files),
            Self::Video { writer: None, .. } => Ok(Vec::new()),
            Self::Video { path, writer: Some(writer), .. } => {
                writer.finish()?;
                Ok(vec![path])
            }
        }
    }
}
