//! The backward pass over one band.

use super::depthwise::depthwise;
use super::{Band, SLOPE, SeparablePlan, Shape};
use crate::ops::cpu::buffer::Filling;
use crate::ops::cpu::gemm::{PANEL, STRIP, product};
use crate::ops::cpu::simd::{Kernel, Simd, prefetch};
use crate::ops::cpu::style::{self, STREAM_FROM};
use std::ops::Range;

/// Where the gradients go.
#[derive(Clone, Copy)]
pub(super) struct Targets<'a> {
    pub gx: &'a Filling,
    pub gnoise: Option<&'a Filling>,
}

pub(super) struct Backward<'a> {
    pub plan: &'a SeparablePlan,
    pub x: &'a [f32],
    pub s: &'a [f32],
    pub y: &'a [f32],
    pub gy: &'a [f32],
    pub out: Targets<'a>,
    pub shape: Shape,
    pub band: &'a Band,
    pub tile_rows: usize,
}

/// Rows of `q` of the channels of a band: the last two of the tile before, then those of the tile,
/// then room for a zero row.
struct Window {
    numbers: Vec<f32>,
    /// Numbers of a channel.
    pitch: usize,
    w: usize,
}

impl Window {
    fn new(channels: usize, tile_rows: usize, w: usize) -> Window {
        let pitch = (tile_rows + 3) * w;
        Window { numbers: vec![0.0; channels * pitch], pitch, w }
    }

    /// Row `k` of a channel.
    #[inline(always)]
    fn row(&self, channel: usize, k: usize) -> &[f32] {
        &self.numbers[channel * self.pitch + k * self.w..][..self.w]
    }

    /// Clears row `k` of every channel.
    fn clear(&mut self, k: usize) {
        for channel in self.numbers.chunks_exact_mut(self.pitch) {
            channel[k * self.w..(k + 1) * self.w].fill(0.0);
        }
    }

    /// Forgets the first `rows` rows.
    fn advance(&mut self, rows: usize) {
        for channel in self.numbers.chunks_exact_mut(self.pitch) {
            channel.copy_within(rows * self.w..(rows + 2) * self.w, 0);
        }
    }
}

impl Kernel for Backward<'_> {
    type Output = Vec<f64>;

    /// Writes the band of `gx` and of `gnoise`; returns its share of `gs`, one number a channel of
    /// the band.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let Shape { h, w, .. } = self.shape;
        let channels =
            PANEL * self.band.panels.start..(PANEL * self.band.panels.end).min(self.plan.c_in);
        let tile_pixels = self.tile_rows.min(h) * w;
        let mut strips = vec![[0.0; STRIP]; tile_pixels.div_ceil(STRIP) * self.plan.c_out];
        let mut window = Window::new(channels.len(), self.tile_rows.min(h), w);
        let mut v = vec![0.0; tile_pixels + 2 * w];
        let mut gs = vec![0.0; channels.len()];

        // Rows of q: those of the band and one more on either side, where the image has them.
        let rows = self.band.rows.start.saturating_sub(1)..(self.band.rows.end + 1).min(h);
        for start in rows.clone().step_by(self.tile_rows) {
            let tile = start..(start + self.tile_rows).min(rows.end);
            let strips = &mut strips[..(tile.len() * w).div_ceil(STRIP) * self.plan.c_out];
            self.rectify(simd, &tile, strips);
            self.sum_noise(&tile, strips);
            let next = tile.end..(tile.end + self.tile_rows).min(rows.end);
            self.mix_channels(simd, (&tile, &next), strips, &mut window);
            if tile.end == h {
                window.clear(2 + tile.len());
            }
            // A row of v needs the row of q below it; below the image that is zero.
            let ready = if tile.end == h { h } else { tile.end - 1 };
            let done = tile.start.saturating_sub(1).max(self.band.rows.start)
                ..ready.min(self.band.rows.end);
            if !done.is_empty() {
                let from = done.start + 1 - tile.start;
                self.convolve_rows(simd, done, &channels, (&window, from), &mut v, &mut gs);
            }
            window.advance(tile.len());
        }
        gs
    }
}

