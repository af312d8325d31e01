//! 3x3 convolution of a map doubled by nearest neighbour, with frozen weights, without the doubled map.
//!
//! In one dimension, with taps `k` and all pixels outside the map zero:
//!
//! ```text
//! y[2i]     = k0 (x[i-1] - x[i]) + (k0 + k1 + k2) x[i]
//! y[2i + 1] = k2 (x[i+1] - x[i]) + (k0 + k1 + k2) x[i]
//! ```
//!
//! so that three products give two outputs: Winograd's `F(2,3)`, one of whose four products belongs to a difference of two
//! neighbours that here are equal. In two dimensions nine products give four outputs, as many an output as `F(4x4,3x3)`
//! needs, but with sums of plain differences before and nothing but additions behind. The gradient has the same form:
//!
//! ```text
//! gx[i] = k0 (g[2i+2] - g[2i]) + (k0 + k1 + k2) (g[2i] + g[2i+1]) + k2 (g[2i-1] - g[2i+1])
//! ```

mod backward;
mod forward;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::buffer::Filling;
use super::conv3x3::with_scratch;
use super::gemm::{PANEL, Packed, STRIP};
use super::simd::Isa;
use backward::Backward;
use forward::Forward;

/// Products in one dimension.
const POINTS: usize = 3;
/// The one in the middle: of the sum of all taps. It is formed first, since every output has it.
const MIDDLE: usize = 1;
/// In which order products are formed.
const ORDER: [usize; POINTS] = [MIDDLE, 0, 2];
/// Pixels of the small map that one task works on.
const PIXELS: usize = 2 * STRIP;
/// Panels of output channels of a task, where there are few pixels.
const GROUP: usize = 8;
/// Chunks of pixels from which on a task does all channels of one.
const MANY_CHUNKS: usize = 16;

/// A frozen 3x3 convolution behind a doubling, ready to run forward and backward.
///
/// Stride 1, zero padding 1, no bias. Any batch, height, width and channel counts.
pub struct DoubledPlan {
    c_in: usize,
    c_out: usize,
    weight: Vec<f32>,
    isa: Isa,
    /// By point: `[O, I]`.
    forward: OnceLock<Vec<Packed>>,
    /// By vertical point: `[I, 3 O]`.
    backward: OnceLock<Vec<Packed>>,
}

impl fmt::Debug for DoubledPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DoubledPlan({} -> {}, {:?})", self.c_in, self.c_out, self.isa)
    }
}

impl DoubledPlan {
    /// Takes the frozen weights, `weight [O,I,3,3]`.
    ///
    /// # Panics
    /// If their size does not fit the channel counts, or there is no channel.
    pub fn new(c_in: usize, c_out: usize, weight: &[f32]) -> Self {
        assert!(c_in > 0 && c_out > 0, "a convolution needs channels");
        assert_eq!(weight.len(), c_out * c_in * 9, "weight must be [{c_out},{c_in},3,3]");
        Self {
            c_in,
            c_out,
            weight: weight.to_vec(),
            isa: Isa::active(),
            forward: OnceLock::new(),
            backward: OnceLock::new(),
        }
    }

    /// The same plan on a given instruction set.
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// Output channels.
    pub fn c_out(&self) -> usize {
        self.c_out
    }

    /// `x [N,I,H,W]` to `[N,O,2H,2W]`.
    ///
    /// # Panics
    /// If `x` does not have the stated size.
    pub fn forward(&self, x: &[f32], n: usize, h: usize, w: usize) -> Vec<f32> {
        assert_eq!(x.len(), n * self.c_in * h * w, "x must be [{n},{},{h},{w}]", self.c_in);
        let filters = self.forward.get_or_init(|| self.forward_filters());
        let out = Filling::new(n * self.c_out * 4 * h * w);
        let map = Map { n, h, w };
        self.tasks(map, self.c_out, |pixels, panels| {
            let task = Forward { x, filters, sizes: [self.c_in, self.c_out], map, pixels, panels };
            with_scratch(task.scratch(), |scratch| self.isa.run(task.on(scratch, &out)));
        });
        // SAFETY: the tasks cover all channels of all pixels, and `Forward` writes the four pixels that each becomes.
        unsafe { out.finish() }
    }

