//! The vector field of a flow: linear layers whose outputs are gated and shifted by
//! time and attributes.

use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor, TensorData};

use crate::{Result, Weights};

/// `f(t, y | c)`: layers `(W y + b) * sigmoid(G [t,c] + g) + B [t,c]`, tanh between them.
///
/// # Source
/// Abdal et al. 2021; RameenAbdal/StyleFlow `module/diffeq_layers.py`, `odefunc.py`.
#[derive(Debug, Clone)]
pub(super) struct VectorField {
    layers: Vec<Layer>,
    dim: usize,
    attributes: usize,
}

#[derive(Debug, Clone)]
struct Layer {
    /// `[I,O]`.
    weight: Tensor<2>,
    bias: Tensor<2>,
    gate: Hyper,
    shift: Hyper,
}

/// A linear function of time and attributes.
#[derive(Debug, Clone)]
struct Hyper {
    /// What time adds, `[1,O]`.
    time: Tensor<2>,
    /// What the attributes add, `[A,O]`.
    attributes: Tensor<2>,
    bias: Option<Tensor<2>>,
}

/// A field at given attributes.
pub(super) struct Conditioned<'a> {
    field: &'a VectorField,
    /// Gate and shift of each layer at time 0, `[1,O]`.
    still: Vec<[Tensor<2>; 2]>,
}

impl VectorField {
    /// Takes `NAME.layers.{0,1,...}.*` out of `weights`.
    ///
    /// # Errors
    /// A missing or misshapen array, layers that do not follow one another.
    pub(super) fn take(weights: &mut Weights, name: &str, device: &Device) -> Result<Self> {
        let first = format!("{name}.layers.0._layer.weight");
        let &[_, dim @ 1..=usize::MAX] = weights.shape(&first)? else {
            return Err(weights.unexpected(&first, "[out, code width]"));
        };
        let hyper = format!("{name}.layers.0._hyper_gate.weight");
        let attributes = match *weights.shape(&hyper)? {
            [_, columns] if columns > 1 => columns - 1,
            _ => return Err(weights.unexpected(&hyper, "[out, 1 + attributes]")),
        };
        let (mut layers, mut width) = (Vec::new(), dim);
        while layers.is_empty()
            || weights.contains(&format!("{name}.layers.{}._layer.weight", layers.len()))
        {
            let name = format!("{name}.layers.{}", layers.len());
            let layer = Layer::take(weights, &name, width, attributes, device)?;
            width = layer.weight.dims()[1];
            layers.push(layer);
        }
        if width != dim {
            let last = format!("{name}.layers.{}._layer.bias", layers.len() - 1);
            return Err(crate::Error::Shape {
                network: weights.network(),
                name: last,
                expected: format!("[{dim}], the width of the state"),
                got: vec![width],
            });
        }
        Ok(Self { layers, dim, attributes })
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn attributes(&self) -> usize {
        self.attributes
    }

    /// The field at `attributes [1,A]`.
    pub(super) fn at(&self, attributes: &Tensor<2>) -> Conditioned<'_> {
        let still = |hyper: &Hyper| hyper.still(attributes.clone());
        let still = self.layers.iter().map(|l| [still(&l.gate), still(&l.shift)]).collect();
        Conditioned { field: self, still }
    }
}

impl Conditioned<'_> {
    /// `y [R,D]`, every row on its own.
    pub(super) fn slope(&self, t: f64, y: Tensor<2>) -> Tensor<2> {
        let mut y = y;
        for (k, (layer, [gate, shift])) in self.field.layers.iter().zip(&self.still).enumerate() {
            if k > 0 {
                y = tanh(y);
            }
            let gate = gate.clone() + layer.gate.time.clone().mul_scalar(t);
            let shift = shift.clone() + layer.shift.time.clone().mul_scalar(t);
            y = (y.matmul(layer.weight.clone()) + layer.bias.clone()) * sigmoid(gate) + shift;
        }
        y
    }
}

impl Layer {
    fn take(
        weights: &mut Weights,
        name: &str,
        input: usize,
        attributes: usize,
        device: &Device,
    ) -> Result<Self> {
        let weight = format!("{name}._layer.weight");
        let &[output @ 1..=usize::MAX, _] = weights.shape(&weight)? else {
            return Err(weights.unexpected(&weight, "[out, in]"));
        };
        let gate = format!("{name}._hyper_gate");
        let shift = format!("{name}._hyper_bias.weight");
        let bias = weights.take_tensor(&format!("{gate}.bias"), [1, output], device)?;
        let gate = format!("{gate}.weight");
        Ok(Self {
            weight: weights.take_tensor(&weight, [output, input], device)?.transpose(),
            bias: weights.take_tensor(&format!("{name}._layer.bias"), [1, output], device)?,
            gate: Hyper::take(weights, &gate, [output, attributes], Some(bias), device)?,
            shift: Hyper::take(weights, &shift, [output, attributes], None, device)?,
        })
    }
}

impl Hyper {
    /// Splits `NAME [O, 1 + A]`: the first column is that of time.
    fn take(
        weights: &mut Weights,
        name: &str,
        [output, attributes]: [usize; 2],
        bias: Option<Tensor<2>>,
        device: &Device,
    ) -> Result<Self> {
        let columns = attributes + 1;
        let values = weights.take(name, &[output, columns])?;
        let all = Tensor::<2>::from_data(TensorData::new(values, [output, columns]), device);
        let all = all.transpose();
        Ok(Self {
            time: all.clone().slice([0..1, 0..output]),
            attributes: all.slice([1..columns, 0..output]),
            bias,
        })
    }

    /// The value at time 0.
    fn still(&self, attributes: Tensor<2>) -> Tensor<2> {
        let value = attributes.matmul(self.attributes.clone());
        match &self.bias {
            Some(bias) => value + bias.clone(),
            None => value,
        }
    }
}
