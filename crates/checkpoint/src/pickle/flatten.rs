//! A pickled tree as arrays by name.

use std::collections::BTreeMap;

use super::numpy::Stored;
use super::tensor::{NoStorages, Storages};
use super::value::{Call, Pickle, Value};
use super::{numpy, tensor};
use crate::array::{Array, NamedArrays};
use crate::budget::Budget;
use crate::error::{Error, Result};

const MAX_DEPTH: usize = 64;
/// Longest text kept as a note; sources of modules are longer.
const MAX_NOTE: usize = 4096;
/// What visiting a value costs, so that values shared many times over cannot multiply without end.
const VISIT: u64 = 128;
/// What looking through one entry of a container costs.
const WIDTH: u64 = 32;

/// The arrays of a tree, and its other leaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flat {
    /// Arrays, tensors and numpy scalars.
    pub arrays: NamedArrays,
    /// Numbers, booleans and texts of up to 4096 bytes, as text, by the same kind of name.
    pub notes: BTreeMap<String, String>,
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
    flatten_with(pickle.root(), separator, &NoStorages, &mut Budget::for_input(pickle.input_len))
}

/// [`flatten`] for a pickle with storages beside it.
pub(crate) fn flatten_with(
    root: Value,
    separator: &str,
    storages: &dyn Storages,
    budget: &mut Budget,
) -> Result<Flat> {
    let mut walk = Walk { separator, storages, budget, flat: Flat::default() };
    walk.visit(root, String::new(), 0)?;
    Ok(walk.flat)
}

struct Walk<'w> {
    separator: &'w str,
    storages: &'w dyn Storages,
    budget: &'w mut Budget,
    flat: Flat,
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
        self.budget.take(VISIT + name.len() as u64 + WIDTH * value.width() as u64)?;
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
        self.note(value, name);
        Ok(())
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
            self.budget.take(VISIT + key.len() as u64)?;
            last.insert(key, value);
        }
        last.into_iter()
            .try_for_each(|(key, value)| self.visit(value, self.join(name, &key), depth + 1))
    }

    /// Interprets the calls that make arrays and modules; `false` leaves the object to be read as a container.
    fn object(&mut self, call: &Call, name: &str, depth: usize) -> Result<bool> {
        if let Some(stored) = numpy::read(call, self.budget) {
            match stored? {
                Stored::Numbers(array) => self.array(name, array)?,
                Stored::Objects(items) => self.objects(items, name, depth)?,
            }
            return Ok(true);
        }
        if let Some(array) = tensor::read(call, self.storages, self.budget, 0) {
            self.array(name, array?)?;
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
        self.budget.take(WIDTH * state.width() as u64)?;
        let Some(children) = parts.iter().map(|part| state.get(part)).collect::<Option<Vec<_>>>()
        else {
            return Ok(false);
        };
        for child in children {
            self.visit(child, name.to_owned(), depth + 1)?;
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

    fn array(&mut self, name: &str, array: Array) -> Result<()> {
        if self.flat.arrays.insert(name.to_owned(), array).is_some() {
            return Err(Error::Duplicate { name: name.to_owned() });
        }
        Ok(())
    }

    fn note(&mut self, value: Value, name: String) {
        let text = match (value.as_bool(), value.as_i64(), value.as_f64(), value.as_text()) {
            (_, Some(number), _, _) => number.to_string(),
            (Some(flag), _, _, _) => flag.to_string(),
            (_, _, Some(number), _) => number.to_string(),
            (_, _, _, Some(text)) if text.len() <= MAX_NOTE => text.to_owned(),
            _ => return,
        };
        self.flat.notes.insert(name, text);
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
