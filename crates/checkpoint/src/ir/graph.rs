//! Layers and the edges between them.

use std::collections::BTreeMap;

use super::IR;
use crate::error::{Result, malformed};

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// Identifier, unique in its graph.
    pub id: u32,
    /// Name given by the exporter; not unique, often a bare number.
    pub name: String,
    /// Operation, such as `MatMul` or `Const`.
    pub kind: String,
    /// Attributes of the `data` element.
    pub data: BTreeMap<String, String>,
    /// Shape of every output, by port.
    pub outputs: BTreeMap<u32, Vec<usize>>,
}

/// A layer and one of its ports.
pub(super) type End = (u32, u32);

/// The operations of a model in file order, and which output feeds which input.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    layers: Vec<Layer>,
    index: BTreeMap<u32, usize>,
    /// Input (layer, port) to the output (layer, port) that feeds it.
    sources: BTreeMap<End, End>,
    /// Layer to the inputs (layer, port) that it feeds, in file order.
    sinks: BTreeMap<u32, Vec<End>>,
}

impl Graph {
    /// Checks that identifiers are unique, that edges join existing layers and that no input is fed twice.
    pub(super) fn new(layers: Vec<Layer>, edges: &[(End, End)]) -> Result<Graph> {
        let mut graph = Graph::default();
        for (at, layer) in layers.iter().enumerate() {
            if graph.index.insert(layer.id, at).is_some() {
                return Err(malformed(IR, format!("two layers have id {}", layer.id)));
            }
        }
        graph.layers = layers;
        for &(from, to) in edges {
            for id in [from.0, to.0] {
                if !graph.index.contains_key(&id) {
                    return Err(malformed(
                        IR,
                        format!("an edge names layer {id}, which does not exist"),
                    ));
                }
            }
            if graph.sources.insert(to, from).is_some() {
                return Err(malformed(
                    IR,
                    format!("input {} of layer {} has two sources", to.1, to.0),
                ));
            }
            graph.sinks.entry(from.0).or_default().push(to);
        }
        Ok(graph)
    }

    /// All layers, in file order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// All layers of one operation, in file order.
    pub fn of_kind<'g>(&'g self, kind: &'g str) -> impl Iterator<Item = &'g Layer> {
        self.layers.iter().filter(move |l| l.kind == kind)
    }

    /// The layer with this identifier.
    pub fn layer(&self, id: u32) -> Option<&Layer> {
        self.index.get(&id).map(|&at| &self.layers[at])
    }

    /// The layer that feeds input `port` of `layer`.
    pub fn source(&self, layer: &Layer, port: u32) -> Option<&Layer> {
        self.sources.get(&(layer.id, port)).and_then(|&(id, _)| self.layer(id))
    }

    /// The layers that feed the inputs of `layer`, by port.
    pub fn sources<'g>(&'g self, layer: &Layer) -> impl Iterator<Item = &'g Layer> {
        let inputs = (layer.id, 0)..=(layer.id, u32::MAX);
        self.sources.range(inputs).filter_map(|(_, &(id, _))| self.layer(id))
    }

    /// The layers that any output of `layer` feeds, in the order of the edges.
    pub fn sinks<'g>(&'g self, layer: &Layer) -> impl Iterator<Item = &'g Layer> {
        self.sinks.get(&layer.id).into_iter().flatten().filter_map(|&(id, _)| self.layer(id))
    }
}
