//! The frames of a video, streamed from ffmpeg.

use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};

use super::ffmpeg::file_argument;
use super::process::Process;
use super::{Ffmpeg, Selection, ppm};
use crate::error::{Error, Result};
use crate::images::Images;

/// A video being decoded; dropping it ends ffmpeg.
#[derive(Debug)]
pub(super) struct VideoReader {
    path: PathBuf,
    // Closed before the process is waited for on drop.
    frames: BufReader<ChildStdout>,
    process: Process,
    complaint: Option<String>,
}

impl VideoReader {
    /// Starts to decode the chosen frames of the first video stream.
    pub(super) fn start(ffmpeg: &Ffmpeg, path: &Path, selection: Selection) -> Result<Self> {
        let mut command = ffmpeg.command();
        command
            .args(["-loglevel", "error", "-protocol_whitelist", "file,pipe", "-i"])
            .arg(file_argument(path))
            // The capital V leaves out cover pictures.
            .args(["-map", "0:V:0", "-vf", &filter(selection)])
            .args(ffmpeg.every_frame());
        if let Some(count) = selection.count {
            command.args(["-frames:v", &count.to_string()]);
        }
        command
            .args(["-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1"])
            .stdout(Stdio::piped());
        let mut process = Process::start(ffmpeg, &mut command)?;
        let stdout = process.stdout().expect("stdout was asked to be piped");
        Ok(Self {
            path: path.to_owned(),
            frames: BufReader::with_capacity(1 << 16, stdout),
            process,
            complaint: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next frame, `[1,3,H,W]`; none at the end of a video that was decoded
    /// to its end.
    pub(super) fn next_frame(&mut self) -> Result<Option<Images>> {
        match ppm::next(&mut self.frames) {
            Ok(Some(frame)) => Images::from_rgb8(frame.height, frame.width, &frame.rgb).map(Some),
            Ok(None) => self.end().map(|()| None),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                self.end()?;
                Err(self.failure("it ended in the middle of a frame".into(), String::new()))
            }
            Err(e) => {
                self.process.kill();
                let (_, said) = self.process.wait();
                Err(self.failure(format!("its output is unusable: {e}"), said))
            }
        }
    }

    /// What ffmpeg complained of in a video that it read to the end.
    pub(super) fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    fn end(&mut self) -> Result<()> {
        let (ended, said) = self.process.wait();
        if said.contains("matches no streams") || said.contains("does not contain any stream") {
            return Err(Error::NoVideo { path: self.path.clone(), said: String::new() });
        }
        ended.map_err(|status| self.failure(status, said.clone()))?;
        self.complaint = Some(said).filter(|said| !said.is_empty());
        Ok(())
    }

    fn failure(&self, status: String, said: String) -> Error {
        Error::Ffmpeg { task: "read", path: self.path.clone(), status, said }
    }
}

/// Chooses frames by their number, and makes pixels square.
fn filter(selection: Selection) -> String {
    let Selection { start, stride, .. } = selection;
    format!(
        "select=gte(n\\,{start})*not(mod(n-{start}\\,{stride})),\
         scale=trunc(iw*sar+0.5):ih:flags=bicubic+accurate_rnd+full_chroma_int+bitexact"
    )
}
