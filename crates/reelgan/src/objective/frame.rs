//! The objective of one frame.

use std::io;

use burn::tensor::{Device, Tensor};
use reelgan_nets::ops::{Arrays, Visitor, has_kernels};
use reelgan_nets::perceptual::LpipsTarget;
use reelgan_run::images::Frames;
use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use super::{ConsistencyBase, FlowPairs, LossWeights, Room};
use crate::flow::visibility;
use crate::generator::picture_tensor;
use crate::loss::{
    Along, ImageLoss, ImageTerms, ImageTermsBuilder, ImageWeights, LpipsTerm, Perceptual,
    PerceptualTarget, inner_face,
};
use crate::{Error, Result};

/// Values of the terms, before their weights; `total` is the weighted sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Weighted sum of the others.
    pub total: f32,
    /// Pixel term (eq. 9).
    pub pixel: f32,
    /// Perceptual term (eq. 10).
    pub perceptual: f32,
    /// LPIPS term.
    pub lpips: f32,
    /// LPIPS term of the inner face.
    pub face: f32,
    /// Consistency term (eq. 8).
    pub consistency: f32,
    /// Cross-frame term.
    pub cross_frame: f32,
    /// Smoothness term.
    pub smoothness: f32,
    /// Spread term.
    pub spread: f32,
}

impl Terms {
    /// Names and values, in the order of the reports.
    pub fn named(&self) -> [(&'static str, f32); 9] {
        [
            ("total", self.total),
            ("pixel", self.pixel),
            ("perceptual", self.perceptual),
            ("lpips", self.lpips),
            ("face", self.face),
            ("consistency", self.consistency),
            ("cross_frame", self.cross_frame),
            ("smoothness", self.smoothness),
            ("spread", self.spread),
        ]
    }

    /// The terms by value, in the order of [`Terms::named`].
    pub fn from_values(values: [f32; 9]) -> Self {
        let [total, pixel, perceptual, lpips, face, consistency, cross_frame, smoothness, spread] =
            values;
        Self { total, pixel, perceptual, lpips, face, consistency, cross_frame, smoothness, spread }
    }

    /// Multiplies all of them.
    pub fn scale(&mut self, factor: f32) {
        *self = Self::from_values(self.named().map(|(_, value)| factor * value));
    }

    /// Adds another frame's share.
    pub fn add(&mut self, other: &Terms) {
        self.total += other.total;
        self.pixel += other.pixel;
        self.perceptual += other.perceptual;
        self.lpips += other.lpips;
        self.face += other.face;
        self.consistency += other.consistency;
        self.cross_frame += other.cross_frame;
        self.smoothness += other.smoothness;
        self.spread += other.spread;
    }
}

/// What one frame adds to the objective.
#[derive(Debug)]
pub struct FrameLoss {
    /// The share to be minimised, `[1]`, with its graph.
    pub total: Tensor<1>,
    images: Option<ImageLoss>,
    perceptual: Option<Tensor<1>>,
    lpips: Option<Tensor<1>>,
    face: Option<Tensor<1>>,
    share: f32,
}

impl FrameLoss {
    /// The numbers.
    pub fn terms(&self) -> Terms {
        let value =
            |t: &Option<Tensor<1>>| t.as_ref().map_or(0.0, |t| t.clone().into_scalar::<f32>());
        let images = |part: fn(&ImageLoss) -> f32| self.images.as_ref().map_or(0.0, part);
        Terms {
            total: self.total.clone().into_scalar::<f32>(),
            pixel: self.share * images(|images| images.pixel),
            perceptual: value(&self.perceptual),
            lpips: value(&self.lpips),
            face: value(&self.face),
            consistency: images(|images| images.consistency),
            cross_frame: images(|images| images.cross_frame),
            // Those of codes are not the frame's.
            smoothness: 0.0,
            spread: 0.0,
        }
    }
}

/// Everything the loss of one frame is compared with.
#[derive(Debug, Clone)]
struct Target {
    images: Option<ImageTerms>,
    features: Option<PerceptualTarget>,
    lpips: Option<LpipsTarget>,
    face: Option<LpipsTarget>,
}

impl Arrays for Target {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        let Self { images, features, lpips, face } = self;
        images.iter_mut().try_for_each(|images| images.visit(visitor))?;
        features.iter_mut().try_for_each(|features| features.visit(visitor))?;
        lpips.iter_mut().chain(face).try_for_each(|layers| layers.visit(visitor))
    }
}

/// The networks that terms look through.
#[derive(Debug, Clone)]
pub struct Networks {
    /// For the perceptual term.
    pub perceptual: Perceptual,
    /// For the LPIPS terms; not needed while their weights are 0.
    pub lpips: Option<LpipsTerm>,
}

/// The objective over `N` frames: targets, features and flows, all computed once.
#[derive(Debug)]
pub struct Objective {
    weights: LossWeights,
    networks: Networks,
    targets: Shelf<Target>,
}

