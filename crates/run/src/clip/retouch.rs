//! A copy of a video in which some pixels are replaced.
//!
//! The source goes from decoder to encoder inside one ffmpeg: its frames keep
//! layout, depth, range, matrix and times, and never become RGB. What is given here
//! is laid over them, so that every other pixel is, up to the encoder, the bits of
//! the source.

use std::path::Path;

use super::display::{self, Turn};
use super::encode::note;
use super::encoding::{Codec, Container, Encoding, Resolved};
use super::ffmpeg::file_argument;
use super::output::Output;
use super::{Clip, Ffmpeg, Pixels, Source, Times, VideoInfo, matroska};
use crate::error::{Error, Result};
use crate::media::Origin;

/// What the frames of the result show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Layout {
    /// The frame with its patch.
    #[default]
    Plain,
    /// The source, the frame with a first patch and with a second, side by side.
    Compare,
}

impl Layout {
    /// Patches a frame.
    pub fn patches(self) -> usize {
        match self {
            Layout::Plain => 1,
            Layout::Compare => 2,
        }
    }
}

/// A video being written with patches over the frames of another one; it appears
/// whole with [`Retouch::finish`], and not at all if that is never reached.
///
/// Sound, times, metadata and chapters are those of the source; the file says that it
/// is synthetic. A rotation that MP4 and QuickTime can tell is told; in Matroska the
/// frames are stored upright.
#[derive(Debug)]
pub struct Retouch {
    output: Output,
    layout: Layout,
    /// Width and height of a patch.
    size: (usize, usize),
    /// When each frame is shown, in nanoseconds after the first.
    times: Vec<u64>,
    pushed: usize,
    turn: Option<Turn>,
    warnings: Vec<String>,
}

impl Retouch {
    /// Begins a copy of `source`, whose frames come with these times and, upright and
    /// with square pixels, this width and height.
    ///
    /// # Errors  `Error::Value` if the source is no video, for a name or an encoding
    /// that cannot be; `Error::Write`, `Error::FfmpegMissing`
    pub fn begin(
        source: &Clip,
        times: &Times,
        size: (usize, usize),
        path: &Path,
        (layout, encoding): (Layout, Encoding),
    ) -> Result<Self> {
        let Source::Video { path: from, ffmpeg, info } = &source.source else {
            return Err(Error::value("video", "the source is no video, but pictures"));
        };
        let container = Container::of(path)?;
        let encoding = Resolved::new(encoding, container, ffmpeg)?;
        let turn = info.rotation.and_then(Turn::of).filter(|_| container.is_mov());
        let plan = Plan { info, times, size, layout, encoding, container, turn };
        let (audio, changed) = container.audio(info);
        let output = Output::start(ffmpeg, path, |file| {
            let mut command = ffmpeg.command();
            command.args(["-loglevel", "error", "-y", "-protocol_whitelist", "file,pipe"]);
            if turn.is_some() {
                command.arg("-noautorotate");
            }
            command
                .arg("-i")
                .arg(file_argument(from))
                .args(["-f", "matroska", "-i", "pipe:0"])
                .args(["-filter_complex", &plan.filter(), "-map", "[out]"])
                .args(audio)
                .args(plan.output(ffmpeg))
                .args(note(Origin::Synthetic))
                .args(["-fflags", "+bitexact", "-flags:v", "+bitexact"])
                .args(container.options())
                .arg(file_argument(file));
            command
        })?;
        let warnings = plan.warnings(&changed);
        let times = plan.nanoseconds();
        let turn = turn.filter(|turn| !turn.is_none());
        let mut retouch = Self { output, layout, size, times, pushed: 0, turn, warnings };
        let (width, height) = size;
        retouch.output.write(&matroska::beginning(width, height * layout.patches()))?;
        Ok(retouch)
    }

    /// What of the source could not be kept.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Lays patches over the next frame: as many as the layout has, each RGBA of the
    /// whole frame; where A is 0 the source stays, where it is 255 the patch is.
    ///
    /// # Errors  `Error::Shape` for patches of another number or size, or for more
    /// frames than the source has; `Error::Ffmpeg`, `Error::Write` (disk full)
    pub fn push(&mut self, patches: &[&[u8]]) -> Result<()> {
        let (width, height) = self.size;
        let bytes = 4 * width * height;
        if patches.len() != self.layout.patches() || patches.iter().any(|p| p.len() != bytes) {
            return Err(Error::shape(
                "patches of a frame",
                format!("{} of {bytes} bytes", self.layout.patches()),
                format!("{:?} bytes", patches.iter().map(|p| p.len()).collect::<Vec<_>>()),
            ));
        }
        let Some(&time) = self.times.get(self.pushed) else {
            return Err(Error::shape("patches", format!("{} frames", self.times.len()), "more"));
        };
        self.output.write(&matroska::before_picture(time, bytes * patches.len()))?;
        patches.iter().try_for_each(|patch| self.output.write(patch))?;
        self.pushed += 1;
        Ok(())
    }

