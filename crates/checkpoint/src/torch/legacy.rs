//! Torch before 1.6: five pickles in a row, then the storages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{SEPARATOR, TORCH};
use crate::array::DType;
use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::kind::TORCH_LEGACY_MAGIC;
use crate::pickle::{self, Flat, Pickle, Storage, Storages, storage_type};

const PROTOCOL: i64 = 1001;

/// Reads a whole file.
pub(crate) fn read(bytes: &[u8]) -> Result<Flat> {
    let stream = Stream::parse(bytes)?;
    pickle::flatten_with(
        stream.tree.root(),
        SEPARATOR,
        &stream,
        &mut Budget::for_input(bytes.len()),
    )
}

/// Reads a stream whose object is a bare storage, as found inside pickles of single tensors.
pub(crate) fn embedded_storage(
    bytes: &[u8],
    budget: &mut Budget,
    depth: usize,
) -> Result<Storage<'static>> {
    let stream = Stream::parse(bytes)?;
    let storage = pickle::resolve(stream.tree.root(), &stream, budget, depth)?;
    budget.take(storage.bytes.len() as u64)?;
    Ok(Storage { dtype: storage.dtype, bytes: Cow::Owned(storage.bytes.into_owned()) })
}

struct Stream<'a> {
    tree: Pickle<'a>,
    storages: BTreeMap<String, &'a [u8]>,
}

impl<'a> Stream<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Stream<'a>> {
        let mut at = TORCH_LEGACY_MAGIC.len();
        if !bytes.starts_with(&TORCH_LEGACY_MAGIC) {
            return Err(malformed(TORCH, "the magic number is missing"));
        }
        let mut next = || {
            let (pickle, len) = pickle::parse_prefix(&bytes[at..])?;
            at += len;
            Ok::<Pickle<'a>, Error>(pickle)
        };
        let (version, system, tree, keys) = (next()?, next()?, next()?, next()?);
        if version.root().as_i64() != Some(PROTOCOL) {
            return Err(unsupported(TORCH, "a protocol other than 1001"));
        }
        if system.root().get("little_endian").and_then(|v| v.as_bool()) == Some(false) {
            return Err(unsupported(TORCH, "big-endian storage"));
        }
        let types = storage_types(&tree)?;
        let mut data = Reader::new(&bytes[at..], TORCH);
        let mut storages = BTreeMap::new();
        for key in keys
            .root()
            .items()
            .ok_or_else(|| malformed(TORCH, "the list of storages is missing"))?
        {
            let key = key
                .as_text()
                .ok_or_else(|| malformed(TORCH, "the key of a storage is not text"))?;
            let dtype = types
                .get(key)
                .ok_or_else(|| malformed(TORCH, format!("storage `{key}` is never used")))?;
            let size = data.u64()?.saturating_mul(dtype.size() as u64);
            storages.insert(key.to_owned(), data.take(size)?);
        }
        Ok(Stream { tree, storages })
    }
}

impl Storages for Stream<'_> {
    fn raw(&self, key: &str) -> Result<&[u8]> {
        let found = self.storages.get(key).copied();
        found.ok_or_else(|| malformed(TORCH, format!("storage `{key}` is missing")))
    }
}

/// The storages say how many elements they hold; how wide those are, only the references to them tell.
fn storage_types(tree: &Pickle) -> Result<BTreeMap<String, DType>> {
    let mut types = BTreeMap::new();
    for id in tree.persistent_ids() {
        let parts: Vec<_> = id.items().into_iter().flatten().take(3).collect();
        let [_, class, key] = parts.as_slice() else { continue };
        let (Some(class), Some(key)) = (class.as_global(), key.as_text()) else { continue };
        let dtype = storage_type(class)?;
        if types.insert(key.to_owned(), dtype).is_some_and(|before| before != dtype) {
            return Err(malformed(
                TORCH,
                format!("storage `{key}` is used with two element types"),
            ));
        }
    }
    Ok(types)
}
