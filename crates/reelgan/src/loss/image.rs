//! The terms that compare images pixel by pixel, taken together.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_nets::ops::cpu::quadratic::{Form, Part, QuadraticPlan, WarpedTarget};
use reelgan_nets::ops::cpu::warp::WarpPlan;
use reelgan_nets::ops::{Quadratic, Warp};
use reelgan_run::Flow;

use super::{PixelTarget, WarpTerm};

/// A flow along which a reconstruction is compared, and the factor of that comparison.
#[derive(Debug, Clone)]
pub struct Along<'a> {
    /// Where to look, one flow of the image's size.
    pub flow: &'a Flow,
    /// The factor.
    pub weight: f32,
    /// Another frame `[3,H,W]` and which of its pixels are visible `[H,W]`; `None` compares with
    /// the warped target.
    pub other: Option<(&'a [f32], Vec<f32>)>,
}

/// How much each part counts in the total; a part of weight 0 is left out.
#[derive(Debug, Clone, Copy)]
pub struct ImageWeights {
    /// Mean squared difference of pixels (eq. 9).
    pub pixel: f32,
    /// Inversion consistency (eq. 8).
    pub consistency: f32,
    /// Inversion consistency across frames.
    pub cross_frame: f32,
}

/// Weighted sum of the pixel term and all warp terms of one frame.
///
/// On the CPU one operator takes value and gradient of all of them in one pass over the image,
/// however many flows there are; elsewhere they are taken one by one.
///
/// # Shapes   target and reconstruction `[1,3,H,W]`; result `[1]`
/// # Range    images `[0,1]`; flows in pixels; result >= 0
/// # Source   paper eq. 8 and 9, see [`PixelTarget`] and [`WarpTerm`]
#[derive(Debug)]
pub struct ImageTerms {
    path: Path,
    parts: Vec<Kind>,
}

/// The value of an image's terms.
#[derive(Debug)]
pub struct ImageLoss {
    /// The weighted sum, with its graph.
    pub total: Tensor<1>,
    /// The pixel term without its weight, 0 if left out.
    pub pixel: f32,
    /// The consistency term without its weight, 0 if left out.
    pub consistency: f32,
    /// The cross-frame term without its weight, 0 if left out.
    pub cross_frame: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Pixel,
    Consistency,
    CrossFrame,
}

#[derive(Debug)]
enum Path {
    Fused(Quadratic),
    OneByOne(Vec<(f32, Terms)>),
}

#[derive(Debug)]
enum Terms {
    Pixels(Box<PixelTarget>),
    Warps(Vec<WarpTerm>),
}

impl ImageTerms {
    /// Prepares the terms of a target `[3,H,W]`; `None` if none of them counts.
    ///
    /// # Panics
    /// If a flow, frame or mask is of another size than the target.
    pub fn new(
        target: &[f32],
        size: [usize; 2],
        along: &[Along],
        weights: ImageWeights,
        device: &Device,
    ) -> Option<Self> {
        let parts = counted(along, weights);
        if !Quadratic::runs_on(device) {
            return Self::one_by_one(target, size, along, weights, device);
        }
        let plan = |kind: Kind| Part {
            weight: weights.of(kind),
            form: (kind != Kind::Pixel).then(|| form(target, size, &select(along, kind))),
        };
        let plans: Vec<Part> = parts.iter().map(|&kind| plan(kind)).collect();
        let path = Path::Fused(Quadratic::new(QuadraticPlan::new(target, size, plans)));
        (!parts.is_empty()).then_some(Self { path, parts })
    }

