//! The backward pass over one band.

use super::depthwise::depthwise;
use super::{Band, SLOPE, SeparablePlan, Shape, shares};
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

/// The last rows of `q` of the channels of a band: those of a tile and the two before.
struct Window {
    numbers: Vec<f32>,
    /// Rows of a channel; row `y` of the image lies at `y % slots`.
    slots: usize,
    w: usize,
    /// First row of the tile that is written.
    top: usize,
    /// Where the strips of that tile begin in a channel, if rows are whole strips; else empty.
    strips: Vec<usize>,
}

impl Window {
    fn new(channels: usize, tile_rows: usize, w: usize) -> Window {
        let slots = tile_rows + 2;
        let numbers = vec![0.0; channels * slots * w];
        Window { numbers, slots, w, top: 0, strips: Vec::new() }
    }

    /// Makes the window ready to take the rows of a tile.
    fn aim(&mut self, tile: &Range<usize>) {
        self.top = tile.start;
        self.strips.clear();
        if self.w.is_multiple_of(STRIP) {
            for y in tile.clone() {
                let row = y % self.slots * self.w;
                self.strips.extend((row..row + self.w).step_by(STRIP));
            }
        }
    }

    /// Place of row `y` of a channel.
    #[inline(always)]
    fn place(&self, channel: usize, y: usize) -> usize {
        (channel * self.slots + y % self.slots) * self.w
    }

    /// Writes a strip of a channel, as far as it lies in the tile.
    #[inline(always)]
    fn write(&mut self, channel: usize, strip: usize, values: &[f32; STRIP], pixels: usize) {
        if let Some(&start) = self.strips.get(strip) {
            let at = channel * self.slots * self.w + start;
            let target = self.numbers[at..].first_chunk_mut::<STRIP>();
            *target.expect("a window has whole strips") = *values;
            return;
        }
        let (mut at, end) = (strip * STRIP, pixels.min((strip + 1) * STRIP));
        let mut rest = &values[..end - at];
        while !rest.is_empty() {
            let (run, tail) = rest.split_at(rest.len().min(self.w - at % self.w));
            let place = self.place(channel, self.top + at / self.w) + at % self.w;
            self.numbers[place..place + run.len()].copy_from_slice(run);
            (at, rest) = (at + run.len(), tail);
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
        let channels = self.channels();
        let tile_pixels = self.tile_rows.min(h) * w;
        let mut strips = vec![[0.0; STRIP]; tile_pixels.div_ceil(STRIP) * self.plan.c_out];
        let mut window = Window::new(channels.len(), self.tile_rows.min(h), w);
        let (mut v, zeros) = (vec![0.0; tile_pixels + w], vec![0.0; w]);
        let mut gs = vec![0.0; channels.len()];
        let ahead = shares(channels.len(), self.plan.c_out);

        // Rows of q: those of the band and one more on either side, where the image has them.
        let rows = self.band.rows.start.saturating_sub(1)..(self.band.rows.end + 1).min(h);
        for start in rows.clone().step_by(self.tile_rows) {
            let tile = start..(start + self.tile_rows).min(rows.end);
            let strips = &mut strips[..(tile.len() * w).div_ceil(STRIP) * self.plan.c_out];
            self.rectify(simd, &tile, strips);
            self.sum_noise(&tile, strips);
            let strips = self.plan.backward.operand(strips);
            // A row of v needs the row of q below it; below the image that is zero.
            let ready = if tile.end == h { h } else { tile.end - 1 };
            let done = tile.start.saturating_sub(1).max(self.band.rows.start)
                ..ready.min(self.band.rows.end);
            let next = tile.end..(tile.end + self.tile_rows).min(rows.end);
            window.aim(&tile);
            // Panel by panel, so that the rows just made are still near when they are convolved.
            for panel in self.band.panels.clone() {
                let rows = (&tile, &done, &next);
                self.mix_channels(simd, panel, rows, (strips, &ahead), &mut window);
                if !done.is_empty() {
                    self.convolve_rows(simd, panel, &done, (&window, &zeros), &mut v, &mut gs);
                }
            }
        }
        gs
    }
}

impl Backward<'_> {
    /// Input channels of the band.
    fn channels(&self) -> Range<usize> {
        PANEL * self.band.panels.start..(PANEL * self.band.panels.end).min(self.plan.c_in)
    }

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

    /// `q = PW^T gpre` of the channels of a panel at the rows of a tile, into the window. Meanwhile
    /// the memory, otherwise idle, brings what will be read next: the panel's `x` where `v` will
    /// be `done`, and little by little all of `y` and `gy` at the next tile.
    #[inline(always)]
    fn mix_channels<S: Simd>(
        &self,
        simd: S,
        panel: usize,
        (tile, done, next): (&Range<usize>, &Range<usize>, &Range<usize>),
        (strips, ahead): (&[[f32; STRIP]], &[Range<usize>]),
        window: &mut Window,
    ) {
        let c_out = self.plan.c_out;
        let pixels = tile.len() * self.shape.w;
        let start = self.channels().start;
        product(simd, &self.plan.backward, panel..panel + 1, strips, |c, strip, values| {
            let first = strip * STRIP;
            self.prefetch(self.x, self.plan.c_in, c, done, first);
            let k = c - start;
            for o in ahead[k].clone() {
                self.prefetch(self.y, c_out, o, next, first);
                self.prefetch(self.gy, c_out, o, next, first);
            }
            window.write(k, strip, values, pixels);
        });
    }

    /// Asks for a strip of some rows of a channel of `map`.
    #[inline(always)]
    fn prefetch(&self, map: &[f32], channels: usize, c: usize, rows: &Range<usize>, first: usize) {
        let Shape { h, w, .. } = self.shape;
        let plane = (self.band.image * channels + c) * h * w;
        let (start, end) = (plane + rows.start * w + first, plane + rows.end * w);
        if start < end {
            prefetch(&map[start..end.min(start + STRIP)]);
        }
    }

    /// `v` of the channels of a panel, hence `gx` and a share of `gs`, at some rows of the image.
    #[inline(always)]
    fn convolve_rows<S: Simd>(
        &self,
        simd: S,
        panel: usize,
        rows: &Range<usize>,
        (window, zeros): (&Window, &[f32]),
        v: &mut [f32],
        gs: &mut [f64],
    ) {
        let Shape { h, w, .. } = self.shape;
        let (v, first) = (&mut v[..rows.len() * w], self.channels().start);
        for c in PANEL * panel..(PANEL * (panel + 1)).min(self.plan.c_in) {
            let channel = self.band.image * self.plan.c_in + c;
            let at = (channel * h + rows.start) * w;
            let source = |k: usize| match (rows.start + k).checked_sub(1) {
                Some(row) if row < h => &window.numbers[window.place(c - first, row)..][..w],
                _ => zeros,
            };
            let mut taps = self.plan.taps[c];
            taps.reverse();
            depthwise(simd, source, &taps, w, v);
            // SAFETY: bands differ in rows or channels, and the rows of a band are done once each.
            let gx = unsafe { self.out.gx.part(at..at + v.len()) };
            let (x, s) = (&self.x[at..at + v.len()], self.s[channel]);
            let stream = self.x.len() >= STREAM_FROM;
            gs[c - first] += f64::from(style::gradients(simd, v, x, s, gx, stream));
        }
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
