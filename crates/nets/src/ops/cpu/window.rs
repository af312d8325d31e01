//! Convolution of any window, stride 1 or 2, and its transpose that doubles the size, with frozen
//! weights; forward only.
//!
//! Both are a matrix product: the frozen weights times a matrix whose columns are the windows of the
//! output pixels. A column is gathered in cache, for a few strips of pixels at a time, so that no map
//! of windows is ever held. The transposed convolution is four convolutions, one for each parity of
//! the output's row and column, whose windows are 2x2.
//!
//! The input may come in parts that lie one behind the other on the channel axis: joining them first
//! would cost as much memory again.

use rayon::prelude::*;

use super::buffer::Filling;
use super::gemm::{Packed, STRIP, product};
use super::simd::{Isa, Kernel, Simd};

/// Numbers of the strips of one task: what stays in the second-level cache beside the weights.
const TASK_NUMBERS: usize = 128 * 1024;
/// Strips of one task at most, so that a large map is shared by many threads.
const TASK_STRIPS: usize = 16;
/// Panels of weights that one task multiplies: deep layers have few pixels and many channels.
const TASK_PANELS: usize = 8;

/// A frozen convolution with bias and leaky activation.
#[derive(Debug)]
pub struct WindowPlan {
    c_in: usize,
    c_out: usize,
    /// Input pixels from one output pixel of a phase to the next.
    stride: usize,
    /// Output pixels from one pixel of a phase to the next.
    spread: usize,
    /// Side of the window and zeros around the input; of the convolution only.
    side: usize,
    padding: usize,
    phases: Vec<Phase>,
    bias: Vec<f32>,
    slope: f32,
    isa: Isa,
}

/// The output pixels of one parity.
#[derive(Debug)]
struct Phase {
    /// Row and column of its first pixel.
    at: [usize; 2],
    /// Where the window looks, `[row, column]` from the pixel it belongs to.
    taps: Vec<[isize; 2]>,
    /// `[O, C x taps]`.
    weights: Packed,
}

/// Some channels of the input.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Channels.
    pub channels: usize,
    /// `[N,channels,H,W]`.
    pub values: &'a [f32],
}

/// Rows of a transposed 4x4 window, padding 1, that reach an output row of even or odd number: row
/// of the weights, and which input row they look at.
const TRANSPOSED: [[(usize, isize); 2]; 2] = [[(1, 0), (3, -1)], [(0, 1), (2, 0)]];

impl WindowPlan {
    /// A convolution, `weight [O,C,side,side]`, `bias [O]`, zeros around the input so that stride 1
    /// keeps its size; negative results are multiplied by `slope`.
    ///
    /// # Panics
    /// If a length does not fit, `side` is even, or `stride` is 0.
    pub fn convolution(
        weight: &[f32],
        bias: &[f32],
        [c_out, c_in, side]: [usize; 3],
        stride: usize,
        slope: f32,
    ) -> Self {
        let depth = c_in * side * side;
        assert!(side % 2 == 1 && stride > 0, "an odd window and a stride");
        assert_eq!(weight.len(), c_out * depth, "weight of the convolution");
        assert_eq!(bias.len(), c_out, "bias of the convolution");
        let padding = side / 2;
        let offset = |i: usize| i as isize - padding as isize;
        let taps = (0..side * side).map(|t| [offset(t / side), offset(t % side)]).collect();
        let weights = Packed::new(c_out, depth, |o, k| weight[o * depth + k]);
        let phases = vec![Phase { at: [0, 0], taps, weights }];
        let bias = bias.to_vec();
        let isa = Isa::active();
        Self { c_in, c_out, stride, spread: 1, side, padding, phases, bias, slope, isa }
    }

