//! Where consecutive images come from.
//!
//! | input | frames |
//! |---|---|
//! | one image, or several | in the order given |
//! | a folder | its images by name, numbers in names counted as numbers; anything else in it is ignored with a warning |
//! | a video | every decoded frame, upright, through the user's ffmpeg |
//!
//! Frames are read one at a time, so a long clip needs no more memory than a
//! short one.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::images::Images;
use crate::media::{self, Warning};

mod display;
mod encode;
mod encoding;
mod ffmpeg;
mod listing;
mod matroska;
mod output;
mod ppm;
mod probe;
mod process;
mod retouch;
mod times;
mod video;

pub use encode::VideoWriter;
pub use encoding::{Codec, Encoding};
pub use ffmpeg::{Ffmpeg, FfmpegSearch};
pub use probe::{Pixels, VideoInfo};
pub use retouch::{Layout, Retouch};
pub use times::Times;

use video::VideoReader;

/// Consecutive images that can be read, as often as wanted.
#[derive(Clone, Debug)]
pub struct Clip {
    source: Source,
    warnings: Vec<Warning>,
}

#[derive(Clone, Debug)]
enum Source {
    /// At least one image file.
    Stills(Vec<PathBuf>),
    Video {
        path: PathBuf,
        ffmpeg: Ffmpeg,
        info: Box<VideoInfo>,
    },
}

/// Which frames of a clip to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// How many frames to leave out at the beginning.
    pub start: usize,
    /// Take every so many; 1 takes all.
    pub stride: usize,
    /// How many to take at most; none takes all there are.
    pub count: Option<usize>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { start: 0, stride: 1, count: None }
    }
}

/// One frame of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The picture, `[1,3,H,W]` in `[0,1]`, every value a multiple of 1/255.
    pub images: Images,
    /// The file's name, or `frame 7` of a video, counted from 1.
    pub name: String,
}

/// All chosen frames of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The pictures, `[N,3,H,W]`.
    pub images: Images,
    /// One name a picture, as [`Frame::name`].
    pub names: Vec<String>,
    /// What the user should know about the input.
    pub warnings: Vec<Warning>,
}

impl Clip {
    /// Opens an image, a folder of images, or a video, with ffmpeg as
    /// [`FfmpegSearch::find`] finds it.
    ///
    /// # Errors  as [`Clip::from_paths`]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_paths(&[path.as_ref().to_owned()], &FfmpegSearch::default())
    }

    /// Opens several images, or one image, folder or video. ffmpeg is looked for
    /// only if there is a video.
    ///
    /// # Errors  `Error::NoImages`, `Error::Read`, `Error::NoVideo`,
    /// `Error::FfmpegMissing`, `Error::Ffmpeg`; `Error::Value` if several paths
    /// are not all images
    pub fn from_paths(paths: &[PathBuf], ffmpeg: &FfmpegSearch) -> Result<Self> {
        let stills = |paths| Self { source: Source::Stills(paths), warnings: Vec::new() };
        match paths {
            [] => Err(Error::NoImages { place: "the arguments".into() }),
            [path] => match kind_of(path)? {
                Kind::Folder => {
                    let (paths, warnings) = listing::images_in(path)?;
                    Ok(Self { source: Source::Stills(paths), warnings })
                }
                Kind::Image => Ok(stills(vec![path.clone()])),
                Kind::Other => {
                    let ffmpeg = ffmpeg.find()?;
                    let info = Box::new(probe::probe(&ffmpeg, path)?);
                    let source = Source::Video { path: path.clone(), ffmpeg, info };
                    Ok(Self { source, warnings: Vec::new() })
                }
            },
            several => {
                for path in several {
                    let what = match kind_of(path)? {
                        Kind::Image => continue,
                        Kind::Folder => "a folder",
                        Kind::Other => "no image",
                    };
                    return Err(Error::value(
                        "input",
                        format!(
                            "{} is {what}; give several images, or one folder, or one video",
                            path.display()
                        ),
                    ));
                }
                Ok(stills(several.to_vec()))
            }
        }
    }

    /// The files that the frames come from.
    pub fn files(&self) -> &[PathBuf] {
        match &self.source {
            Source::Stills(paths) => paths,
            Source::Video { path, .. } => std::slice::from_ref(path),
        }
    }

    /// What is known of the video, if it is one.
    pub fn video(&self) -> Option<&VideoInfo> {
        match &self.source {
            Source::Stills(_) => None,
            Source::Video { info, .. } => Some(info.as_ref()),
        }
    }

    /// When each frame is shown, if it is a video; all of it is decoded once for that.
    ///
    /// # Errors  `Error::Ffmpeg`, `Error::NoVideo`
    pub fn times(&self) -> Result<Option<Times>> {
        match &self.source {
            Source::Stills(_) => Ok(None),
            Source::Video { path, ffmpeg, .. } => times::read(ffmpeg, path).map(Some),
        }
    }

    /// What the user should know before any frame is read.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The chosen frames, one after the other.
    ///
    /// # Errors  `Error::Value` if the selection cannot hold a frame
    pub fn frames(&self, selection: Selection) -> Result<Frames> {
        let Selection { start, stride, count } = selection;
        if stride == 0 || count == Some(0) {
            return Err(Error::value("choice of frames", "stride and count must be at least 1"));
        }
        let source = match &self.source {
            Source::Stills(paths) if start >= paths.len() => {
                return Err(past_the_end(start, paths.len()));
            }
            Source::Stills(paths) => {
                let chosen = paths.iter().skip(start).step_by(stride);
                let chosen: Vec<_> = chosen.take(count.unwrap_or(usize::MAX)).cloned().collect();
                Reader::Stills(chosen.into_iter())
            }
            Source::Video { path, ffmpeg, .. } => {
                Reader::Video(VideoReader::start(ffmpeg, path, selection)?)
            }
        };
        Ok(Frames {
            source,
            selection,
            first: None,
            taken: 0,
            over: false,
            warnings: self.warnings.clone(),
        })
    }

    /// The chosen frames, all at once.
    ///
    /// # Errors  as [`Clip::frames`] and [`Frames`]; `Error::Shape` if they are
    /// more than memory can be expected to hold
    pub fn read(&self, selection: Selection) -> Result<Loaded> {
        let mut frames = self.frames(selection)?;
        let (mut pictures, mut names) = (Vec::new(), Vec::new());
        let mut values = 0usize;
        for frame in &mut frames {
            let frame = frame?;
            values = values.saturating_add(frame.images.data().len());
            if values > crate::images::MAX_VALUES {
                return Err(Error::shape(
                    "frames held at once",
                    format!("at most {} values", crate::images::MAX_VALUES),
                    format!(
                        "more after {} frames; choose fewer with a start, a stride and a count",
                        names.len()
                    ),
                ));
            }
            pictures.push(frame.images);
            names.push(frame.name);
        }
        Ok(Loaded { images: Images::from_frames(pictures)?, names, warnings: frames.warnings })
    }
}

