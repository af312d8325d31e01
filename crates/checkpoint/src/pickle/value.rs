//! What a pickle holds, as an arena of nodes and a cursor over it.
//!
//! Nodes refer to each other by index: shared and even cyclic values cost nothing, and dropping a deeply
//! nested pickle does not recurse.

use std::borrow::Cow;

use crate::place;
use crate::source::{Source, Span};

/// Index of a node.
pub(super) type Id = u32;

#[derive(Debug, Clone)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer wider than 64 bits; no model file needs its value.
    Big,
    Float(f64),
    Text(Cow<'a, str>),
    /// Bytes, and the strings of Python 2, which do not say whether they are text.
    Bytes(Cow<'a, [u8]>),
    /// A string too long to be a name or a note, left where it is.
    Long {
        at: Span,
        text: bool,
    },
    /// List, tuple or set.
    Sequence(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// Dotted path of a class or function.
    Global(String),
    Persistent(Id),
    Call(Box<CallNode>),
}

#[derive(Debug, Clone)]
pub(super) struct CallNode {
    pub(super) callable: Id,
    pub(super) args: Id,
    pub(super) state: Option<Id>,
    pub(super) items: Vec<Id>,
    pub(super) pairs: Vec<(Id, Id)>,
}

/// A pickle that has been read. Its long strings stay where they are; of the others it has, or borrows,
/// the text.
#[derive(Debug, Clone)]
pub struct Pickle<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Id,
    pub(super) source: Source<'a>,
    /// Bytes of instructions, long strings not counted.
    pub(super) code_len: u64,
}

/// The bytes of a string.
#[derive(Debug, Clone)]
pub(super) enum Raw<'p> {
    Short(Cow<'p, [u8]>),
    /// A part of the source, either bytes as they are or their latin-1 text.
    Long {
        at: Span,
        latin1: bool,
    },
}

impl Pickle<'_> {
    /// The pickled object.
    pub fn root(&self) -> Value<'_> {
        Value { pickle: self, id: self.root }
    }

    /// The identifiers of all objects that the pickle keeps outside itself.
    pub(crate) fn persistent_ids(&self) -> impl Iterator<Item = Value<'_>> {
        self.nodes.iter().filter_map(move |node| match node {
            Node::Persistent(id) => Some(Value { pickle: self, id: *id }),
            _ => None,
        })
    }
}

/// One object inside a [`Pickle`]; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Value<'p> {
    pickle: &'p Pickle<'p>,
    id: Id,
}

/// A call that was recorded instead of made: `path(*args)`, then `state` set on the result, then `items`
/// appended and `pairs` set.
#[derive(Debug, Clone, Copy)]
pub struct Call<'p> {
    /// Dotted path of the callable; empty if the callable is itself the result of a call.
    pub path: &'p str,
    /// The arguments, normally a tuple.
    pub args: Value<'p>,
    /// What `__setstate__` would have received.
    pub state: Option<Value<'p>>,
    items: &'p [Id],
    pairs: &'p [(Id, Id)],
}

impl<'p> Value<'p> {
    fn node(self) -> &'p Node<'p> {
        &self.pickle.nodes[self.id as usize]
    }