    /// A transposed convolution, window 4, stride 2, padding 1: `weight [C,O,4,4]`, `bias [O]`.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn doubling(weight: &[f32], bias: &[f32], [c_out, c_in]: [usize; 2], slope: f32) -> Self {
        assert_eq!(weight.len(), c_in * c_out * 16, "weight of the transposed convolution");
        assert_eq!(bias.len(), c_out, "bias of the transposed convolution");
        let phase = |row: usize, column: usize| {
            let both: Vec<_> = TRANSPOSED[row]
                .iter()
                .flat_map(|y| TRANSPOSED[column].iter().map(move |x| (y, x)))
                .collect();
            let weights = Packed::new(c_out, c_in * both.len(), |o, k| {
                let (c, (y, x)) = (k / both.len(), both[k % both.len()]);
                weight[((c * c_out + o) * 4 + y.0) * 4 + x.0]
            });
            Phase {
                at: [row, column],
                taps: both.iter().map(|(y, x)| [y.1, x.1]).collect(),
                weights,
            }
        };
        let phases = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[y, x]| phase(y, x)).into();
        let bias = bias.to_vec();
        let isa = Isa::active();
        Self { c_in, c_out, stride: 1, spread: 2, side: 1, padding: 0, phases, bias, slope, isa }
    }

    /// The same plan on a given instruction set.
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// Channels of the result.
    pub fn c_out(&self) -> usize {
        self.c_out
    }

    /// Height and width of the result for an input of that size; 0 where it is smaller than a window.
    pub fn output_size(&self, size: [usize; 2]) -> [usize; 2] {
        self.steps(size).map(|steps| steps * self.spread)
    }

    /// Pixels of each phase.
    fn steps(&self, size: [usize; 2]) -> [usize; 2] {
        size.map(|length| {
            (length + 2 * self.padding).checked_sub(self.side).map_or(0, |d| d / self.stride + 1)
        })
    }

    /// The convolution of the parts joined on the channel axis.
    ///
    /// # Shapes
    /// parts `[N,C_i,H,W]` with `sum C_i = C`; result `[N,O,H',W']`, see [`WindowPlan::output_size`].
    /// # Panics
    /// If a part has another length, or the channels do not add up.
    pub fn forward(&self, parts: &[Part<'_>], n: usize, [h, w]: [usize; 2]) -> Vec<f32> {
        let channels: usize = parts.iter().map(|part| part.channels).sum();
        assert_eq!(channels, self.c_in, "input channels");
        for part in parts {
            assert_eq!(part.values.len(), n * part.channels * h * w, "a part of the input");
        }
        let [rows, columns] = self.output_size([h, w]);
        let out = Filling::new(n * self.c_out * rows * columns);
        for phase in &self.phases {
            let job = Job { plan: self, phase, parts, size: [h, w], steps: self.steps([h, w]) };
            job.run(n, &out);
        }
        // SAFETY: the steps of the phases cover every pixel, and `Job::run` writes all channels of
        // all of them.
        unsafe { out.finish() }
    }
}

/// One phase of one convolution.
#[derive(Clone, Copy)]
struct Job<'a> {
    plan: &'a WindowPlan,
    phase: &'a Phase,
    parts: &'a [Part<'a>],
    size: [usize; 2],
    steps: [usize; 2],
}

impl Job<'_> {
    fn run(&self, n: usize, out: &Filling) {
        let depth = self.plan.c_in * self.phase.taps.len();
        let pixels = self.steps[0] * self.steps[1];
        let strips = (TASK_NUMBERS / (depth * STRIP).max(1)).clamp(1, TASK_STRIPS);
        let tasks = pixels.div_ceil(strips * STRIP);
        let panels = self.phase.weights.panels();
        (0..n * tasks).into_par_iter().for_each_init(Vec::new, |numbers, task| {
            let (image, start) = (task / tasks, task % tasks * strips * STRIP);
            let tile = Tile { image, start, count: (strips * STRIP).min(pixels - start) };
            numbers.resize(tile.count.div_ceil(STRIP) * depth, [0.0; STRIP]);
            self.plan.isa.run(Gather { job: self, tile, strips: numbers });
            let numbers = &*numbers;
            (0..panels.div_ceil(TASK_PANELS)).into_par_iter().for_each(|block| {
                let panels = block * TASK_PANELS..((block + 1) * TASK_PANELS).min(panels);
                self.plan.isa.run(Multiply { job: self, tile, strips: numbers, panels, out });
            });
        });
    }

    /// Consecutive steps from `start` on, cut where rows end.
    fn runs(&self, start: usize, count: usize) -> impl Iterator<Item = Run> {
        let width = self.steps[1];
        let mut at = 0;
        std::iter::from_fn(move || {
            let left = count.checked_sub(at).filter(|&left| left > 0)?;
            let (y, x) = ((start + at) / width, (start + at) % width);
            let run = Run { at, y, x, len: left.min(width - x) };
            at += run.len;
            Some(run)
        })
    }
}

