//! The user's ffmpeg program: where it is and how it is called.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// Names the program for this process and its children.
const VARIABLE: &str = "REELGAN_FFMPEG";

/// Where to look for ffmpeg.
#[derive(Clone, Debug, Default)]
pub struct FfmpegSearch {
    /// Use this program and no other.
    pub explicit: Option<PathBuf>,
    /// Use this program if there is no other.
    pub fallback: Option<PathBuf>,
}

/// An ffmpeg program that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    program: PathBuf,
    /// Whether it knows `-fps_mode`, which replaces `-vsync`.
    fps_mode: bool,
}

impl FfmpegSearch {
    /// Finds ffmpeg: the explicit path, else the one in the environment variable
    /// `REELGAN_FFMPEG`, else the first on `PATH`, else the fallback. A path that
    /// was named by the user must work; none other is tried in its place.
    ///
    /// # Errors  `Error::FfmpegMissing`
    pub fn find(&self) -> Result<Ffmpeg> {
        self.find_in(env::var_os(VARIABLE), env::var_os("PATH"))
    }

    /// As [`FfmpegSearch::find`], in this environment.
    pub(super) fn find_in(
        &self,
        variable: Option<OsString>,
        path: Option<OsString>,
    ) -> Result<Ffmpeg> {
        if let Some(program) = &self.explicit {
            return Ffmpeg::at(program);
        }
        if let Some(program) = variable.filter(|v| !v.is_empty()) {
            return Ffmpeg::at(Path::new(&program));
        }
        let name = format!("ffmpeg{}", env::consts::EXE_SUFFIX);
        let on_path = path.iter().flat_map(env::split_paths).map(|folder| folder.join(&name));
        let mut candidates = on_path.chain(self.fallback.clone());
        match candidates.find(|program| program.is_file()) {
            Some(program) => Ffmpeg::at(&program),
            None => Err(Error::FfmpegMissing { tried: "none was found on PATH".into() }),
        }
    }
}

impl Ffmpeg {
    /// Uses the program at this path.
    ///
    /// # Errors  `Error::FfmpegMissing` if it does not start or is no ffmpeg
    pub fn at(program: &Path) -> Result<Self> {
        let missing = |problem: String| Error::FfmpegMissing {
            tried: format!("{} {problem}", program.display()),
        };
        let output = Command::new(program)
            .arg("-version")
            .stdin(Stdio::null())
            .output()
            .map_err(|e| missing(format!("does not start ({e})")))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.strip_prefix("ffmpeg version ").filter(|_| output.status.success());
        let version = version.ok_or_else(|| missing("is no ffmpeg".into()))?;
        Ok(Self { program: program.to_owned(), fps_mode: has_fps_mode(version) })
    }

    /// The path of the program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A call with the options that every call has: nothing asked, messages in
    /// English and only about errors.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("LC_ALL", "C")
            .args(["-nostdin", "-hide_banner", "-nostats"])
            .stdin(Stdio::null());
        command
    }

    /// The options that hand every decoded frame on, once.
    pub(super) fn every_frame(&self) -> [&'static str; 2] {
        [if self.fps_mode { "-fps_mode" } else { "-vsync" }, "passthrough"]
    }

    /// Whether it can encode with this encoder.
    pub(super) fn encodes(&self, encoder: &str) -> bool {
        let output = self.command().arg("-encoders").output();
        output.is_ok_and(|o| {
            let text = String::from_utf8_lossy(&o.stdout);
            text.lines().any(|line| line.split_whitespace().nth(1) == Some(encoder))
        })
    }
}

/// A file as an argument that cannot be taken for an option, a number pattern of
/// another protocol, or a network address.
pub(super) fn file_argument(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push::<&OsStr>(path.as_os_str());
    argument
}

/// `-fps_mode` came with 5.1; versions without a number are builds from later days.
fn has_fps_mode(version: &str) -> bool {
    let digits = version.trim_start_matches('n');
    let mut parts = digits.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 1),
        (Some(Ok(major)), _) => major >= 6,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for new in [
            "5.1.9-0+deb12u1 Copyright",
            "7.0.2-static",
            "n6.1",
            "N-118-g2d5a3 Copyright",
            "git-2024",
            "8 x",
        ] {
            assert!(has_fps_mode(new), "{new}");
        }
        for old in ["4.3.6-0+deb11u1", "5.0.1", "n4.4", "3.4.11-0ubuntu0.1"] {
            assert!(!has_fps_mode(old), "{old}");
        }
    }
}
