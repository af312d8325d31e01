//! Torch 1.6 and later: a zip of one pickle and one member a storage.

use super::{SEPARATOR, TORCH};
use crate::archive::ZipFile;
use crate::budget::Budget;
use crate::error::{Result, malformed, unsupported};
use crate::pickle::{self, Found, Storages};
use crate::place::Bytes;
use crate::source::Source;

/// Finds the arrays that `<top>/data.pkl` makes of the storages `<top>/data/<key>`; the name of the top
/// folder is free.
pub(crate) fn index(source: Source) -> Result<Found> {
    let budget = &mut Budget::for_input(source.len());
    let zip = ZipFile::new(source)?;
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
    let top: &str = top;
    let order = format!("{top}/byteorder");
    if zip.size(&order).is_some() && zip.member(&order, budget)?.trim_ascii() == b"big" {
        return Err(unsupported(TORCH, "big-endian storage"));
    }
    let tree = zip.member(&format!("{top}/data.pkl"), budget)?;
    let tree = Source::unpacked(&tree);
    let (tree, _) = pickle::parse_at(tree, tree.whole())?;
    pickle::find(&tree, SEPARATOR, &Members { zip: &zip, top }, budget)
}

struct Members<'z> {
    zip: &'z ZipFile<'z>,
    top: &'z str,
}

impl Storages for Members<'_> {
    fn raw(&self, key: &str, _: &mut Budget) -> Result<Bytes<'_>> {
        let name = format!("{}/data/{key}", self.top);
        if self.zip.size(&name).is_none() {
            return Err(malformed(TORCH, format!("storage `{key}` is missing")));
        }
        self.zip.block(&name).map(Bytes::Far)
    }
}
