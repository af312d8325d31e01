//! What ffmpeg says of a video before it decodes it.

use std::path::Path;
use std::process::Stdio;

use super::Ffmpeg;
use super::ffmpeg::file_argument;
use super::process::last_lines;
use crate::error::{Error, Result};

/// What the video's own header says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoInfo {
    /// Frames a second, if they are regular.
    pub fps: Option<f64>,
    /// The length in seconds.
    pub seconds: Option<f64>,
    /// Width and height as stored, before frames are turned and pixels made square.
    pub stored: Option<(usize, usize)>,
    /// How the stored pixels are to be understood.
    pub pixels: Pixels,
    /// By how many degrees a player turns the stored frames, anticlockwise.
    pub rotation: Option<f64>,
    /// The codec of each sound track.
    pub audio: Vec<String>,
}

/// The pixels of a video as ffmpeg names them; `None` and the empty name where the
/// file does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pixels {
    /// Layout and depth, such as `yuv420p`.
    pub format: String,
    /// Whether black is 0 and white the largest value.
    pub full_range: Option<bool>,
    /// The matrix from RGB, such as `bt709`.
    pub matrix: Option<String>,
    /// The primaries.
    pub primaries: Option<String>,
    /// The transfer curve.
    pub transfer: Option<String>,
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
    let lines: Vec<&str> = said.lines().map(str::trim_start).collect();
    let is_stream = |line: &&str| line.starts_with("Stream #");
    let at = lines.iter().position(|line| {
        is_stream(line) && line.contains(": Video: ") && !line.contains("(attached pic)")
    })?;
    let stream = lines[at];
    let rate = |unit: &str| {
        let field = stream.split(", ").find_map(|field| field.strip_suffix(unit))?;
        let (digits, factor) = match field.strip_suffix('k') {
            Some(thousands) => (thousands, 1000.0),
            None => (field, 1.0),
        };
        let fps = factor * digits.trim().parse::<f64>().ok()?;
        (fps.is_finite() && fps > 0.0).then_some(fps)
    };
    let seconds = lines.iter().find_map(|line| {
        let (time, _) = line.strip_prefix("Duration: ")?.split_once(',')?;
        clock(time)
    });
    let about = &lines[at + 1..];
    let about = &about[..about.iter().position(&is_stream).unwrap_or(about.len())];
    let rotation = about.iter().find_map(|line| {
        let degrees = line.strip_prefix("displaymatrix: rotation of ")?.strip_suffix(" degrees")?;
        degrees.trim().parse::<f64>().ok().filter(|v| v.is_finite())
    });
    let sound =
        |line: &&str| Some(line.split_once(": Audio: ")?.1.split([' ', ',']).next()?.into());
    let (_, fields) = stream.split_once(": Video: ")?;
    let fields = outer_fields(fields);
    Some(VideoInfo {
        fps: rate(" fps").or_else(|| rate(" tbr")),
        seconds,
        stored: fields.iter().find_map(|field| size(field)),
        pixels: fields.get(1).map(|field| pixels(field)).unwrap_or_default(),
        rotation,
        audio: lines.iter().copied().filter(is_stream).filter_map(|l| sound(&l)).collect(),
    })
}