    /// Ends the video and puts it in its place. Frames without a patch stay as they are.
    ///
    /// # Errors  `Error::Ffmpeg`, `Error::Write`
    pub fn finish(self) -> Result<()> {
        self.output.finish(|file| self.turn.map_or(Ok(()), |turn| display::turn(file, turn)))
    }
}

/// What decides how ffmpeg is called.
struct Plan<'a> {
    info: &'a VideoInfo,
    times: &'a Times,
    size: (usize, usize),
    layout: Layout,
    encoding: Resolved,
    container: Container,
    turn: Option<Turn>,
}

impl Plan<'_> {
    /// Two streams into one.
    fn filter(&self) -> String {
        let (num, den) = self.times.unit();
        let over = Over::of(&self.info.pixels.format);
        let (width, height) = self.stored();
        let patch = format!(
            "{},scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int{},format={},\
             settb={num}/{den},setpts=PTS+{}",
            self.turn.map_or("null", Turn::undo),
            colours(&self.info.pixels, over),
            over.patch,
            self.offset(),
        );
        let overlay = format!("overlay=format={}:eof_action=pass:repeatlast=0", over.name);
        let even = format!("{}{}", self.even(), self.renamed());
        let source = self.source_times();
        match self.layout {
            Layout::Plain => {
                format!("[0:V:0]{source}[s];[1:v]{patch}[p];[s][p]{overlay}{even}[out]")
            }
            Layout::Compare => {
                let (w, h) = self.size;
                // Turned frames stand above each other to be shown beside each other.
                let stack = match self.turn.map(Turn::undo) {
                    None | Some("null") => "[a][x][y]hstack=3",
                    Some("transpose=cclock") => "[y][x][a]vstack=3",
                    Some("transpose=clock") => "[a][x][y]vstack=3",
                    Some(_) => "[y][x][a]hstack=3",
                };
                format!(
                    "[0:V:0]{source},split=3[a][b][c];[1:v]split[p][q];\
                     [p]crop={w}:{h}:0:0,{patch}[r];[q]crop={w}:{h}:0:{h},{patch}[e];\
                     [b][r]{overlay}[x];[c][e]{overlay}[y];{stack}{even}[out]"
                )
            }
        }
    }

    /// Width and height of the frames that the source's decoder hands on.
    fn stored(&self) -> (usize, usize) {
        let (w, h) = self.info.stored.unwrap_or(self.size);
        let turned = self.info.rotation.and_then(Turn::of).is_some_and(Turn::is_quarter);
        if self.turn.is_none() && turned { (h, w) } else { (w, h) }
    }

    /// The source's own times, unless they cannot be stored.
    fn source_times(&self) -> String {
        if self.times.is_increasing() { "null".into() } else { format!("setpts=N*{}", self.step()) }
    }

    /// The time of the first frame in units.
    fn offset(&self) -> i64 {
        if self.times.is_increasing() { self.times.ticks()[0] } else { 0 }
    }

    /// Units from frame to frame at the source's mean rate.
    fn step(&self) -> u64 {
        /// In want of any rate.
        const FPS: f64 = 25.0;
        let (num, den) = self.times.unit();
        let units = den as f64 / (num as f64 * self.info.fps.unwrap_or(FPS));
        (units.round() as u64).max(1)
    }

    /// When each patch is due, after the first.
    fn nanoseconds(&self) -> Vec<u64> {
        let (num, den) = self.times.unit();
        let nanoseconds = |units: u64| {
            let exact = u128::from(units) * u128::from(num) * 1_000_000_000 / u128::from(den);
            u64::try_from(exact).unwrap_or(u64::MAX)
        };
        let ticks = self.times.ticks();
        if !self.times.is_increasing() {
            return (0..ticks.len() as u64).map(|k| nanoseconds(k * self.step())).collect();
        }
        ticks.iter().map(|t| nanoseconds(t.abs_diff(ticks[0]))).collect()
    }

    /// Repeats the last column or row where the encoder wants even sides.
    fn even(&self) -> String {
        let (w, h) = self.stored();
        let (wide, high) = match self.layout {
            Layout::Plain => (w, h),
            Layout::Compare if self.turn.is_some_and(Turn::is_quarter) => (w, 3 * h),
            Layout::Compare => (3 * w, h),
        };
        if !self.encoding.needs_even_sides() || (wide % 2, high % 2) == (0, 0) {
            return String::new();
        }
        let (right, bottom) = (wide % 2, high % 2);
        format!(
            ",pad={}:{},fillborders=right={right}:bottom={bottom}:mode=smear",
            wide + right,
            high + bottom
        )
    }

    /// Old layouts whose names tell the range are unknown to some encoders, for which
    /// ffmpeg would change the range; under the usual name the same values are kept.
    fn renamed(&self) -> String {
        let known = matches!(self.encoding.codec, Some(Codec::H264 | Codec::H265));
        match self.info.pixels.format.strip_prefix("yuvj") {
            Some(rest) if !known => format!(",scale=in_range=pc:out_range=pc,format=yuv{rest}"),
            _ => String::new(),
        }
    }

    /// The options of the encoder and its times.
    fn output(&self, ffmpeg: &Ffmpeg) -> Vec<String> {
        let (num, den) = self.encoding.unit(self.times.unit());
        let mut options: Vec<String> = ffmpeg.every_frame().map(String::from).to_vec();
        options.extend(["-enc_time_base".into(), format!("{num}/{den}")]);
        if self.container.is_mov() && num == 1 {
            options.extend(["-video_track_timescale".into(), den.to_string()]);
        }
        options.extend(self.encoding.options());
        // As many threads on every machine, so that the bytes are the same.
        options.extend(["-threads:v".into(), "4".into()]);
        let pixels = &self.info.pixels;
        if Over::of(&pixels.format).rgb && self.encoding.needs_even_sides() {
            // What players can show.
            options.extend(["-pix_fmt".into(), "yuv420p".into()]);
        }
        let range = pixels.full_range.map(|full| if full { "pc" } else { "tv" }.to_string());
        for (option, value) in [
            ("-color_range", &range),
            ("-colorspace", &pixels.matrix),
            ("-color_primaries", &pixels.primaries),
            ("-color_trc", &pixels.transfer),
        ] {
            // RGB has another range and matrix than what it becomes.
            if let Some(value) = value.as_ref().filter(|_| !Over::of(&pixels.format).rgb) {
                options.extend([option.to_string(), value.clone()]);
            }
        }
        options
    }

    fn warnings(&self, audio: &[String]) -> Vec<String> {
        let mut warnings = Vec::new();
        if !audio.is_empty() {
            warnings.push(format!(
                "this kind of file cannot hold sound as {}; it is encoded as AAC (.mkv keeps it as it is)",
                audio.join(", ")
            ));
        }
        if !self.times.is_increasing() {
            warnings.push(
                "the times of the source's frames go back or repeat; its mean frame rate is used instead"
                    .into(),
            );
        }
        if self.encoding.codec.is_none() {
            warnings
                .push("this ffmpeg has no H.264 (libx264); the video is encoded as MPEG-4".into());
        }
        warnings
    }
}