    /// The same terms out of one operator each: the path of devices without the fused operator.
    ///
    /// # Panics
    /// As [`ImageTerms::new`].
    pub fn one_by_one(
        target: &[f32],
        [h, w]: [usize; 2],
        along: &[Along],
        weights: ImageWeights,
        device: &Device,
    ) -> Option<Self> {
        let tensor = |data: &[f32]| -> Tensor<4> {
            Tensor::from_data(TensorData::new(data.to_vec(), [1, 3, h, w]), device)
        };
        let parts = counted(along, weights);
        let terms = |kind: Kind| match kind {
            Kind::Pixel => Terms::Pixels(Box::new(PixelTarget::new(tensor(target)))),
            _ => Terms::Warps(
                select(along, kind)
                    .into_iter()
                    .map(|term| {
                        let warp = Warp::new(term.flow.data(), [1, h, w], device);
                        match &term.other {
                            None => WarpTerm::same_frame(warp, tensor(target), term.weight),
                            Some((other, visible)) => {
                                let other = tensor(other);
                                WarpTerm::cross_frame(warp, other, visible.clone(), term.weight)
                            }
                        }
                    })
                    .collect(),
            ),
        };
        let path =
            Path::OneByOne(parts.iter().map(|&kind| (weights.of(kind), terms(kind))).collect());
        (!parts.is_empty()).then_some(Self { path, parts })
    }

    /// The terms for one reconstruction.
    pub fn loss(&self, reconstruction: Tensor<4>) -> ImageLoss {
        let (total, values) = match &self.path {
            Path::Fused(operator) => operator.forward(reconstruction),
            Path::OneByOne(terms) => sum(terms, reconstruction),
        };
        let value = |kind: Kind| {
            self.parts.iter().position(|part| *part == kind).map_or(0.0, |place| values[place])
        };
        ImageLoss {
            total,
            pixel: value(Kind::Pixel),
            consistency: value(Kind::Consistency),
            cross_frame: value(Kind::CrossFrame),
        }
    }
}

impl ImageWeights {
    fn of(&self, kind: Kind) -> f32 {
        match kind {
            Kind::Pixel => self.pixel,
            Kind::Consistency => self.consistency,
            Kind::CrossFrame => self.cross_frame,
        }
    }
}

/// The parts that have a weight, and a flow if they need one.
fn counted(along: &[Along], weights: ImageWeights) -> Vec<Kind> {
    [Kind::Pixel, Kind::Consistency, Kind::CrossFrame]
        .into_iter()
        .filter(|&kind| weights.of(kind) > 0.0)
        .filter(|&kind| kind == Kind::Pixel || !select(along, kind).is_empty())
        .collect()
}

fn select<'a, 'b>(along: &'b [Along<'a>], kind: Kind) -> Vec<&'b Along<'a>> {
    along.iter().filter(|term| term.other.is_some() == (kind == Kind::CrossFrame)).collect()
}

fn form(target: &[f32], [h, w]: [usize; 2], along: &[&Along]) -> Form {
    let plans: Vec<WarpPlan> =
        along.iter().map(|term| WarpPlan::new(term.flow.data(), 1, h, w)).collect();
    let warped: Vec<WarpedTarget> = along
        .iter()
        .zip(&plans)
        .map(|(term, warp)| WarpedTarget {
            warp,
            other: term.other.as_ref().map(|(other, visible)| (*other, visible.as_slice())),
            weight: term.weight,
        })
        .collect();
    Form::new(target, [h, w], &warped)
}

/// The weighted sum and the parts, each a sum of its own.
fn sum(terms: &[(f32, Terms)], reconstruction: Tensor<4>) -> (Tensor<1>, Vec<f32>) {
    let parts: Vec<Tensor<1>> = terms
        .iter()
        .map(|(_, terms)| match terms {
            Terms::Pixels(target) => target.loss(reconstruction.clone()),
            Terms::Warps(warps) => {
                let losses = warps.iter().map(|warp| warp.loss(reconstruction.clone()));
                losses.reduce(|a, b| a + b).expect("a part has terms")
            }
        })
        .collect();
    let values = parts.iter().map(|part| part.clone().into_scalar::<f32>()).collect();
    let weighted = parts.into_iter().zip(terms).map(|(part, (w, _))| part.mul_scalar(*w));
    (weighted.reduce(|a, b| a + b).expect("there are parts"), values)
}
