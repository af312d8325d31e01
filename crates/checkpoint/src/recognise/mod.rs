//! Which network the arrays of a file feed, by their names and shapes.
//!
//! The tables list what the original implementations make of each network. A file may hold several, each
//! under a prefix of its own (`g_ema.`, `state_dict.encoder.`); sizes that files may choose, such as the
//! resolution of a generator or the width of its codes, are taken from the file.

mod network;
mod table;

use std::collections::{BTreeMap, BTreeSet};

pub use network::{NETWORKS, Network};
use table::{Bound, Key};

/// Most places in one file where a network is looked for; real files hold a handful.
const MAX_PLACES: usize = 64;

/// What is known of the arrays of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The networks in it, most complete first.
    pub parts: Vec<Part>,
    /// Arrays that belong to none of them.
    pub others: Vec<String>,
}

/// One network in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which one.
    pub network: Network,
    /// What stands before the names of its arrays, separator included; empty if nothing does.
    pub prefix: String,
    /// Pixels on a side of the highest level found, for generators.
    pub resolution: Option<usize>,
    /// How many of the arrays it needs are there.
    pub found: usize,
    /// How many it needs.
    pub needed: usize,
    /// Names, without prefix, of arrays it needs that are not there.
    pub missing: Vec<String>,
    /// Full names of arrays under its prefix that it does not know.
    pub extra: Vec<String>,
    /// Arrays whose shape differs from what it expects.
    pub misfits: Vec<Misfit>,
}

/// An array of an unexpected shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Its full name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What the network expects, with `?` for sizes that nothing decides.
    pub expected: String,
}

impl Part {
    /// Whether the network can be loaded from it: nothing is missing and all shapes fit.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.misfits.is_empty()
    }

    /// How well it explains the file: arrays of the right shape less those that are not there.
    fn score(&self) -> isize {
        self.found as isize - self.missing.len() as isize - 2 * self.misfits.len() as isize
    }
}

/// Finds the networks that arrays of these names and shapes feed.
pub fn recognise<'a>(arrays: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> Recognised {
    let file = File::new(arrays);
    let mut candidates: Vec<(Part, Vec<String>)> = NETWORKS
        .iter()
        .flat_map(|network| file.prefixes(network).map(move |prefix| (network, prefix)))
        .filter_map(|(network, prefix)| file.compare(network, &prefix))
        .collect();
    candidates.sort_by_key(|(part, _)| std::cmp::Reverse(part.score()));
    let mut claimed: BTreeSet<String> = BTreeSet::new();
    let mut parts: Vec<Part> = Vec::new();
    for (part, used) in candidates {
        // Of networks that look alike the one that fits best has the arrays.
        if used.iter().any(|name| claimed.contains(name)) {
            continue;
        }
        claimed.extend(used);
        parts.push(part);
    }
    let mut others = Vec::new();
    for (plain, (name, _)) in &file.arrays {
        if claimed.contains(plain) {
            continue;
        }
        let under = |part: &&mut Part| plain.starts_with(&plainly(&part.prefix));
        let owner = parts.iter_mut().filter(under).max_by_key(|part| part.prefix.len());
        match owner.filter(|part| !part.prefix.is_empty()) {
            Some(part) => part.extra.push((*name).to_owned()),
            None => others.push((*name).to_owned()),
        }
    }
    // What lies beside a network that has the whole file to itself is extra to it.
    if let [only] = parts.as_mut_slice()
        && only.prefix.is_empty()
    {
        only.extra = std::mem::take(&mut others);
    }
    Recognised { parts, others }
}

/// Names with both separators written as dots.
fn plainly(name: &str) -> String {
    name.replace('/', ".")
}

/// The arrays of a file by plain name: real name and shape.
struct File<'a> {
    arrays: BTreeMap<String, (&'a str, &'a [usize])>,
}

impl<'a> File<'a> {
    fn new(arrays: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> File<'a> {
        let arrays = arrays.into_iter().map(|(name, shape)| (plainly(name), (name, shape)));
        File { arrays: arrays.collect() }
    }

    /// What may stand before the names of a network: real text before its marker.
    fn prefixes(&self, network: &'static Network) -> impl Iterator<Item = String> {
        let prefixes = self.arrays.iter().filter_map(|(plain, (name, _))| {
            let before = plain.strip_suffix(network.marker)?;
            // Dots replace slashes one to one, so lengths agree.
            (before.is_empty() || before.ends_with('.')).then(|| name[..before.len()].to_owned())
        });
        prefixes.take(MAX_PLACES)
    }

    /// What of a network is under a prefix, and the plain names it uses; `None` if less than half is there.
    fn compare(&self, network: &Network, prefix: &str) -> Option<(Part, Vec<String>)> {
        let plain = |name: &str| format!("{}{name}", plainly(prefix));
        let sized = table::is_sized(network.table);
        let top = match sized {
            true => table::highest(network.table, |name| self.arrays.contains_key(&plain(name)))?,
            false => 0,
        };
        let mut part = Part {
            network: *network,
            prefix: prefix.to_owned(),
            resolution: sized.then_some(4 << top),
            found: 0,
            needed: 0,
            missing: Vec::new(),
            extra: Vec::new(),
            misfits: Vec::new(),
        };
        let (mut bound, mut used) = (Bound::new(), Vec::new());
        for key in table::keys(network.table, top) {
            let full = plain(&key.name);
            part.needed += usize::from(!key.optional);
            match self.arrays.get(&full) {
                Some((name, shape)) => {
                    part.found += usize::from(!key.optional);
                    part.misfits.extend(misfit(name, shape, &key, &mut bound));
                    used.push(full);
                }
                None if !key.optional => part.missing.push(key.name),
                None => {}
            }
        }
        (2 * part.found >= part.needed).then_some((part, used))
    }
}

fn misfit(name: &str, shape: &[usize], key: &Key, bound: &mut Bound) -> Option<Misfit> {
    let fits = shape.len() == key.shape.len()
        && shape.iter().zip(&key.shape).all(|(&size, extent)| extent.fits(size, bound));
    if fits {
        return None;
    }
    let expected: Vec<_> = key.shape.iter().map(|extent| extent.words(bound)).collect();
    Some(Misfit { name: name.to_owned(), shape: shape.to_vec(), expected: expected.join("x") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_well_formed_and_has_its_marker() {
        for network in NETWORKS {
            for top in [1, 4, 8] {
                let keys = table::keys(network.table, top);
                let marker = keys.iter().find(|k| k.name == network.marker);
                assert!(marker.is_some_and(|k| !k.optional), "{}", network.id);
                assert!(keys.iter().all(|k| !k.name.contains(['{', '/'])), "{}", network.id);
            }
        }
    }

    #[test]
    fn numbers_of_arrays_are_those_of_the_original_networks() {
        for (id, resolution, count) in [
            ("sg1-lernapparat", 1024, 116),
            ("sg1-lernapparat", 256, 94),
            ("sg1-rosinality", 1024, 139),
            ("sg2-rosinality", 1024, 171),
            ("sg2-rosinality", 256, 135),
            ("sg2-ada", 1024, 182),
            ("flownet2", 4, 220),
            ("inception-fid", 4, 566),
            ("inception-fid-script", 4, 376),
            ("psp-encoder", 4, 621),
            ("styleflow", 4, 42),
        ] {
            let network = NETWORKS.iter().find(|n| n.id == id).unwrap();
            let top = (resolution / 4u32).ilog2();
            assert_eq!(table::keys(network.table, top).len(), count, "{id} {resolution}");
        }
    }
}
