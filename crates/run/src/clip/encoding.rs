//! How a video is to be encoded, and what its file can hold.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::{Ffmpeg, VideoInfo};
use crate::error::{Error, Result};

/// How pictures are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Encoding {
    /// None takes H.264, or MPEG-4 where ffmpeg lacks it.
    pub codec: Option<Codec>,
    /// The constant rate factor of H.264 and H.265, 0 (largest) to 51 (worst); none
    /// takes [`Codec::default_quality`].
    pub quality: Option<u8>,
}

/// A way to encode pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// H.264, which plays everywhere.
    H264,
    /// H.265: smaller files, fewer players, slower.
    H265,
    /// FFV1, which keeps every bit; only in Matroska (.mkv).
    Ffv1,
}

impl Codec {
    /// The quality taken if none is named: one at which a difference from the source is
    /// hard to see.
    pub fn default_quality(self) -> Option<u8> {
        match self {
            Codec::H264 => Some(17),
            Codec::H265 => Some(20),
            Codec::Ffv1 => None,
        }
    }

    fn encoder(self) -> &'static str {
        match self {
            Codec::H264 => "libx264",
            Codec::H265 => "libx265",
            Codec::Ffv1 => "ffv1",
        }
    }
}

const NAMES: [(&str, Codec); 3] =
    [("h264", Codec::H264), ("h265", Codec::H265), ("ffv1", Codec::Ffv1)];

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, codec)| codec == self).expect("every codec has a name");
        f.write_str(name.0)
    }
}

impl FromStr for Codec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(name, _)| *name == text).map(|(_, codec)| *codec);
        found.ok_or_else(|| {
            Error::value("codec", format!("there is no `{text}`; choose h264, h265 or ffv1"))
        })
    }
}

/// The file that an encoding goes into, known by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Mp4,
    Mov,
    Matroska,
}

impl Container {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("mp4" | "m4v") => Ok(Self::Mp4),
            Some("mov") => Ok(Self::Mov),
            Some("mkv") => Ok(Self::Matroska),
            _ => Err(Error::value(
                "video",
                format!("{}: give a name that ends in .mp4, .mov or .mkv", path.display()),
            )),
        }
    }

    /// Whether it is of the family of MP4.
    pub(super) fn is_mov(self) -> bool {
        self != Self::Matroska
    }

    /// The options that name it.
    pub(super) fn options(self) -> Vec<&'static str> {
        match self {
            Self::Mp4 => vec!["-movflags", "+faststart", "-f", "mp4"],
            Self::Mov => vec!["-movflags", "+faststart", "-f", "mov"],
            Self::Matroska => vec!["-f", "matroska"],
        }
    }

    /// Whether players find sound of this codec in such a file.
    fn holds_audio(self, codec: &str) -> bool {
        const MP4: [&str; 8] = ["aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "flac"];
        match self {
            Self::Matroska => true,
            Self::Mp4 => MP4.contains(&codec),
            Self::Mov => codec.starts_with("pcm_") || MP4[..6].contains(&codec),
        }
    }

    /// The options that keep every sound track: as it is where the file can hold it,
    /// else as AAC. Also the codecs of those that cannot stay as they are.
    pub(super) fn audio(self, info: &VideoInfo) -> (Vec<String>, Vec<String>) {
        let mut options = vec!["-map".into(), "0:a?".into()];
        let mut changed = Vec::new();
        for (k, codec) in info.audio.iter().enumerate() {
            let held = self.holds_audio(codec);
            options.extend([format!("-c:a:{k}"), if held { "copy" } else { "aac" }.into()]);
            if !held {
                options.extend([format!("-b:a:{k}"), "256k".into()]);
                changed.push(codec.clone());
            }
        }
        (options, changed)
    }
}

/// An encoding that this ffmpeg can do into this kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// None is MPEG-4, in want of better.
    pub(super) codec: Option<Codec>,
    quality: Option<u8>,
    container: Container,
}

