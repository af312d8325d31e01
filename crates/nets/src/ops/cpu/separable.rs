//! The styled separable layer `y = lrelu( PW DW3x3(x * s) + noise + bias )` with frozen weights, in
//! one pass.
//!
//! No map between the two convolutions is ever written to memory: a thread works on a few rows of
//! pixels at a time, whose depthwise result (forward) or gradient (backward) stays in its
//! second-level cache.
//!
//! Backward, with `gpre = gy * (y > 0 ? 1 : slope)`, `q = PW^T gpre` and `v` the depthwise
//! correlation of `q` with flipped taps: `gx = s v`, `gs = sum over pixels of v x`, `gnoise = sum
//! over channels of gpre`. Nothing of the forward pass is computed again: the style commutes with
//! the depthwise convolution, and the sign of `y` is that of its argument.

mod backward;
mod depthwise;
mod forward;
#[cfg(test)]
mod tests;

use super::buffer::Filling;
use super::gemm::{PANEL, Packed, STRIP};
use super::simd::Isa;
use rayon::prelude::*;
use std::ops::Range;

/// Slope of the activation for negative arguments.
pub const SLOPE: f32 = 0.2;

/// Numbers of the strips of one tile: 256 KiB, a part of a second-level cache.
const STRIP_NUMBERS: usize = 1 << 16;

/// A separable layer, its pointwise weights packed for both directions.
#[derive(Clone, Debug)]
pub struct SeparablePlan {
    c_in: usize,
    c_out: usize,
    taps: Vec<[f32; 9]>,
    bias: Vec<f32>,
    forward: Packed,
    backward: Packed,
    isa: Isa,
}

/// Gradients of a separable layer.
#[derive(Clone, Debug)]
pub struct Grads {
    /// To the input, `[N,C,H,W]`.
    pub gx: Vec<f32>,
    /// To the style, `[N,C]`.
    pub gs: Vec<f32>,
    /// To each image's noise plane, `[N,1,H,W]`; the sum over images is the gradient to a shared
    /// plane.
    pub gnoise: Option<Vec<f32>>,
}

/// Size of a batch of maps.
#[derive(Clone, Copy, Debug)]
struct Shape {
    n: usize,
    h: usize,
    w: usize,
}

/// One piece of work: some rows of pixels of one image, and some panels of the channels to produce
/// there.
#[derive(Clone, Debug)]
struct Band {
    image: usize,
    rows: Range<usize>,
    panels: Range<usize>,
}

impl SeparablePlan {
    /// Keeps the depthwise taps `dw [C,3,3]` and `bias [O]` and packs `pw [O,C]`.
    ///
    /// # Panics
    /// If a slice has another length, or there is no channel.
    pub fn new(dw: &[f32], pw: &[f32], bias: &[f32], c_in: usize, c_out: usize) -> SeparablePlan {
        assert!(c_in > 0 && c_out > 0, "a separable layer has channels");
        assert_eq!(dw.len(), 9 * c_in, "depthwise weight of the separable layer");
        assert_eq!(pw.len(), c_in * c_out, "pointwise weight of the separable layer");
        assert_eq!(bias.len(), c_out, "bias of the separable layer");
        SeparablePlan {
            c_in,
            c_out,
            taps: dw.as_chunks().0.to_vec(),
            bias: bias.to_vec(),
            forward: Packed::new(c_out, c_in, |o, c| pw[o * c_in + c]),
            backward: Packed::new(c_in, c_out, |c, o| pw[o * c_in + c]),
            isa: Isa::active(),
        }
    }

    /// The same plan with the products of its backward pass in bf16.
    pub fn with_bf16_gradients(self) -> SeparablePlan {
        SeparablePlan { backward: self.backward.in_pairs(), ..self }
    }

    /// The same plan on a given instruction set.
    pub fn with_isa(self, isa: Isa) -> SeparablePlan {
        SeparablePlan { isa, ..self }
    }

    /// Channels of the result.
    pub fn c_out(&self) -> usize {
        self.c_out
    }

    /// The layer's output.
    ///
    /// # Shapes
    /// `x [N,C,H,W]`, `s [N,C]`, `noise [1,1,H,W]` or `[N,1,H,W]`, result `[N,O,H,W]`.
    /// # Panics
    /// If a slice has another length.
    pub fn forward(
        &self,
        x: &[f32],
        s: &[f32],
        noise: &[f32],
        n: usize,
        h: usize,
        w: usize,
    ) -> Vec<f32> {
        let shape = Shape { n, h, w };
        self.check(x, s, shape);
        assert!(noise.len() == h * w || noise.len() == n * h * w, "noise of the separable layer");
        let y = Filling::new(n * self.c_out * h * w);
        let tile_rows = tile_rows(self.c_in, w);
        bands(shape, tile_rows, self.forward.panels(), 0).into_par_iter().for_each(|band| {
            self.isa.run(forward::Forward {
                plan: self,
                x,
                s,
                noise,
                y: &y,
                shape,
                band,
                tile_rows,
            });
        });
        // SAFETY: the bands cover all rows and panels, and `Forward` writes every number of its
        // band.
        unsafe { y.finish() }
    }

