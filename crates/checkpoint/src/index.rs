//! What a file holds, before its numbers are read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::array::{Array, DType, NamedArrays};
use crate::budget::Budget;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::ir::Graph;
use crate::kind::{Kind, advice, detect_in};
use crate::pickle::{self, Found, NoStorages};
use crate::place::{Checked, Entry};
use crate::source::Source;
use crate::{dlib, mat, npy, safe, shards, torch};

/// The names, shapes and places of the arrays of one file.
///
/// Opening reads the structure of the file only; [`Index::array`] then reads the bytes of one array from
/// where they lie. Of a file of hundreds of megabytes, little more is ever held than the arrays asked for.
/// Kept in memory from the beginning are only arrays that have to be computed or unpacked: those of dlib,
/// of quantised shards, of compressed MATLAB variables, and what is shorter than a few kilobytes.
#[derive(Debug)]
pub struct Index {
    kind: Kind,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
    path: PathBuf,
    store: Store,
    checked: Checked,
}

/// What places in a file refer to.
#[derive(Debug)]
enum Store {
    File {
        file: File,
        path: PathBuf,
        len: u64,
    },
    /// What cannot be read at any place, such as a pipe.
    Memory(Vec<u8>),
}

/// An array that is not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayInfo<'a> {
    /// Extents, outermost first.
    pub shape: &'a [usize],
    /// Type of one element.
    pub dtype: DType,
}

impl ArrayInfo<'_> {
    /// Bytes of its elements.
    pub fn bytes(&self) -> u64 {
        let count = self.shape.iter().fold(1u64, |n, &d| n.saturating_mul(d as u64));
        count.saturating_mul(self.dtype.size() as u64)
    }
}

impl Index {
    /// Looks through the file at `path`, whatever its extension; names are those of [`open`](crate::open).
    ///
    /// # Errors
    /// [`Error::NotAModel`] for recognised files without arrays, otherwise what is wrong with the content;
    /// every error names the file.
    pub fn open(path: &Path) -> Result<Index> {
        Index::at(path).map_err(|e| e.at(path))
    }

    fn at(path: &Path) -> Result<Index> {
        let store = Store::open(path)?;
        let kind = detect_in(store.source())?;
        let (found, store) = match kind {
            Kind::IrXml => {
                let graph = Graph::parse(&store.content(ir_limit())?)?;
                let bin = Store::open(&path.with_extension("bin"))?;
                let budget = &mut Budget::for_input(bin.source().len());
                (graph.places(bin.source(), budget)?, bin)
            }
            Kind::ShardManifest => {
                let manifest = store.content(shards::MAX_MANIFEST)?;
                (shards::beside(path, &manifest)?, store)
            }
            kind => (find(kind, store.source())?, store),
        };
        let (path, checked) = (path.to_path_buf(), Checked::default());
        Ok(Index { kind, entries: found.entries, metadata: found.notes, path, store, checked })
    }

    /// What the file is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Texts and numbers stored beside the arrays: safetensors metadata, options of a training run.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// All arrays by name, in name order.
    pub fn arrays(&self) -> impl ExactSizeIterator<Item = (&str, ArrayInfo<'_>)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), info(entry)))
    }

    /// Shape and element type of an array.
    pub fn get(&self, name: &str) -> Option<ArrayInfo<'_>> {
        self.entries.get(name).map(info)
    }

    /// Reads one array.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is none of that name; otherwise if the file has changed, is damaged there
    /// (check sums of archives are verified) or cannot be read.
    pub fn array(&self, name: &str) -> Result<Array> {
        let read = match self.entries.get(name) {
            Some(entry) => entry.load(self.store.source(), &self.checked),
            None => Err(self.missing(name)),
        };
        read.map_err(|e| e.at(&self.path))
    }

    /// Reads all arrays.
    ///
    /// # Errors
    /// As [`Index::array`].
    pub fn read(self) -> Result<Checkpoint> {
        let Index { kind, entries, metadata, path, store, checked } = self;
        let source = store.source();
        let arrays: Result<NamedArrays> = entries
            .into_iter()
            .map(|(name, entry)| Ok((name, entry.into_array(source, &checked)?)))
            .collect();
        let arrays = arrays.map_err(|e| e.at(&path))?;
        Ok(Checkpoint { kind, arrays, metadata })
    }

    fn missing(&self, name: &str) -> Error {
        const SHOWN: usize = 4;
        let mut present: Vec<_> =
            self.entries.keys().take(SHOWN).map(|n| format!("`{n}`")).collect();
        if self.entries.len() > SHOWN {
            present.push(format!("{} more", self.entries.len() - SHOWN));
        }
        Error::Missing {
            container: "the file".into(),
            what: format!("array `{name}`"),
            present: present.join(", "),
        }
    }
}

fn info(entry: &Entry) -> ArrayInfo<'_> {
    ArrayInfo { shape: &entry.shape, dtype: entry.dtype }
}

/// Finds the arrays of a container that is one file.
pub(crate) fn find(kind: Kind, source: Source) -> Result<Found> {
    match kind {
        Kind::TorchZip | Kind::TorchScript => torch::index_zip(source),
        Kind::TorchLegacy => torch::index_legacy(source),
        Kind::Pickle => {
            let (tree, _) = pickle::parse_at(source, source.whole())?;
            pickle::find(&tree, "/", &NoStorages, &mut Budget::for_input(source.len()))
        }
        Kind::Npy => npy::index(source),
        Kind::Npz => npy::index_zip(source),
        Kind::Safetensors => safe::index(source),
        Kind::Mat5 => mat::index(source),
        Kind::Dlib => dlib::index(source),
        other => Err(Error::NotAModel { kind: other, advice: advice(other) }),
    }
}

/// Largest description of a model.
fn ir_limit() -> u64 {
    crate::ir::MAX_XML as u64
}

impl Store {
    fn open(path: &Path) -> Result<Store> {
        let io = |source| Error::Io { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_file() {
            let (path, len) = (path.to_path_buf(), metadata.len());
            return Ok(Store::File { file, path, len });
        }
        fs::read(path).map(Store::Memory).map_err(io)
    }

    fn source(&self) -> Source<'_> {
        match self {
            Store::File { file, path, len } => Source::file(file, path, *len),
            Store::Memory(bytes) => Source::memory(bytes),
        }
    }

    /// All of it, if that is at most `limit` bytes.
    fn content(&self, limit: u64) -> Result<Vec<u8>> {
        let source = self.source();
        if source.len() > limit {
            let what = "the size of the description of a model (bytes)";
            return Err(Error::Limit { what, got: source.len(), limit });
        }
        Ok(source.read(source.whole())?.into_owned())
    }
}