/// Steps `start..start + count` of one image.
#[derive(Clone, Copy)]
struct Tile {
    image: usize,
    start: usize,
    count: usize,
}

/// Steps of one row: `len` from `(y, x)` on, at places `at..at + len` of a strip.
#[derive(Clone, Copy, Default)]
struct Run {
    at: usize,
    y: usize,
    x: usize,
    len: usize,
}

/// Writes the windows of a tile into strips, `[strip][channel x tap]`.
struct Gather<'a> {
    job: &'a Job<'a>,
    tile: Tile,
    strips: &'a mut [[f32; STRIP]],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Gather { job, tile, strips } = self;
        let taps = &job.phase.taps;
        let [h, w] = job.size;
        let mut runs = Vec::with_capacity(STRIP);
        for (k, strip) in strips.chunks_exact_mut(job.plan.c_in * taps.len()).enumerate() {
            let first = k * STRIP;
            let count = STRIP.min(tile.count - first);
            runs.clear();
            runs.extend(job.runs(tile.start + first, count));
            let mut rows = strip.iter_mut();
            for part in job.parts {
                let from = tile.image * part.channels * h * w;
                let channels = part.values[from..][..part.channels * h * w].chunks_exact(h * w);
                for channel in channels {
                    for (tap, row) in taps.iter().zip(&mut rows) {
                        for run in &runs {
                            let row = &mut row[run.at..run.at + run.len];
                            look(channel, job.size, job.plan.stride, *run, *tap, row);
                        }
                    }
                }
            }
        }
    }
}

/// What one tap of the windows of a run of pixels sees; zeros outside the map.
#[inline(always)]
fn look(
    channel: &[f32],
    [h, w]: [usize; 2],
    stride: usize,
    run: Run,
    tap: [isize; 2],
    target: &mut [f32],
) {
    let y = (run.y * stride) as isize + tap[0];
    if y < 0 || y >= h as isize {
        return target.fill(0.0);
    }
    let line = &channel[y as usize * w..][..w];
    let x = (run.x * stride) as isize + tap[1];
    let last = x + ((target.len() - 1) * stride) as isize;
    if x < 0 || last >= w as isize {
        for (i, value) in target.iter_mut().enumerate() {
            let at = x + (i * stride) as isize;
            *value = if at < 0 { 0.0 } else { line.get(at as usize).copied().unwrap_or(0.0) };
        }
    } else if stride == 1 {
        target.copy_from_slice(&line[x as usize..][..target.len()]);
    } else {
        for (value, seen) in target.iter_mut().zip(line[x as usize..].iter().step_by(stride)) {
            *value = *seen;
        }
    }
}

