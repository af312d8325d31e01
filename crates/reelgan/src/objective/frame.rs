//! The objective of one frame.

use burn::tensor::{Device, Tensor};
use reelgan_nets::ops::Warp;
use reelgan_nets::perceptual::LpipsTarget;
use reelgan_run::{Flow, Images};
use serde::{Deserialize, Serialize};

use super::{ConsistencyBase, FlowPairs, LossWeights};
use crate::flow::visibility;
use crate::generator::frame_tensor;
use crate::loss::{LpipsTerm, Perceptual, PerceptualTarget, PixelTarget, WarpTerm};
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
    /// Consistency term (eq. 8).
    pub consistency: f32,
    /// Cross-frame term.
    pub cross_frame: f32,
}

impl Terms {
    /// Names and values, in the order of the reports.
    pub fn named(&self) -> [(&'static str, f32); 6] {
        [
            ("total", self.total),
            ("pixel", self.pixel),
            ("perceptual", self.perceptual),
            ("lpips", self.lpips),
            ("consistency", self.consistency),
            ("cross_frame", self.cross_frame),
        ]
    }

    /// Adds another frame's share.
    pub fn add(&mut self, other: &Terms) {
        self.total += other.total;
        self.pixel += other.pixel;
        self.perceptual += other.perceptual;
        self.lpips += other.lpips;
        self.consistency += other.consistency;
        self.cross_frame += other.cross_frame;
    }
}

/// What one frame adds to the objective.
#[derive(Debug)]
pub struct FrameLoss {
    /// The share to be minimised, `[1]`, with its graph.
    pub total: Tensor<1>,
    parts: [Option<Tensor<1>>; 5],
}

impl FrameLoss {
    /// The numbers.
    pub fn terms(&self) -> Terms {
        let value =
            |t: &Option<Tensor<1>>| t.as_ref().map_or(0.0, |t| t.clone().into_scalar::<f32>());
        Terms {
            total: self.total.clone().into_scalar::<f32>(),
            pixel: value(&self.parts[0]),
            perceptual: value(&self.parts[1]),
            lpips: value(&self.parts[2]),
            consistency: value(&self.parts[3]),
            cross_frame: value(&self.parts[4]),
        }
    }
}

/// Everything the loss of one frame is compared with.
#[derive(Debug)]
struct Target {
    image: Tensor<4>,
    pixels: PixelTarget,
    features: Option<PerceptualTarget>,
    lpips: Option<LpipsTarget>,
    consistency: Vec<WarpTerm>,
    cross_frame: Vec<WarpTerm>,
}

/// The networks that terms look through.
#[derive(Debug, Clone)]
pub struct Networks {
    /// For the perceptual term.
    pub perceptual: Perceptual,
    /// For the LPIPS term; not needed while its weight is 0.
    pub lpips: Option<LpipsTerm>,
}

/// The objective over `N` frames: targets, features and flows, all computed once.
#[derive(Debug)]
pub struct Objective {
    weights: LossWeights,
    networks: Networks,
    targets: Vec<Target>,
}

impl Objective {
    /// Prepares all targets.
    ///
    /// `flows` must hold the pairs of [`super::PairPlan`] for this many frames if
    /// a consistency weight is above 0.
    ///
    /// # Errors
    /// Weights that make no sense, or that need a network that was not given.
    pub fn new(
        frames: &Images,
        networks: Networks,
        flows: &FlowPairs,
        base: ConsistencyBase,
        weights: LossWeights,
        device: &Device,
    ) -> Result<Self> {
        weights.check()?;
        if weights.lpips > 0.0 && networks.lpips.is_none() {
            return Err(Error::setting("weights.lpips", "needs the LPIPS network; set it to 0"));
        }
        let mut targets: Vec<Target> = (0..frames.count())
            .map(|k| {
                let image = frame_tensor(frames, k, device);
                let features =
                    (weights.perceptual > 0.0).then(|| networks.perceptual.target(image.clone()));
                let lpips = networks.lpips.as_ref().filter(|_| weights.lpips > 0.0);
                let lpips = lpips.map(|term| term.target(image.clone()));
                let pixels = PixelTarget::new(image.clone());
                Target {
                    image,
                    pixels,
                    features,
                    lpips,
                    consistency: Vec::new(),
                    cross_frame: Vec::new(),
                }
            })
            .collect();
        if frames.count() > 1 && weights.need_flow() {
            let bases = match base {
                ConsistencyBase::First => 1,
                ConsistencyBase::All => frames.count(),
            };
            for b in 0..bases {
                add_base(&mut targets, flows, b, bases, &weights, device)?;
            }
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
    pub fn frame(&self, k: usize, reconstruction: &Tensor<4>) -> FrameLoss {
        let target = &self.targets[k];
        let share = 1.0 / self.targets.len() as f32;
        let w = &self.weights;
        let sum = |terms: &[WarpTerm]| {
            terms.iter().map(|t| t.loss(reconstruction.clone())).reduce(|a, b| a + b)
        };
        let parts = [
            (w.pixel > 0.0).then(|| target.pixels.loss(reconstruction.clone()).mul_scalar(share)),
            target.features.as_ref().map(|features| {
                self.networks.perceptual.loss(features, reconstruction.clone()).mul_scalar(share)
            }),
            self.networks
                .lpips
                .as_ref()
                .zip(target.lpips.as_ref())
                .map(|(term, target)| term.loss(target, reconstruction.clone()).mul_scalar(share)),
            sum(&target.consistency),
            sum(&target.cross_frame),
        ];
        let total = parts
            .iter()
            .zip(w.named())
            .filter_map(|(part, (_, weight))| part.clone().map(|p| p.mul_scalar(weight)))
            .reduce(|a, b| a + b)
            // A frame that no active term looks at: a zero that still has a graph.
            .unwrap_or_else(|| reconstruction.clone().mean().mul_scalar(0.0));
        FrameLoss { total, parts }
    }
}

/// Adds the warps of base frame `b` to the frames they look at.
fn add_base(
    targets: &mut [Target],
    flows: &FlowPairs,
    b: usize,
    bases: usize,
    weights: &LossWeights,
    device: &Device,
) -> Result<()> {
    // A mean over the N-1 pairs of a base, and over the bases.
    let weight = 1.0 / ((targets.len() - 1) * bases) as f32;
    for k in (0..targets.len()).filter(|&k| k != b) {
        // W(R_b, flow(k -> b)) lies on k's grid, W(R_k, flow(b -> k)) on b's.
        for (looked_at, grid) in [(b, k), (k, b)] {
            let flow = flows.get(grid, looked_at);
            if weights.consistency > 0.0 {
                let image = targets[looked_at].image.clone();
                let term = WarpTerm::same_frame(plan(flow, device), image, weight);
                targets[looked_at].consistency.push(term);
            }
            if weights.cross_frame > 0.0 {
                let visible = visibility(flow, flows.get(looked_at, grid))?;
                let other = targets[grid].image.clone();
                let term = WarpTerm::cross_frame(plan(flow, device), other, visible, weight);
                targets[looked_at].cross_frame.push(term);
            }
        }
    }
    Ok(())
}

fn plan(flow: &Flow, device: &Device) -> Warp {
    Warp::new(flow.data(), [1, flow.height(), flow.width()], device)
}
