//! The forward pass over one band.

use super::depthwise::depthwise;
use super::{Band, SLOPE, SeparablePlan, Shape, shares};
use crate::ops::cpu::buffer::Filling;
use crate::ops::cpu::gemm::{PANEL, STRIP, product, scatter};
use crate::ops::cpu::simd::{Kernel, Simd, prefetch};
use crate::ops::cpu::style::STREAM_FROM;
use std::mem::MaybeUninit;
use std::ops::Range;

pub(super) struct Forward<'a> {
    pub plan: &'a SeparablePlan,
    pub x: &'a [f32],
    pub s: &'a [f32],
    pub noise: &'a [f32],
    pub y: &'a Filling,
    pub shape: Shape,
    pub band: Band,
    pub tile_rows: usize,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Shape { h, w, .. } = self.shape;
        let tile_pixels = self.tile_rows.min(h) * w;
        let mut strips = vec![[0.0; STRIP]; tile_pixels.div_ceil(STRIP) * self.plan.c_in];
        let mut rows = vec![0.0; tile_pixels];
        let zeros = vec![0.0; w];
        for start in self.band.rows.clone().step_by(self.tile_rows) {
            let tile = start..(start + self.tile_rows).min(self.band.rows.end);
            let pixels = tile.len() * w;
            let strips = &mut strips[..pixels.div_ceil(STRIP) * self.plan.c_in];
            self.convolve_rows(simd, &tile, &zeros, &mut rows[..pixels], strips);
            self.mix_channels(simd, &tile, strips);
        }
    }
}

impl Forward<'_> {
    /// The depthwise convolution of the styled input at some rows, into strips.
    #[inline(always)]
    fn convolve_rows<S: Simd>(
        &self,
        simd: S,
        tile: &Range<usize>,
        zeros: &[f32],
        rows: &mut [f32],
        strips: &mut [[f32; STRIP]],
    ) {
        let Shape { h, w, .. } = self.shape;
        let c_in = self.plan.c_in;
        for c in 0..c_in {
            let channel = self.band.image * c_in + c;
            let plane = &self.x[channel * h * w..][..h * w];
            if c + 1 < c_in && tile.start == self.band.rows.start {
                // Later tiles find their rows near, see `mix_channels`.
                let new = tile.start.saturating_sub(1) * w..(tile.end + 1).min(h) * w;
                prefetch(&self.x[(channel + 1) * h * w..][new]);
            }
            let source = |k: usize| match (tile.start + k).checked_sub(1) {
                Some(row) if row < h => &plane[row * w..][..w],
                _ => zeros,
            };
            let mut taps = self.plan.taps[c];
            for tap in &mut taps {
                *tap *= self.s[channel];
            }
            depthwise(simd, source, &taps, w, rows);
            scatter(strips, c_in, c, 0, rows);
        }
    }

    /// The pointwise convolution of strips, and all that follows it, for the rows of a tile.
    /// Meanwhile the memory, otherwise idle, brings the rows that the next tile will read.
    #[inline(always)]
    fn mix_channels<S: Simd>(&self, simd: S, tile: &Range<usize>, strips: &[[f32; STRIP]]) {
        let Shape { n, h, w } = self.shape;
        let (hw, pixels, start) = (h * w, tile.len() * w, tile.start * w);
        let Forward { plan, band, noise, .. } = self;
        let noise_start = if noise.len() == hw { 0 } else { band.image * hw };
        let noise = &noise[noise_start + start..][..pixels];
        let stream = n * plan.c_out * hw >= STREAM_FROM;
        let outs = PANEL * band.panels.start..(PANEL * band.panels.end).min(plan.c_out);
        let next =
            (tile.end + 1) * w..(tile.end + self.tile_rows + 1).min(band.rows.end + 1).min(h) * w;
        let ahead = shares(outs.len(), plan.c_in);
        product(simd, &plan.forward, band.panels.clone(), strips, |o, strip, values| {
            let first = strip * STRIP;
            let k = o - outs.start;
            for c in ahead[k].clone() {
                let plane = (band.image * plan.c_in + c) * hw;
                let (from, end) = (plane + next.start + first, plane + next.end);
                if from < end {
                    prefetch(&self.x[from..end.min(from + STRIP)]);
                }
            }
            let count = STRIP.min(pixels - first);
            let at = (band.image * plan.c_out + o) * hw + start + first;
            // SAFETY: every (channel, strip) of the tile is visited once; the tiles of a band and
            // the bands do not overlap.
            let target = unsafe { self.y.part(at..at + count) };
            activate(simd, target, values, &noise[first..first + count], plan.bias[o], stream);
        });
    }
}

/// `target = lrelu(values + noise + bias)`.
#[inline(always)]
fn activate<S: Simd>(
    simd: S,
    target: &mut [MaybeUninit<f32>],
    values: &[f32; STRIP],
    noise: &[f32],
    bias: f32,
    stream: bool,
) {
    if target.len() < STRIP {
        for (target, (value, noise)) in target.iter_mut().zip(values.iter().zip(noise)) {
            let v = value + (noise + bias);
            target.write(if v > 0.0 { v } else { SLOPE * v });
        }
        return;
    }
    let (bias, slope) = (simd.splat(bias), simd.splat(SLOPE));
    for i in (0..STRIP).step_by(S::LANES) {
        let v = simd.add(simd.load(&values[i..]), simd.add(simd.load(&noise[i..]), bias));
        let v = simd.max(v, simd.mul(slope, v));
        if stream {
            simd.stream(v, &mut target[i..])
        } else {
            simd.store_uninit(v, &mut target[i..])
        }
    }
}
