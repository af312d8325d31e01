//! The program as a user starts it.

// Every test binary takes what it needs of this file.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What a call came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The call worked.
    #[track_caller]
    pub fn worked(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// The call was refused with exactly one message, which holds all of `words`.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.stdout, "", "nothing belongs on standard output");
        assert_eq!(self.stderr.matches("error: ").count(), 1, "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing in: {}", self.stderr);
        }
        self
    }

    /// Standard output is one JSON value and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// A call that is not yet made, in an environment without settings of ours.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reelgan"));
    command.env_remove("REELGAN_FFMPEG");
    command
}

/// Calls the program.
pub fn reelgan<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(command().args(arguments).output().unwrap())
}

/// Calls the program with words separated by spaces.
pub fn words(line: &str) -> Ran {
    reelgan(line.split_whitespace())
}

/// A real picture of the repository.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)
}

/// Writes a small picture with some structure.
pub fn picture(path: &Path, width: u32, height: u32) {
    let pixel =
        |x: u32, y: u32| image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 90]);
    image::RgbImage::from_fn(width, height, pixel).save(path).unwrap();
}
