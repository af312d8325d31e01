//! Pictures to a video file that says where they come from.

use std::path::Path;

use super::Ffmpeg;
use super::ffmpeg::file_argument;
use super::output::Output;
use crate::error::{Error, Result};
use crate::images::Images;
use crate::media::{Origin, SYNTHETIC_NOTE};

/// An MP4 file being written; it appears whole with [`VideoWriter::finish`], and
/// not at all if that is never reached.
///
/// H.264 with quality 18, or MPEG-4 where ffmpeg lacks it; 4:2:0, BT.709. A
/// picture of odd width or height gets its last column or row twice, since 4:2:0
/// needs even sides.
#[derive(Debug)]
pub struct VideoWriter {
    width: usize,
    height: usize,
    frames: usize,
    output: Output,
}

impl VideoWriter {
    /// Begins a video of synthetic pictures with this width and height.
    ///
    /// # Errors  `Error::Value` if `fps` is not from 0.01 to 1000 or a side is 0;
    /// `Error::Write` if there is no writing at `path`; `Error::FfmpegMissing`
    pub fn create(ffmpeg: &Ffmpeg, path: &Path, size: (usize, usize), fps: f64) -> Result<Self> {
        Self::create_of(Origin::Synthetic, ffmpeg, path, size, fps)
    }

    /// As [`VideoWriter::create`], for pictures from elsewhere.
    ///
    /// # Errors  as [`VideoWriter::create`]
    pub fn create_of(
        origin: Origin,
        ffmpeg: &Ffmpeg,
        path: &Path,
        (width, height): (usize, usize),
        fps: f64,
    ) -> Result<Self> {
        if !(0.01..=1000.0).contains(&fps) {
            return Err(Error::value(
                "video",
                format!("{fps} frames a second; 0.01 to 1000 are possible"),
            ));
        }
        // H.264 goes no further.
        if !(1..=16_384).contains(&width) || !(1..=16_384).contains(&height) {
            return Err(Error::value(
                "video",
                format!("{width}x{height} pixels; each side must be from 1 to 16384"),
            ));
        }
        let size = format!("{}x{}", even(width), even(height));
        let output = Output::start(ffmpeg, path, |file| {
            let mut command = ffmpeg.command();
            command
                .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"])
                .args(["-s", &size, "-framerate", &rate(fps), "-i", "pipe:0", "-an"])
                .args(["-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int"])
                .args(codec(ffmpeg))
                // As many threads on every machine, so that the bytes are the same.
                .args(["-pix_fmt", "yuv420p", "-threads", "4"])
                .args(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"])
                .args(note(origin))
                .args(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart", "-f", "mp4"])
                .arg(file_argument(file));
            command
        })?;
        Ok(Self { width, height, frames: 0, output })
    }

    /// Adds all pictures of `images`, in order.
    ///
    /// # Errors  `Error::Shape` if their size is not that of the video;
    /// `Error::Ffmpeg`, `Error::Write` (disk full)
    pub fn push(&mut self, images: &Images) -> Result<()> {
        if (images.width(), images.height()) != (self.width, self.height) {
            return Err(Error::shape(
                "video frame",
                format!("{}x{} pixels", self.width, self.height),
                format!("{}x{}", images.width(), images.height()),
            ));
        }
        for k in 0..images.count() {
            let rgb = to_even(self.width, self.height, images.to_rgb8(k));
            self.output.write(&rgb)?;
            self.frames += 1;
        }
        Ok(())
    }

    /// Ends the video and puts it in its place.
    ///
    /// # Errors  `Error::Value` if it has no frame; `Error::Ffmpeg`, `Error::Write`
    pub fn finish(self) -> Result<()> {
        if self.frames == 0 {
            return Err(Error::value("video", "it needs at least one frame"));
        }
        self.output.finish(|_| Ok(()))
    }
}

/// What the file says of its pictures.
pub(super) fn note(origin: Origin) -> Vec<String> {
    match origin {
        Origin::Input => Vec::new(),
        Origin::Synthetic => vec!["-metadata".into(), format!("comment={SYNTHETIC_NOTE}")],
    }
}

fn codec(ffmpeg: &Ffmpeg) -> &'static [&'static str] {
    if ffmpeg.encodes("libx264") {
        &["-c:v", "libx264", "-crf", "18"]
    } else {
        &["-c:v", "mpeg4", "-q:v", "2"]
    }
}

fn even(side: usize) -> usize {
    side.next_multiple_of(2)
}

/// Repeats the last column and row where a side is odd.
fn to_even(width: usize, height: usize, rgb: Vec<u8>) -> Vec<u8> {
    if (even(width), even(height)) == (width, height) {
        return rgb;
    }
    let mut out = Vec::with_capacity(3 * even(width) * even(height));
    for y in 0..even(height) {
        let row = &rgb[3 * width * y.min(height - 1)..][..3 * width];
        out.extend_from_slice(row);
        if even(width) != width {
            out.extend_from_slice(&row[3 * width - 3..]);
        }
    }
    out
}

/// A frame rate as ffmpeg takes it; the rates of television are fractions that
/// decimals only come near.
fn rate(fps: f64) -> String {
    for whole in [24, 30, 48, 60, 120] {
        if (fps - f64::from(whole) / 1.001).abs() < 0.006 {
            return format!("{whole}000/1001");
        }
    }
    format!("{fps}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (fps, text) in [
            (25.0, "25"),
            (29.97, "30000/1001"),
            (23.976, "24000/1001"),
            (23.98, "24000/1001"),
            (30.0, "30"),
            (12.5, "12.5"),
        ] {
            assert_eq!(rate(fps), text);
        }
    }

    #[test]
    fn odd_sides_repeat_their_end() {
        let rgb = vec![1, 1, 1, 2, 2, 2, 3, 3, 3];
        let wide = [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3];
        assert_eq!(to_even(3, 1, rgb.clone()), [wide, wide].concat());
        assert_eq!(
            to_even(1, 3, rgb),
            [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
        );
    }
}