impl Objective {
    /// Prepares all targets. On the processor those that `room` has no memory for lie in a file,
    /// and are read whenever their frame is looked at.
    ///
    /// `flows` must hold the pairs of [`super::PairPlan`] for this many frames if
    /// a consistency weight is above 0.
    ///
    /// # Errors
    /// Weights that make no sense, or that need a network that was not given; frames that
    /// cannot be read; [`Error::File`] if that file cannot be written or read.
    pub fn new(
        frames: &dyn Frames,
        networks: Networks,
        flows: &FlowPairs,
        base: ConsistencyBase,
        weights: LossWeights,
        room: &Room,
        device: &Device,
    ) -> Result<Self> {
        weights.check()?;
        for (name, weight) in [("weights.lpips", weights.lpips), ("weights.face", weights.face)] {
            if weight > 0.0 && networks.lpips.is_none() {
                return Err(Error::setting(name, "needs the LPIPS network; set it to 0"));
            }
        }
        let count = frames.count();
        let bases = match base {
            _ if count == 1 || !weights.need_flow() => 0,
            ConsistencyBase::First => 1,
            ConsistencyBase::All => count,
        };
        let grids = grids(count, bases);
        let bytes = if has_kernels(device) { room.bytes } else { usize::MAX };
        let mut targets = Shelf::new(Room { bytes, ..room.clone() });
        for (k, grids) in grids.iter().enumerate() {
            let inputs = Inputs { frames, flows, grids, bases };
            targets.push(inputs.target(k, &networks, &weights, device)?)?;
        }
        Ok(Self { weights, networks, targets })
    }

    /// Number of frames.
    pub fn count(&self) -> usize {
        self.targets.len()
    }

    /// The share of frame `k`; the shares of all frames add up to eq. 11.
    ///
    /// # Shapes   reconstruction `[1,3,H,W]`
    /// # Range    `[0,1]`
    /// # Errors
    /// [`Error::File`] if its target lies in a file and cannot be read.
    pub fn frame(&self, k: usize, reconstruction: &Tensor<4>) -> Result<FrameLoss> {
        let target = &*self.targets.get(k)?;
        let share = 1.0 / self.targets.len() as f32;
        let images = target.images.as_ref().map(|terms| terms.loss(reconstruction.clone()));
        let perceptual = target.features.as_ref().map(|features| {
            self.networks.perceptual.loss(features, reconstruction.clone()).mul_scalar(share)
        });
        let lpips = |target: &Option<LpipsTarget>, seen: &dyn Fn() -> Tensor<4>| {
            let pair = self.networks.lpips.as_ref().zip(target.as_ref());
            pair.map(|(term, target)| term.loss(target, seen()).mul_scalar(share))
        };
        let face = lpips(&target.face, &|| inner_face(reconstruction.clone()));
        let lpips = lpips(&target.lpips, &|| reconstruction.clone());
        let weighted = |part: &Option<Tensor<1>>, weight: f32| {
            part.as_ref().map(|part| part.clone().mul_scalar(weight))
        };
        let total = [
            images.as_ref().map(|images| images.total.clone()),
            weighted(&perceptual, self.weights.perceptual),
            weighted(&lpips, self.weights.lpips),
            weighted(&face, self.weights.face),
        ]
        .into_iter()
        .flatten()
        .reduce(|a, b| a + b)
        // A frame that no active term looks at: a zero that still has a graph.
        .unwrap_or_else(|| reconstruction.clone().mean().mul_scalar(0.0));
        Ok(FrameLoss { total, images, perceptual, lpips, face, share })
    }
}

/// The frames on whose grids each frame is looked at, in the order in which their terms are summed
/// up: `W(R_b, flow(k -> b))` lies on `k`'s grid, `W(R_k, flow(b -> k))` on that of its base `b`.
fn grids(frames: usize, bases: usize) -> Vec<Vec<usize>> {
    let mut grids = vec![Vec::new(); frames];
    for b in 0..bases {
        for k in (0..frames).filter(|&k| k != b) {
            grids[b].push(k);
            grids[k].push(b);
        }
    }
    grids
}

/// What a target is made of.
struct Inputs<'a> {
    frames: &'a dyn Frames,
    flows: &'a FlowPairs,
    grids: &'a [usize],
    bases: usize,
}

impl Inputs<'_> {
    fn target(
        &self,
        k: usize,
        networks: &Networks,
        weights: &LossWeights,
        device: &Device,
    ) -> Result<Target> {
        let values = self.frames.values(k)?.into_owned();
        let images = self.images(&values, k, weights, device)?;
        let image = picture_tensor(values, [self.frames.height(), self.frames.width()], device);
        let lpips = |weight: f32| networks.lpips.as_ref().filter(|_| weight > 0.0);
        Ok(Target {
            images,
            features: (weights.perceptual > 0.0).then(|| networks.perceptual.target(image.clone())),
            face: lpips(weights.face).map(|term| term.target(inner_face(image.clone()))),
            lpips: lpips(weights.lpips).map(|term| term.target(image)),
        })
    }

    /// The terms of frame `k`, whose values are given, that need no network.
    fn images(
        &self,
        values: &[f32],
        k: usize,
        weights: &LossWeights,
        device: &Device,
    ) -> Result<Option<ImageTerms>> {
        let &Self { frames, flows, grids, bases } = self;
        let counts = ImageWeights {
            // A mean over the frames.
            pixel: weights.pixel / frames.count() as f32,
            consistency: weights.consistency,
            cross_frame: weights.cross_frame,
        };
        let size = [frames.height(), frames.width()];
        let mut terms = ImageTermsBuilder::new(values, size, counts, device);
        for &grid in grids {
            // A mean over the N-1 pairs of a base, and over the bases.
            let weight = 1.0 / ((frames.count() - 1) * bases) as f32;
            let flow = &flows.get(grid, k)?;
            if weights.consistency > 0.0 {
                terms.add(Along { flow, weight, other: None });
            }
            if weights.cross_frame > 0.0 {
                let visible = visibility(flow, &flows.get(k, grid)?)?;
                let other = frames.values(grid)?;
                terms.add(Along { flow, weight, other: Some((&other, &visible)) });
            }
        }
        Ok(terms.finish())
    }
}
