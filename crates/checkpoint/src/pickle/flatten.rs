//! A pickled tree as arrays by name.

use std::collections::BTreeMap;

use super::numpy::Stored;
use super::tensor::{NoStorages, Storages};
use super::value::{Call, Pickle, Value};
use super::{numpy, tensor};
use crate::array::NamedArrays;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::place::{Checked, Entry};
use crate::source::Source;

const MAX_DEPTH: usize = 64;
/// Where NVIDIA's networks keep the arguments they were made with.
const SETTINGS: &str = "_init_kwargs";
/// Longest text kept as a note; sources of modules are longer.
const MAX_NOTE: usize = 4096;
/// Values that may be looked at besides those a pickle of its length can hold, and how often each of those
/// may be: values shared many times over could otherwise multiply without end.
const VISITS: u64 = 16 << 10;
const VISITS_PER_BYTE: u64 = 16;
/// What a name and its place in the tree cost in memory.
const NAME: u64 = 64;

/// The arrays of a tree, and its other leaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flat {
    /// Arrays, tensors and numpy scalars.
    pub arrays: NamedArrays,
    /// Numbers, booleans and texts of up to 4096 bytes, as text, by the same kind of name.
    pub notes: BTreeMap<String, String>,
}

/// What was found in a tree before anything is fetched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) notes: BTreeMap<String, String>,
}

impl Found {
    /// Adds an array.
    ///
    /// # Errors
    /// [`Error::Duplicate`].
    pub(crate) fn add(&mut self, name: String, entry: Entry) -> Result<()> {
        if self.entries.contains_key(&name) {
            return Err(Error::Duplicate { name });
        }
        self.entries.insert(name, entry);
        Ok(())
    }

    /// Fetches all arrays.
    pub(crate) fn load(self, source: Source) -> Result<Flat> {
        let checked = Checked::default();
        let arrays = self.entries.into_iter().map(|(name, entry)| {
            let array = entry.into_array(source, &checked)?;
            Ok((name, array))
        });
        Ok(Flat { arrays: arrays.collect::<Result<_>>()?, notes: self.notes })
    }
}

/// Names every array of `pickle` by the keys on the way to it, joined by `separator`.
///
/// Dicts and dict-like objects give their keys, lists and tuples their indices, lists of
/// `(name, value)` pairs the names. Modules of torch give the names of `state_dict`. An array at the very
/// top is named by the empty string.
/// # Errors
/// If an array is inconsistent, two get one name, or the tree is deeper than 64 or larger than the memory
/// allowed to a file of its size.
pub fn flatten(pickle: &Pickle, separator: &str) -> Result<Flat> {
    let budget = &mut Budget::for_input(pickle.source.len());
    find(pickle, separator, &NoStorages, budget)?.load(pickle.source)
}

/// [`flatten`] without fetching the arrays, for a pickle that may have storages beside it.
pub(crate) fn find(
    pickle: &Pickle,
    separator: &str,
    storages: &dyn Storages,
    budget: &mut Budget,
) -> Result<Found> {
    let limit = VISITS.saturating_add(VISITS_PER_BYTE.saturating_mul(pickle.code_len));
    let mut walk = Walk { separator, storages, budget, visits: 0, limit, found: Found::default() };
    walk.visit(pickle.root(), String::new(), 0)?;
    Ok(walk.found)
}

struct Walk<'w> {
    separator: &'w str,
    storages: &'w dyn Storages,
    budget: &'w mut Budget,
    visits: u64,
    limit: u64,
    found: Found,
}