impl Turn {
    /// Whether width and height change places.
    fn is_quarter(self) -> bool {
        self.undo().starts_with("transpose")
    }
}

/// The layout of pixels in which ffmpeg lays one picture over another.
#[derive(Clone, Copy)]
struct Over {
    name: &'static str,
    patch: &'static str,
    rgb: bool,
}

impl Over {
    /// The one nearest to the source's layout; the usual ones are met exactly.
    fn of(format: &str) -> Self {
        let is = |part: &str| format.contains(part);
        let deep = ["p9", "p10", "p12", "p14", "p16", "p010", "p210"].iter().any(|d| is(d));
        let (name, patch) = match () {
            () if is("rgb") || is("bgr") || is("gbr") || is("pal8") || is("gray") => {
                ("gbrp", "gbrap")
            }
            () if is("444") => ("yuv444", "yuva444p"),
            () if (is("422") || is("210")) && deep => ("yuv422p10", "yuva422p10le"),
            () if is("422") || is("210") => ("yuv422", "yuva422p"),
            () if deep => ("yuv420p10", "yuva420p10le"),
            () => ("yuv420", "yuva420p"),
        };
        Self { name, patch, rgb: name == "gbrp" }
    }
}

/// How RGB becomes what the source has: the inverse of how it was decoded.
fn colours(pixels: &Pixels, over: Over) -> String {
    if over.rgb {
        return String::new();
    }
    let matrix = match pixels.matrix.as_deref() {
        Some(known @ ("bt709" | "fcc" | "bt470bg" | "smpte170m" | "smpte240m")) => known,
        Some("bt2020nc" | "bt2020c") => "bt2020",
        // What ffmpeg takes where a file does not say.
        _ => "bt601",
    };
    let range = if pixels.full_range == Some(true) { "pc" } else { "tv" };
    format!(":out_color_matrix={matrix}:out_range={range}")
}
