//! FlowNet2: optical flow between two images by five networks, forward only.
//!
//! ```text
//! layers       the kinds of layer, taken out of the weights by name
//! refinement   the decoder that C, S and SD share: flow at 1/64, refined level by level to 1/4
//! c            FlowNetC: two feature maps and their correlation
//! s            FlowNetS: corrects a flow it is shown (used twice)
//! sd           FlowNetSD: small displacements
//! fusion       FlowNetFusion: the better of two flows, at full resolution
//! ```
//!
//! Widths come from the file; what the architecture fixes is checked.
//!
//! # Source
//! Ilg et al. 2017, FlowNet 2.0; NVIDIA/flownet2-pytorch `models.py` and `networks/`, which the
//! authors of the paper use. The released weights were not at hand: what is tested is the arithmetic,
//! with weights made by rule, against the networks' definition in PyTorch.

mod c;
mod fusion;
mod layers;
mod refinement;
mod s;
mod sd;

use std::path::Path;

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};
use reelgan_checkpoint::NamedArrays;

use crate::ops::{Warp, resize_bilinear};
use crate::{Result, Weights};
use c::FlowNetC;
use fusion::FlowNetFusion;
use layers::Reader;
use s::FlowNetS;
use sd::FlowNetSd;

/// The networks work on flows divided by this.
const DIVISOR: f32 = 20.0;

/// The whole of FlowNet2.
#[derive(Debug)]
pub struct FlowNet2 {
    c: FlowNetC,
    s1: FlowNetS,
    s2: FlowNetS,
    sd: FlowNetSd,
    fusion: FlowNetFusion,
}

/// What each network of [`FlowNet2`] found.
#[derive(Debug, Clone)]
pub struct Stages {
    /// FlowNetC, `[N,2,H/4,W/4]`, in pixels divided by 20.
    pub c: Tensor<4>,
    /// The first FlowNetS, likewise.
    pub s1: Tensor<4>,
    /// The second FlowNetS, likewise.
    pub s2: Tensor<4>,
    /// FlowNetSD, `[N,2,H/4,W/4]`, in pixels times 20.
    pub sd: Tensor<4>,
    /// The result, `[N,2,H,W]`, in pixels.
    pub flow: Tensor<4>,
}

impl FlowNet2 {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "FlowNet2";
    /// Height and width must be multiples of this.
    pub const MULTIPLE: usize = 64;

