//! A workload's process: it says when it is ready, then a line in is a run, and a line
//! out its seconds.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// glibc's allocator for PyTorch, told to keep what it has: by default every map of some
/// megabytes is taken from the system and faulted in anew. One arena that grows and never
/// shrinks, of huge pages where the system allows them.
pub const TUNED_MALLOC: [(&str, &str); 4] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "100000000000"),
    ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"),
];

/// A process that serves one workload.
pub struct Peer {
    child: Child,
    /// `None` once it was told that no more runs are wanted.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it and waits until it is ready.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {:?}", command.get_program()))?;
        let input = Some(child.stdin.take().context("a pipe in")?);
        let output = BufReader::new(child.stdout.take().context("a pipe out")?);
        let mut peer = Self { child, input, output };
        if peer.line()?["ready"] != true {
            bail!("the process did not get ready");
        }
        Ok(peer)
    }

    /// One run; its seconds as the process measured them.
    pub fn run(&mut self) -> Result<f64> {
        let input = self.input.as_mut().context("the process was told to end")?;
        input.write_all(b"run\n")?;
        input.flush()?;
        self.line()?["seconds"].as_f64().context("the process told no seconds")
    }

    /// Ends it; its peak memory in 10^6 bytes.
    pub fn finish(mut self) -> Result<f64> {
        self.input = None;
        let peak = self.line()?["peak_mb"].as_f64();
        self.child.wait()?;
        peak.context("the process told no peak memory")
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            let status = self.child.wait()?;
            bail!("the process ended with {status}; what it said stands above");
        }
        serde_json::from_str(&line).with_context(|| format!("the process said: {line}"))
    }
}

impl Drop for Peer {
    /// Leaves no process behind when another part of the task failed.
    fn drop(&mut self) {
        // Both fail only where the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