impl Resolved {
    /// # Errors  `Error::Value` for what the file cannot hold, a quality that does not
    /// exist, and an encoder that ffmpeg lacks
    pub(super) fn new(wanted: Encoding, container: Container, ffmpeg: &Ffmpeg) -> Result<Self> {
        let codec = wanted.codec.unwrap_or(Codec::H264);
        let wrong = |problem: String| Err(Error::value("encoding", problem));
        if codec == Codec::Ffv1 && container.is_mov() {
            return wrong("ffv1 needs a file that ends in .mkv".into());
        }
        match wanted.quality {
            Some(quality) if codec == Codec::Ffv1 => {
                return wrong(format!("ffv1 keeps every bit; quality {quality} has no meaning"));
            }
            Some(quality) if quality > 51 => {
                return wrong(format!(
                    "quality {quality} is not from 0 (largest file) to 51 (worst)"
                ));
            }
            _ => {}
        }
        let quality = wanted.quality.or(codec.default_quality());
        let there = ffmpeg.encodes(codec.encoder());
        if !there && wanted.codec.is_some() {
            let program = ffmpeg.program().display();
            return wrong(format!("{program} has no {}; choose another codec", codec.encoder()));
        }
        Ok(Self { codec: there.then_some(codec), quality, container })
    }

    /// The options of the encoder.
    pub(super) fn options(self) -> Vec<String> {
        let of = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let Some(codec) = self.codec else { return of(&["-c:v", "mpeg4", "-q:v", "2"]) };
        let mut options = of(&["-c:v", codec.encoder()]);
        if let Some(quality) = self.quality {
            options.extend(["-crf".into(), quality.to_string()]);
        }
        match codec {
            Codec::H264 => {}
            Codec::H265 => options.extend(of(&["-x265-params", "log-level=error"])),
            // Slices, so that several threads help.
            Codec::Ffv1 => options.extend(of(&["-level", "3", "-g", "1", "-slices", "12"])),
        }
        if codec == Codec::H265 && self.container.is_mov() {
            // The name that Apple's players know.
            options.extend(of(&["-tag:v", "hvc1"]));
        }
        options
    }

    /// Whether pictures must have even sides.
    pub(super) fn needs_even_sides(self) -> bool {
        self.codec != Some(Codec::Ffv1)
    }

    /// The unit of times to encode in, near the source's own.
    pub(super) fn unit(self, (num, den): (u64, u64)) -> (u64, u64) {
        // MPEG-4 has no finer ones; this holds the usual rates exactly.
        if self.codec.is_none() && den > 65_535 { (1, 60_000) } else { (num, den) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files() {
        for (name, codec) in NAMES {
            assert_eq!((name.parse::<Codec>().unwrap(), codec.to_string().as_str()), (codec, name));
        }
        let error = "vp8".parse::<Codec>().unwrap_err().to_string();
        assert!(error.contains("h264, h265 or ffv1"), "{error}");
        for (name, container) in
            [("a.MP4", Container::Mp4), ("b.mov", Container::Mov), ("c.mkv", Container::Matroska)]
        {
            assert_eq!(Container::of(Path::new(name)).unwrap(), container);
        }
        for name in ["a", "a.avi", ".mp4", "a.mp4.txt"] {
            let error = Container::of(Path::new(name)).unwrap_err().to_string();
            assert!(error.contains(".mp4, .mov or .mkv"), "{error}");
        }
    }

    #[test]
    fn sound_stays_as_it_is_where_the_file_can_hold_it() {
        let audio = ["aac", "pcm_s16le", "vorbis"].map(String::from).to_vec();
        let info = VideoInfo { audio, ..VideoInfo::default() };
        let of = |container: Container| {
            let (options, changed) = container.audio(&info);
            (options[2..].join(" "), changed.join(" "))
        };
        let mp4 = "-c:a:0 copy -c:a:1 aac -b:a:1 256k -c:a:2 aac -b:a:2 256k";
        assert_eq!(of(Container::Mp4), (mp4.into(), "pcm_s16le vorbis".into()));
        let mov = "-c:a:0 copy -c:a:1 copy -c:a:2 aac -b:a:2 256k";
        assert_eq!(of(Container::Mov), (mov.into(), "vorbis".into()));
        let mkv = "-c:a:0 copy -c:a:1 copy -c:a:2 copy";
        assert_eq!(of(Container::Matroska), (mkv.into(), String::new()));
    }
}