/// Multiplies some panels of the weights with gathered windows and stores the result.
struct Multiply<'a> {
    job: &'a Job<'a>,
    tile: Tile,
    strips: &'a [[f32; STRIP]],
    panels: std::ops::Range<usize>,
    out: &'a Filling,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Multiply { job, tile, strips, panels, out } = self;
        let plan = job.plan;
        let [rows, columns] = job.steps.map(|steps| steps * plan.spread);
        let [y0, x0] = job.phase.at;
        product(simd, &job.phase.weights, panels, strips, |o, strip, values| {
            let first = strip * STRIP;
            let plane = (tile.image * plan.c_out + o) * rows;
            let finish = |value: f32| {
                let value = value + plan.bias[o];
                if value < 0.0 { value * plan.slope } else { value }
            };
            for run in job.runs(tile.start + first, STRIP.min(tile.count - first)) {
                let at = (plane + run.y * plan.spread + y0) * columns + run.x * plan.spread + x0;
                let values = &values[run.at..run.at + run.len];
                if plan.spread == 1 {
                    // SAFETY: every step of every channel belongs to one tile and one panel, and
                    // each is visited once.
                    let target = unsafe { out.part(at..at + run.len) };
                    for (target, &value) in target.iter_mut().zip(values) {
                        target.write(finish(value));
                    }
                } else {
                    for (i, &value) in values.iter().enumerate() {
                        let at = at + i * plan.spread;
                        // SAFETY: as above, and the phases write pixels of different parity.
                        let target = unsafe { out.part(at..at + 1) };
                        target[0].write(finish(value));
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Integers between -4 and 4: every sum below is exact in f32, whatever its order.
    fn integers(len: usize, factor: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * factor + seed) % 9) as f32 - 4.0).collect()
    }

    /// One number of a map, zero outside.
    fn at(map: &[f32], plane: usize, [h, w]: [usize; 2], [y, x]: [isize; 2]) -> f32 {
        let inside = y >= 0 && x >= 0 && y < h as isize && x < w as isize;
        if inside { map[(plane * h + y as usize) * w + x as usize] } else { 0.0 }
    }

    fn leaky(value: f32) -> f32 {
        if value < 0.0 { value * 0.25 } else { value }
    }

    /// Two parts of a map of one image.
    fn split(x: &[f32], c: usize, hw: usize) -> [Part<'_>; 2] {
        let first = c / 2;
        let (a, b) = x.split_at(first * hw);
        [Part { channels: first, values: a }, Part { channels: c - first, values: b }]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn convolutions_equal_the_defining_sums(
            (c, o) in (1usize..7, 1usize..20),
            size in (1usize..12, 1usize..80).prop_map(|(h, w)| [h, w]),
            (side, stride) in (0usize..4, 1usize..3),
            seed in 0usize..100,
        ) {
            let side = 2 * side + 1;
            let hw = size[0] * size[1];
            let (weight, bias) = (integers(o * c * side * side, 5, seed), integers(o, 7, seed));
            let x = integers(c * hw, 11, seed);
            let steps = size.map(|s| (s - 1) / stride + 1);
            let mut want = Vec::new();
            for (k, y) in (0..o).flat_map(|k| (0..steps[0]).map(move |y| (k, y))) {
                for column in 0..steps[1] {
                    let mut sum = bias[k];
                    for t in 0..c * side * side {
                        let (i, dy, dx) = (t / (side * side), t / side % side, t % side);
                        let place = [(y * stride + dy) as isize, (column * stride + dx) as isize];
                        let place = place.map(|p| p - (side / 2) as isize);
                        sum += weight[k * c * side * side + t] * at(&x, i, size, place);
                    }
                    want.push(leaky(sum));
                }
            }
            for isa in Isa::available() {
                let shape = [o, c, side];
                let plan = WindowPlan::convolution(&weight, &bias, shape, stride, 0.25).with_isa(isa);
                prop_assert_eq!(plan.output_size(size), steps);
                prop_assert_eq!(&plan.forward(&split(&x, c, hw), 1, size), &want);
            }
        }

        #[test]
        fn doubling_equals_its_defining_sum(
            (c, o) in (1usize..7, 1usize..20),
            size in (1usize..8, 1usize..50).prop_map(|(h, w)| [h, w]),
            seed in 0usize..100,
        ) {
            let [h, w] = size;
            let (weight, bias) = (integers(c * o * 16, 5, seed), integers(o, 7, seed));
            let x = integers(c * h * w, 11, seed);
            // Every input pixel adds its window to the output.
            let mut want: Vec<f32> = (0..o * 4 * h * w).map(|i| bias[i / (4 * h * w)]).collect();
            for (i, k) in (0..c * h * w).flat_map(|i| (0..o * 16).map(move |k| (i, k))) {
                let (channel, y, column) = (i / (h * w), i / w % h, i % w);
                let (row, column) = (2 * y + k / 4 % 4, 2 * column + k % 4);
                if (1..=2 * h).contains(&row) && (1..=2 * w).contains(&column) {
                    want[(k / 16 * 2 * h + row - 1) * 2 * w + column - 1] +=
                        x[i] * weight[channel * o * 16 + k];
                }
            }
            let want: Vec<f32> = want.into_iter().map(leaky).collect();
            for isa in Isa::available() {
                let plan = WindowPlan::doubling(&weight, &bias, [o, c], 0.25).with_isa(isa);
                prop_assert_eq!(plan.output_size(size), [2 * h, 2 * w]);
                prop_assert_eq!(&plan.forward(&split(&x, c, h * w), 1, size), &want);
            }
        }
    }
}
