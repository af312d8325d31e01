//! The models of one cache: what is there, and the paths of checked files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cache::Cache;
use crate::catalog::{self, Entry, Kind};
use crate::digest;
use crate::error::{Error, IoContext, Result};
use crate::fetch::{self, FetchOptions};
use crate::progress::Progress;
use crate::{add, convert, download};

/// A cache, seen through the catalogue.
#[derive(Debug, Clone)]
pub struct Store {
    cache: Cache,
    entries: &'static [Entry],
}

/// One line of [`Store::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What it is and where it comes from.
    pub entry: &'static Entry,
    /// Where its file is, or would be.
    pub path: PathBuf,
    /// Whether it can be used.
    pub state: State,
}

/// Whether an entry can be used, as far as names and sizes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// The file is there, with the size that was recorded.
    Ready {
        /// Size in bytes.
        bytes: u64,
    },
    /// The package is there; `fetch` will convert it without a network.
    Packaged,
    /// Nothing is there.
    Missing,
    /// The file has another size than was recorded, or another version wrote it.
    Outdated,
    /// The program was not built for this kind of machine.
    NotForThisMachine,
}

/// What [`Store::verify`] found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Whether the package is still there; if so it and its members were
    /// found right too.
    pub package_kept: bool,
}

impl Store {
    /// The models of a cache.
    pub fn open(cache: Cache) -> Self {
        Self::with_catalog(cache, catalog::ENTRIES)
    }

    /// The models of the standard cache, see [`Cache::locate`].
    ///
    /// # Errors
    /// As [`Cache::locate`].
    pub fn standard() -> Result<Self> {
        Cache::locate().map(Self::open)
    }

    /// A store with another catalogue than [`catalog::ENTRIES`].
    pub fn with_catalog(cache: Cache, entries: &'static [Entry]) -> Self {
        Self { cache, entries }
    }

    /// Where the files are.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The entry of a name.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], which lists the names.
    pub fn entry(&self, name: &str) -> Result<&'static Entry> {
        self.entries.iter().find(|e| e.name == name).ok_or_else(|| Error::UnknownModel {
            name: name.into(),
            known: names(self.entries.iter()),
        })
    }

    /// All entries and whether they can be used; reads no file in full.
    ///
    /// # Errors
    /// [`Error::Io`] if the cache cannot be looked into.
    pub fn list(&self) -> Result<Vec<Listing>> {
        self.entries
            .iter()
            .map(|entry| {
                let (path, state) = (self.cache.file(entry), self.state(entry)?);
                Ok(Listing { entry, path, state })
            })
            .collect()
    }

    fn state(&self, entry: &Entry) -> Result<State> {
        if entry.platform.is_some_and(|p| !p.is_here()) {
            return Ok(State::NotForThisMachine);
        }
        let size = size_of(&self.cache.file(entry))?;
        Ok(match (self.cache.record(entry)?, size) {
            (Some(record), Some(bytes)) if record.is_current(entry) && record.bytes == bytes => {
                State::Ready { bytes }
            }
            (Some(_), Some(_)) => State::Outdated,
            _ if size_of(&self.cache.archive(&entry.package))?.is_some() => State::Packaged,
            _ => State::Missing,
        })
    }

    /// The file of an entry, after its sha256 was found to be the recorded one.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::Missing`], [`Error::Stale`],
    /// [`Error::Changed`], [`Error::NotForThisMachine`], [`Error::Io`].
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        checked_file(&self.cache, self.entry(name)?)
    }

    /// As [`Store::path`], for an entry that must be of a given kind.
    ///
    /// # Errors
    /// [`Error::WrongKind`], which says what it is and what would do.
    pub fn path_as(&self, name: &str, expected: Kind) -> Result<PathBuf> {
        let entry = self.entry(name)?;
        if entry.kind != expected {
            return Err(Error::WrongKind {
                name: name.into(),
                got: entry.kind,
                expected,
                fitting: names(self.entries.iter().filter(|e| e.kind == expected)),
            });
        }
        checked_file(&self.cache, entry)
    }

    /// Makes entries ready: downloads, checks and converts what is not there
    /// yet or has changed. Safe to run in several processes at once. Without a
    /// network it works from packages that are in the cache already.
    ///
    /// Returns the files in the order of `names`.
    ///
    /// # Errors
    /// [`Error::NoClient`] and [`Error::Download`] name every file that can be
    /// brought by hand instead; further those of [`Store::path`],
    /// [`Error::DiskFull`], [`Error::WrongMember`], [`Error::Unreadable`].
    pub fn fetch(
        &self,
        names: &[&str],
        options: &FetchOptions,
        on: &mut dyn FnMut(Progress),
    ) -> Result<Vec<PathBuf>> {
        let entries = names.iter().map(|name| self.entry(name)).collect::<Result<Vec<_>>>()?;
        fetch::entries(&self.cache, &entries, options, on)
    }

    /// Takes a file that was brought by hand: a package archive of the
    /// catalogue, which is converted, or a converted file with a known sha256.
    ///
    /// Returns the names of the entries that are ready now.
    ///
    /// # Errors
    /// [`Error::UnknownFile`], [`Error::WrongArchive`], and those of a fetch.
    pub fn add(&self, file: &Path, on: &mut dyn FnMut(Progress)) -> Result<Vec<&'static str>> {
        add::file(&self.cache, self.entries, file, on)
    }

    /// Reads everything that belongs to an entry again and checks every sum:
    /// the file, and if it was kept the package and its members.
    ///
    /// # Errors
    /// Those of [`Store::path`], and [`Error::Changed`] or
    /// [`Error::WrongMember`] for the package.
    pub fn verify(&self, name: &str) -> Result<Verified> {
        let entry = self.entry(name)?;
        let file = checked_file(&self.cache, entry)?;
        let bytes = size_of(&file)?.unwrap_or(0);
        let archive = self.cache.archive(&entry.package);
        let package_kept = size_of(&archive)?.is_some();
        if package_kept {
            download::check(&entry.package, &archive).map_err(|detail| Error::Changed {
                name: name.into(),
                path: archive.clone(),
                detail,
            })?;
            for member in entry.members {
                convert::read_member(entry, &archive, member)?;
            }
        }
        Ok(Verified { bytes, package_kept })
    }
}

/// The file of an entry, if it is there whole and unchanged.
pub(crate) fn checked_file(cache: &Cache, entry: &Entry) -> Result<PathBuf> {
    fetch::check_platform(entry)?;
    let path = cache.file(entry);
    let (Some(size), Some(record)) = (size_of(&path)?, cache.record(entry)?) else {
        return Err(Error::Missing { name: entry.name.into(), cache: cache.root().to_path_buf() });
    };
    if !record.is_current(entry) {
        return Err(Error::Stale { name: entry.name.into(), path });
    }
    let changed = |path, detail| Error::Changed { name: entry.name.into(), path, detail };
    if size != record.bytes {
        let detail = format!("{size} bytes, expected {}", record.bytes);
        return Err(changed(path, detail));
    }
    let got = digest::of_file(&path)?.sha256;
    if got != record.sha256 {
        return Err(changed(path, format!("sha256 {got}, expected {}", record.sha256)));
    }
    Ok(path)
}

/// Size of a file; `None` if there is none.
pub(crate) fn size_of(path: &Path) -> Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(data) if data.is_file() => Ok(Some(data.len())),
        Ok(_) => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).context("look at", path),
    }
}

fn names<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    entries.map(|e| e.name).collect::<Vec<_>>().join(", ")
}
