//! The stack machine.

use std::borrow::Cow;
use std::collections::HashMap;

use super::PICKLE;
use super::literal::{integer, parse_number, raw_unicode, unquote};
use super::opcode::*;
use super::value::{CallNode, Id, Node, Pickle};
use crate::error::{Error, Result, malformed, unsupported};
use crate::input::Input;
use crate::source::{Source, Span};

/// Most objects in one pickle. Model files have a few thousand, rarely a hundred thousand.
const MAX_NODES: usize = 1 << 21;
/// Most values waiting on the stack; pickles of Python flush their lists every thousand.
const MAX_STACK: usize = 1 << 20;
/// Longer strings are left where they are: they hold arrays, or the sources of modules.
const LONG_STRING: u64 = 4096;

/// Reads a pickle (protocols 0 to 5).
///
/// Bytes after its end are ignored.
/// # Errors
/// [`Error::Truncated`] or [`Error::Malformed`] with the offset, [`Error::Unsupported`] for the registry of
/// extensions and out-of-band buffers, [`Error::Limit`] beyond about two million objects.
pub fn parse(bytes: &[u8]) -> Result<Pickle<'_>> {
    let source = Source::memory(bytes);
    parse_at(source, source.whole()).map(|(pickle, _)| pickle)
}

/// Like [`parse`], from the beginning of a span, and says where the pickle ends.
pub(crate) fn parse_at(source: Source<'_>, span: Span) -> Result<(Pickle<'_>, u64)> {
    let mut machine = Machine::new(Input::new(source, span, PICKLE));
    loop {
        let at = machine.input.pos();
        let op = machine.input.u8()?;
        if op == STOP {
            let root = machine.pop()?;
            let end = machine.input.pos();
            let code_len = end - span.start - machine.passed;
            return Ok((Pickle { nodes: machine.nodes, root, source, code_len }, end));
        }
        machine.step(op).map_err(|e| match e {
            Error::Malformed { format, what } => {
                malformed(format, format!("{what} (opcode {op:#04x} at offset {at})"))
            }
            other => other,
        })?;
    }
}

struct Machine<'a> {
    input: Input<'a>,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack where marks stand.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Bytes of long strings so far.
    passed: u64,
}

/// Nodes made once, so that a file full of `None` costs nothing.
const NONE_ID: Id = 0;
const TRUE_ID: Id = 1;
const FALSE_ID: Id = 2;
const EMPTY_TUPLE_ID: Id = 3;