/// The parts between commas, except those inside parentheses.
fn outer_fields(text: &str) -> Vec<&str> {
    let (mut fields, mut depth, mut begin) = (Vec::new(), 0i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                fields.push(text[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    fields.push(text[begin..].trim());
    fields
}

/// `1280x720 [SAR 1:1 DAR 16:9]`.
fn size(field: &str) -> Option<(usize, usize)> {
    let (width, height) = field.split(' ').next()?.split_once('x')?;
    let side = |text: &str| text.parse::<usize>().ok().filter(|v| *v > 0);
    Some((side(width)?, side(height)?))
}

/// `yuv420p(tv, bt709/bt709/iec61966-2-1, progressive)`, of which any part may be missing.
fn pixels(field: &str) -> Pixels {
    let (format, rest) = field.split_once('(').unwrap_or((field, ""));
    let mut pixels = Pixels { format: format.trim().into(), ..Pixels::default() };
    // The `j` of old layouts says the same as `pc`.
    if format.starts_with("yuvj") {
        pixels.full_range = Some(true);
    }
    for part in rest.trim_end_matches(')').split(", ") {
        match part {
            "tv" => pixels.full_range = Some(false),
            "pc" => pixels.full_range = Some(true),
            "progressive" | "" => {}
            other if other.ends_with(" first") || other.contains("coded") => {}
            colours => {
                let mut names = colours.split('/').map(|name| Some(name.to_string()));
                let matrix = names.next().flatten();
                // One name stands for all three.
                let mut known = || names.next().flatten().or_else(|| matrix.clone());
                let (primaries, transfer) = (known(), known());
                let said = |name: Option<String>| name.filter(|n| n != "unknown");
                pixels.primaries = said(primaries);
                pixels.transfer = said(transfer);
                pixels.matrix = said(matrix);
            }
        }
    }
    pixels
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
        assert_eq!((info.fps, info.seconds), (Some(29.97), Some(65.5)));
        assert_eq!((info.stored, info.rotation), (Some((1280, 720)), None));
        assert_eq!(info.audio, ["aac"]);
        let name = || Some("bt709".to_string());
        let pixels = Pixels {
            format: "yuv420p".into(),
            full_range: Some(false),
            matrix: name(),
            primaries: name(),
            transfer: name(),
        };
        assert_eq!(info.pixels, pixels);
    }

    #[test]
    fn a_turned_clip_of_a_phone() {
        let said = "Input #0, mov, from 'file:a.mov':
  Duration: 00:00:02.00, start: 0.000000, bitrate: 9 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67), 1920x1080, 7 kb/s, 30 fps, 30 tbr, 600 tbn (default)
    Metadata:
      handler_name    : Core Media Video
    Side data:
      displaymatrix: rotation of -90.00 degrees
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 66 kb/s (default)
  Stream #0:2[0x3](und): Audio: pcm_s16le (sowt / 0x74776F73), 44100 Hz, mono, s16, 705 kb/s";
        let info = parse(said).unwrap();
        assert_eq!((info.stored, info.rotation), (Some((1920, 1080)), Some(-90.0)));
        assert_eq!(info.audio, ["aac", "pcm_s16le"]);
        assert_eq!(info.pixels.matrix.as_deref(), Some("bt2020nc"));
        assert_eq!(info.pixels.primaries.as_deref(), Some("bt2020"));
        assert_eq!(info.pixels.transfer.as_deref(), Some("arib-std-b67"));
    }

    #[test]
    fn pixels_that_say_little() {
        let of = |field| {
            let p = pixels(field);
            (p.format, p.full_range, p.matrix, p.transfer)
        };
        assert_eq!(of("yuv420p"), ("yuv420p".into(), None, None, None));
        assert_eq!(of("yuvj420p(progressive)"), ("yuvj420p".into(), Some(true), None, None));
        let half = of("yuvj420p(pc, bt470bg/unknown/unknown)");
        assert_eq!(half, ("yuvj420p".into(), Some(true), Some("bt470bg".into()), None));
        let fields = of("yuv422p(tv, top coded first (swapped))");
        assert_eq!(fields.0, "yuv422p");
        assert_eq!(fields.2, None);
    }

    #[test]
    fn without_fps_or_duration() {
        let said = "  Duration: N/A, bitrate: N/A\n    Stream #0:0: Video: h264, yuv420p, 64x48, 1k tbr, 1200k tbn";
        let info = parse(said).unwrap();
        assert_eq!((info.fps, info.seconds, info.stored), (Some(1000.0), None, Some((64, 48))));
    }

    #[test]
    fn sound_and_covers_are_no_video() {
        let said = "Input #0, mp3, from 'file:a.mp3':
  Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp, 128 kb/s
  Stream #0:1: Video: png, rgb24(pc), 300x300, 90k tbr, 90k tbn (attached pic)";
        assert_eq!(parse(said), None);
    }
}
