//! The forward pass of one chunk of pixels.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::super::buffer::Filling;
use super::super::gemm::{PANEL, Packed, STRIP, product};
use super::super::simd::{Kernel, Simd};
use super::{MIDDLE, Map, ORDER, PIXELS, POINTS, Run};

/// Strips of a chunk.
const STRIPS: usize = PIXELS / STRIP;

/// One chunk of pixels and some panels of output channels.
pub struct Forward<'a> {
    /// The small maps.
    pub x: &'a [f32],
    /// By point.
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
    task: Forward<'a>,
    /// The differences of one vertical point: `[horizontal point][strip][channel in]`.
    v: &'a mut [[f32; STRIP]],
    /// What the pixels become: `[channel out][phase][strip]`.
    phases: &'a mut [[f32; STRIP]],
    out: &'a Filling,
}

impl<'a> Forward<'a> {
    fn lengths(&self) -> [usize; 2] {
        [POINTS * STRIPS * self.sizes[0], self.panels.len() * PANEL * 4 * STRIPS]
    }

    /// Numbers needed to work in.
    pub fn scratch(&self) -> usize {
        self.lengths().iter().sum::<usize>() * STRIP
    }

    /// The task on memory of at least that size.
    pub fn on(self, scratch: &'a mut [f32], out: &'a Filling) -> Job<'a> {
        let [v, phases] = self.lengths();
        let (v, rest) = scratch.as_chunks_mut::<STRIP>().0.split_at_mut(v);
        Job { task: self, v, phases: &mut rest[..phases], out }
    }
}

impl Kernel for Job<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { task, v, phases, out } = self;
        let c_in = task.sizes[0];
        let first = task.panels.start * PANEL;
        let used = task.pixels.len().div_ceil(STRIP);
        for vertical in ORDER {
            for channel in 0..c_in {
                task.differences(vertical, channel, v);
            }
            for horizontal in ORDER {
                let filter = &task.filters[vertical * POINTS + horizontal];
                let strips = &v[horizontal * STRIPS * c_in..][..used * c_in];
                let new = vertical == MIDDLE && horizontal == MIDDLE;
                product(simd, filter, task.panels.clone(), strips, |row, strip, values| {
                    let row = &mut phases[(row - first) * 4 * STRIPS..][..4 * STRIPS];
                    for p in of_point(vertical) {
                        for q in of_point(horizontal) {
                            let sum = &mut row[(2 * p + q) * STRIPS + strip];
                            if new {
                                *sum = *values;
                            } else {
                                sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
                            }
                        }
                    }
                });
            }
        }
        let last = (task.panels.end * PANEL).min(task.sizes[1]);
        for channel in first..last {
            let phases = &phases[(channel - first) * 4 * STRIPS..][..4 * STRIPS];
            task.write(channel, phases.as_flattened(), out);
        }
    }
}

/// The outputs, even (0) and odd (1), that have a share of a point.
#[inline(always)]
fn of_point(point: usize) -> Range<usize> {
    match point {
        0 => 0..1,
        MIDDLE => 0..2,
        _ => 1..2,
    }
}

impl Forward<'_> {
    /// Puts the differences of a channel in their places.
    #[inline(always)]
    fn differences(&self, vertical: usize, channel: usize, v: &mut [[f32; STRIP]]) {
        let c_in = self.sizes[0];
        let mut points = [[0.0; PIXELS]; POINTS];
        for run in self.map.runs(self.pixels.clone()) {
            let mut line = [0.0; PIXELS + 2];
            self.line(vertical, channel, run, &mut line);
            let (left, middle, right) =
                (&line[..run.len], &line[1..1 + run.len], &line[2..2 + run.len]);
            let [before, here, behind] = &mut points;
            let (before, behind) =
                (&mut before[run.at..][..run.len], &mut behind[run.at..][..run.len]);
            here[run.at..][..run.len].copy_from_slice(middle);
            for i in 0..run.len {
                before[i] = left[i] - middle[i];
                behind[i] = right[i] - middle[i];
            }
        }
        for (point, numbers) in points.iter().enumerate() {
            for (strip, numbers) in numbers.as_chunks::<STRIP>().0.iter().enumerate() {
                v[(point * STRIPS + strip) * c_in + channel] = *numbers;
            }
        }
    }

    /// The vertical differences of a run and of its neighbours to the left and right, zeros outside the map.
    #[inline(always)]
    fn line(&self, vertical: usize, channel: usize, run: Run, line: &mut [f32; PIXELS + 2]) {
        let Map { h, w, .. } = self.map;
        let plane = &self.x[(run.image * self.sizes[0] + channel) * h * w..][..h * w];
        // From the left neighbour on, where there is one.
        let (from, to) = (run.column.saturating_sub(1), (run.column + run.len + 1).min(w));
        let len = to - from;
        let line = &mut line[from + 1 - run.column..][..len];
        let here = &plane[run.row * w + from..][..len];
        let other = match vertical {
            0 => run.row.checked_sub(1),
            MIDDLE => {
                line.copy_from_slice(here);
                return;
            }
            _ => (run.row + 1 < h).then_some(run.row + 1),
        };
        match other {
            Some(row) => {
                let other = &plane[row * w + from..][..len];
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

    /// Writes the four pixels that each of the chunk became, of one channel.
    #[inline(always)]
    fn write(&self, channel: usize, phases: &[f32], out: &Filling) {
        let Map { h, w, .. } = self.map;
        for run in self.map.runs(self.pixels.clone()) {
            let plane = (run.image * self.sizes[1] + channel) * 4 * h * w;
            for p in 0..2 {
                let even = &phases[2 * p * PIXELS + run.at..][..run.len];
                let odd = &phases[(2 * p + 1) * PIXELS + run.at..][..run.len];
                let start = plane + (2 * run.row + p) * 2 * w + 2 * run.column;
                // SAFETY: a pixel belongs to one chunk, a channel to one share of the panels, and so what they become to one task.
                let target = unsafe { out.part(start..start + 2 * run.len) };
                let target = &mut target.as_chunks_mut::<2>().0[..run.len];
                for i in 0..run.len {
                    target[i] = [even[i], odd[i]].map(MaybeUninit::new);
                }
            }
        }
    }
}
