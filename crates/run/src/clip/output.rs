//! A file that an ffmpeg writes; it appears whole or not at all.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

use super::Ffmpeg;
use super::process::Process;
use crate::atomic::Unfinished;
use crate::error::{Error, Result};

/// The writing end of an ffmpeg that makes a file out of what it is given.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    // Fields drop in this order: the pipe closes, ffmpeg ends, its file goes.
    input: Option<ChildStdin>,
    process: Process,
    unfinished: Option<Unfinished>,
}

impl Output {
    /// Makes sure that there is writing at `path`, and starts the call that
    /// `command` builds for the file beside it.
    ///
    /// # Errors  `Error::Write`, `Error::FfmpegMissing`
    pub(super) fn start(
        ffmpeg: &Ffmpeg,
        path: &Path,
        command: impl FnOnce(&Path) -> Command,
    ) -> Result<Self> {
        let unfinished = Unfinished::beside(path)?;
        // Found out here, a place that cannot be written gives a clear error.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&unfinished.temporary)
            .map_err(|e| Error::write(path, e))?;
        let mut command = command(&unfinished.temporary);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = Process::start(ffmpeg, &mut command)?;
        let input = process.stdin();
        Ok(Self { path: path.to_owned(), input, process, unfinished: Some(unfinished) })
    }

    /// Hands bytes on.
    ///
    /// # Errors  `Error::Ffmpeg` with its last words if it went away, `Error::Write`
    /// if that was for want of room
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.input {
            Some(pipe) => pipe.write_all(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        written.map_err(|_| {
            let ended = self.end().err();
            ended.unwrap_or_else(|| self.failure("it stopped reading".into(), String::new()))
        })
    }

    /// Waits for ffmpeg, lets `touch` change the file, and puts it in its place.
    ///
    /// # Errors  as [`Output::write`], and those of `touch`
    pub(super) fn finish(mut self, touch: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        self.end()?;
        let unfinished = self.unfinished.take().expect("a video is finished once");
        touch(&unfinished.temporary)?;
        OpenOptions::new()
            .write(true)
            .open(&unfinished.temporary)
            .and_then(|file| file.sync_all())
            .map_err(|e| Error::write(&self.path, e))?;
        unfinished.finish()
    }

    fn end(&mut self) -> Result<()> {
        self.input = None;
        let (ended, said) = self.process.wait();
        // As the C library words these two. They deserve their own advice, and
        // they count even if ffmpeg should take them lightly.
        if said.contains("No space left on device") {
            return Err(Error::write(&self.path, io::ErrorKind::StorageFull.into()));
        }
        if said.contains("File too large") {
            return Err(Error::write(&self.path, io::ErrorKind::FileTooLarge.into()));
        }
        ended.map_err(|status| self.failure(status, said))
    }

    fn failure(&self, status: String, said: String) -> Error {
        Error::Ffmpeg { task: "write", path: self.path.clone(), status, said }
    }
}
