//! Pictures to look at: the strip and the video.

use std::path::{Path, PathBuf};

use reelgan_run::clip::VideoWriter;
use reelgan_run::picture::{HeatMap, Picture, Strip, StripRow, Tile, evenly_spaced};
use reelgan_run::{Error as RunError, Images, atomic};

use super::Kit;
use super::invert::{Optimised, Run};
use super::results::{self, Rendered};
use super::watch::{Halt, Teller};
use crate::codes::{CodeReader, Codes, Direction, Trajectory};
use crate::edit::{Edit, edited};
use crate::generator::Noise;
use crate::{Error, Result};

/// The most columns of a strip.
pub(super) const COLUMNS: usize = 8;
/// Frames a second where the input has none to tell.
const STILLS_FPS: f64 = 5.0;
/// The shortest video, in seconds, which shorter clips are slowed down to.
const SHORTEST: f64 = 2.0;
/// Strengths along a run's own motion, tried in turn until something is seen.
const STRENGTHS: [f32; 3] = [1.0, 2.0, 4.0];
/// The mean difference of two pictures that a person sees at a glance; more of the
/// motion than that leaves the codes the generator knows.
const SEEN: f32 = 0.02;

/// A strip and what there is to say below it.
pub(super) struct Shown {
    pub picture: Picture,
    pub caption: String,
}

/// The side of a tile in a strip of that many frames.
pub(super) fn tile_side(frames: usize) -> usize {
    match frames {
        0..=2 => 512,
        3..=5 => 320,
        _ => 256,
    }
}

/// Frames a second at which a video of so many frames can be followed.
pub(super) fn playback(frames: usize, fps: Option<f64>) -> f64 {
    fps.unwrap_or(STILLS_FPS).min(frames as f64 / SHORTEST).max(1.0)
}

/// Writes `strip.png`: inputs, reconstructions, and an edit along the run's own motion.
pub(super) fn strip(
    kit: &Kit,
    run: &Run,
    optimised: &Optimised,
    codes: &mut CodeReader,
    rendered: &Rendered,
    teller: &mut Teller<'_>,
) -> Result<Shown, Halt> {
    teller.stage("pictures")?;
    let columns = evenly_spaced(rendered.shown.len(), COLUMNS);
    let of = |k: &usize| &rendered.shown[*k];
    let mut rows = vec![
        StripRow::new("input", columns.iter().map(|k| of(k).input.clone()).collect()),
        StripRow::new("reconstruction", columns.iter().map(|k| of(k).recon.clone()).collect()),
    ];
    let mut caption = "Input frames above their reconstructions from the codes.".to_string();
    let frames: Vec<usize> = columns.iter().map(|k| of(k).frame).collect();
    let whole = motion(run, optimised, codes)?;
    let moved = along_motion(kit, whole.as_ref(), codes, rendered, &frames, teller)?;
    if let Some((strength, tiles)) = moved {
        rows.push(StripRow::new(format!("motion x {strength}"), tiles));
        caption = format!(
            "Input frames, their reconstructions from the codes, and the same codes with {strength} \
             times the motion of the clip (from its first to its last frame) added."
        );
    }
    let captions = frames.iter().map(|k| format!("frame {}", k + 1)).collect();
    let picture = compose(rows, captions, tile_side(codes.count()))?;
    write_picture(&run.folder.strip(), &picture, teller)?;
    Ok(Shown { picture, caption })
}

/// Draws a strip of square tiles.
pub(super) fn compose(rows: Vec<StripRow>, captions: Vec<String>, side: usize) -> Result<Picture> {
    Ok(Strip { captions, ..Strip::new(Tile::square(side), rows) }.compose()?)
}

/// Writes a picture with generated parts.
pub(super) fn write_picture(path: &Path, picture: &Picture, teller: &mut Teller<'_>) -> Result<()> {
    let images = Images::from_rgb8(picture.height(), picture.width(), picture.rgb())?;
    reelgan_run::media::write_png(path, &images, 0, reelgan_run::media::Origin::Synthetic)?;
    teller.wrote(path);
    Ok(())
}

/// The trajectory of the clip, or what has the same motion from its first to its last
/// frame; none for a clip of several shots, from one to the next of which nothing moves.
fn motion(run: &Run, optimised: &Optimised, codes: &mut CodeReader) -> Result<Option<Trajectory>> {
    let frames = run.manifest.frames;
    if frames < 2 || run.begun.shots(frames).len() > 1 {
        return Ok(None);
    }
    match &optimised.trajectory {
        Some(trajectory) => Ok(Some(trajectory.clone())),
        None => Ok(Some(Trajectory::through(&codes.select(&[0, frames - 1])?))),
    }
}

