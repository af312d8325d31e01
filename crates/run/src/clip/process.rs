//! A running ffmpeg that cannot outlive its owner.

use std::io::Read;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Ffmpeg;
use crate::error::{Error, Result};

/// How much of what ffmpeg writes is kept, from the end.
const KEPT: usize = 4096;
/// How long to wait for the last lines of a process that has ended.
const GRACE: Duration = Duration::from_secs(2);
/// How many of the last lines go into a message.
const LINES: usize = 4;

/// A child process, killed and reaped on drop.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// The end of what it has written up to now.
    log: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when it has written its last.
    log_ended: Receiver<()>,
}

impl Process {
    /// Starts a call of `ffmpeg`; the caller has chosen its input and output.
    pub(super) fn start(ffmpeg: &Ffmpeg, command: &mut Command) -> Result<Self> {
        let mut child =
            command.stderr(Stdio::piped()).spawn().map_err(|e| Error::FfmpegMissing {
                tried: format!("{} does not start ({e})", ffmpeg.program().display()),
            })?;
        // Read all the time, lest ffmpeg wait for room to write.
        let log = Arc::new(Mutex::new(Vec::new()));
        let (open, log_ended) = channel();
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                read_tail(stderr, &log);
                drop(open);
            });
        }
        Ok(Self { child, log, log_ended })
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
        // Another process that it left behind may hold the pipe open for ever,
        // hence the limit; an error here only means that the log has ended.
        let _ = self.log_ended.recv_timeout(GRACE);
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        (ended, last_lines(&String::from_utf8_lossy(&log), LINES))
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
fn read_tail(mut from: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..n]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
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
        let written: String = (0..5000).map(|k| format!("line {k}\r\n")).collect();
        let kept = Mutex::new(Vec::new());
        read_tail(written.as_bytes(), &kept);
        let kept = kept.into_inner().unwrap();
        assert!(kept.len() <= KEPT);
        let text = String::from_utf8(kept).unwrap();
        assert_eq!(last_lines(&text, 4), "line 4996 / line 4997 / line 4998 / line 4999");
        assert_eq!(last_lines("", 4), "");
    }
}