impl Backward<'_> {
    /// `gpre` at some rows, into strips; the pixels behind the last are zero.
    #[inline(always)]
    fn rectify<S: Simd>(&self, simd: S, tile: &Range<usize>, strips: &mut [[f32; STRIP]]) {
        let Shape { h, w, .. } = self.shape;
        let c_out = self.plan.c_out;
        let pixels = tile.len() * w;
        for o in 0..c_out {
            let at = ((self.band.image * c_out + o) * h + tile.start) * w;
            let (y, gy) = (&self.y[at..at + pixels], &self.gy[at..at + pixels]);
            let mut place = o;
            for (y, gy) in y.chunks(STRIP).zip(gy.chunks(STRIP)) {
                gate(simd, y, gy, &mut strips[place]);
                place += c_out;
            }
        }
    }

    /// The gradient of the noise at the rows of a tile that are the band's own, by the band of the
    /// first panel.
    #[inline(always)]
    fn sum_noise(&self, tile: &Range<usize>, strips: &[[f32; STRIP]]) {
        let Some(gnoise) = self.out.gnoise.filter(|_| self.band.panels.start == 0) else { return };
        let Shape { h, w, .. } = self.shape;
        let own = tile.start.max(self.band.rows.start) * w..tile.end.min(self.band.rows.end) * w;
        for (index, strip) in strips.chunks_exact(self.plan.c_out).enumerate() {
            let mut sums = [0.0; STRIP];
            for values in strip {
                for i in 0..STRIP {
                    sums[i] += values[i];
                }
            }
            let first = tile.start * w + index * STRIP;
            for (pixel, sum) in
                (first..first + STRIP).zip(sums).filter(|(pixel, _)| own.contains(pixel))
            {
                let at = self.band.image * h * w + pixel;
                // SAFETY: the bands of the first panel do not overlap, and a pixel lies in one
                // strip of one tile of its band.
                let target = unsafe { gnoise.part(at..at + 1) };
                target[0].write(sum);
            }
        }
    }

    /// `q = PW^T gpre` at the rows of a tile, into the window behind the two rows kept. Meanwhile
    /// the memory, otherwise idle, brings what the next tile will read.
    #[inline(always)]
    fn mix_channels<S: Simd>(
        &self,
        simd: S,
        (tile, next): (&Range<usize>, &Range<usize>),
        strips: &[[f32; STRIP]],
        window: &mut Window,
    ) {
        let w = self.shape.w;
        let pixels = tile.len() * w;
        let first_channel = self.band.panels.start * PANEL;
        let pitch = window.pitch;
        let numbers = &mut window.numbers;
        let mut ahead =
            Ahead::new(self, next, self.band.panels.len() * PANEL * pixels.div_ceil(STRIP));
        product(simd, &self.plan.backward, self.band.panels.clone(), strips, |c, strip, values| {
            ahead.step(self);
            let first = strip * STRIP;
            let at = (c - first_channel) * pitch + 2 * w + first;
            let target = &mut numbers[at..at + STRIP.min(pixels - first)];
            match target.first_chunk_mut::<STRIP>() {
                Some(target) => *target = *values,
                None => target.copy_from_slice(&values[..target.len()]),
            }
        });
    }

    /// `v`, hence `gx` and a share of `gs`, at some rows of the image; the window's row `from` is
    /// the one above the first.
    #[inline(always)]
    fn convolve_rows<S: Simd>(
        &self,
        simd: S,
        rows: Range<usize>,
        channels: &Range<usize>,
        (window, from): (&Window, usize),
        v: &mut [f32],
        gs: &mut [f64],
    ) {
        let Shape { h, w, .. } = self.shape;
        let v = &mut v[..rows.len() * w];
        for (k, c) in channels.clone().enumerate() {
            let channel = self.band.image * self.plan.c_in + c;
            let at = (channel * h + rows.start) * w;
            if c + 1 < channels.end {
                prefetch(&self.x[at + h * w..][..v.len()]);
            }
            let mut taps = self.plan.taps[c];
            taps.reverse();
            depthwise(simd, |row| window.row(k, from + row), &taps, w, v);
            // SAFETY: bands differ in rows or channels, and the rows of a band are done once each.
            let gx = unsafe { self.out.gx.part(at..at + v.len()) };
            let (x, s) = (&self.x[at..at + v.len()], self.s[channel]);
            gs[k] += f64::from(style::gradients(simd, v, x, s, gx, self.x.len() >= STREAM_FROM));
        }
    }
}

/// Prefetches `y` and `gy` of a tile, little by little.
struct Ahead {
    rows: Range<usize>,
    /// Chunks of `STRIP` numbers a channel, and of all channels.
    chunks: usize,
    total: usize,
    steps: usize,
    step: usize,
}

impl Ahead {
    fn new(work: &Backward, rows: &Range<usize>, steps: usize) -> Ahead {
        let chunks = (rows.len() * work.shape.w).div_ceil(STRIP);
        Ahead { rows: rows.clone(), chunks, total: chunks * work.plan.c_out, steps, step: 0 }
    }

    /// One of `steps` equal shares.
    #[inline(always)]
    fn step(&mut self, work: &Backward) {
        let Shape { h, w, .. } = work.shape;
        for chunk in self.total * self.step / self.steps..self.total * (self.step + 1) / self.steps
        {
            let (o, chunk) = (chunk / self.chunks, chunk % self.chunks);
            let plane = (work.band.image * work.plan.c_out + o) * h * w;
            let start = plane + self.rows.start * w + chunk * STRIP;
            let end = (start + STRIP).min(plane + self.rows.end * w);
            prefetch(&work.y[start..end]);
            prefetch(&work.gy[start..end]);
        }
        self.step += 1;
    }
}

/// The gradient before the activation: `target = gy * (y > 0 ? 1 : slope)`, zeros behind the last
/// pixel.
#[inline(always)]
fn gate<S: Simd>(simd: S, y: &[f32], gy: &[f32], target: &mut [f32; STRIP]) {
    let slope = simd.splat(SLOPE);
    let gated = |y: S::Vector, gy: S::Vector| simd.where_positive(y, gy, simd.mul(slope, gy));
    for i in (0..STRIP).step_by(S::LANES) {
        let gated = if y.len() == STRIP {
            gated(simd.load(&y[i..]), simd.load(&gy[i..]))
        } else {
            gated(
                simd.load_part(y.get(i..).unwrap_or(&[])),
                simd.load_part(gy.get(i..).unwrap_or(&[])),
            )
        };
        simd.store(gated, &mut target[i..]);
    }
}
