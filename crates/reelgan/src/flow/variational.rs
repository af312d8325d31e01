//! One linearised step of the variational flow energy at one pyramid level.
//!
//! ```text
//! E(u,v) = sum_p  m b psi( t (I_t)^2 )                      brightness constancy
//!               + m g psi( tx (I_xt)^2 + ty (I_yt)^2 )      gradient constancy
//!               + s psi( |grad u|^2 + |grad v|^2 )          smoothness
//!               + r ( u^2 + v^2 ) / 2                       rest where nothing is seen
//! ```
//! `psi(x^2) = sqrt(x^2 + epsilon^2)`. The normalisations t divide each residual
//! by its own gradient energy, so that it measures a distance in pixels. `m` is 1
//! where the flow stays inside the frame; `r` vanishes wherever there is texture,
//! be it only camera noise.
//!
//! Sources: Brox et al. 2004 (gradient constancy, warping), Zimmer et al. 2011
//! (normalised constraints), Sun et al. 2014 (averaged derivatives, median).

use rayon::prelude::*;

use super::dense::DenseFlow;
use super::exposure::Exposure;
use super::plane::{Plane, rows_per_task};
use super::resample::warp_cubic;
use super::sor::System;

/// Charbonnier epsilon of data residuals, pixels.
const DATA_EPSILON: f32 = 0.1;
/// Charbonnier epsilon of the flow's gradient, pixels per pixel.
const SMOOTHNESS_EPSILON: f32 = 0.1;
/// Over-relaxation factor; the result hardly depends on it between 1.6 and 1.9.
const RELAXATION: f32 = 1.8;
/// Largest change of a flow component by one linearisation, pixels: derivatives
/// say little beyond their own reach.
const LARGEST_STEP: f32 = 1.5;
/// Pull towards zero flow where a frame is constant.
const REST: f32 = 0.05;
/// Gradient, grey levels per pixel, at which that pull is halved.
const REST_GRADIENT: f32 = 0.005;

/// Two frames of one pyramid level.
pub(super) struct Level {
    a: Plane,
    b: Plane,
    rest: Plane,
}

impl Level {
    /// Takes two frames of one size.
    pub(super) fn new(a: Plane, b: Plane) -> Self {
        let half = REST_GRADIENT * REST_GRADIENT;
        let rest =
            a.derivative_x().zip(&a.derivative_y(), |x, y| REST * half / (x * x + y * y + half));
        Self { a, b, rest }
    }

    /// The longest side.
    pub(super) fn side(&self) -> usize {
        self.a.width.max(self.a.height)
    }
}

/// Flow of one level, in its pixels, and the exposure that goes with it.
pub(super) struct Field {
    pub(super) u: Plane,
    pub(super) v: Plane,
    exposure: Exposure,
}

impl Field {
    /// No motion.
    pub(super) fn zeros(width: usize, height: usize) -> Self {
        let zeros = || Plane::zeros(width, height);
        Self { u: zeros(), v: zeros(), exposure: Exposure::SAME }
    }

    /// The same motion on another grid over the same picture, in that grid's pixels.
    pub(super) fn resized(&self, width: usize, height: usize) -> Self {
        let mut u = self.u.resized(width, height);
        let mut v = self.v.resized(width, height);
        let across = width as f32 / self.u.width as f32;
        let down = height as f32 / self.u.height as f32;
        u.data.iter_mut().for_each(|value| *value *= across);
        v.data.iter_mut().for_each(|value| *value *= down);
        Self { u, v, exposure: self.exposure }
    }

    /// Linearises around this field, solves for the increment and adds it.
    pub(super) fn refine(&mut self, level: &Level, settings: &DenseFlow) {
        let warped = warp_cubic(&level.b, &self.u, &self.v);
        self.exposure = self.exposure.updated(&level.a, &warped);
        let warped = self.exposure.applied(&warped);
        let (du, dv) = self.system(level, &warped, settings).solve(settings.sweeps, RELAXATION);
        let add = |old: f32, step: f32| old + step.clamp(-LARGEST_STEP, LARGEST_STEP);
        self.u = self.u.zip(&du, add).median();
        self.v = self.v.zip(&dv, add).median();
    }