    /// Gradient to `x`: `gy [N,O,2H,2W]` to `[N,I,H,W]`; `h`, `w` are those of `x`.
    ///
    /// # Panics
    /// If `gy` does not have the stated size.
    pub fn backward(&self, gy: &[f32], n: usize, h: usize, w: usize) -> Vec<f32> {
        let len = n * self.c_out * 4 * h * w;
        assert_eq!(gy.len(), len, "gy must be [{n},{},{},{}]", self.c_out, 2 * h, 2 * w);
        let filters = self.backward.get_or_init(|| self.backward_filters());
        let out = Filling::new(n * self.c_in * h * w);
        let map = Map { n, h, w };
        self.tasks(map, self.c_in, |pixels, panels| {
            let task =
                Backward { gy, filters, sizes: [self.c_in, self.c_out], map, pixels, panels };
            with_scratch(task.scratch(), |scratch| self.isa.run(task.on(scratch, &out)));
        });
        // SAFETY: the tasks cover all channels of all pixels, and `Backward` writes them.
        unsafe { out.finish() }
    }

    /// Runs `task` for every chunk of pixels and share of the panels of `rows` channels. How the work is cut does not
    /// depend on the number of threads, nor does any sum on how it is cut.
    fn tasks(&self, map: Map, rows: usize, task: impl Fn(Range<usize>, Range<usize>) + Sync) {
        let panels = rows.div_ceil(PANEL);
        let chunks = map.pixels().div_ceil(PIXELS);
        let share = if chunks < MANY_CHUNKS { GROUP } else { panels };
        (0..panels.div_ceil(share) * chunks).into_par_iter().for_each(|k| {
            let (group, chunk) = (k / chunks, k % chunks);
            let pixels = chunk * PIXELS..((chunk + 1) * PIXELS).min(map.pixels());
            task(pixels, group * share..((group + 1) * share).min(panels));
        });
    }

    /// The tap or sum of taps of a point from channel `i` to channel `o`.
    fn filter(&self, o: usize, i: usize, [vertical, horizontal]: [usize; 2]) -> f32 {
        let taps = &self.weight[(o * self.c_in + i) * 9..][..9];
        let range = |point: usize| if point == MIDDLE { 0..3 } else { point..point + 1 };
        let sum: f64 = range(vertical)
            .flat_map(|a| range(horizontal).map(move |b| f64::from(taps[3 * a + b])))
            .sum();
        sum as f32
    }

    fn forward_filters(&self) -> Vec<Packed> {
        let packed = |point: usize| {
            let at = [point / POINTS, point % POINTS];
            Packed::new(self.c_out, self.c_in, |o, i| self.filter(o, i, at))
        };
        (0..POINTS * POINTS).into_par_iter().map(packed).collect()
    }

    fn backward_filters(&self) -> Vec<Packed> {
        let packed = |vertical: usize| {
            Packed::new(self.c_in, POINTS * self.c_out, |i, k| {
                self.filter(k % self.c_out, i, [vertical, k / self.c_out])
            })
        };
        (0..POINTS).into_par_iter().map(packed).collect()
    }
}

/// Batch size and size of the small maps.
#[derive(Clone, Copy)]
struct Map {
    n: usize,
    h: usize,
    w: usize,
}

/// Pixels side by side in a row of a small map.
#[derive(Clone, Copy)]
struct Run {
    /// Place of the first among those asked for.
    at: usize,
    len: usize,
    image: usize,
    row: usize,
    column: usize,
}

impl Map {
    /// Pixels of the whole batch, numbered image by image, row by row.
    fn pixels(self) -> usize {
        self.n * self.h * self.w
    }

    /// The runs that a range of pixels is made of.
    #[inline(always)]
    fn runs(self, pixels: Range<usize>) -> impl Iterator<Item = Run> {
        let mut next = pixels.start;
        std::iter::from_fn(move || {
            (next < pixels.end).then(|| {
                let (line, column) = (next / self.w, next % self.w);
                let len = (self.w - column).min(pixels.end - next);
                let at = next - pixels.start;
                next += len;
                Run { at, len, image: line / self.h, row: line % self.h, column }
            })
        })
    }
}
