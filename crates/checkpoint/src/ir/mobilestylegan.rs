//! Names for the weights of a MobileStyleGAN export, found by following the graph.
//!
//! Layer ids and most layer names are accidents of the exporter, so every weight is reached from an
//! operation whose meaning is certain. Only the names of the modulation weights
//! (`m.layers.3.up.modulation.weight`) are read, because nothing else tells the paths of the original
//! modules.

use super::{Graph, IR, Layer};
use crate::array::{Array, NamedArrays};
use crate::budget::Budget;
use crate::error::{Error, Result, malformed};

/// Longest chain of reshapes, tiles and broadcasts followed to reach a constant.
const MAX_HOPS: usize = 16;
/// Most modulated layers; the 1024 px generator has 23.
const MAX_MODULATIONS: usize = 1024;

/// Reads the two networks of a MobileStyleGAN exported to OpenVINO.
///
/// Yields `mapping.pixelnorm.eps`, `mapping.{k}.{weight,bias,gain}`, `synthesis.input`, and for each
/// modulated convolution `P` of the synthesis `P.conv.modulation.{weight,bias,scale}`, `P.conv.weight`
/// (dense) or `P.conv.{weight_dw,weight_pw}` (separable), `P.noise`, `P.bias`; an upsampling `up` has
/// `modulation.{weight,bias}` alone and `to_img` has no noise. Shapes are those of the file.
/// # Errors
/// [`Error::Malformed`] or [`Error::Missing`] if the graphs do not have that structure.
pub fn mobilestylegan(
    mapping_xml: &[u8],
    mapping_bin: &[u8],
    synthesis_xml: &[u8],
    synthesis_bin: &[u8],
) -> Result<NamedArrays> {
    let budget =
        Budget::for_input((mapping_bin.len() as u64).saturating_add(synthesis_bin.len() as u64));
    let mut named = Named { arrays: NamedArrays::new(), budget };
    let graph = Graph::parse(mapping_xml)?;
    mapping(&Walk { graph: &graph, bin: mapping_bin }, &mut named)?;
    let graph = Graph::parse(synthesis_xml)?;
    synthesis(&Walk { graph: &graph, bin: synthesis_bin }, &mut named)?;
    Ok(named.arrays)
}

/// `x / sqrt(mean(x^2) + eps)`, then layers of `gain * prelu(W x + b)`.
fn mapping(walk: &Walk, out: &mut Named) -> Result<()> {
    let mean = walk
        .graph
        .of_kind("ReduceMean")
        .next()
        .ok_or_else(|| missing("ReduceMean in the mapping network"))?;
    let (_, eps) = walk.combined(mean, "Add")?;
    out.insert("mapping.pixelnorm.eps".into(), walk.array(eps)?)?;
    // Each layer is reached from the one before, so the order is that of the computation.
    let mut next = walk.graph.of_kind("MatMul").find(|m| !walk.is_downstream_of_matmul(m));
    let mut k = 0;
    while let Some(matmul) = next {
        let (sum, bias) = walk.combined(matmul, "Add")?;
        let activated = walk.sink(sum, "PReLU")?;
        let (scaled, gain) = walk.combined(activated, "Multiply")?;
        out.insert(format!("mapping.{k}.weight"), walk.matrix(matmul)?)?;
        out.insert(format!("mapping.{k}.bias"), walk.array(bias)?)?;
        out.insert(format!("mapping.{k}.gain"), walk.array(gain)?)?;
        next = walk.graph.sinks(scaled).find(|l| l.kind == "MatMul");
        k += 1;
    }
    if k == 0 {
        return Err(missing("MatMul in the mapping network"));
    }
    Ok(())
}

/// Every modulation is a MatMul of the style, the only parameter of the network.
fn synthesis(walk: &Walk, out: &mut Named) -> Result<()> {
    let style = walk
        .graph
        .of_kind("Parameter")
        .next()
        .ok_or_else(|| missing("Parameter in the synthesis network"))?;
    for (k, matmul) in walk.graph.sinks(style).filter(|l| l.kind == "MatMul").enumerate() {
        if k >= MAX_MODULATIONS {
            let limit = MAX_MODULATIONS as u64;
            return Err(Error::Limit { what: "the number of modulations", got: limit + 1, limit });
        }
        let weight = walk.source(matmul, 1)?;
        let path =
            weight.name.strip_prefix("m.").and_then(|n| n.strip_suffix(".modulation.weight"));
        let path = path.ok_or_else(|| {
            malformed(IR, format!("`{}` is no name of a modulation weight", weight.name))
        })?;
        let path = format!("synthesis.{path}");
        let (sum, bias) = walk.combined(matmul, "Add")?;
        out.insert(format!("{path}.modulation.weight"), walk.matrix(matmul)?)?;
        out.insert(format!("{path}.modulation.bias"), walk.array(bias)?)?;
        let mut scale = walk.sink(sum, "Reshape")?;
        if let Ok((scaled, factor)) = walk.combined(scale, "Multiply") {
            out.insert(format!("{path}.modulation.scale"), walk.array(factor)?)?;
            scale = scaled;
        }
        let modulated = walk.sink(scale, "Multiply")?;
        if let Some(module) = path.strip_suffix(".conv") {
            convolution(walk, modulated, module, out)?;
        }
        let image = walk.graph.sources(modulated).filter(|l| l.id != scale.id);
        if let Some(input) = image.filter_map(|l| walk.constant_behind(l)).next() {
            out.insert("synthesis.input".into(), walk.array(input)?)?;
        }
    }
    out.arrays
        .contains_key("synthesis.input")
        .then_some(())
        .ok_or_else(|| missing("the constant input of the synthesis"))
}