    /// Reads a checkpoint such as `FlowNet2_checkpoint.pth.tar` (which is no tar archive).
    ///
    /// # Errors
    /// A file that cannot be read, or as [`FlowNet2::from_arrays`].
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        Self::from_arrays(reelgan_checkpoint::open(path)?.arrays, device)
    }

    /// Builds the network from the arrays of a checkpoint: a training state (`state_dict.*`, all else
    /// is left out) or the bare weights, with or without `module.` before every name.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array, or one that is not finite.
    pub fn from_arrays(arrays: NamedArrays, device: &Device) -> Result<Self> {
        const STATE: &str = "state_dict.";
        let whole = arrays.keys().any(|name| name.starts_with(STATE));
        let weights = Weights::renamed(Self::NETWORK, arrays, |name| {
            let name = if whole { name.strip_prefix(STATE)? } else { name };
            Some(name.strip_prefix("module.").unwrap_or(name).to_string())
        });
        Self::from_weights(weights, device)
    }

    /// Builds the network from named weights: `flownetc.*`, `flownets_1.*`, `flownets_2.*`,
    /// `flownets_d.*`, `flownetfusion.*`.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array, or one that is not finite.
    pub fn from_weights(mut weights: Weights, device: &Device) -> Result<Self> {
        let w = &mut weights;
        let whole = Self {
            c: FlowNetC::read(&mut Reader::new(w, "flownetc", device))?,
            s1: FlowNetS::read(&mut Reader::new(w, "flownets_1", device))?,
            s2: FlowNetS::read(&mut Reader::new(w, "flownets_2", device))?,
            sd: FlowNetSd::read(&mut Reader::new(w, "flownets_d", device))?,
            fusion: FlowNetFusion::read(&mut Reader::new(w, "flownetfusion", device))?,
        };
        weights.finish(|_| false)?;
        Ok(whole)
    }

    /// The flow on `a`'s grid that says where to look in `b`: `b` warped by it looks like `a`.
    ///
    /// # Shapes
    /// `a`, `b` `[N,3,H,W]`, both sides multiples of [`FlowNet2::MULTIPLE`]; result `[N,2,H,W]`. No
    /// gradient flows through it.
    /// # Range
    /// images RGB `[0,1]`; flow in pixels, channel 0 = dx, 1 = dy
    /// # Panics
    /// If the shapes do not fit.
    pub fn flow(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
        self.stages(a, b).flow
    }

    /// As [`FlowNet2::flow`], with the result of every network on the way.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn stages(&self, a: Tensor<4>, b: Tensor<4>) -> Stages {
        let [_, channels, h, w] = a.dims();
        assert_eq!(a.dims(), b.dims(), "two images of one size");
        assert!(
            channels == 3 && h > 0 && w > 0 && [h, w].map(|s| s % Self::MULTIPLE) == [0, 0],
            "images must be [N,3,H,W] with sides that are multiples of {}",
            Self::MULTIPLE
        );
        let (a, b) = centred(a.inner(), b.inner());
        let size = [h, w];
        let c = self.c.forward(a.clone(), b.clone());
        let guess = resize_bilinear(c.clone() * DIVISOR, size);
        let s1 = self.s1.forward(judged(&a, &b, guess));
        let guess = resize_bilinear(s1.clone() * DIVISOR, size);
        let s2 = self.s2.forward(judged(&a, &b, guess));
        let sd = self.sd.forward(Tensor::cat(vec![a.clone(), b.clone()], 1));
        let large = nearest(s2.clone() * DIVISOR, size);
        let small = nearest(sd.clone() / DIVISOR, size);
        let parts = vec![
            a.clone(),
            small.clone(),
            large.clone(),
            length(small.clone()),
            length(large.clone()),
            length(a.clone() - warped(&b, small)),
            length(a - warped(&b, large)),
        ];
        drop(b);
        let flow = self.fusion.forward(Tensor::cat(parts, 1));
        Stages { c, s1, s2, sd, flow }
    }
}

/// Both images less the mean colour of the pair.
fn centred(a: Tensor<4>, b: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
    let mean = |x: &Tensor<4>| x.clone().mean_dim(3).mean_dim(2);
    let mean = (mean(&a) + mean(&b)) / 2.0;
    (a - mean.clone(), b - mean)
}

/// What FlowNetS sees of a flow: both images, the second one warped by it, the flow itself, and how
/// far the warped image is off; 12 channels.
fn judged(a: &Tensor<4>, b: &Tensor<4>, flow: Tensor<4>) -> Tensor<4> {
    let there = warped(b, flow.clone());
    let off = length(a.clone() - there.clone());
    Tensor::cat(vec![a.clone(), b.clone(), there, flow / DIVISOR, off], 1)
}

/// Root of the sum of squares over channels, `[N,C,H,W]` to `[N,1,H,W]`.
fn length(x: Tensor<4>) -> Tensor<4> {
    x.clone().mul(x).sum_dim(1).sqrt()
}

/// `image` sampled where `flow` points.
fn warped(image: &Tensor<4>, flow: Tensor<4>) -> Tensor<4> {
    let ([n, _, h, w], device) = (flow.dims(), flow.device());
    let numbers = flow.into_data().try_into_vec::<f32>().expect("flows are f32");
    Warp::new(&numbers, [n, h, w], &device).forward(image.clone())
}

/// Each pixel repeated.
fn nearest(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
}

#[cfg(test)]
mod tests;
