//! The backward pass of one chunk of pixels.

use std::ops::Range;

use super::super::buffer::Filling;
use super::super::gemm::{PANEL, Packed, STRIP, product};
use super::super::simd::{Kernel, Simd};
use super::{MIDDLE, Map, ORDER, PIXELS, POINTS, Run};

/// Strips of a chunk.
const STRIPS: usize = PIXELS / STRIP;

/// One chunk of pixels of the small maps and some panels of their channels.
pub struct Backward<'a> {
    /// Gradient of the result.
    pub gy: &'a [f32],
    /// By vertical point.
    pub filters: &'a [Packed],
    /// Channels in and out.
    pub sizes: [usize; 2],
    /// Size of the small maps.
    pub map: Map,
    /// The pixels.
    pub pixels: Range<usize>,
    /// The panels.
    pub panels: Range<usize>,
}

/// With memory to work in and the maps to write.
pub struct Job<'a> {
    task: Backward<'a>,
    /// The sums and differences of one vertical point: `[strip][horizontal point][channel out]`.
    v: &'a mut [[f32; STRIP]],
    /// The gradient: `[channel in][strip]`.
    sums: &'a mut [[f32; STRIP]],
    out: &'a Filling,
}

impl<'a> Backward<'a> {
    fn lengths(&self) -> [usize; 2] {
        [STRIPS * POINTS * self.sizes[1], self.panels.len() * PANEL * STRIPS]
    }

    /// Numbers needed to work in.
    pub fn scratch(&self) -> usize {
        self.lengths().iter().sum::<usize>() * STRIP
    }

    /// The task on memory of at least that size.
    pub fn on(self, scratch: &'a mut [f32], out: &'a Filling) -> Job<'a> {
        let [v, sums] = self.lengths();
        let (v, rest) = scratch.as_chunks_mut::<STRIP>().0.split_at_mut(v);
        Job { task: self, v, sums: &mut rest[..sums], out }
    }
}

impl Kernel for Job<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { task, v, sums, out } = self;
        let first = task.panels.start * PANEL;
        let used = task.pixels.len().div_ceil(STRIP) * POINTS * task.sizes[1];
        for vertical in ORDER {
            for channel in 0..task.sizes[1] {
                task.differences(vertical, channel, v);
            }
            let filter = &task.filters[vertical];
            product(simd, filter, task.panels.clone(), &v[..used], |row, strip, values| {
                let sum = &mut sums[(row - first) * STRIPS + strip];
                if vertical == MIDDLE {
                    *sum = *values;
                } else {
                    sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
                }
            });
        }
        let (c_in, hw) = (task.sizes[0], task.map.h * task.map.w);
        for channel in first..(task.panels.end * PANEL).min(c_in) {
            let sums = sums[(channel - first) * STRIPS..][..STRIPS].as_flattened();
            for run in task.map.runs(task.pixels.clone()) {
                let start = (run.image * c_in + channel) * hw + run.row * task.map.w + run.column;
                // SAFETY: a pixel belongs to one chunk, and a channel to one share of the panels.
                let target = unsafe { out.part(start..start + run.len) };
                target.write_copy_of_slice(&sums[run.at..][..run.len]);
            }
        }
    }
}

impl Backward<'_> {
    /// Puts the sums and differences of a channel in their places.
    #[inline(always)]
    fn differences(&self, vertical: usize, channel: usize, v: &mut [[f32; STRIP]]) {
        let c_out = self.sizes[1];
        let mut points = [[0.0; PIXELS]; POINTS];
        for run in self.map.runs(self.pixels.clone()) {
            let mut line = [[0.0; 2]; PIXELS + 2];
            self.line(vertical, channel, run, &mut line);
            let (left, middle, right) =
                (&line[..run.len], &line[1..1 + run.len], &line[2..2 + run.len]);
            let [before, here, behind] =
                points.each_mut().map(|point| &mut point[run.at..][..run.len]);
            for i in 0..run.len {
                let [even, odd] = middle[i];
                before[i] = right[i][0] - even;
                here[i] = even + odd;
                behind[i] = left[i][1] - odd;
            }
        }
        for (point, numbers) in points.iter().enumerate() {
            for (strip, numbers) in numbers.as_chunks::<STRIP>().0.iter().enumerate() {
                v[(strip * POINTS + point) * c_out + channel] = *numbers;
            }
        }
    }

    /// The vertical sums or differences of the pairs of a run and of its neighbours to the left and right, zeros outside
    /// the map.
    #[inline(always)]
    fn line(&self, vertical: usize, channel: usize, run: Run, line: &mut [[f32; 2]; PIXELS + 2]) {
        let Map { h, w, .. } = self.map;
        let plane = &self.gy[(run.image * self.sizes[1] + channel) * 4 * h * w..][..4 * h * w];
        let (from, to) = (run.column.saturating_sub(1), (run.column + run.len + 1).min(w));
        let len = 2 * (to - from);
        let line = &mut line.as_flattened_mut()[2 * (from + 1 - run.column)..][..len];
        let row = |row: usize| &plane[row * 2 * w + 2 * from..][..len];
        let (even, odd) = (row(2 * run.row), row(2 * run.row + 1));
        let (here, other) = match vertical {
            0 => (even, (run.row + 1 < h).then(|| row(2 * run.row + 2))),
            MIDDLE => {
                for i in 0..len {
                    line[i] = even[i] + odd[i];
                }
                return;
            }
            _ => (odd, run.row.checked_sub(1).map(|above| row(2 * above + 1))),
        };
        match other {
            Some(other) => {
                for i in 0..len {
                    line[i] = other[i] - here[i];
                }
            }
            None => {
                for i in 0..len {
                    line[i] = -here[i];
                }
            }
        }
    }
}
