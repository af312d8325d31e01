//! Finding a Python interpreter that has pip.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

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

    /// The interpreter's pip, ready for arguments.
    pub(crate) fn pip(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-m", "pip"]);
        command
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
