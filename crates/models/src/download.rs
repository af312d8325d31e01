//! One package through the client of its registry.
//!
//! Whatever the client checks itself, size and sha256 are checked here before
//! anything is read from the archive.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::catalog::Package;
use crate::client::{Client, Places};
use crate::digest;
use crate::error::{DownloadCause, Error, IoContext, Result};

const POLL: Duration = Duration::from_millis(200);

/// Why a download failed: something on this machine, or the client's answer.
pub(crate) enum Failure {
    Here(Error),
    Client(DownloadCause),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// Downloads a package into `work`, which must be an empty folder.
///
/// `grown` hears how many bytes of the archive are on the disk. The archive's
/// path is returned after its size and sha256 were found right.
pub(crate) fn package(
    package: &Package,
    client: &Client,
    work: &Path,
    grown: &mut dyn FnMut(u64),
) -> Result<PathBuf, Failure> {
    let job = Job::prepare(package, work)?;
    let status = job.run(client, grown)?;
    if !status.success() {
        let log = fs::read(&job.log).context("read", &job.log)?;
        return Err(Failure::Client(client.diagnose(&String::from_utf8_lossy(&log))));
    }
    let archive = job.delivered.join(package.archive);
    check(package, &archive).map_err(|found| {
        Failure::Client(DownloadCause::NotDelivered { client: client.name(), found })
    })?;
    Ok(archive)
}

/// Whether a file is the pinned archive; if not, what was found instead.
pub(crate) fn check(package: &Package, archive: &Path) -> Result<(), String> {
    let sum = digest::of_file(archive).map_err(|e| e.to_string())?;
    if sum.bytes == package.bytes && sum.sha256 == package.sha256 {
        return Ok(());
    }
    Err(format!(
        "{} has {} bytes and sha256 {}, expected {} and {}",
        package.archive, sum.bytes, sum.sha256, package.bytes, package.sha256
    ))
}

/// The files of one run of a client.
struct Job<'a> {
    package: &'a Package,
    work: &'a Path,
    delivered: PathBuf,
    scratch: PathBuf,
    log: PathBuf,
}

impl<'a> Job<'a> {
    fn prepare(package: &'a Package, work: &'a Path) -> Result<Self> {
        let job = Self {
            package,
            work,
            delivered: work.join("delivered"),
            scratch: work.join("scratch"),
            log: work.join("client.log"),
        };
        for folder in [&job.delivered, &job.scratch] {
            fs::create_dir(folder).context("create", folder)?;
        }
        Ok(job)
    }

    fn command(&self, client: &Client) -> Result<Command> {
        let places = Places { work: self.work, delivered: &self.delivered, scratch: &self.scratch };
        let mut command = client.command(self.package, &places)?;
        // Unfinished files go where their growth can be seen, on the disk of the
        // cache, and where the next process clears them away.
        for name in ["TMPDIR", "TEMP", "TMP"] {
            command.env(name, &self.scratch);
        }
        let log = File::create(&self.log).context("create", &self.log)?;
        let log_too = log.try_clone().context("create", &self.log)?;
        command.stdin(Stdio::null()).stdout(log).stderr(log_too);
        Ok(command)
    }

    fn run(&self, client: &Client, grown: &mut dyn FnMut(u64)) -> Result<ExitStatus> {
        let child = self.command(client)?.spawn().context("run a client in", self.work)?;
        let mut child = KillOnDrop(child);
        grown(0);
        let mut seen = 0;
        loop {
            if let Some(status) = child.0.try_wait().context("wait for a client in", self.work)? {
                if status.success() {
                    grown(self.package.bytes);
                }
                return Ok(status);
            }
            let counts = |file: &OsStr| client.writes_archive_as(file, self.package);
            let now = largest(self.work, &counts).min(self.package.bytes);
            if now > seen {
                seen = now;
                grown(now);
            }
            std::thread::sleep(POLL);
        }
    }
}

/// A panic or an early return must not leave a client writing into the cache.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Size of the largest file below a folder whose name counts; folders that
/// vanish meanwhile are empty.
fn largest(folder: &Path, counts: &dyn Fn(&OsStr) -> bool) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => largest(&entry.path(), counts),
            Ok(kind) if kind.is_file() && counts(&entry.file_name()) => {
                entry.metadata().map_or(0, |m| m.len())
            }
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}