impl<'a> Machine<'a> {
    fn new(input: Input<'a>) -> Machine<'a> {
        let nodes =
            vec![Node::None, Node::Bool(true), Node::Bool(false), Node::Sequence(Vec::new())];
        let (stack, marks, memo) = (Vec::new(), Vec::new(), HashMap::new());
        Machine { input, nodes, stack, marks, memo, passed: 0 }
    }

    fn step(&mut self, op: u8) -> Result<()> {
        match op {
            PROTO => match self.input.u8()? {
                0..=5 => Ok(()),
                other => Err(unsupported(PICKLE, format!("protocol {other}"))),
            },
            // Frames only help readers of streams.
            FRAME => self.input.u64().map(drop),
            MARK => self.mark(),
            POP => self.discard(),
            POP_MARK => self.pop_mark().map(drop),
            DUP => {
                let top = self.top()?;
                self.push(top)
            }
            NONE => self.push(NONE_ID),
            NEWTRUE => self.push(TRUE_ID),
            NEWFALSE => self.push(FALSE_ID),
            INT | LONG | BININT | BININT1 | BININT2 | LONG1 | LONG4 | FLOAT | BINFLOAT => {
                self.number(op)
            }
            STRING | BINSTRING | SHORT_BINSTRING | UNICODE | BINUNICODE | SHORT_BINUNICODE
            | BINUNICODE8 | BINBYTES | SHORT_BINBYTES | BINBYTES8 | BYTEARRAY8 => self.string(op),
            EMPTY_LIST | EMPTY_SET => self.make(Node::Sequence(Vec::new())),
            EMPTY_DICT => self.make(Node::Dict(Vec::new())),
            EMPTY_TUPLE => self.push(EMPTY_TUPLE_ID),
            LIST | TUPLE | FROZENSET => {
                let items = self.pop_mark()?;
                self.make(Node::Sequence(items))
            }
            TUPLE1 => self.tuple(1),
            TUPLE2 => self.tuple(2),
            TUPLE3 => self.tuple(3),
            DICT => {
                let items = self.pop_mark()?;
                let pairs = pairs(&items)?;
                self.make(Node::Dict(pairs))
            }
            APPEND | APPENDS | ADDITEMS | SETITEM | SETITEMS => self.extend(op),
            GET | BINGET | LONG_BINGET | PUT | BINPUT | LONG_BINPUT | MEMOIZE => self.memo(op),
            GLOBAL | STACK_GLOBAL | REDUCE | BUILD | INST | OBJ | NEWOBJ | NEWOBJ_EX => {
                self.object(op)
            }
            PERSID => {
                let line = self.text_line()?;
                let id = self.node(Node::Text(line))?;
                self.make(Node::Persistent(id))
            }
            BINPERSID => {
                let id = self.pop()?;
                self.make(Node::Persistent(id))
            }
            other => Err(unsupported(PICKLE, format!("opcode {other:#04x}"))),
        }
    }

    fn number(&mut self, op: u8) -> Result<()> {
        let node = match op {
            INT => match self.text_line()?.as_ref() {
                "01" => return self.push(TRUE_ID),
                "00" => return self.push(FALSE_ID),
                line => Node::Int(parse_number(line)?),
            },
            LONG => {
                let line = self.text_line()?;
                Node::Int(parse_number(line.strip_suffix('L').unwrap_or(&line))?)
            }
            BININT => Node::Int(self.input.i32()?.into()),
            BININT1 => Node::Int(self.input.u8()?.into()),
            BININT2 => Node::Int(self.input.u16()?.into()),
            LONG1 => {
                let len = self.input.u8()?.into();
                integer(&self.input.take(len)?)
            }
            LONG4 => {
                let len = self.input.u32()?.into();
                integer(&self.input.take(len)?)
            }
            FLOAT => Node::Float(parse_number(&self.text_line()?)?),
            // The only big-endian number of the format.
            _ => Node::Float(f64::from_be_bytes(self.input.array()?)),
        };
        self.make(node)
    }

    fn string(&mut self, op: u8) -> Result<()> {
        let len = match op {
            STRING => {
                let line = self.input.line()?;
                return self.make(Node::Bytes(unquote(&line)?.into()));
            }
            UNICODE => {
                let line = self.input.line()?;
                return self.make(Node::Text(raw_unicode(&line)?.into()));
            }
            SHORT_BINSTRING | SHORT_BINUNICODE | SHORT_BINBYTES => self.input.u8()?.into(),
            BINSTRING | BINUNICODE | BINBYTES => self.input.u32()?.into(),
            _ => self.input.u64()?,
        };
        let text = matches!(op, BINUNICODE | SHORT_BINUNICODE | BINUNICODE8);
        if len > LONG_STRING {
            let at = self.input.skip(len)?;
            self.passed += len;
            return self.make(Node::Long { at, text });
        }
        let bytes = self.input.take(len)?;
        self.make(if text { Node::Text(lossy(bytes)) } else { Node::Bytes(bytes) })
    }

    fn tuple(&mut self, len: usize) -> Result<()> {
        self.need(len)?;
        let items = self.stack.split_off(self.stack.len() - len);
        self.make(Node::Sequence(items))
    }

    /// Adds to the container that lies under the added values.
    fn extend(&mut self, op: u8) -> Result<()> {
        let added = match op {
            APPEND => vec![self.pop()?],
            SETITEM => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        let target = self.top()?;
        // The shared empty tuple is never a legal target, so it stays empty.
        let node = &mut self.nodes[target as usize];
        if matches!(op, SETITEM | SETITEMS) {
            match node {
                Node::Dict(entries) => entries.extend(pairs(&added)?),
                Node::Call(call) => call.pairs.extend(pairs(&added)?),
                _ => return Err(malformed(PICKLE, "entries are set on something that is no dict")),
            }
        } else {
            match node {
                Node::Sequence(items) if target != EMPTY_TUPLE_ID => items.extend(added),
                Node::Call(call) => call.items.extend(added),
                _ => {
                    return Err(malformed(
                        PICKLE,
                        "items are appended to something that is no list",
                    ));
                }
            }
        }
        Ok(())
    }

    fn memo(&mut self, op: u8) -> Result<()> {
        let key = match op {
            MEMOIZE => self.memo.len() as u64,
            GET | PUT => parse_number(&self.text_line()?)?,
            BINGET | BINPUT => self.input.u8()?.into(),
            _ => self.input.u32()?.into(),
        };
        if matches!(op, GET | BINGET | LONG_BINGET) {
            let known = self.memo.get(&key).copied();
            return self.push(
                known.ok_or_else(|| {
                    malformed(PICKLE, format!("memo entry {key} was never stored"))
                })?,
            );
        }
        let top = self.top()?;
        self.memo.insert(key, top);
        limit("the number of memo entries in a pickle", self.memo.len(), MAX_NODES)
    }

    fn object(&mut self, op: u8) -> Result<()> {
        match op {
            GLOBAL => {
                let path = self.path_lines()?;
                self.make(Node::Global(path))
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let path = match (&self.nodes[module as usize], &self.nodes[name as usize]) {
                    (Node::Text(module), Node::Text(name)) => join(module, name)?,
                    _ => return Err(malformed(PICKLE, "the path of a class is not text")),
                };
                self.make(Node::Global(path))
            }
            REDUCE | NEWOBJ => {
                let (args, callable) = (self.pop()?, self.pop()?);
                self.call(callable, args)
            }
            NEWOBJ_EX => {
                let (keywords, args, callable) = (self.pop()?, self.pop()?, self.pop()?);
                let both = self.node(Node::Sequence(vec![args, keywords]))?;
                self.call(callable, both)
            }
            INST => {
                let path = self.path_lines()?;
                let args = self.pop_mark()?;
                let (callable, args) =
                    (self.node(Node::Global(path))?, self.node(Node::Sequence(args))?);
                self.call(callable, args)
            }
            OBJ => {
                let mut args = self.pop_mark()?;
                if args.is_empty() {
                    return Err(malformed(PICKLE, "an object without a class"));
                }
                let callable = args.remove(0);
                let args = self.node(Node::Sequence(args))?;
                self.call(callable, args)
            }
            // BUILD: the state of the object below it.
            _ => {
                let state = self.pop()?;
                let target = self.top()?;
                match &mut self.nodes[target as usize] {
                    Node::Call(call) => call.state = Some(state),
                    _ => {
                        return Err(malformed(
                            PICKLE,
                            "a state is set on something that is no object",
                        ));
                    }
                }
                Ok(())
            }
        }
    }

    fn call(&mut self, callable: Id, args: Id) -> Result<()> {
        let call = CallNode { callable, args, state: None, items: Vec::new(), pairs: Vec::new() };
        self.make(Node::Call(Box::new(call)))
    }

    fn path_lines(&mut self) -> Result<String> {
        let module = self.text_line()?;
        let name = self.text_line()?;
        join(&module, &name)
    }

    fn text_line(&mut self) -> Result<Cow<'a, str>> {
        let bad = || malformed(PICKLE, "a line is not UTF-8");
        match self.input.line()? {
            Cow::Borrowed(line) => std::str::from_utf8(line).map(Cow::Borrowed).map_err(|_| bad()),
            Cow::Owned(line) => String::from_utf8(line).map(Cow::Owned).map_err(|_| bad()),
        }
    }

    fn node(&mut self, node: Node<'a>) -> Result<Id> {
        limit("the number of objects in a pickle", self.nodes.len() + 1, MAX_NODES)?;
        self.nodes.push(node);
        Ok((self.nodes.len() - 1) as Id)
    }

    fn make(&mut self, node: Node<'a>) -> Result<()> {
        let id = self.node(node)?;
        self.push(id)
    }

    fn push(&mut self, id: Id) -> Result<()> {
        limit("the height of the stack of a pickle", self.stack.len() + 1, MAX_STACK)?;
        self.stack.push(id);
        Ok(())
    }

    fn mark(&mut self) -> Result<()> {
        limit("the number of marks of a pickle", self.marks.len() + 1, MAX_STACK)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Values above the last mark may be taken; those below belong to something still being built.
    fn need(&self, count: usize) -> Result<()> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() < floor + count {
            return Err(malformed(PICKLE, "the stack is empty"));
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        self.need(1)?;
        self.stack.pop().ok_or_else(|| malformed(PICKLE, "the stack is empty"))
    }

    fn top(&self) -> Result<Id> {
        self.need(1)?;
        self.stack.last().copied().ok_or_else(|| malformed(PICKLE, "the stack is empty"))
    }

    fn discard(&mut self) -> Result<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| malformed(PICKLE, "a mark is missing"))?;
        Ok(self.stack.split_off(mark))
    }
}

/// Lone surrogates are legal in pickles; nothing a model needs is named with them.
fn lossy(bytes: Cow<[u8]>) -> Cow<str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes)
                .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
        ),
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|&[k, v]| (k, v)).collect()),
        _ => Err(malformed(PICKLE, "a key has no value")),
    }
}

fn join(module: &str, name: &str) -> Result<String> {
    // Long enough for any class, short enough that a path copied out of a memo costs nothing.
    limit("the length of the path of a class", module.len() + name.len(), 1024)?;
    Ok(format!("{module}.{name}"))
}

fn limit(what: &'static str, got: usize, limit: usize) -> Result<()> {
    if got > limit {
        return Err(Error::Limit { what, got: got as u64, limit: limit as u64 });
    }
    Ok(())
}