impl Walk<'_> {
    fn visit(&mut self, value: Value, name: String, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::Limit {
                what: "the nesting of a pickle",
                got: depth as u64,
                limit: MAX_DEPTH as u64,
            });
        }
        self.count(1 + value.width() as u64 + name.len() as u64 / NAME)?;
        if let Some(call) = value.call()
            && self.object(&call, &name, depth)?
        {
            return Ok(());
        }
        if let Some(entries) = value.entries() {
            return self.entries(entries, &name, depth);
        }
        if let Some(items) = value.items() {
            if let Some(named) = named_pairs(items.clone()) {
                return self.entries(named, &name, depth);
            }
            for (k, item) in items.enumerate() {
                self.visit(item, self.join(&name, &k.to_string()), depth + 1)?;
            }
            return Ok(());
        }
        self.note(value, name)
    }

    fn entries(&mut self, entries: Vec<(Value, Value)>, name: &str, depth: usize) -> Result<()> {
        // Setting a key again replaces its value.
        let mut last = BTreeMap::new();
        for (key, value) in entries {
            let key = match (key.as_text(), key.as_i64()) {
                (Some(text), _) => text.to_owned(),
                (None, Some(number)) => number.to_string(),
                // Tuples and objects as keys name nothing.
                (None, None) => continue,
            };
            last.insert(key, value);
        }
        last.into_iter()
            .try_for_each(|(key, value)| self.visit(value, self.join(name, &key), depth + 1))
    }

    /// Interprets the calls that make arrays and modules; `false` leaves the object to be read as a container.
    fn object(&mut self, call: &Call, name: &str, depth: usize) -> Result<bool> {
        if let Some(stored) = numpy::read(call, self.budget) {
            match stored? {
                Stored::Numbers(entry) => self.array(name, entry)?,
                Stored::Objects(items) => self.objects(items, name, depth)?,
            }
            return Ok(true);
        }
        if let Some(entry) = tensor::read(call, self.storages, self.budget, 0) {
            self.array(name, entry?)?;
            return Ok(true);
        }
        if call.path == "torch_utils.persistence._reconstruct_persistent_obj" {
            let state =
                call.args.items().and_then(|mut a| a.next()).and_then(|meta| meta.get("state"));
            return state.map_or(Ok(false), |s| self.module(s, name, depth));
        }
        match call.state {
            // Of a dict-like object the state is bookkeeping; of any other it is the object.
            Some(state) if !call.is_container() && !call.path.starts_with("collections.") => {
                if !self.module(state, name, depth)? {
                    self.visit(state, name.to_owned(), depth + 1)?;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The attributes of a torch module; its parameters, buffers and children are named as `state_dict` does.
    fn module(&mut self, state: Value, name: &str, depth: usize) -> Result<bool> {
        let parts = ["_parameters", "_buffers", "_modules"];
        self.count(state.width() as u64)?;
        let Some(children) = parts.iter().map(|part| state.get(part)).collect::<Option<Vec<_>>>()
        else {
            return Ok(false);
        };
        for child in children {
            self.visit(child, name.to_owned(), depth + 1)?;
        }
        // What a network was built with; some of it, such as a bound on outputs, is nowhere else.
        if let Some(settings) = state.get(SETTINGS) {
            self.visit(settings, self.join(name, SETTINGS), depth + 1)?;
        }
        Ok(true)
    }

    /// An object array of one element is how numpy saves a dict.
    fn objects(&mut self, items: Value, name: &str, depth: usize) -> Result<()> {
        let mut elements = items.items().into_iter().flatten();
        match (elements.next(), elements.next()) {
            (Some(only), None) => self.visit(only, name.to_owned(), depth + 1),
            _ => self.visit(items, name.to_owned(), depth + 1),
        }
    }

    fn array(&mut self, name: &str, entry: Entry) -> Result<()> {
        self.budget.take(NAME + name.len() as u64)?;
        self.found.add(name.to_owned(), entry)
    }

    fn count(&mut self, visits: u64) -> Result<()> {
        self.visits = self.visits.saturating_add(visits);
        if self.visits > self.limit {
            let what = "the number of values of a pickle, shared ones counted each time";
            return Err(Error::Limit { what, got: self.visits, limit: self.limit });
        }
        Ok(())
    }

    fn note(&mut self, value: Value, name: String) -> Result<()> {
        let text = match (value.as_bool(), value.as_i64(), value.as_f64(), value.as_text()) {
            (_, Some(number), _, _) => number.to_string(),
            (Some(flag), _, _, _) => flag.to_string(),
            (_, _, Some(number), _) => number.to_string(),
            (_, _, _, Some(text)) if text.len() <= MAX_NOTE => text.to_owned(),
            _ => return Ok(()),
        };
        self.budget.take(NAME + (name.len() + text.len()) as u64)?;
        self.found.notes.insert(name, text);
        Ok(())
    }

    fn join(&self, parent: &str, key: &str) -> String {
        if parent.is_empty() { key.to_owned() } else { format!("{parent}{}{key}", self.separator) }
    }
}

/// A non-empty list of `(text, value)` pairs.
fn named_pairs<'p>(
    items: impl ExactSizeIterator<Item = Value<'p>>,
) -> Option<Vec<(Value<'p>, Value<'p>)>> {
    if items.len() == 0 {
        return None;
    }
    let pair = |item: Value<'p>| {
        let mut parts = item.items().filter(|p| p.len() == 2)?;
        let (name, value) = (parts.next()?, parts.next()?);
        // A pair of texts is more likely data than a name.
        (name.as_text().is_some() && value.call().is_some()).then_some((name, value))
    };
    items.map(pair).collect()
}