/// The frames with the clip's own motion added, just strong enough to be seen;
/// nothing for a clip that has none.
fn along_motion(
    kit: &Kit,
    trajectory: Option<&Trajectory>,
    codes: &mut CodeReader,
    rendered: &Rendered,
    frames: &[usize],
    teller: &mut Teller<'_>,
) -> Result<Option<(f32, Vec<Picture>)>, Halt> {
    let Some(trajectory) = trajectory else { return Ok(None) };
    let direction = match Direction::motion(trajectory, None, kit.generator.identity()) {
        Ok(direction) => direction,
        Err(error) => {
            teller.warn(format!("the strip has no edit: {error}"));
            return Ok(None);
        }
    };
    let side = tile_side(codes.count());
    let mut tile = |strength: f32, frame: usize| -> Result<Picture> {
        let code = codes.select(&[frame])?;
        let edit = Edit::by(direction.clone(), strength);
        let code = edited(kit.generator.as_ref(), &code, &[edit])?;
        let noise = rendered.noises.get(kit.generator.as_ref(), frame)?;
        thumbnail(kit, &code, &noise, side)
    };
    let mut chosen = STRENGTHS[0];
    for strength in STRENGTHS {
        let map = HeatMap::difference(&rendered.shown[0].recon, &tile(strength, frames[0])?)?;
        let mean = map.values().iter().sum::<f32>() / map.values().len() as f32;
        chosen = strength;
        if mean >= SEEN {
            break;
        }
    }
    let mut tiles = Vec::with_capacity(frames.len());
    for (done, &frame) in frames.iter().enumerate() {
        tiles.push(tile(chosen, frame)?);
        teller.progress(done + 1, frames.len())?;
    }
    Ok(Some((chosen, tiles)))
}

/// The first code as a small picture.
fn thumbnail(kit: &Kit, codes: &Codes, noise: &Noise, side: usize) -> Result<Picture> {
    let image = results::one(kit.generator.as_ref(), codes, 0, noise)?;
    Ok(Picture::from_frame(&image, 0)?.thumbnail(side)?)
}

/// A video being written, if there is an ffmpeg to write it.
pub(super) struct Movie {
    writer: Option<VideoWriter>,
    path: PathBuf,
}

impl Movie {
    /// No video.
    pub fn none() -> Self {
        Self { writer: None, path: PathBuf::new() }
    }

    /// Begins one; without ffmpeg there is a warning instead.
    pub fn begin(
        kit: &Kit,
        path: &Path,
        size: (usize, usize),
        fps: f64,
        teller: &mut Teller<'_>,
    ) -> Result<Self> {
        let started = kit.ffmpeg.find().and_then(|f| VideoWriter::create(&f, path, size, fps));
        let writer = tolerated(started, teller)?;
        Ok(Self { writer, path: path.to_owned() })
    }

    /// Adds a frame: pictures of one size, side by side.
    pub fn push(&mut self, parts: &[&Images], teller: &mut Teller<'_>) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let pushed = writer.push(&beside(parts)?);
        if tolerated(pushed, teller)?.is_none() {
            self.writer = None;
        }
        Ok(())
    }

    /// Puts the video in its place.
    pub fn finish(self, teller: &mut Teller<'_>) -> Result<()> {
        let Some(writer) = self.writer else { return Ok(()) };
        if tolerated(writer.finish(), teller)?.is_some() {
            teller.wrote(self.path);
        }
        Ok(())
    }
}

/// What ffmpeg cannot do costs the video and nothing else.
fn tolerated<T>(result: reelgan_run::Result<T>, teller: &mut Teller<'_>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e @ (RunError::FfmpegMissing { .. } | RunError::Ffmpeg { .. })) => {
            teller.warn(format!("no video was written: {e}"));
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}

/// Pictures of one size side by side.
fn beside(parts: &[&Images]) -> Result<Images> {
    let (height, width) = (parts[0].height(), parts[0].width());
    let mut data = Vec::with_capacity(parts.len() * 3 * height * width);
    for row in 0..3 * height {
        for part in parts {
            if (part.height(), part.width()) != (height, width) {
                return Err(Error::Shape {
                    what: "pictures side by side".into(),
                    expected: format!("{width}x{height}"),
                    got: format!("{}x{}", part.width(), part.height()),
                });
            }
            data.extend_from_slice(&part.frame(0)[row * width..(row + 1) * width]);
        }
    }
    Ok(Images::new(1, height, parts.len() * width, data)?)
}

/// Writes a page of HTML.
pub(super) fn write_page(path: &Path, html: &str, teller: &mut Teller<'_>) -> Result<()> {
    atomic::write(path, html.as_bytes())?;
    teller.wrote(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_side_by_side_in_their_own_rows() {
        let of = |first: f32| {
            let data = (0..12).map(|i| first + i as f32 / 100.0).collect();
            Images::new(1, 2, 2, data).unwrap()
        };
        let (a, b) = (of(0.0), of(0.5));
        let both = beside(&[&a, &b]).unwrap();
        assert_eq!((both.height(), both.width()), (2, 4));
        assert_eq!(both.frame(0)[..4], [0.0, 0.01, 0.5, 0.51]);
        assert_eq!(both.frame(0)[4..8], [0.02, 0.03, 0.52, 0.53]);
        assert_eq!(both.frame(0)[20..], [0.10, 0.11, 0.60, 0.61]);
        let other = Images::new(1, 1, 2, vec![0.0; 6]).unwrap();
        assert!(beside(&[&a, &other]).is_err());
    }

    #[test]
    fn short_clips_are_slowed_down_and_long_ones_are_not() {
        assert_eq!(playback(5, Some(30.0)), 2.5);
        assert_eq!(playback(300, Some(30.0)), 30.0);
        assert_eq!(playback(300, None), 5.0);
        assert_eq!(playback(2, None), 1.0);
    }
}
