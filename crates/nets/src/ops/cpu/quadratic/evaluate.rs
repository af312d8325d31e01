//! Values and gradient of a plan in one pass.

use std::ops::Range;

use rayon::prelude::*;

use super::form::{COEFFICIENTS, Form};
use super::{CHANNELS, Evaluation, QuadraticPlan};
use crate::ops::cpu::buffer::Filling;
use crate::ops::cpu::simd::{Kernel, Simd};

/// Rows of one piece of work.
const BAND: usize = 32;

pub(super) fn evaluate(plan: &QuadraticPlan, x: &[f32]) -> Evaluation {
    let out = Filling::new(x.len());
    let sums: Vec<Vec<f64>> = (0..plan.h.div_ceil(BAND))
        .into_par_iter()
        .map(|band| {
            let rows = band * BAND..((band + 1) * BAND).min(plan.h);
            plan.isa.run(Band { plan, x, rows, out: &out })
        })
        .collect();
    let parts: Vec<f64> = (0..plan.parts.len())
        .map(|part| {
            let constant = plan.parts[part].form.as_ref().map_or(0.0, |form| form.constant);
            let value = constant + sums.iter().map(|band| band[part]).sum::<f64>();
            // Rounding may take a sum of squares below zero; a NaN stays one.
            if value < 0.0 { 0.0 } else { value }
        })
        .collect();
    let total: f64 = parts.iter().zip(&plan.parts).map(|(v, p)| v * f64::from(p.weight)).sum();
    Evaluation {
        total: total as f32,
        parts: parts.iter().map(|v| *v as f32).collect(),
        // SAFETY: the bands cover all rows, and `Band` writes its rows of every channel in full.
        gradient: unsafe { out.finish() },
    }
}

/// Some rows of all channels; returns the share of each part.
struct Band<'a> {
    plan: &'a QuadraticPlan,
    x: &'a [f32],
    rows: Range<usize>,
    out: &'a Filling,
}

impl Kernel for Band<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let &QuadraticPlan { h, w, ref parts, .. } = self.plan;
        let pitch = w + 2;
        let zeros = vec![0.0; pitch];
        // Differences of three rows of each channel, a zero on either side.
        let mut window = vec![0.0; CHANNELS * 3 * pitch];
        let (mut q, mut sum) = (vec![0.0; w], vec![0.0; w]);
        let mut values = vec![0.0; parts.len()];
        let first = self.rows.start.saturating_sub(1);
        for y in first..self.rows.end {
            if y == first {
                self.difference(y, &mut window);
            }
            if y + 1 < h {
                self.difference(y + 1, &mut window);
            } else {
                self.clear(y + 1, &mut window);
            }
            if !self.rows.contains(&y) {
                continue;
            }
            for channel in 0..CHANNELS {
                let line = |y: usize| &window[(channel * 3 + y % 3) * pitch..][..pitch];
                let above = if y == 0 { zeros.as_slice() } else { line(y - 1) };
                let lines = [above, line(y), line(y + 1)];
                let start = (channel * h + y) * w;
                sum.fill(0.0);
                for (value, part) in values.iter_mut().zip(parts) {
                    match &part.form {
                        None => {
                            // The mean over all numbers of the image.
                            let share = 1.0 / self.x.len() as f32;
                            let d = &lines[1][1..=w];
                            *value += f64::from(share * dot(simd, d, d));
                            add(simd, &mut sum, d, 2.0 * part.weight * share);
                        }
                        Some(form) => {
                            stencil(form, y, &zeros, lines, &mut q);
                            *value += f64::from(apply(simd, form, start, lines[1], &mut q));
                            add(simd, &mut sum, &q, 2.0 * part.weight);
                        }
                    }
                }
                // SAFETY: a row of a channel belongs to one band, which takes it once.
                let out = unsafe { self.out.part(start..start + w) };
                out.write_copy_of_slice(&sum);
            }
        }
        values
    }
}

impl Band<'_> {
    /// Row `y` of `x - image` into the window.
    #[inline(always)]
    fn difference(&self, y: usize, window: &mut [f32]) {
        let &QuadraticPlan { h, w, ref image, .. } = self.plan;
        for channel in 0..CHANNELS {
            let start = (channel * h + y) * w;
            let (x, image) = (&self.x[start..start + w], &image[start..start + w]);
            let line = &mut window[(channel * 3 + y % 3) * (w + 2) + 1..][..w];
            for i in 0..w {
                line[i] = x[i] - image[i];
            }
        }
    }

    #[inline(always)]
    fn clear(&self, y: usize, window: &mut [f32]) {
        let w = self.plan.w;
        for channel in 0..CHANNELS {
            window[(channel * 3 + y % 3) * (w + 2) + 1..][..w].fill(0.0);
        }
    }
}

/// `q = A d` at row `y`, given the rows of `d` above, at and below it.
#[inline(always)]
fn stencil(form: &Form, y: usize, zeros: &[f32], d: [&[f32]; 3], q: &mut [f32]) {
    let w = q.len();
    let pitch = w + 2;
    let [own, right, below, below_right, below_left] = form.row(y, zeros).map(|c| &c[..pitch]);
    // Of the row above the image there is none; its differences are zeros.
    let upper: [&[f32]; COEFFICIENTS] = form.row(y.wrapping_sub(1), zeros);
    let (from_above, from_left, from_right) =
        (&upper[2][..pitch], &upper[3][..pitch], &upper[4][..pitch]);
    let [above, here, under] = d.map(|line| &line[..pitch]);
    for i in 0..w {
        let row = own[i + 1] * here[i + 1] + right[i + 1] * here[i + 2] + right[i] * here[i];
        let down = below[i + 1] * under[i + 1]
            + below_right[i + 1] * under[i + 2]
            + below_left[i + 1] * under[i];
        let up = from_above[i + 1] * above[i + 1]
            + from_left[i] * above[i]
            + from_right[i + 2] * above[i + 2];
        q[i] = row + (down + up);
    }
}

/// The share `d.(q + 2 r)` of a row in the value; leaves `q + r` in `q`.
#[inline(always)]
fn apply<S: Simd>(simd: S, form: &Form, start: usize, d: &[f32], q: &mut [f32]) -> f32 {
    let d = &d[1..=q.len()];
    let mut value = dot(simd, d, q);
    if let Some(linear) = &form.linear {
        let r = &linear[start..start + q.len()];
        value += 2.0 * dot(simd, d, r);
        add(simd, q, r, 1.0);
    }
    value
}

/// `sum a b`, in an order fixed for each instruction set.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let mut sum = simd.splat(0.0);
    let whole = a.len() / S::LANES * S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        sum = simd.mul_add(simd.load(&a[i..]), simd.load(&b[i..]), sum);
    }
    let rest: f32 = a[whole..].iter().zip(&b[whole..]).map(|(a, b)| a * b).sum();
    simd.sum(sum) + rest
}

/// `sum += factor * values`.
#[inline(always)]
fn add<S: Simd>(simd: S, sum: &mut [f32], values: &[f32], factor: f32) {
    let whole = sum.len() / S::LANES * S::LANES;
    let gain = simd.splat(factor);
    for i in (0..whole).step_by(S::LANES) {
        let added = simd.mul_add(gain, simd.load(&values[i..]), simd.load(&sum[i..]));
        simd.store(added, &mut sum[i..]);
    }
    for i in whole..sum.len() {
        sum[i] += factor * values[i];
    }
}
