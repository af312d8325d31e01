//! A running ffmpeg that cannot outlive its owner.

use std::io::Read;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::Ffmpeg;
use crate::error::{Error, Result};

/// How much of what ffmpeg writes is kept, from the end.
const KEPT: usize = 4096;
/// How many of the last lines go into a message.
const LINES: usize = 4;

/// A child process, killed and reaped on drop.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts a call of `ffmpeg`; the caller has chosen its input and output.
    pub(super) fn start(ffmpeg: &Ffmpeg, command: &mut Command) -> Result<Self> {
        let mut child =
            command.stderr(Stdio::piped()).spawn().map_err(|e| Error::FfmpegMissing {
                tried: format!("{} does not start ({e})", ffmpeg.program().display()),
            })?;
        // Read all the time, lest ffmpeg wait for room to write.
        let log = child.stderr.take().map(|stderr| std::thread::spawn(|| tail(stderr)));
        Ok(Self { child, log })
    }

    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(super) fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
    }

    /// Waits for the end; returns how it ended, in words if it failed, and the
    /// last lines it wrote.
    pub(super) fn wait(&mut self) -> (std::result::Result<(), String>, String) {
        let ended = match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(in_words(status)),
            Err(e) => Err(e.to_string()),
        };
        let log = self.log.take().and_then(|log| log.join().ok());
        (ended, last_lines(&log.unwrap_or_default(), LINES))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // Reaps it. The log's thread ends with the pipe it reads.
        let _ = self.child.wait();
    }
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// Reads to the end and keeps the last bytes.
fn tail(mut from: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..n]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The last lines that are not empty, in one.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let text: String = (0..5000).map(|k| format!("line {k}\r\n")).collect();
        let kept = tail(text.as_bytes());
        assert!(kept.len() <= KEPT);
        assert_eq!(last_lines(&kept, 4), "line 4996 / line 4997 / line 4998 / line 4999");
        assert_eq!(last_lines("", 4), "");
    }
}
