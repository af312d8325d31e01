//! Files brought by hand.

use std::fs;
use std::path::Path;

use crate::cache::{self, Cache, Workshop};
use crate::catalog::{Entry, Package};
use crate::digest::{self, Sum};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::record::Record;
use crate::{download, fetch};

/// Recognises a file by its sha256 and stores what it holds; returns the names
/// of the entries that are ready now.
pub(crate) fn file(
    cache: &Cache,
    entries: &'static [Entry],
    path: &Path,
    on: &mut dyn FnMut(Progress),
) -> Result<Vec<&'static str>> {
    let sum = digest::of_file(path)?;
    let of_package: Vec<_> =
        entries.iter().filter(|entry| entry.package.sha256 == sum.sha256).collect();
    let converted =
        entries.iter().find(|entry| entry.converted_sha256 == Some(sum.sha256.as_str()));
    let wanted = if of_package.is_empty() { converted.into_iter().collect() } else { of_package };
    let Some(first) = wanted.first() else { return Err(unknown(entries, path, sum)) };
    wanted.iter().try_for_each(|entry| fetch::check_platform(entry))?;

    let shop = cache.lock(|| on(Progress::Waiting { cache: cache.root() }))?;
    if first.package.sha256 == sum.sha256 {
        let archive = keep_package(&shop, &first.package, path)?;
        for entry in &wanted {
            fetch::store_converted(&shop, entry, &archive, on)?;
        }
    } else {
        keep_converted(&shop, first, path, &sum, on)?;
    }
    Ok(wanted.iter().map(|entry| entry.name).collect())
}

fn keep_package(shop: &Workshop, package: &Package, path: &Path) -> Result<std::path::PathBuf> {
    let copy = shop.work().join(package.archive);
    fs::copy(path, &copy).context("copy into the cache", path)?;
    // The file may have changed between the sum and the copy.
    download::check(package, &copy).map_err(|detail| Error::Changed {
        name: package.name.into(),
        path: path.to_path_buf(),
        detail,
    })?;
    shop.keep_archive(&copy, package)
}

fn keep_converted(
    shop: &Workshop,
    entry: &Entry,
    path: &Path,
    sum: &Sum,
    on: &mut dyn FnMut(Progress),
) -> Result<()> {
    let bytes = fs::read(path).context("read", path)?;
    if digest::of_bytes(&bytes) != *sum {
        let detail = "it was written to while it was read".into();
        return Err(Error::Changed { name: entry.name.into(), path: path.to_path_buf(), detail });
    }
    let copy = shop.work().join("converted");
    cache::write(&copy, &bytes)?;
    if entry.recipe == crate::catalog::Recipe::Executable {
        crate::convert::make_executable(&copy)?;
    }
    let file = shop.keep(&copy, entry, &Record::new(entry, sum))?;
    on(Progress::Ready { model: entry.name, path: &file, new: true });
    Ok(())
}

/// The error for a file with an unknown sum: its name may still be known.
fn unknown(entries: &[Entry], path: &Path, sum: Sum) -> Error {
    let name = path.file_name().unwrap_or_default();
    if let Some(entry) = entries.iter().find(|entry| name == entry.package.archive) {
        return Error::WrongArchive {
            path: path.to_path_buf(),
            archive: entry.package.archive,
            package: entry.package.name,
            version: entry.package.version,
            expected: entry.package.sha256,
            got: sum.sha256,
        };
    }
    let mut known: Vec<&str> = entries.iter().map(|entry| entry.package.archive).collect();
    known.extend(entries.iter().filter(|e| e.converted_sha256.is_some()).map(|e| base_name(e)));
    Error::UnknownFile { path: path.to_path_buf(), sha256: sum.sha256, known: known.join(", ") }
}

fn base_name(entry: &Entry) -> &'static str {
    entry.file.rsplit('/').next().unwrap_or(entry.file)
}