    fn system(&self, level: &Level, warped: &Plane, settings: &DenseFlow) -> System {
        let derivatives = Derivatives::new(&level.a, warped);
        let (right, below) = self.edge_weights(settings.smoothness);
        let (width, height) = (warped.width, warped.height);
        let zeros = || Plane::zeros(width, height);
        let mut system = System {
            a11: zeros(),
            a12: zeros(),
            a22: zeros(),
            b1: zeros(),
            b2: zeros(),
            right,
            below,
        };
        let System { a11, a12, a22, b1, b2, right, below } = &mut system;
        let (right, below) = (&*right, &*below);
        (
            a11.data.par_chunks_mut(width),
            a12.data.par_chunks_mut(width),
            a22.data.par_chunks_mut(width),
            b1.data.par_chunks_mut(width),
            b2.data.par_chunks_mut(width),
        )
            .into_par_iter()
            .with_min_len(rows_per_task(width))
            .enumerate()
            .for_each(|(y, (a11, a12, a22, b1, b2))| {
                derivatives.data_row(y, [a11, a12, a22, b1, b2], settings);
                self.mask_row(y, [a11, a12, a22, b1, b2]);
                for ((flow, diagonal), side) in
                    [(&self.u, a11), (&self.v, a22)].into_iter().zip([b1, b2])
                {
                    add_laplacian(flow, right, below, y, side);
                    add_rest(flow.row(y), level.rest.row(y), diagonal, side);
                }
            });
        system
    }

    /// Drops the data term where the flow leaves the frame: nothing to compare there.
    fn mask_row(&self, y: usize, rows: [&mut [f32]; 5]) {
        let (right, bottom) = ((self.u.width - 1) as f32, (self.u.height - 1) as f32);
        let (u, v) = (self.u.row(y), self.v.row(y));
        for row in rows {
            for (x, (value, (u, v))) in row.iter_mut().zip(u.iter().zip(v)).enumerate() {
                let (px, py) = (x as f32 + u, y as f32 + v);
                let inside = px >= 0.0 && px <= right && py >= 0.0 && py <= bottom;
                *value = if inside { *value } else { 0.0 };
            }
        }
    }

    /// Smoothness weights of the edges to the right and to the row below.
    fn edge_weights(&self, smoothness: f32) -> (Plane, Plane) {
        let (width, height) = (self.u.width, self.u.height);
        let floor = SMOOTHNESS_EPSILON * SMOOTHNESS_EPSILON;
        let strength = Plane::from_rows(width, height, |y, row| {
            let squared = |plane: &Plane, x: usize| {
                let here = plane.row(y);
                let dx = here[(x + 1).min(width - 1)] - here[x.saturating_sub(1)];
                let dy = plane.row_near(y, 1)[x] - plane.row_near(y, -1)[x];
                0.25 * (dx * dx + dy * dy)
            };
            for (x, out) in row.iter_mut().enumerate() {
                let energy = squared(&self.u, x) + squared(&self.v, x);
                *out = 0.5 * smoothness / (energy + floor).sqrt();
            }
        });
        let right = Plane::from_rows(width, height, |y, row| {
            let s = strength.row(y);
            for (out, pair) in row.iter_mut().zip(s.windows(2)) {
                *out = pair[0] + pair[1];
            }
        });
        let below = Plane::from_rows(width, height, |y, row| {
            if y + 1 < height {
                for ((out, a), b) in row.iter_mut().zip(strength.row(y)).zip(strength.row(y + 1)) {
                    *out = a + b;
                }
            }
        });
        (right, below)
    }
}