    /// The gradients, given the output `y` and its gradient `gy`.
    ///
    /// # Shapes
    /// As [`SeparablePlan::forward`]; `y`, `gy` `[N,O,H,W]`.
    /// # Panics
    /// If a slice has another length.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        x: &[f32],
        s: &[f32],
        y: &[f32],
        gy: &[f32],
        n: usize,
        h: usize,
        w: usize,
        want_noise: bool,
    ) -> Grads {
        let shape = Shape { n, h, w };
        self.check(x, s, shape);
        assert_eq!(y.len(), n * self.c_out * h * w, "output of the separable layer");
        assert_eq!(gy.len(), y.len(), "gradient of the separable layer");
        let gx = Filling::new(x.len());
        let gnoise = want_noise.then(|| Filling::new(n * h * w));
        let tile_rows = tile_rows(self.c_out, w);
        let bands = bands(shape, tile_rows, self.backward.panels(), 2);
        let partial: Vec<Vec<f64>> = bands
            .par_iter()
            .map(|band| {
                let out = backward::Targets { gx: &gx, gnoise: gnoise.as_ref() };
                self.isa.run(backward::Backward {
                    plan: self,
                    x,
                    s,
                    y,
                    gy,
                    out,
                    shape,
                    band,
                    tile_rows,
                })
            })
            .collect();
        let mut gs = vec![0.0f64; n * self.c_in];
        for (band, sums) in bands.iter().zip(&partial) {
            for (i, sum) in sums.iter().enumerate() {
                gs[band.image * self.c_in + band.panels.start * PANEL + i] += sum;
            }
        }
        // SAFETY: the bands cover all rows and panels; `Backward` writes every number of its band
        // of `gx`, and the band that has the first panel writes the noise.
        unsafe {
            Grads {
                gx: gx.finish(),
                gs: gs.into_iter().map(|sum| sum as f32).collect(),
                gnoise: gnoise.map(|gnoise| gnoise.finish()),
            }
        }
    }

    fn check(&self, x: &[f32], s: &[f32], Shape { n, h, w }: Shape) {
        assert_eq!(x.len(), n * self.c_in * h * w, "input of the separable layer");
        assert_eq!(s.len(), n * self.c_in, "style of the separable layer");
    }
}

/// Shares `count` pieces of work among `workers`: which ones each of them does.
fn shares(workers: usize, count: usize) -> Vec<Range<usize>> {
    (0..workers).map(|k| k * count / workers..(k + 1) * count / workers).collect()
}

/// Rows of pixels of a tile whose strips have `depth` channels.
fn tile_rows(depth: usize, w: usize) -> usize {
    (STRIP_NUMBERS / depth.max(1) / w.max(1)).max(1)
}

/// Cuts the work into bands of whole tiles, of at least sixteen times the `halo` of rows that a
/// band computes beyond its own, and those by panels, for each of which the strips are prepared
/// anew, until every thread has some pieces.
///
/// Only the cut by rows parts sums, and it is the same for any number of threads.
fn bands(Shape { n, h, w }: Shape, tile_rows: usize, panels: usize, halo: usize) -> Vec<Band> {
    const BANDS: usize = 16;
    const PIECES_PER_THREAD: usize = 4;
    const PANELS_AT_LEAST: usize = 8;
    if n * h * w == 0 {
        return Vec::new();
    }
    let least = tile_rows.min(STRIP.div_ceil(w)).max(16 * halo);
    let height = h.div_ceil(BANDS.div_ceil(n)).max(least).next_multiple_of(tile_rows).min(h);
    let groups =
        (PIECES_PER_THREAD * rayon::current_num_threads()).div_ceil(n * h.div_ceil(height));
    let width = panels.div_ceil(groups).max(PANELS_AT_LEAST);
    let mut bands = Vec::new();
    for image in 0..n {
        for row in (0..h).step_by(height) {
            for panel in (0..panels).step_by(width) {
                let rows = row..(row + height).min(h);
                bands.push(Band { image, rows, panels: panel..(panel + width).min(panels) });
            }
        }
    }
    bands
}
