//! The XML half of a model.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::IR;
use super::graph::{End, Graph, Layer};
use crate::error::{Error, Result, malformed, unsupported};

/// Largest description read; the graphs of large models take a few megabytes.
pub(crate) const MAX_XML: usize = 64 << 20;
const MAX_DEPTH: usize = 32;
const MAX_LAYERS: usize = 20_000;
const MAX_EDGES: usize = 40_000;
const MAX_DIMS: usize = 16;

impl Graph {
    /// Reads the description of a model (`.xml`).
    ///
    /// Nested sub-graphs are refused; document types, hence entities of the file's own, too.
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`] or [`Error::Limit`], with what was met where.
    pub fn parse(xml: &[u8]) -> Result<Graph> {
        limit("the size of the description (bytes)", xml.len(), MAX_XML)?;
        let text = std::str::from_utf8(xml)
            .map_err(|e| malformed(IR, format!("the description is not UTF-8: {e}")))?;
        let mut reader = Reader::from_str(text);
        let mut state = State::default();
        loop {
            let at = reader.buffer_position();
            let event = reader
                .read_event()
                .map_err(|e| malformed(IR, format!("{e} at byte {at} of the description")))?;
            match event {
                Event::Start(tag) => {
                    state.open(&tag)?;
                    state.path.push(tag.name().0.to_owned());
                    limit("the nesting of the description", state.path.len(), MAX_DEPTH)?;
                }
                Event::Empty(tag) => state.open(&tag)?,
                Event::Text(text) => state.text(&text.xml10_content())?,
                Event::End(_) => drop(state.path.pop()),
                Event::DocType(_) => {
                    return Err(unsupported(IR, "a document type in the description"));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if !state.path.is_empty() {
            let what = format!("the description ends inside <{}>", state.path.join("><"));
            return Err(Error::Truncated { format: IR, what });
        }
        if state.layers.is_empty() {
            return Err(malformed(IR, "the description has no layers"));
        }
        Graph::new(state.layers, &state.edges)
    }
}

#[derive(Default)]
struct State {
    path: Vec<String>,
    layers: Vec<Layer>,
    edges: Vec<(End, End)>,
    /// Output port whose extents are being read.
    port: u32,
}

impl State {
    fn open(&mut self, tag: &BytesStart) -> Result<()> {
        let path: Vec<_> = self.path.iter().map(String::as_str).collect();
        match (path.as_slice(), tag.name().0) {
            ([], "net") => Ok(()),
            ([], other) => {
                Err(malformed(IR, format!("the description starts with <{other}>, not <net>")))
            }
            (["net", "layers"], "layer") => self.layer(&mut attributes(tag)?),
            (["net", "layers", "layer"], "data") => {
                self.last()?.data = attributes(tag)?;
                Ok(())
            }
            (["net", "layers", "layer"], "body") => {
                Err(unsupported(IR, "a layer with a graph inside"))
            }
            (["net", "layers", "layer", "output"], "port") => {
                self.port = number(&attributes(tag)?, "id")?;
                let port = self.port;
                self.last()?.outputs.insert(port, Vec::new());
                Ok(())
            }
            (["net", "edges"], "edge") => self.edge(&attributes(tag)?),
            _ => Ok(()),
        }
    }

    fn layer(&mut self, attributes: &mut BTreeMap<String, String>) -> Result<()> {
        limit("the number of layers", self.layers.len() + 1, MAX_LAYERS)?;
        let id = number(attributes, "id")?;
        let mut text = |key: &str| {
            attributes
                .remove(key)
                .ok_or_else(|| malformed(IR, format!("layer {id} has no attribute `{key}`")))
        };
        self.layers.push(Layer {
            id,
            name: text("name")?,
            kind: text("type")?,
            ..Layer::default()
        });
        Ok(())
    }

    fn edge(&mut self, attributes: &BTreeMap<String, String>) -> Result<()> {
        limit("the number of edges", self.edges.len() + 1, MAX_EDGES)?;
        let end =
            |layer, port| Ok::<End, Error>((number(attributes, layer)?, number(attributes, port)?));
        self.edges.push((end("from-layer", "from-port")?, end("to-layer", "to-port")?));
        Ok(())
    }

    /// Only the extents of outputs are text that matters.
    fn text(&mut self, text: &str) -> Result<()> {
        let inside = self.path.len() == 6 && self.path[3] == "output" && self.path[5] == "dim";
        if !inside {
            return Ok(());
        }
        let extent =
            text.trim().parse().map_err(|_| malformed(IR, format!("`{text}` is not an extent")))?;
        let port = self.port;
        let layer = self.last()?;
        let shape = layer.outputs.entry(port).or_default();
        shape.push(extent);
        limit("the number of dimensions", shape.len(), MAX_DIMS)
    }

    fn last(&mut self) -> Result<&mut Layer> {
        self.layers
            .last_mut()
            .ok_or_else(|| malformed(IR, "a part of a layer stands before any layer"))
    }
}

fn attributes(tag: &BytesStart) -> Result<BTreeMap<String, String>> {
    let damaged =
        |e: &dyn std::fmt::Display| malformed(IR, format!("attribute of <{}>: {e}", tag.name().0));
    let mut out = BTreeMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| damaged(&e))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| damaged(&e))?;
        out.insert(attribute.key.0.to_owned(), value.into_owned());
    }
    Ok(out)
}

fn number(attributes: &BTreeMap<String, String>, key: &str) -> Result<u32> {
    let text = attributes
        .get(key)
        .ok_or_else(|| malformed(IR, format!("an element has no attribute `{key}`")))?;
    text.parse().map_err(|_| malformed(IR, format!("attribute `{key}` is `{text}`, not a number")))
}

fn limit(what: &'static str, got: usize, limit: usize) -> Result<()> {
    if got > limit {
        return Err(Error::Limit { what, got: got as u64, limit: limit as u64 });
    }
    Ok(())
}
