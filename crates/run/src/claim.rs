//! Who works on what, where several processes share a list.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use crate::error::{Error, Result};

/// A piece of work that is this process's until it drops the claim or dies in any way.
///
/// The claim is a lock that the system keeps on a file and gives up with the process
/// that holds it, so that nothing is ever stale; the file itself stays. It holds between
/// the machines of a file system that knows such locks (`flock`): local disks, NFS,
/// Lustre mounted with `flock`.
#[derive(Debug)]
pub struct Claim {
    file: File,
}

/// What became of a wish for a claim.
#[derive(Debug)]
pub enum Taken {
    /// It is ours.
    Ours(Claim),
    /// Another process has it; in words who, as far as it said.
    Theirs(String),
}

/// The most that is read of what another process said of itself.
const SAID: u64 = 200;

impl Claim {
    /// Takes the claim that this file stands for, or learns who has it; never waits.
    ///
    /// # Errors  `Error::Write` if the file cannot be made or the file system has no locks
    pub fn take(path: &Path, who: &str) -> Result<Taken> {
        let fail = |e| Error::write(path, e);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.write_all(who.as_bytes())).map_err(fail)?;
                Ok(Taken::Ours(Self { file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut said = String::new();
                // What it says is for people; none is as good.
                let _ = file.take(SAID).read_to_string(&mut said);
                Ok(Taken::Theirs(said))
            }
            Err(TryLockError::Error(e)) => Err(fail(e)),
        }
    }

    /// The claim as the standard input of a child, which then holds it, too: should this
    /// process die alone, the work is the child's until it ends.
    ///
    /// # Errors  `Error::Write` if the system has no more files
    pub fn shared(&self, path: &Path) -> Result<Stdio> {
        self.file.try_clone().map(Stdio::from).map_err(|e| Error::write(path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(path: &Path) -> bool {
        matches!(Claim::take(path, "b").unwrap(), Taken::Ours(_))
    }

    /// A process that another test has just split off holds all files of this one until
    /// it becomes another program.
    fn becomes_ours(path: &Path) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            is_ours(path)
        })
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let Taken::Ours(claim) = Claim::take(&path, "first").unwrap() else { panic!("taken") };
        let Taken::Theirs(who) = Claim::take(&path, "second").unwrap() else { panic!("not taken") };
        assert_eq!(who, "first");
        drop(claim);
        assert!(becomes_ours(&path));
        assert!(Claim::take(folder.path(), "x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_child_holds_on_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let Taken::Ours(claim) = Claim::take(&path, "first").unwrap() else { panic!("taken") };
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .stdin(claim.shared(&path).unwrap())
            .spawn()
            .unwrap();
        drop(claim);
        assert!(!is_ours(&path));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(becomes_ours(&path));
    }
}