    fn at(self, id: Id) -> Value<'p> {
        Value { pickle: self.pickle, id }
    }

    /// Where the long strings of the pickle are.
    pub(super) fn source(self) -> Source<'p> {
        self.pickle.source
    }

    /// Whether it is `None`.
    pub fn is_none(self) -> bool {
        matches!(self.node(), Node::None)
    }

    /// A boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self.node() {
            Node::Bool(b) => Some(*b),
            // Python 2 writes some booleans as integers.
            Node::Int(i @ (0 | 1)) => Some(*i == 1),
            _ => None,
        }
    }

    /// An integer of at most 64 bits; booleans do not count.
    pub fn as_i64(self) -> Option<i64> {
        match self.node() {
            Node::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// A non-negative integer.
    pub fn as_usize(self) -> Option<usize> {
        self.as_i64().and_then(|i| usize::try_from(i).ok())
    }

    /// A float, or an integer as float.
    pub fn as_f64(self) -> Option<f64> {
        match self.node() {
            Node::Float(f) => Some(*f),
            Node::Int(i) => Some(*i as f64),
            _ => None,
        }
    }

    /// Text of up to 4096 bytes, and such Python-2 strings that are valid UTF-8.
    pub fn as_text(self) -> Option<&'p str> {
        match self.node() {
            Node::Text(t) => Some(t),
            Node::Bytes(b) => std::str::from_utf8(b).ok(),
            _ => None,
        }
    }

    /// Bytes. Text of code points below 256 counts as its latin-1 bytes, which is how protocol 2 writes
    /// byte strings, directly or through `_codecs.encode`. `None` also if a file can no longer be read.
    pub fn as_bytes(self) -> Option<Cow<'p, [u8]>> {
        match self.raw()? {
            Raw::Short(bytes) => Some(bytes),
            Raw::Long { at, latin1: false } => self.source().read(at).ok(),
            Raw::Long { at, latin1: true } => {
                place::latin1(&self.source().read(at).ok()?).ok().map(Cow::Owned)
            }
        }
    }

    /// [`as_bytes`](Self::as_bytes) without fetching long ones.
    pub(super) fn raw(self) -> Option<Raw<'p>> {
        match self.node() {
            Node::Bytes(b) => Some(Raw::Short(Cow::Borrowed(b))),
            Node::Text(t) => latin1(t).map(Raw::Short),
            Node::Long { at, text } => Some(Raw::Long { at: *at, latin1: *text }),
            Node::Call(_) => {
                let call = self.call()?;
                let mut args = call.args.items()?;
                let (text, codec) = (args.next()?, args.next()?);
                let known = call.path == "_codecs.encode"
                    && matches!(codec.as_text(), Some("latin1" | "latin-1"));
                match text.node() {
                    Node::Text(_) | Node::Long { text: true, .. } if known => text.raw(),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The elements of a list, tuple or set, or of an object that had elements appended.
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Value<'p>> + Clone> {
        let ids = match self.node() {
            Node::Sequence(ids) => ids.as_slice(),
            Node::Call(call) if !call.items.is_empty() => call.items.as_slice(),
            _ => return None,
        };
        Some(ids.iter().map(move |&id| self.at(id)))
    }

    /// The entries of a dict or of a dict-like object (`OrderedDict`, `EasyDict`, ...), in the order they
    /// were set; the last of equal keys counts.
    pub fn entries(self) -> Option<Vec<(Value<'p>, Value<'p>)>> {
        let own = |pairs: &'p [(Id, Id)]| {
            pairs.iter().map(|&(k, v)| (self.at(k), self.at(v))).collect::<Vec<_>>()
        };
        let call = match self.node() {
            Node::Dict(pairs) => return Some(own(pairs)),
            Node::Call(_) => self.call()?,
            _ => return None,
        };
        let mut entries = Vec::new();
        if call.path == "collections.OrderedDict" || call.path == "collections.defaultdict" {
            // Python 2 passes the entries to the constructor, as a list of two-element lists.
            for pair in call.args.items()?.next().and_then(Value::items).into_iter().flatten() {
                let mut pair = pair.items()?;
                entries.push((pair.next()?, pair.next()?));
            }
        } else if call.pairs.is_empty() {
            return None;
        }
        entries.extend(own(call.pairs));
        Some(entries)
    }

    /// Number of entries or elements of a container; what looking one up costs.
    pub(super) fn width(self) -> usize {
        match self.node() {
            Node::Dict(pairs) => pairs.len(),
            Node::Sequence(items) => items.len(),
            Node::Call(call) => {
                let inherited = self.at(call.args).items().and_then(|mut a| a.next());
                call.pairs.len()
                    + call.items.len()
                    + inherited.and_then(Value::items).map_or(0, |i| i.len())
            }
            _ => 0,
        }
    }

    /// The entry of a dict or dict-like object under a text key.
    pub fn get(self, key: &str) -> Option<Value<'p>> {
        let found = self.entries()?.into_iter().rev().find(|(k, _)| k.as_text() == Some(key));
        found.map(|(_, value)| value)
    }

    /// The path of a class or function that is referred to but not called.
    pub fn as_global(self) -> Option<&'p str> {
        match self.node() {
            Node::Global(path) => Some(path),
            _ => None,
        }
    }

    /// The identifier of an object kept outside the pickle.
    pub fn as_persistent(self) -> Option<Value<'p>> {
        match self.node() {
            Node::Persistent(id) => Some(self.at(*id)),
            _ => None,
        }
    }

    /// A recorded call.
    pub fn call(self) -> Option<Call<'p>> {
        let Node::Call(call) = self.node() else { return None };
        Some(Call {
            path: self.at(call.callable).as_global().unwrap_or(""),
            args: self.at(call.args),
            state: call.state.map(|id| self.at(id)),
            items: &call.items,
            pairs: &call.pairs,
        })
    }
}

impl<'p> Call<'p> {
    /// `path(*args)` as a call of its own.
    pub(super) fn new(path: &'p str, args: Value<'p>) -> Call<'p> {
        Call { path, args, state: None, items: &[], pairs: &[] }
    }

    /// Whether elements or entries were added to the object after it was made.
    pub fn is_container(&self) -> bool {
        !self.items.is_empty() || !self.pairs.is_empty()
    }
}

fn latin1(text: &str) -> Option<Cow<'_, [u8]>> {
    if text.is_ascii() {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect::<Option<Vec<_>>>()
        .map(Cow::Owned)
}
