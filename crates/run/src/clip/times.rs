//! When each frame of a video is shown.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use super::Ffmpeg;
use super::ffmpeg::file_argument;
use super::process::Process;
use crate::error::{Error, Result};

/// The times of all frames, in whole units of the video's own clock, so that they
/// can be kept without rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// A unit is `unit.0 / unit.1` seconds.
    unit: (u64, u64),
    /// One a frame, in the order shown.
    ticks: Vec<i64>,
}

impl Times {
    /// How many frames there are.
    pub fn count(&self) -> usize {
        self.ticks.len()
    }

    /// Numerator and denominator of a unit in seconds.
    pub fn unit(&self) -> (u64, u64) {
        self.unit
    }

    /// The times in units.
    pub fn ticks(&self) -> &[i64] {
        &self.ticks
    }

    /// The times in seconds, the first frame at 0.
    pub fn seconds(&self) -> Vec<f64> {
        let first = self.ticks.first().copied().unwrap_or(0);
        let unit = self.unit.0 as f64 / self.unit.1 as f64;
        self.ticks.iter().map(|t| t.saturating_sub(first) as f64 * unit).collect()
    }

    /// Whether every frame comes after the one before, as a file can store it.
    pub fn is_increasing(&self) -> bool {
        self.ticks.windows(2).all(|pair| pair[0] < pair[1])
    }
}

/// Decodes a video to learn the times of its frames, and nothing else of them.
///
/// # Errors  `Error::Ffmpeg`, `Error::NoVideo` if it holds no frame
pub(super) fn read(ffmpeg: &Ffmpeg, path: &Path) -> Result<Times> {
    let mut command = ffmpeg.command();
    command
        .args(["-loglevel", "error", "-protocol_whitelist", "file,pipe", "-i"])
        .arg(file_argument(path))
        .args(["-map", "0:V:0", "-vf", "scale=2:2:flags=neighbor"])
        .args(ffmpeg.every_frame())
        // The clock of the file instead of one made from the frame rate.
        .args(["-enc_time_base", "-1", "-c:v", "rawvideo", "-f", "framecrc", "pipe:1"])
        .stdout(Stdio::piped());
    let mut process = Process::start(ffmpeg, &mut command)?;
    let stdout = process.stdout().expect("stdout was asked to be piped");
    let failure = |status: String, said: String| Error::Ffmpeg {
        task: "read",
        path: path.to_owned(),
        status,
        said,
    };
    let mut listed = Listed::default();
    for line in BufReader::new(stdout).lines() {
        let line =
            line.map_err(|e| failure(format!("its output is unusable: {e}"), String::new()))?;
        listed.line(&line).map_err(|problem| failure(problem, String::new()))?;
    }
    let (ended, said) = process.wait();
    ended.map_err(|status| failure(status, said.clone()))?;
    match listed {
        Listed { unit: Some(unit), ticks } if !ticks.is_empty() => Ok(Times { unit, ticks }),
        _ => Err(Error::NoVideo { path: path.to_owned(), said: "it holds no frame".into() }),
    }
}

/// What ffmpeg's list of frames says up to now.
#[derive(Debug, Default)]
struct Listed {
    unit: Option<(u64, u64)>,
    ticks: Vec<i64>,
}

impl Listed {
    /// Lines are `#tb 0: 1/90000` and `0, decoded at, shown at, ...`.
    fn line(&mut self, line: &str) -> std::result::Result<(), String> {
        let wrong = || format!("its list of frames holds `{line}`");
        if let Some(unit) = line.strip_prefix("#tb 0:") {
            let (num, den) = unit.trim().split_once('/').ok_or_else(wrong)?;
            let parse = |s: &str| s.parse::<u64>().ok().filter(|v| (1..1 << 32).contains(v));
            self.unit = Some((parse(num).ok_or_else(wrong)?, parse(den).ok_or_else(wrong)?));
        } else if !line.starts_with('#') && !line.trim().is_empty() {
            let shown = line.split(',').nth(2).and_then(|t| t.trim().parse().ok());
            self.ticks.push(shown.ok_or_else(wrong)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_as_ffmpeg_writes_them() {
        let mut listed = Listed::default();
        let text = "#software: Lavf59\n#tb 0: 1/12800\n#sar 0: 4/3\n0,  0,  0,  512,  6, 0x07d5\n0, 512, 2048, 512, 6, 0x09";
        text.lines().for_each(|line| listed.line(line).unwrap());
        assert_eq!((listed.unit, &listed.ticks[..]), (Some((1, 12_800)), &[0, 2048][..]));
        let times = Times { unit: (1, 12_800), ticks: vec![512, 1152, 1152] };
        assert_eq!(times.seconds(), [0.0, 0.05, 0.05]);
        assert!(!times.is_increasing());
        for wrong in ["#tb 0: 1", "#tb 0: 0/5", "0, 1", "0, 1, x, 3"] {
            assert!(Listed::default().line(wrong).is_err(), "{wrong}");
        }
    }
}
