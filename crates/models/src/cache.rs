//! The folder on disk, its lock, and how files get into it whole.
//!
//! ```text
//! ROOT/packages/ARCHIVE        as downloaded, checked by sha256
//! ROOT/models/NAME.safetensors converted weights
//! ROOT/clips/, ROOT/tools/     clips and programs
//! ROOT/.../FILE.json           record of FILE: size, sha256, origin
//! ROOT/lock                    held by the one process that changes the cache
//! ROOT/work/                   unfinished files of that process; emptied by the next one
//! ```

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::catalog::{Entry, Package};
use crate::error::{Error, IoContext, Result};
use crate::record::Record;

/// Where models lie on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The standard place: `$REELGAN_CACHE`, else `$XDG_CACHE_HOME/reelgan`,
    /// else the cache folder of the platform (`~/.cache/reelgan`; on macOS
    /// `~/Library/Caches/reelgan`; on Windows `%LOCALAPPDATA%\reelgan`).
    ///
    /// # Errors
    /// [`Error::NoCacheRoot`] if none of these is known; [`Error::Io`] if a
    /// relative path cannot be resolved.
    pub fn locate() -> Result<Self> {
        let root = root_from(|name| std::env::var_os(name)).ok_or(Error::NoCacheRoot)?;
        Self::at(root)
    }

    /// A cache in a given folder, which need not exist yet.
    ///
    /// # Errors
    /// [`Error::Io`] if the path is relative and the current folder is gone.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        // Child processes run elsewhere, so a relative path would move.
        let root = std::path::absolute(&root).context("resolve", &root)?;
        Ok(Self { root })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an entry's file lies once it is fetched.
    pub fn file(&self, entry: &Entry) -> PathBuf {
        self.root.join(entry.file)
    }

    /// Where the record of that file lies.
    pub fn record_file(&self, entry: &Entry) -> PathBuf {
        self.root.join(format!("{}.json", entry.file))
    }

    /// Where a package's archive lies once it is downloaded.
    pub fn archive(&self, package: &Package) -> PathBuf {
        self.root.join("packages").join(package.archive)
    }

    /// The record of an entry; `None` if there is none or it is not readable
    /// as one, which both mean that the entry has to be fetched.
    ///
    /// # Errors
    /// [`Error::Io`] if the file is there and cannot be read.
    pub fn record(&self, entry: &Entry) -> Result<Option<Record>> {
        let path = self.record_file(entry);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).context("read", &path),
        }
    }

    /// Takes the lock that every change of the cache needs, and empties the
    /// work folder. `waiting` is called once if another process has the lock.
    pub(crate) fn lock(&self, waiting: impl FnOnce()) -> Result<Workshop> {
        fs::create_dir_all(&self.root).context("create", &self.root)?;
        let path = self.root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .context("open", &path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                lock.lock().context("lock", &path)?;
            }
            Err(TryLockError::Error(e)) => return Err(e).context("lock", &path),
        }
        Workshop::open(self.clone(), lock)
    }
}

/// The right to change the cache, and a folder for unfinished files.
pub(crate) struct Workshop {
    cache: Cache,
    work: PathBuf,
    // Unlocked when dropped, or by the system when the process dies.
    _lock: File,
}

impl Workshop {
    fn open(cache: Cache, lock: File) -> Result<Self> {
        let work = cache.root.join("work");
        // Whatever is here was left by a process that was killed.
        remove_tree(&work)?;
        fs::create_dir_all(&work).context("create", &work)?;
        Ok(Self { cache, work, _lock: lock })
    }

    /// The folder for unfinished files; on the same disk as the cache.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// The cache that is being changed.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// A fresh, empty folder inside the work folder.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.work.join(name);
        remove_tree(&path)?;
        fs::create_dir_all(&path).context("create", &path)?;
        Ok(path)
    }

    /// Puts a finished archive in its place.
    pub fn keep_archive(&self, from: &Path, package: &Package) -> Result<PathBuf> {
        let to = self.cache.archive(package);
        publish(from, &to)?;
        Ok(to)
    }

    /// Puts a finished file and its record in their places.
    ///
    /// The old record goes first and the new one comes last, so that a kill at
    /// any point leaves either a matching pair or no record, never a mismatch.
    pub fn keep(&self, from: &Path, entry: &Entry, record: &Record) -> Result<PathBuf> {
        let to = self.cache.file(entry);
        let record_to = self.cache.record_file(entry);
        match fs::remove_file(&record_to) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(e).context("replace", &record_to);
            }
            _ => {}
        }
        publish(from, &to)?;
        let record_from = self.work.join("record.json");
        write(&record_from, &record.to_json())?;
        publish(&record_from, &record_to)?;
        Ok(to)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // The next process empties the folder too, so failing here is harmless.
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// Writes a file and makes sure that it is on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).context("create", path)?;
    file.write_all(bytes).context("write", path)?;
    file.sync_all().context("write", path)
}

/// Moves a file to its final name, replacing what was there in one step.
fn publish(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().expect("a place in the cache has a folder");
    fs::create_dir_all(folder).context("create", folder)?;
    let file = OpenOptions::new().write(true).open(from).context("open", from)?;
    file.sync_all().context("write", from)?;
    drop(file);
    fs::rename(from, to).context("create", to)?;
    sync_folder(folder);
    Ok(())
}

/// Makes a rename last through a power cut, where the system can do that.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        // A file system that cannot sync a folder still renamed correctly.
        let _ = folder.sync_all();
    }
}

fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).context("remove", path),
        _ => Ok(()),
    }
}

/// The root that the environment asks for.
fn root_from(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| var(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(root) = folder("REELGAN_CACHE") {
        return Some(root);
    }
    // The XDG rules say that a relative path here is to be ignored.
    if let Some(xdg) = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute()) {
        return Some(xdg.join("reelgan"));
    }
    let home = if cfg!(windows) {
        return folder("LOCALAPPDATA").map(|path| path.join("reelgan"));
    } else {
        folder("HOME")?
    };
    let caches = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    Some(home.join(caches).join("reelgan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(vars: &[(&str, &str)]) -> Option<PathBuf> {
        root_from(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
    }

    #[test]
    fn own_variable_wins_then_xdg_then_home() {
        let all = [("REELGAN_CACHE", "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(root(&all), Some("/a".into()));
        assert_eq!(root(&all[1..]), Some("/b/reelgan".into()));
        if cfg!(target_os = "linux") {
            assert_eq!(root(&all[2..]), Some("/c/.cache/reelgan".into()));
        }
        assert_eq!(root(&[]), None);
    }

    #[test]
    fn empty_and_relative_settings() {
        let unset = [("REELGAN_CACHE", ""), ("XDG_CACHE_HOME", "rel"), ("HOME", "/c")];
        if cfg!(target_os = "linux") {
            assert_eq!(root(&unset), Some("/c/.cache/reelgan".into()));
        }
        assert!(Cache::at("some/where").unwrap().root().is_absolute());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named_as_such() {
        let error = write(Path::new("/dev/full"), b"x").unwrap_err();
        assert!(matches!(error, Error::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("is full"), "{error}");
    }

    #[test]
    fn leftovers_of_a_killed_process_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let left = dir.path().join("work/download/half.whl");
        fs::create_dir_all(left.parent().unwrap()).unwrap();
        fs::write(&left, b"half").unwrap();
        let shop = cache.lock(|| panic!("nobody holds the lock")).unwrap();
        assert!(!left.exists() && shop.work().is_dir());
        drop(shop);
        assert!(!dir.path().join("work").exists());
    }
}
