//! The folder of a run: what is in it, and who may write there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::error::{Error, Result};
use crate::manifest::{Manifest, State};

/// The file that marks a folder as ours and that its writer holds a lock on.
const MARKER: &str = ".reelgan-run";
const MANIFEST: &str = "manifest.json";
const CODES: &str = "codes.safetensors";
const INPUTS: &str = "inputs";
const FRAMES: &str = "frames";
const NOISE: &str = "noise";
const WINDOWS: &str = "windows";

/// What to do with a run that the output folder already holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it: a new run is wanted.
    Refuse,
    /// Continue it.
    Resume,
}

/// The folder of one run, with the places of its files.
///
/// One that may be written ([`RunFolder::create`], [`RunFolder::open_to_write`])
/// keeps other processes from writing the same run until it is dropped, or the
/// process dies in any way.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Locked as long as it is open; none for a reader.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes a folder for a new run, or opens one to continue its run.
    ///
    /// A new run wants a folder that is absent or empty (what remains of a run
    /// killed before it wrote anything counts as empty). Continuing wants a
    /// folder that [`RunFolder::create`] made; it may hold no manifest yet. Files
    /// that a killed process left half-written are removed.
    ///
    /// # Errors  `Error::FolderNotOurs`, `Error::FolderTaken`,
    /// `Error::FolderIncomplete` (nothing to continue), `Error::FolderLocked`,
    /// `Error::Write`; a refused folder is left as it was
    pub fn create(path: &Path, existing: Existing) -> Result<Self> {
        check_place(path, existing)?;
        let fail = |e| Error::write(path, e);
        fs::create_dir_all(path).map_err(fail)?;
        let lock = lock(path)?;
        // Another process may have begun a run between the check and the lock.
        check_place(path, existing)?;
        for sub in [INPUTS, FRAMES] {
            fs::create_dir_all(path.join(sub)).map_err(|e| Error::write(&path.join(sub), e))?;
        }
        remove_unfinished(path)?;
        Ok(Self { path: path.to_owned(), _lock: Some(lock) })
    }

    /// Opens a run to read it.
    ///
    /// # Errors  `Error::Read` if there is no such folder; `Error::FolderIncomplete`
    /// if its manifest or codes are missing
    pub fn open(path: &Path) -> Result<Self> {
        let entries = entries(path)?;
        let missing: Vec<_> = [MANIFEST, CODES]
            .into_iter()
            .filter(|name| !entries.iter().any(|e| e == name))
            .collect();
        if !missing.is_empty() {
            let ours = entries.iter().any(|e| e == MARKER);
            return Err(Error::FolderIncomplete {
                path: path.to_owned(),
                missing: missing.join(", "),
                advice: if ours {
                    "if the run was interrupted, continue it with `reelgan invert ... --resume`"
                } else {
                    "give a folder that `reelgan invert` wrote"
                },
            });
        }
        Ok(Self { path: path.to_owned(), _lock: None })
    }

    /// The places of a run that may be half begun, or none at all: nothing is looked at.
    pub fn open_any(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Opens a run to add to it.
    ///
    /// # Errors  as [`RunFolder::open`]; `Error::FolderLocked`, `Error::Write`
    pub fn open_to_write(path: &Path) -> Result<Self> {
        let mut folder = Self::open(path)?;
        folder._lock = Some(lock(path)?);
        remove_unfinished(path)?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run was: a [`Manifest`].
    pub fn manifest(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    /// The resolved settings, to be given to another run.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// What an interrupted run needs to go on.
    pub fn state(&self) -> PathBuf {
        self.path.join("state.safetensors")
    }

    /// The codes and directions.
    pub fn codes(&self) -> PathBuf {
        self.path.join(CODES)
    }

    /// The loss terms of every step.
    pub fn losses(&self) -> PathBuf {
        self.path.join("losses.csv")
    }

    /// The metrics: [`crate::manifest::Measurements`].
    pub fn measurements(&self) -> PathBuf {
        self.path.join("measurements.json")
    }

    /// The times: [`crate::manifest::Timing`].
    pub fn timing(&self) -> PathBuf {
        self.path.join("timing.json")
    }

    /// Input frame `number`, counted from 1, as the generator's size.
    pub fn input(&self, number: usize) -> PathBuf {
        self.path.join(INPUTS).join(format!("frame_{number:04}.png"))
    }

    /// Reconstructed frame `number`, counted from 1.
    pub fn recon(&self, number: usize) -> PathBuf {
        self.path.join(FRAMES).join(format!("recon_{number:04}.png"))
    }

    /// The folder of the frames' noise; there only after a run that optimised it.
    pub fn noise_folder(&self) -> PathBuf {
        self.path.join(NOISE)
    }

    /// The noise maps of frame `number`, counted from 1.
    pub fn noise(&self, number: usize) -> PathBuf {
        self.noise_folder().join(format!("frame_{number:04}.safetensors"))
    }

    /// What an interrupted run needs to go on with the noise of frame `number`.
    pub fn noise_state(&self, number: usize) -> PathBuf {
        self.noise_folder().join(format!("state_{number:04}.safetensors"))
    }

    /// The loss terms of every step of every frame's noise.
    pub fn noise_losses(&self) -> PathBuf {
        self.path.join("noise_losses.csv")
    }

    /// What a run was asked for, until its manifest says so.
    pub fn request(&self) -> PathBuf {
        self.path.join("request.json")
    }

    /// Where in its source picture each frame was cut out, as `reelgan align` writes it.
    pub fn transforms(&self) -> PathBuf {
        self.path.join("transforms.json")
    }

    /// The landmarks that the squares follow, as `reelgan align` writes them.
    pub fn landmarks(&self) -> PathBuf {
        self.path.join("landmarks.json")
    }

    /// Losses, metrics and flags of every frame.
    pub fn frame_table(&self) -> PathBuf {
        self.path.join("frames.csv")
    }

    /// The folder of the windows of a clip that is longer than one.
    pub fn windows_folder(&self) -> PathBuf {
        self.path.join(WINDOWS)
    }

    /// The codes that window `number`, counted from 1, found.
    pub fn window(&self, number: usize) -> PathBuf {
        self.windows_folder().join(format!("window_{number:04}.safetensors"))
    }

    /// What an interrupted run needs to go on with window `number`.
    pub fn window_state(&self, number: usize) -> PathBuf {
        self.windows_folder().join(format!("state_{number:04}.safetensors"))
    }

    /// Removes the folder of a run that did not come to its manifest, with all that is in
    /// it; `keep` leaves the empty folder there.
    ///
    /// # Errors  `Error::Write`
    ///
    /// # Panics  if the run has a manifest: such a run is not to be lost
    pub fn discard(self, keep: bool) -> Result<()> {
        assert!(!self.manifest().exists(), "a run that has begun is kept");
        let Self { path, _lock } = self;
        drop(_lock);
        let fail = |e| Error::write(&path, e);
        fs::remove_dir_all(&path).map_err(fail)?;
        if keep { fs::create_dir(&path).map_err(fail) } else { Ok(()) }
    }

    /// Inputs above reconstructions, in one picture.
    pub fn strip(&self) -> PathBuf {
        self.path.join("strip.png")
    }

    /// Inputs beside reconstructions, moving.
    pub fn video(&self) -> PathBuf {
        self.path.join("video.mp4")
    }

    /// The page to look at.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }
}

/// Whether a run may be begun or continued at `path`, which is not changed.
fn check_place(path: &Path, existing: Existing) -> Result<()> {
    let found = match entries(path) {
        Ok(found) => found,
        Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(Error::Read { source, .. }) => return Err(Error::write(path, source)),
        Err(other) => return Err(other),
    };
    let has = |name: &str| found.iter().any(|e| e == name);
    let content = || found.iter().find(|name| !is_trace(path, name));
    let manifest = has(MANIFEST).then(|| Manifest::read(&path.join(MANIFEST)));
    let ours = has(MARKER) || matches!(manifest, Some(Ok(_)));
    match (content(), existing) {
        (Some(name), _) if !ours => {
            Err(Error::FolderNotOurs { path: path.to_owned(), found: name.clone() })
        }
        (Some(_), Existing::Refuse) => Err(Error::FolderTaken {
            path: path.to_owned(),
            run: match manifest {
                Some(Ok(manifest)) => describe(&manifest),
                _ => "a run that has only begun".into(),
            },
        }),
        (None, Existing::Resume) if !ours => Err(Error::FolderIncomplete {
            path: path.to_owned(),
            missing: MANIFEST.into(),
            advice: "there is nothing to resume here: leave out --resume, or check the folder's name",
        }),
        _ => Ok(()),
    }
}

/// Whether something is what a run killed at its very start leaves behind.
fn is_trace(path: &Path, name: &str) -> bool {
    let empty_folder = || entries(&path.join(name)).is_ok_and(|inside| inside.is_empty());
    name == MARKER
        || name.starts_with(atomic::UNFINISHED)
        || ([INPUTS, FRAMES].contains(&name) && empty_folder())
}

fn describe(manifest: &Manifest) -> String {
    let state = match manifest.state {
        State::Running => "an unfinished",
        State::Finished => "a finished",
    };
    let (frames, steps, preset) = (manifest.frames, manifest.steps_done, &manifest.preset);
    format!("{state} run ({frames} frames, preset {preset}, {steps} steps)")
}

fn lock(path: &Path) -> Result<File> {
    let marker = path.join(MARKER);
    let fail = |e| Error::write(&marker, e);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&marker).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::FolderLocked { path: path.to_owned() }),
        Err(TryLockError::Error(e)) => Err(fail(e)),
    }
}

/// Removes what a killed process left half-written, in all folders of the run; the lock is
/// held. Links are not followed.
fn remove_unfinished(folder: &Path) -> Result<()> {
    for name in entries(folder)? {
        let place = folder.join(&name);
        let kind = fs::symlink_metadata(&place).map_err(|e| Error::read(&place, e))?.file_type();
        if kind.is_dir() {
            remove_unfinished(&place)?;
        } else if name.starts_with(atomic::UNFINISHED) {
            fs::remove_file(&place).map_err(|e| Error::write(&place, e))?;
        }
    }
    Ok(())
}

/// The names in a folder, in order.
fn entries(path: &Path) -> Result<Vec<String>> {
    let fail = |e| Error::read(path, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        names.push(entry.map_err(fail)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests;