/// Adds the weighted differences of the current flow to its neighbours: the
/// smoothness acts on flow plus increment, the unknown is the increment alone.
fn add_laplacian(flow: &Plane, right: &Plane, below: &Plane, y: usize, out: &mut [f32]) {
    let (f, w) = (flow.row(y), right.row(y));
    for x in 0..out.len().saturating_sub(1) {
        let step = w[x] * (f[x + 1] - f[x]);
        out[x] += step;
        out[x + 1] -= step;
    }
    if y + 1 < flow.height {
        let (next, w) = (flow.row(y + 1), below.row(y));
        for ((out, w), (n, f)) in out.iter_mut().zip(w).zip(next.iter().zip(f)) {
            *out += w * (n - f);
        }
    }
    if y > 0 {
        let (previous, w) = (flow.row(y - 1), below.row(y - 1));
        for ((out, w), (p, f)) in out.iter_mut().zip(w).zip(previous.iter().zip(f)) {
            *out += w * (p - f);
        }
    }
}

/// Pulls flow plus increment towards zero, with `rest` as the weight.
fn add_rest(flow: &[f32], rest: &[f32], diagonal: &mut [f32], side: &mut [f32]) {
    for ((flow, rest), (d, b)) in flow.iter().zip(rest).zip(diagonal.iter_mut().zip(side)) {
        *d += rest;
        *b -= rest * flow;
    }
}

/// Derivatives of the pair (first frame, warped second frame) in x, y and time.
struct Derivatives {
    x: Plane,
    y: Plane,
    t: Plane,
    xx: Plane,
    xy: Plane,
    yy: Plane,
    xt: Plane,
    yt: Plane,
}

impl Derivatives {
    fn new(a: &Plane, warped: &Plane) -> Self {
        let mean = a.zip(warped, |a, b| 0.5 * (a + b));
        let t = warped.zip(a, |b, a| b - a);
        let (x, y) = (mean.derivative_x(), mean.derivative_y());
        Self {
            xx: x.derivative_x(),
            xy: x.derivative_y(),
            yy: y.derivative_y(),
            xt: t.derivative_x(),
            yt: t.derivative_y(),
            x,
            y,
            t,
        }
    }

    /// Data matrix and right-hand side of row `y`: (a11, a12, a22, b1, b2).
    fn data_row(&self, y: usize, out: [&mut [f32]; 5], settings: &DenseFlow) {
        let n = self.x.width;
        let [a11, a12, a22, b1, b2] = out.map(|row| &mut row[..n]);
        let (dx, dy, dt) = (self.x.row(y), self.y.row(y), self.t.row(y));
        let (dxx, dxy, dyy) = (self.xx.row(y), self.xy.row(y), self.yy.row(y));
        let (dxt, dyt) = (self.xt.row(y), self.yt.row(y));
        let floor = settings.noise_floor * settings.noise_floor;
        let epsilon = DATA_EPSILON * DATA_EPSILON;
        for i in 0..n {
            let t0 = 1.0 / (dx[i] * dx[i] + dy[i] * dy[i] + floor);
            let w0 = settings.brightness * t0 / (t0 * dt[i] * dt[i] + epsilon).sqrt();
            let tx = 1.0 / (dxx[i] * dxx[i] + dxy[i] * dxy[i] + floor);
            let ty = 1.0 / (dxy[i] * dxy[i] + dyy[i] * dyy[i] + floor);
            let residual = tx * dxt[i] * dxt[i] + ty * dyt[i] * dyt[i];
            let w1 = settings.gradient / (residual + epsilon).sqrt();
            let (wx, wy) = (w1 * tx, w1 * ty);
            a11[i] = w0 * dx[i] * dx[i] + wx * dxx[i] * dxx[i] + wy * dxy[i] * dxy[i];
            a12[i] = w0 * dx[i] * dy[i] + (wx * dxx[i] + wy * dyy[i]) * dxy[i];
            a22[i] = w0 * dy[i] * dy[i] + wx * dxy[i] * dxy[i] + wy * dyy[i] * dyy[i];
            b1[i] = -(w0 * dx[i] * dt[i] + wx * dxx[i] * dxt[i] + wy * dxy[i] * dyt[i]);
            b2[i] = -(w0 * dy[i] * dt[i] + wx * dxy[i] * dxt[i] + wy * dyy[i] * dyt[i]);
        }
    }
}
