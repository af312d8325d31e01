//! What ffmpeg says of a video before it decodes it.

use std::path::Path;
use std::process::Stdio;

use super::Ffmpeg;
use super::ffmpeg::file_argument;
use super::process::last_lines;
use crate::error::{Error, Result};

/// What the video's own header says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VideoInfo {
    /// Frames a second, if they are regular.
    pub fps: Option<f64>,
    /// The length in seconds.
    pub seconds: Option<f64>,
}

/// Looks at a file.
///
/// # Errors  `Error::NoVideo` if it holds no moving pictures, `Error::Ffmpeg` if
/// ffmpeg cannot make sense of it, `Error::FfmpegMissing`
pub(super) fn probe(ffmpeg: &Ffmpeg, path: &Path) -> Result<VideoInfo> {
    let output = ffmpeg
        .command()
        .args(["-protocol_whitelist", "file,pipe", "-i"])
        .arg(file_argument(path))
        .stdout(Stdio::null())
        .output()
        .map_err(|e| Error::FfmpegMissing {
            tried: format!("{} does not start ({e})", ffmpeg.program().display()),
        })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !said.lines().any(|line| line.starts_with("Input #0")) {
        return Err(Error::Ffmpeg {
            task: "read",
            path: path.to_owned(),
            status: "it is no video, or a damaged one".into(),
            // The hint of the format comes before the verdict on the file.
            said: last_lines(&said, 2),
        });
    }
    parse(&said).ok_or_else(|| Error::NoVideo { path: path.to_owned(), said: String::new() })
}

/// Reads ffmpeg's description; none if it lists no video stream. Cover pictures
/// of sound files are listed as video, but marked.
fn parse(said: &str) -> Option<VideoInfo> {
    let stream = said.lines().map(str::trim_start).find(|line| {
        line.starts_with("Stream #")
            && line.contains(": Video: ")
            && !line.contains("(attached pic)")
    })?;
    let rate = |unit: &str| {
        let field = stream.split(", ").find_map(|field| field.strip_suffix(unit))?;
        let (digits, factor) = match field.strip_suffix('k') {
            Some(thousands) => (thousands, 1000.0),
            None => (field, 1.0),
        };
        let fps = factor * digits.trim().parse::<f64>().ok()?;
        (fps.is_finite() && fps > 0.0).then_some(fps)
    };
    let seconds = said.lines().find_map(|line| {
        let (time, _) = line.trim_start().strip_prefix("Duration: ")?.split_once(',')?;
        clock(time)
    });
    Some(VideoInfo { fps: rate(" fps").or_else(|| rate(" tbr")), seconds })
}

/// Seconds of `HH:MM:SS.cc`.
fn clock(time: &str) -> Option<f64> {
    let mut parts = time.trim().split(':').map(|v| v.parse::<f64>().ok());
    let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some((h * 60.0 + m) * 60.0 + s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_as_versions_4_to_7_write_them() {
        let said = "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:a, 9 fps.mp4':
  Duration: 00:01:05.50, start: 0.000000, bitrate: 1589 kb/s
  Stream #0:0[0x1](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, 5.1, fltp, 384 kb/s (default)
  Stream #0:1(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1280x720 [SAR 1:1 DAR 16:9], 1205 kb/s, 29.97 fps, 29.97 tbr, 90k tbn, 59.94 tbc (default)
At least one output file must be specified";
        let info = parse(said).unwrap();
        assert_eq!(info, VideoInfo { fps: Some(29.97), seconds: Some(65.5) });
    }

    #[test]
    fn without_fps_or_duration() {
        let said = "  Duration: N/A, bitrate: N/A\n    Stream #0:0: Video: h264, yuv420p, 64x48, 1k tbr, 1200k tbn";
        assert_eq!(parse(said), Some(VideoInfo { fps: Some(1000.0), seconds: None }));
    }

    #[test]
    fn sound_and_covers_are_no_video() {
        let said = "Input #0, mp3, from 'file:a.mp3':
  Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp, 128 kb/s
  Stream #0:1: Video: png, rgb24(pc), 300x300, 90k tbr, 90k tbn (attached pic)";
        assert_eq!(parse(said), None);
    }
}
