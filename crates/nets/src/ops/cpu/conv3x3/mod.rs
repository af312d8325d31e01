//! 3x3 convolution with frozen weights, stride 1, zero padding 1.
//!
//! ```text
//! transform   the small matrices of Winograd's F(4x4,3x3) and F(2x2,3x3)
//! winograd    input transform, one matrix product per point, output transform
//! direct      sums over nine shifted views of a padded copy
//! shuffle     pixels of a row to and from columns of tiles
//! product     the register-blocked matrix product that both are made of
//! ```
//!
//! The gradient with respect to the input is itself a convolution: the weights flipped, their channel axes swapped. Weights
//! never change, so each direction brings them once into the order its algorithm reads them in.
//!
//! # Accuracy
//! Root mean square error relative to the root mean square of the exact result, 256 channels, unit normal inputs and
//! weights (`errors_stay_within_their_bounds` holds these up to a margin):
//!
//! | algorithm | error | multiplications |
//! |---|---|---|
//! | direct | 8.4e-7 | 1 |
//! | F(2x2,3x3) | 5.0e-7 | 1 / 2.25 |
//! | F(4x4,3x3), points 0, ±5/8, ±3/2, ∞ | 1.4e-6 | 1 / 4 |

mod direct;
mod product;
mod shuffle;
mod transform;
mod winograd;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

use super::simd::{Isa, Simd};
use transform::{F2, F4};

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The sum as it is written.
    Direct,
    /// Winograd's F(2x2,3x3).
    Winograd2,
    /// Winograd's F(4x4,3x3).
    Winograd4,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 3] = [Algorithm::Direct, Algorithm::Winograd2, Algorithm::Winograd4];

    /// The fastest one by measurement for a batch of images.
    ///
    /// With very few channels on one side the transforms cost more than they save. On few pixels reading the weights takes
    /// the time, and a transformed filter is 16 or 36 numbers instead of 9.
    pub fn fastest(c_in: usize, c_out: usize, shape: Shape) -> Algorithm {
        let tiles = shape.n * shape.h.div_ceil(4) * shape.w.div_ceil(4);
        match tiles {
            _ if c_in.min(c_out) < 8 => Algorithm::Direct,
            ..4 => Algorithm::Direct,
            4..32 => Algorithm::Winograd2,
            _ => Algorithm::Winograd4,
        }
    }
}

/// Batch size, height and width of a batch of feature maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Images.
    pub n: usize,
    /// Height of each.
    pub h: usize,
    /// Width of each.
    pub w: usize,
}

/// A frozen 3x3 convolution, ready to run forward and backward.
///
/// `y = conv(x, weight) + bias`, then `max(0, y)` where asked for; stride 1, zero padding 1. Any batch, height, width and
/// channel counts. Results do not depend on the number of threads.
///
/// The weights are rearranged on the first use of each direction; for F(4x4,3x3) that takes four times their memory.
pub struct Conv3x3Plan {
    c_in: usize,
    c_out: usize,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    isa: Isa,
    algorithm: Option<Algorithm>,
    forward: Prepared,
    backward: Prepared,
}

impl fmt::Debug for Conv3x3Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Conv3x3Plan({} -> {}, {:?}, {:?})",
            self.c_in, self.c_out, self.isa, self.algorithm
        )
    }
}

impl Conv3x3Plan {
    /// Takes the frozen weights, `weight [O,I,3,3]` and `bias [O]`.
    ///
    /// # Panics
    /// If their sizes do not fit the channel counts.
    pub fn new(c_in: usize, c_out: usize, weight: &[f32], bias: Option<&[f32]>) -> Self {
        assert_eq!(weight.len(), c_out * c_in * 9, "weight must be [{c_out},{c_in},3,3]");
        assert!(c_in > 0 && c_out > 0, "a convolution needs channels");
        assert!(bias.is_none_or(|bias| bias.len() == c_out), "bias must be [{c_out}]");
        Self {
            c_in,
            c_out,
            weight: weight.to_vec(),
            bias: bias.map(<[f32]>::to_vec),
            isa: Isa::active(),
            algorithm: None,
            forward: Prepared::default(),
            backward: Prepared::default(),
        }
    }

