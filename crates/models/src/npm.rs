//! npm, which fetches packages of the JavaScript registry.
//!
//! `npm pack NAME@VERSION` delivers the archive of a published package as it is:
//! nothing is unpacked, installed or run. (Scripts run when a folder is packed;
//! they are switched off all the same.)

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use crate::catalog::Package;
use crate::client::{Places, last_lines, shortened};
use crate::error::DownloadCause;

/// What npm is called on the PATH.
const PROGRAM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// An npm that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Npm {
    program: OsString,
}

impl Npm {
    /// The program in `$REELGAN_NPM`, else `npm` on the PATH.
    ///
    /// # Errors
    /// A sentence that says what was tried and what to install.
    pub fn find() -> Result<Self, String> {
        let chosen = std::env::var_os("REELGAN_NPM").filter(|v| !v.is_empty());
        let program = chosen.clone().unwrap_or_else(|| PROGRAM.into());
        if answers(&program) {
            return Ok(Self { program });
        }
        Err(match chosen {
            Some(chosen) => format!(
                "the npm in REELGAN_NPM ({}) does not run: name another one, or unset the variable",
                chosen.display()
            ),
            None => "no npm was found, which is needed to download this package: install npm (on \
                     Debian and Ubuntu the package npm), or set REELGAN_NPM to the program"
                .into(),
        })
    }

    /// The call that brings the archive of a package into `places.delivered`.
    pub(crate) fn pack(&self, package: &Package, places: &Places) -> Command {
        let mut npm = Command::new(&self.program);
        npm.arg("pack")
            .arg(format!("{}@{}", package.name, package.version))
            .args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
            .args(["--no-progress", "--no-color", "--loglevel", "error"])
            .args(["--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "5000"])
            .arg("--pack-destination")
            .arg(places.delivered)
            .arg("--cache")
            .arg(places.scratch)
            .current_dir(places.work);
        npm
    }
}

fn answers(program: &OsStr) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Reads the reason out of what npm wrote.
pub(crate) fn diagnose(log: &str) -> DownloadCause {
    // `npm error code E404` (version 10 and later) or `npm ERR! code E404`.
    let said: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("npm error ").or(line.strip_prefix("npm ERR! ")))
        .map(str::trim)
        .collect();
    let code = said.iter().find_map(|line| line.strip_prefix("code ")).unwrap_or_default();
    match code {
        "ENOSPC" | "EDQUOT" => return DownloadCause::DiskFull,
        "EINTEGRITY" => return DownloadCause::WrongHash { got: None },
        _ => {}
    }
    const OFFLINE: &[&str] = &[
        "ECONNREFUSED",
        "ECONNRESET",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ETIMEDOUT",
        "ENETUNREACH",
        "EHOSTUNREACH",
        "ERR_SOCKET_TIMEOUT",
        "ENOTCACHED",
        "E404",
        "ETARGET",
    ];
    let text = match said.as_slice() {
        [] => last_lines(log),
        // Behind the reason come a stack and the place of npm's own log.
        lines => lines[..lines.len().min(4)].join("; "),
    };
    let said = shortened(text);
    if OFFLINE.contains(&code) {
        DownloadCause::NoNetwork { client: "npm", said }
    } else {
        DownloadCause::Refused { client: "npm", said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_reasons_are_told_apart() {
        // Shortened from what npm 8 and 11 print.
        let offline = "npm error code ECONNREFUSED\nnpm error syscall connect\nnpm error errno \
                       ECONNREFUSED\nnpm error FetchError: request to http://127.0.0.1:9/x failed\n\
                       npm error     at ClientRequest.<anonymous> (index.js:130:14)\n";
        let DownloadCause::NoNetwork { client: "npm", said } = diagnose(offline) else {
            panic!("{:?}", diagnose(offline))
        };
        assert!(said.ends_with("request to http://127.0.0.1:9/x failed"), "{said}");
        let changed = "npm ERR! code EINTEGRITY\nnpm ERR! sha512-x integrity checksum failed\n";
        assert_eq!(diagnose(changed), DownloadCause::WrongHash { got: None });
        assert_eq!(diagnose("npm error code ENOSPC\n"), DownloadCause::DiskFull);
        let other = DownloadCause::Refused { client: "npm", said: "node: no such file".into() };
        assert_eq!(diagnose("node: no such file\n"), other);
    }

    #[test]
    fn an_npm_that_does_not_run_is_no_npm() {
        assert!(!answers(OsStr::new("/no/such/npm")));
    }
}
