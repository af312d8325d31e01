//! Torch before 1.6: five pickles in a row, then the storages.

use std::collections::BTreeMap;

use super::{SEPARATOR, TORCH};
use crate::array::DType;
use crate::budget::Budget;
use crate::error::{Error, Result, malformed, unsupported};
use crate::input::Input;
use crate::kind::TORCH_LEGACY_MAGIC;
use crate::pickle::{self, Found, Pickle, Storage, Storages, storage_type};
use crate::place::{Block, Bytes};
use crate::source::{Source, Span};

const PROTOCOL: i64 = 1001;

/// Finds the arrays of a whole file.
pub(crate) fn index(source: Source) -> Result<Found> {
    let stream = Stream::parse(source, source.whole())?;
    pickle::find(&stream.tree, SEPARATOR, &stream, &mut Budget::for_input(source.len()))
}

/// Reads a stream whose object is a bare storage, as found inside pickles of single tensors.
pub(crate) fn embedded_storage<'p>(
    outer: Source<'p>,
    bytes: &Bytes<'p>,
    budget: &mut Budget,
    depth: usize,
) -> Result<Storage<'p>> {
    let stored = match bytes {
        Bytes::Far(block) if block.is_plain() => {
            Stream::parse(outer, block.span)?.only_storage(budget, depth)?
        }
        Bytes::Far(block) => near(&block.read(outer)?, budget, depth)?,
        Bytes::Near(bytes) => near(bytes, budget, depth)?,
    };
    Ok(stored)
}

/// The storage of a stream that is at hand, copied out of it.
fn near(bytes: &[u8], budget: &mut Budget, depth: usize) -> Result<Storage<'static>> {
    let source = Source::unpacked(bytes);
    let Storage { dtype, bytes } =
        Stream::parse(source, source.whole())?.only_storage(budget, depth)?;
    budget.take(bytes.len())?;
    let bytes = match bytes {
        Bytes::Near(bytes) => Bytes::Near(bytes.into_owned().into()),
        Bytes::Far(block) => Bytes::Near(block.read(source)?.into_owned().into()),
    };
    Ok(Storage { dtype, bytes })
}

struct Stream<'a> {
    tree: Pickle<'a>,
    source: Source<'a>,
    storages: BTreeMap<String, Span>,
}

impl<'a> Stream<'a> {
    fn parse(source: Source<'a>, span: Span) -> Result<Stream<'a>> {
        let end = span.start + span.len;
        let mut input = Input::new(source, span, TORCH);
        let magic = TORCH_LEGACY_MAGIC.len() as u64;
        if input.take(magic.min(span.len))?.as_ref() != TORCH_LEGACY_MAGIC.as_slice() {
            return Err(malformed(TORCH, "the magic number is missing"));
        }
        let mut at = input.pos();
        let mut next = || {
            let (pickle, after) = pickle::parse_at(source, Span { start: at, len: end - at })?;
            at = after;
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
        let mut data = Input::new(source, Span { start: at, len: end - at }, TORCH);
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
            storages.insert(key.to_owned(), data.skip(size)?);
        }
        Ok(Stream { tree, source, storages })
    }

    /// What the stream is if its object is a storage. Where the bytes are does not depend on the stream.
    fn only_storage(self, budget: &mut Budget, depth: usize) -> Result<Storage<'a>> {
        let Storage { dtype, bytes } = pickle::resolve(self.tree.root(), &self, budget, depth)?;
        let bytes = match bytes {
            Bytes::Far(block) => Bytes::Far(block),
            Bytes::Near(bytes) => Bytes::Near(bytes.into_owned().into()),
        };
        Ok(Storage { dtype, bytes })
    }
}

impl Storages for Stream<'_> {
    fn raw(&self, key: &str, budget: &mut Budget) -> Result<Bytes<'_>> {
        let found = self.storages.get(key).copied();
        let span = found.ok_or_else(|| malformed(TORCH, format!("storage `{key}` is missing")))?;
        if !self.source.is_temporary() {
            return Ok(Bytes::Far(Block::plain(span)));
        }
        // Copied out at once.
        budget.take(span.len)?;
        self.source.read(span).map(Bytes::Near)
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