    /// Always uses the given algorithm instead of [`Algorithm::fastest`].
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm: Some(algorithm), ..self }
    }

    /// Uses the given instruction set instead of the active one.
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, forward: Prepared::default(), backward: Prepared::default(), ..self }
    }

    /// Input channels.
    pub fn c_in(&self) -> usize {
        self.c_in
    }

    /// Output channels.
    pub fn c_out(&self) -> usize {
        self.c_out
    }

    /// Convolves `x [N,I,H,W]` to `[N,O,H,W]`; `relu` appends `max(0, y)`.
    ///
    /// # Panics
    /// If `x` does not have the stated size.
    pub fn forward(&self, x: &[f32], n: usize, h: usize, w: usize, relu: bool) -> Vec<f32> {
        assert_eq!(x.len(), n * self.c_in * h * w, "x must be [{n},{},{h},{w}]", self.c_in);
        let filters =
            Filters { c_in: self.c_in, c_out: self.c_out, weight: &self.weight, backward: false };
        let source = Source { values: x, active: None };
        let finish = Finish { bias: self.bias.as_deref(), relu };
        self.run(&filters, &self.forward, source, Shape { n, h, w }, finish)
    }

    /// Gradient of [`Conv3x3Plan::forward`] with respect to `x`: `gy [N,O,H,W]` to `[N,I,H,W]`.
    ///
    /// `y` is the result of the forward pass if that had `relu`, and `None` if not.
    /// # Panics
    /// If `gy` or `y` does not have the stated size.
    pub fn backward(
        &self,
        y: Option<&[f32]>,
        gy: &[f32],
        n: usize,
        h: usize,
        w: usize,
    ) -> Vec<f32> {
        assert_eq!(gy.len(), n * self.c_out * h * w, "gy must be [{n},{},{h},{w}]", self.c_out);
        assert!(y.is_none_or(|y| y.len() == gy.len()), "y must be [{n},{},{h},{w}]", self.c_out);
        let filters =
            Filters { c_in: self.c_out, c_out: self.c_in, weight: &self.weight, backward: true };
        let source = Source { values: gy, active: y };
        self.run(
            &filters,
            &self.backward,
            source,
            Shape { n, h, w },
            Finish { bias: None, relu: false },
        )
    }

    fn run(
        &self,
        filters: &Filters,
        prepared: &Prepared,
        source: Source,
        shape: Shape,
        finish: Finish,
    ) -> Vec<f32> {
        if shape.n * shape.h * shape.w == 0 || filters.c_out == 0 {
            return Vec::new();
        }
        let isa = self.isa;
        match self
            .algorithm
            .unwrap_or_else(|| Algorithm::fastest(filters.c_in, filters.c_out, shape))
        {
            Algorithm::Direct => {
                let weights = prepared.direct.get_or_init(|| direct::Weights::new(isa, filters));
                direct::convolve(isa, weights, source, shape, finish)
            }
            Algorithm::Winograd2 => {
                let weights =
                    prepared.winograd2.get_or_init(|| winograd::Weights::new::<F2>(isa, filters));
                winograd::convolve::<F2>(isa, weights, source, shape, finish)
            }
            Algorithm::Winograd4 => {
                let weights =
                    prepared.winograd4.get_or_init(|| winograd::Weights::new::<F4>(isa, filters));
                winograd::convolve::<F4>(isa, weights, source, shape, finish)
            }
        }
    }
}

/// Rearranged weights of one direction, made when they are first needed.
#[derive(Default)]
struct Prepared {
    direct: OnceLock<direct::Weights>,
    winograd2: OnceLock<winograd::Weights>,
    winograd4: OnceLock<winograd::Weights>,
}

/// The filters of one direction.
struct Filters<'a> {
    /// Channels that this direction reads.
    c_in: usize,
    /// Channels that this direction writes.
    c_out: usize,
    /// `[O,I,3,3]` of the forward direction.
    weight: &'a [f32],
    backward: bool,
}

impl Filters<'_> {
    /// The nine numbers from channel `i` to channel `o`; zeros if there is no channel `o`.
    fn taps(&self, o: usize, i: usize) -> [f32; 9] {
        if o >= self.c_out {
            return [0.0; 9];
        }
        let at = if self.backward { i * self.c_out + o } else { o * self.c_in + i };
        let mut taps: [f32; 9] = self.weight[at * 9..][..9].try_into().expect("nine numbers");
        if self.backward {
            taps.reverse();
        }
        taps
    }
}

/// What is convolved: `values`, with zeros wherever `active` is given and not positive.
#[derive(Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    active: Option<&'a [f32]>,
}

impl Source<'_> {
    /// The number at a position.
    #[inline(always)]
    fn at(&self, position: usize) -> f32 {
        let active = self.active.is_none_or(|active| active[position] > 0.0);
        if active { self.values[position] } else { 0.0 }
    }

    /// The vector of numbers from a position on.
    #[inline(always)]
    fn vector<S: Simd>(&self, simd: S, start: usize) -> S::Vector {
        let values = simd.load(&self.values[start..]);
        match self.active {
            None => values,
            Some(active) => {
                simd.where_positive(simd.load(&active[start..]), values, simd.splat(0.0))
            }
        }
    }

    /// Copies numbers from position `start` on into `target`.
    #[inline(always)]
    fn copy(&self, start: usize, target: &mut [f32]) {
        let values = &self.values[start..][..target.len()];
        match self.active {
            None => target.copy_from_slice(values),
            Some(active) => {
                for ((target, &value), &active) in
                    target.iter_mut().zip(values).zip(&active[start..])
                {
                    *target = if active > 0.0 { value } else { 0.0 };
                }
            }
        }
    }
}

/// What is done to a sum before it is stored.
#[derive(Clone, Copy)]
struct Finish<'a> {
    bias: Option<&'a [f32]>,
    relu: bool,
}

impl Finish<'_> {
    /// The bias of a channel.
    fn bias(&self, channel: usize) -> f32 {
        self.bias.map_or(0.0, |bias| bias[channel])
    }

    /// `value` plus bias, rectified where asked for; a NaN stays one.
    #[inline(always)]
    fn apply(&self, value: f32, bias: f32) -> f32 {
        let value = value + bias;
        if self.relu && value < 0.0 { 0.0 } else { value }
    }
}

thread_local! {
    /// Memory that a thread works in, kept from call to call: fresh pages would cost more than the work on small maps.
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Calls `work` with `len` numbers of any value.
pub(super) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    // Taken out while in use: on a thread pool `work` may be interrupted by another convolution on the same thread.
    let mut scratch = SCRATCH.take();
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = work(&mut scratch[..len]);
    SCRATCH.set(scratch);
    result
}
