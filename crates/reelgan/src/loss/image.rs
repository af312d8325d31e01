//! The terms that compare images pixel by pixel, taken together.

use std::io;

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_nets::ops::cpu::quadratic::{FormSum, Part, QuadraticPlan, WarpedTarget};
use reelgan_nets::ops::cpu::warp::WarpPlan;
use reelgan_nets::ops::{Arrays, Quadratic, Visitor, Warp};
use reelgan_run::Flow;

use super::{PixelTarget, WarpTerm};

/// A flow along which a reconstruction is compared, and the factor of that comparison.
#[derive(Debug, Clone, Copy)]
pub struct Along<'a> {
    /// Where to look, one flow of the image's size.
    pub flow: &'a Flow,
    /// The factor.
    pub weight: f32,
    /// Another frame `[3,H,W]` and which of its pixels are visible `[H,W]`; `None` compares with
    /// the warped target.
    pub other: Option<(&'a [f32], &'a [f32])>,
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
#[derive(Debug, Clone)]
pub struct ImageTerms {
    path: Path,
    parts: Vec<Kind>,
}

/// [`ImageTerms`] being made, flow after flow, so that memory need not hold all of them.
#[derive(Debug)]
pub struct ImageTermsBuilder<'a> {
    target: &'a [f32],
    size: [usize; 2],
    weights: ImageWeights,
    sums: Sums<'a>,
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

#[derive(Debug, Clone)]
enum Path {
    Fused(Quadratic),
    OneByOne(Vec<(f32, Terms)>),
}

#[derive(Debug, Clone)]
enum Terms {
    Pixels(Box<PixelTarget>),
    Warps(Vec<WarpTerm>),
}

/// What has been added of the two kinds of warps, consistency and cross-frame.
#[derive(Debug)]
enum Sums<'a> {
    Fused([Option<FormSum<'a>>; 2]),
    OneByOne([Vec<WarpTerm>; 2], Device),
}

impl<'a> ImageTermsBuilder<'a> {
    /// Begins the terms of a target `[3,H,W]`.
    pub fn new(
        target: &'a [f32],
        size: [usize; 2],
        weights: ImageWeights,
        device: &Device,
    ) -> Self {
        if !Quadratic::runs_on(device) {
            return Self::one_by_one(target, size, weights, device);
        }
        Self { target, size, weights, sums: Sums::Fused([None, None]) }
    }

    /// The same terms out of one operator each: the path of devices without the fused operator.
    pub fn one_by_one(
        target: &'a [f32],
        size: [usize; 2],
        weights: ImageWeights,
        device: &Device,
    ) -> Self {
        let sums = Sums::OneByOne([Vec::new(), Vec::new()], device.clone());
        Self { target, size, weights, sums }
    }

    /// Adds the comparison along a flow; one of a kind without weight is left out.
    ///
    /// # Panics
    /// If a flow, frame or mask is of another size than the target.
    pub fn add(&mut self, along: Along) {
        let Along { flow, weight, other } = along;
        let kind = if other.is_some() { Kind::CrossFrame } else { Kind::Consistency };
        if self.weights.of(kind) == 0.0 {
            return;
        }
        let (target, [h, w]) = (self.target, self.size);
        let place = usize::from(kind == Kind::CrossFrame);
        match &mut self.sums {
            Sums::Fused(forms) => {
                let warp = &WarpPlan::new(flow.data(), 1, h, w);
                let form = forms[place].get_or_insert_with(|| FormSum::new(target, [h, w]));
                form.add(&WarpedTarget { warp, other, weight });
            }
            Sums::OneByOne(warps, device) => {
                let warp = Warp::new(flow.data(), [1, h, w], device);
                warps[place].push(match other {
                    None => WarpTerm::same_frame(warp, tensor(target, [h, w], device), weight),
                    Some((other, visible)) => {
                        let other = tensor(other, [h, w], device);
                        WarpTerm::cross_frame(warp, other, visible.to_vec(), weight)
                    }
                });
            }
        }
    }

    /// The terms; `None` if none of them counts.
    pub fn finish(self) -> Option<ImageTerms> {
        let Self { target, size, weights, sums } = self;
        let kinds = [Kind::Consistency, Kind::CrossFrame];
        let pixel = (weights.pixel > 0.0).then_some(Kind::Pixel);
        let (parts, path): (Vec<Kind>, Path) = match sums {
            Sums::Fused(forms) => {
                let forms = kinds.into_iter().zip(forms);
                let forms = forms.filter_map(|(kind, form)| Some((kind, Some(form?.finish()))));
                let all = pixel.map(|kind| (kind, None)).into_iter().chain(forms);
                let part = |(kind, form)| (kind, Part { weight: weights.of(kind), form });
                let (parts, plans) = all.map(part).unzip();
                (parts, Path::Fused(Quadratic::new(QuadraticPlan::new(target, size, plans))))
            }
            Sums::OneByOne(warps, device) => {
                let pixels = || PixelTarget::new(tensor(target, size, &device));
                let pixels = pixel.map(|kind| (kind, Terms::Pixels(Box::new(pixels()))));
                let warps = kinds.into_iter().zip(warps).filter(|(_, warps)| !warps.is_empty());
                let warps = warps.map(|(kind, warps)| (kind, Terms::Warps(warps)));
                let all = pixels.into_iter().chain(warps);
                let (parts, terms) =
                    all.map(|(kind, terms)| (kind, (weights.of(kind), terms))).unzip();
                (parts, Path::OneByOne(terms))
            }
        };
        (!parts.is_empty()).then_some(ImageTerms { path, parts })
    }
}

impl Arrays for ImageTerms {
    /// Those of the fused operator; on other devices the terms stay where they are.
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        match &mut self.path {
            Path::Fused(operator) => operator.visit(visitor),
            Path::OneByOne(_) => Ok(()),
        }
    }
}

impl ImageTerms {
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

fn tensor(data: &[f32], [h, w]: [usize; 2], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(data.to_vec(), [1, 3, h, w]), device)
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