/// `conv(x) [+ noise] + bias`, the convolution either dense or depthwise followed by pointwise.
fn convolution(walk: &Walk, modulated: &Layer, module: &str, out: &mut Named) -> Result<()> {
    let conv = if let Ok(depthwise) = walk.sink(modulated, "GroupConvolution") {
        let pointwise = walk.sink(depthwise, "Convolution")?;
        out.insert(format!("{module}.conv.weight_dw"), walk.array(walk.source(depthwise, 1)?)?)?;
        out.insert(format!("{module}.conv.weight_pw"), walk.array(walk.source(pointwise, 1)?)?)?;
        pointwise
    } else {
        let conv = walk.sink(modulated, "Convolution")?;
        out.insert(format!("{module}.conv.weight"), walk.array(walk.source(conv, 1)?)?)?;
        conv
    };
    let (mut sum, mut bias) = walk.combined(conv, "Add")?;
    if let Ok((second, constant)) = walk.combined(sum, "Add") {
        out.insert(format!("{module}.noise"), walk.array(bias)?)?;
        (sum, bias) = (second, constant);
    }
    // A third constant would mean that the two before were not what they were taken for.
    if walk.combined(sum, "Add").is_ok() {
        return Err(malformed(IR, format!("`{module}` adds more than a noise and a bias")));
    }
    out.insert(format!("{module}.bias"), walk.array(bias)?)
}

struct Walk<'g> {
    graph: &'g Graph,
    bin: &'g [u8],
}

impl<'g> Walk<'g> {
    fn array(&self, layer: &Layer) -> Result<Array> {
        self.graph.constant(layer, self.bin)
    }

    fn source(&self, layer: &Layer, port: u32) -> Result<&'g Layer> {
        let absent =
            || malformed(IR, format!("layer {} (`{}`) has no input {port}", layer.id, layer.name));
        self.graph.source(layer, port).ok_or_else(absent)
    }

    /// The weight of `y = W x`.
    fn matrix(&self, matmul: &Layer) -> Result<Array> {
        if matmul.data.get("transpose_b").map(String::as_str) != Some("true") {
            return Err(malformed(
                IR,
                format!("MatMul {} does not transpose its weight", matmul.id),
            ));
        }
        self.array(self.source(matmul, 1)?)
    }

    /// The one layer of this kind that `layer` feeds.
    fn sink(&self, layer: &Layer, kind: &str) -> Result<&'g Layer> {
        let mut found = self.graph.sinks(layer).filter(|l| l.kind == kind);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (first, _) => {
                let count = if first.is_some() { "several" } else { "no" };
                Err(malformed(
                    IR,
                    format!("layer {} (`{}`) feeds {count} {kind} layers", layer.id, layer.name),
                ))
            }
        }
    }

    /// The one layer of this kind that combines `layer` with a constant, and that constant.
    fn combined(&self, layer: &Layer, kind: &str) -> Result<(&'g Layer, &'g Layer)> {
        let sink = self.sink(layer, kind)?;
        let other = self.graph.sources(sink).find(|l| l.id != layer.id);
        let constant = other.and_then(|l| self.constant_behind(l));
        let absent =
            || malformed(IR, format!("{kind} {} does not combine with a constant", sink.id));
        Ok((sink, constant.ok_or_else(absent)?))
    }

    /// The constant that reaches `layer` through layers that only change its shape.
    fn constant_behind(&self, layer: &'g Layer) -> Option<&'g Layer> {
        let mut at = layer;
        for _ in 0..MAX_HOPS {
            match at.kind.as_str() {
                "Const" => return Some(at),
                "Reshape" | "Broadcast" | "Tile" | "Unsqueeze" | "Squeeze" => {
                    at = self.graph.source(at, 0)?
                }
                _ => return None,
            }
        }
        None
    }

    /// Whether the input of this MatMul comes out of another layer of the mapping.
    fn is_downstream_of_matmul(&self, matmul: &Layer) -> bool {
        let Some(scaled) = self.graph.source(matmul, 0) else { return false };
        self.graph.sources(scaled).any(|l| l.kind == "PReLU")
    }
}

struct Named {
    arrays: NamedArrays,
    budget: Budget,
}

impl Named {
    fn insert(&mut self, name: String, array: Array) -> Result<()> {
        // Many layers may point at the same bytes of the file.
        self.budget.take(array.bytes.len() as u64)?;
        // A graph with a cycle would come back to names already given.
        if self.arrays.contains_key(&name) {
            return Err(Error::Duplicate { name });
        }
        self.arrays.insert(name, array);
        Ok(())
    }
}

fn missing(what: &str) -> Error {
    Error::Missing { container: IR.into(), what: what.into(), present: String::new() }
}
