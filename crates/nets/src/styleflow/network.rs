//! The whole chain: batch norm, flow, batch norm.

use burn::tensor::{Device, Tensor, TensorData};

use super::ode::integrate;
use super::vector::VectorField;
use crate::{Error, Result, Weights};

/// Epsilon of the moving batch norm.
const NORM_EPS: f32 = 1e-4;
/// Tolerance of the integration in the authors' code.
const TOLERANCE: f64 = 1e-5;

/// StyleFlow: codes of W+ to codes without the known attributes and back, under
/// attributes that are given.
///
/// A nonlinear edit is a way forward under the attributes an image has and the way
/// back under those it should have. Every row of a code is treated alike.
///
/// # Source
/// Abdal et al. 2021; RameenAbdal/StyleFlow `module/flow.py`, `cnf.py`,
/// `normalization.py`. Differs: the log density, which no edit needs, is not
/// integrated, so it has no say in the choice of steps.
#[derive(Debug, Clone)]
pub struct StyleFlow {
    chain: Vec<Link>,
    dim: usize,
    attributes: usize,
    tolerance: f64,
    device: Device,
}

#[derive(Debug, Clone)]
enum Link {
    Norm(Box<Norm>),
    /// From time 0 to `end`.
    Flow {
        field: VectorField,
        end: f64,
    },
}

/// A moving batch norm in evaluation mode: `y = x * scale + shift`, both `[1,D]`.
#[derive(Debug, Clone)]
struct Norm {
    scale: Tensor<2>,
    shift: Tensor<2>,
}

impl StyleFlow {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "StyleFlow";

    /// Builds the network from a bare state dict (`chain.0.*`, `chain.1.*`, ...);
    /// widths, layers and number of attributes come from it.
    ///
    /// # Errors
    /// A missing, misshapen or unknown array.
    pub fn from_weights(mut weights: Weights, device: &Device) -> Result<Self> {
        let mut chain = Vec::new();
        let mut sizes = None;
        loop {
            let name = format!("chain.{}", chain.len());
            if weights.contains(&format!("{name}.running_mean")) {
                chain.push(norm(&mut weights, &name, device)?);
            } else if weights.contains(&format!("{name}.sqrt_end_time")) {
                let (field, end) = flow(&mut weights, &name, device)?;
                sizes = Some((field.dim(), field.attributes()));
                chain.push(Link::Flow { field, end });
            } else {
                break;
            }
        }
        let Some((dim, attributes)) = sizes else {
            return Err(weights.unexpected("chain.1.sqrt_end_time", "[]"));
        };
        for (k, link) in chain.iter().enumerate() {
            let (width, given) = link.sizes();
            if width != dim || given.is_some_and(|a| a != attributes) {
                return Err(Error::Undecided {
                    network: Self::NETWORK,
                    problem: format!(
                        "`chain.{k}` is {width} wide under {given:?} attributes, others are {dim} wide under {attributes}"
                    ),
                });
            }
        }
        // Counters of training and of the solver.
        weights.finish(|name| name.ends_with(".step") || name.ends_with("._num_evals"))?;
        Ok(Self { chain, dim, attributes, tolerance: TOLERANCE, device: device.clone() })
    }

    /// The same with another tolerance of the integration, absolute and relative,
    /// instead of the authors' 1e-5.
    ///
    /// # Panics
    /// If it is not above 0.
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        assert!(tolerance > 0.0, "a tolerance is a number above 0");
        Self { tolerance, ..self }
    }

    /// Width of a code row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many attributes a code is conditioned on.
    pub fn attributes(&self) -> usize {
        self.attributes
    }

    /// Codes `[R,D]` of one image under the `attributes` it has, to codes without them.
    ///
    /// # Errors
    /// [`Error::Shape`] for a wrong number of attributes or width,
    /// [`Error::Integration`].
    pub fn forward(&self, codes: Tensor<2>, attributes: &[f32]) -> Result<Tensor<2>> {
        let given = self.given(&codes, attributes)?;
        self.chain.iter().try_fold(codes, |y, link| match link {
            Link::Norm(norm) => Ok(y * norm.scale.clone() + norm.shift.clone()),
            Link::Flow { field, end } => self.flow(field, y, &given, (0.0, *end)),
        })
    }

    /// The inverse of [`StyleFlow::forward`] under the same attributes; under others,
    /// the code of the same face with those.
    ///
    /// # Errors
    /// As [`StyleFlow::forward`].
    pub fn reverse(&self, codes: Tensor<2>, attributes: &[f32]) -> Result<Tensor<2>> {
        let given = self.given(&codes, attributes)?;
        self.chain.iter().rev().try_fold(codes, |y, link| match link {
            Link::Norm(norm) => Ok((y - norm.shift.clone()) / norm.scale.clone()),
            Link::Flow { field, end } => self.flow(field, y, &given, (*end, 0.0)),
        })
    }

    fn flow(
        &self,
        field: &VectorField,
        y: Tensor<2>,
        given: &Tensor<2>,
        span: (f64, f64),
    ) -> Result<Tensor<2>> {
        let field = field.at(given);
        integrate(&|t, y| field.slope(t, y), y, span, self.tolerance)
    }

    /// The attributes as a tensor `[1,A]`, after checking the operands.
    fn given(&self, codes: &Tensor<2>, attributes: &[f32]) -> Result<Tensor<2>> {
        let wrong = |name: &str, expected: String, got: Vec<usize>| Error::Shape {
            network: Self::NETWORK,
            name: name.to_string(),
            expected,
            got,
        };
        if codes.dims()[1] != self.dim {
            return Err(wrong("codes", format!("[rows, {}]", self.dim), codes.dims().to_vec()));
        }
        if attributes.len() != self.attributes {
            let expected = format!("[{}]", self.attributes);
            return Err(wrong("attributes", expected, vec![attributes.len()]));
        }
        let data = TensorData::new(attributes.to_vec(), [1, self.attributes]);
        Ok(Tensor::from_data(data, &self.device))
    }
}

impl Link {
    /// Width, and the number of attributes if it depends on them.
    fn sizes(&self) -> (usize, Option<usize>) {
        match self {
            Self::Norm(norm) => (norm.scale.dims()[1], None),
            Self::Flow { field, .. } => (field.dim(), Some(field.attributes())),
        }
    }
}

/// `(x - mean) / sqrt(variance + eps) * exp(weight) + bias` as scale and shift.
fn norm(weights: &mut Weights, name: &str, device: &Device) -> Result<Link> {
    let mean = format!("{name}.running_mean");
    let &[dim @ 1..=usize::MAX] = weights.shape(&mean)? else {
        return Err(weights.unexpected(&mean, "[code width]"));
    };
    let mut part = |part: &str| weights.take(&format!("{name}.{part}"), &[dim]);
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    let (gain, bias) = (part("weight")?, part("bias")?);
    let scale: Vec<f32> =
        gain.iter().zip(&variance).map(|(g, v)| g.exp() / (v + NORM_EPS).sqrt()).collect();
    let shift: Vec<f32> = bias.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
    let row = |v: Vec<f32>| Tensor::from_data(TensorData::new(v, [1, dim]), device);
    Ok(Link::Norm(Box::new(Norm { scale: row(scale), shift: row(shift) })))
}

fn flow(weights: &mut Weights, name: &str, device: &Device) -> Result<(VectorField, f64)> {
    let root = weights.take(&format!("{name}.sqrt_end_time"), &[1])?[0];
    let field = VectorField::take(weights, &format!("{name}.odefunc.diffeq"), device)?;
    // Squared in single precision, as the original does.
    Ok((field, f64::from(root * root)))
}
