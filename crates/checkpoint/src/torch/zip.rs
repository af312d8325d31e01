//! Torch 1.6 and later: a zip of one pickle and one member a storage.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{SEPARATOR, TORCH};
use crate::archive::ZipFile;
use crate::budget::Budget;
use crate::error::{Result, malformed, unsupported};
use crate::pickle::{self, Flat, Storages};

/// Reads `<top>/data.pkl` and the storages `<top>/data/<key>`; the name of the top folder is free.
pub(crate) fn read(bytes: &[u8]) -> Result<Flat> {
    let budget = &mut Budget::for_input(bytes.len());
    let zip = ZipFile::new(bytes)?;
    let tops: Vec<_> = zip
        .names()
        .filter_map(|n| n.strip_suffix("/data.pkl"))
        .filter(|t| !t.contains('/'))
        .collect();
    let [top] = tops.as_slice() else {
        return Err(malformed(
            TORCH,
            format!("{} members `*/data.pkl`, one was expected", tops.len()),
        ));
    };
    let order = format!("{top}/byteorder");
    if zip.size(&order).is_some() && zip.member(&order, budget)?.trim_ascii() == b"big" {
        return Err(unsupported(TORCH, "big-endian storage"));
    }
    let prefix = format!("{top}/data/");
    let mut storages = Members::default();
    for name in zip.names() {
        if let Some(key) = name.strip_prefix(&prefix) {
            storages.0.insert(key.to_owned(), zip.member(name, budget)?);
        }
    }
    let tree = zip.member(&format!("{top}/data.pkl"), budget)?;
    let tree = pickle::parse(&tree)?;
    pickle::flatten_with(tree.root(), SEPARATOR, &storages, budget)
}

#[derive(Default)]
struct Members<'a>(BTreeMap<String, Cow<'a, [u8]>>);

impl Storages for Members<'_> {
    fn raw(&self, key: &str) -> Result<&[u8]> {
        let found = self.0.get(key).map(AsRef::as_ref);
        found.ok_or_else(|| malformed(TORCH, format!("storage `{key}` is missing")))
    }
}