/// The chosen frames of a clip, read one at a time.
///
/// Ends after the first error. Errors are those of [`media::read`], `Error::Ffmpeg`,
/// `Error::NoVideo`, `Error::MixedSizes`, and `Error::Value` if the selection
/// begins behind the end of a video.
#[derive(Debug)]
pub struct Frames {
    source: Reader,
    selection: Selection,
    /// Where the first frame came from, and its width and height.
    first: Option<(PathBuf, (usize, usize))>,
    taken: usize,
    over: bool,
    warnings: Vec<Warning>,
}

#[derive(Debug)]
enum Reader {
    Stills(std::vec::IntoIter<PathBuf>),
    Video(VideoReader),
}

impl Frames {
    /// What the user should know about what was read up to now.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn advance(&mut self) -> Result<Option<Frame>> {
        let (path, frame) = match &mut self.source {
            Reader::Stills(paths) => {
                let Some(path) = paths.next() else { return Ok(self.end()) };
                let still = media::read(&path)?;
                self.warnings.extend(still.warnings);
                let name =
                    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                (path, Frame { images: still.images, name })
            }
            Reader::Video(video) => {
                let Some(images) = video.next_frame()? else {
                    let complaint = video.complaint();
                    if self.taken == 0 {
                        return Err(no_frame(video.path(), self.selection.start, complaint));
                    }
                    let path = video.path().to_owned();
                    self.warnings.extend(complaint.map(|said| Warning::Damaged { path, said }));
                    return Ok(self.end());
                };
                let number = self.selection.start + self.taken * self.selection.stride + 1;
                (video.path().to_owned(), Frame { images, name: format!("frame {number}") })
            }
        };
        self.check_size(path, &frame.images)?;
        self.taken += 1;
        Ok(Some(frame))
    }

    fn check_size(&mut self, path: PathBuf, images: &Images) -> Result<()> {
        let size = (images.width(), images.height());
        let (first, expected) = self.first.get_or_insert_with(|| (path.clone(), size));
        if *expected == size {
            return Ok(());
        }
        Err(Error::MixedSizes {
            first: first.clone(),
            expected: format!("{}x{}", expected.0, expected.1),
            path,
            got: format!("{}x{}", size.0, size.1),
        })
    }

    fn end(&mut self) -> Option<Frame> {
        if let Some(wanted) = self.selection.count.filter(|&wanted| wanted > self.taken) {
            self.warnings.push(Warning::FewerFrames { wanted, found: self.taken });
        }
        None
    }
}

impl Iterator for Frames {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.advance().transpose();
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}

fn past_the_end(start: usize, there: impl std::fmt::Display) -> Error {
    Error::value(
        "choice of frames",
        format!(
            "{start} frames are to be left out, but the clip has {there}; choose an earlier start"
        ),
    )
}

/// Why a video that ffmpeg read to its end gave nothing.
fn no_frame(path: &Path, start: usize, complaint: Option<String>) -> Error {
    match complaint {
        Some(said) => Error::Ffmpeg {
            task: "read",
            path: path.to_owned(),
            status: "no frame could be decoded".into(),
            said,
        },
        None if start > 0 => past_the_end(start, "fewer"),
        None => Error::NoVideo { path: path.to_owned(), said: "it holds no frame".into() },
    }
}

/// What a path is, as far as its first bytes and its name tell.
enum Kind {
    Folder,
    Image,
    Other,
}

/// Enough of a file to know it by.
const BEGINNING: u64 = 512;

fn kind_of(path: &Path) -> Result<Kind> {
    let fail = |e| Error::read(path, e);
    if fs::metadata(path).map_err(fail)?.is_dir() {
        return Ok(Kind::Folder);
    }
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(BEGINNING).read_to_end(&mut beginning).map_err(fail)?;
    if media::is_image(&beginning) || listing::has_image_name(path) {
        return Ok(Kind::Image);
    }
    // ffmpeg would draw a text file as a video, and open what a playlist names.
    let problem = if beginning.is_empty() {
        "the file is empty"
    } else if is_text(&beginning) {
        "it is a text file"
    } else {
        return Ok(Kind::Other);
    };
    Err(Error::NoVideo { path: path.to_owned(), said: problem.into() })
}

fn is_text(beginning: &[u8]) -> bool {
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        // The beginning may end inside a character.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&beginning[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests;
