//! What follows a convolution of StyleGAN1, as one operator.
//!
//! ```text
//! p = B x + bias + strength * noise     B: [1,2,1] x [1,2,1] / 16, or nothing
//! a = p where p > 0, else 0.2 p
//! y = (a - mean) / sqrt(variance + eps) * (1 + s0) + s1     mean, variance of a plane
//! ```
//!
//! One thread does a whole plane, one pass after the other while the plane is in its cache: memory is
//! read and written once, and the sums do not depend on the number of threads. The backward pass
//! computes `a` again, which is cheaper than to keep it.

mod blur;
mod plane;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::buffer::{Filling, fill_with};
use super::simd::Isa;
use plane::{Activate, Gradient, Layer, Plane};

/// Slope where the activation's argument is negative.
pub const SLOPE: f32 = 0.2;

/// The frozen part of an epilogue.
#[derive(Clone, Debug)]
pub struct EpiloguePlan {
    bias: Vec<f32>,
    strength: Vec<f32>,
    blur: bool,
    epsilon: f32,
    isa: Isa,
}

/// Gradients of an epilogue to what it was given.
pub struct EpilogueGradients {
    /// To `x`, `[N,C,H,W]`.
    pub gx: Vec<f32>,
    /// To the style, `[N,2C]`.
    pub gs: Vec<f32>,
    /// To the noise, `[1 or N,1,H,W]`, where it was asked for.
    pub gnoise: Option<Vec<f32>>,
}

impl EpiloguePlan {
    /// Takes `bias [C]`, `strength [C]`, whether `x` is blurred, and the norm's epsilon.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn new(bias: &[f32], strength: &[f32], blur: bool, epsilon: f32) -> Self {
        assert_eq!(bias.len(), strength.len(), "one bias and one noise strength a channel");
        let (bias, strength) = (bias.to_vec(), strength.to_vec());
        Self { bias, strength, blur, epsilon, isa: Isa::active() }
    }

    /// The same plan on a given instruction set.
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// `y`.
    ///
    /// # Shapes
    /// `x [N,C,H,W]`, `s [N,2C]` (factors less one, then shifts), `noise [1 or N,1,H,W]`; result as `x`.
    /// # Panics
    /// If a slice has another length.
    pub fn forward(&self, x: &[f32], s: &[f32], noise: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let [n, h, w] = shape;
        self.check(x, s, noise, shape);
        let out = Filling::new(x.len());
        (0..n * self.channels()).into_par_iter().for_each(|k| {
            let plane = self.plane(k, x, s, noise, shape);
            // SAFETY: the planes of different k do not overlap.
            let y = unsafe { out.part(k * h * w..(k + 1) * h * w) };
            self.isa.run(Activate { plane, y });
        });
        // SAFETY: the planes cover the buffer, and `Activate` writes all of its plane.
        unsafe { out.finish() }
    }

    /// Gradients, given the gradient `gy` of `y`; that of the noise if `with_noise`.
    ///
    /// # Shapes
    /// As [`EpiloguePlan::forward`]; `gy` as `x`.
    /// # Panics
    /// If a slice has another length.
    pub fn backward(
        &self,
        x: &[f32],
        s: &[f32],
        noise: &[f32],
        gy: &[f32],
        shape: [usize; 3],
        with_noise: bool,
    ) -> EpilogueGradients {
        let [n, h, w] = shape;
        self.check(x, s, noise, shape);
        assert_eq!(gy.len(), x.len(), "gradient of the epilogue");
        let (c, hw) = (self.channels(), h * w);
        let out = Filling::new(x.len());
        // The gradient of the noise is that before the blur, which then has to wait.
        let blur_at_once = self.blur && !with_noise;
        let styles: Vec<[f32; 2]> = (0..n * c)
            .into_par_iter()
            .map(|k| {
                let plane = self.plane(k, x, s, noise, shape);
                // SAFETY: the planes of different k do not overlap.
                let gx = unsafe { out.part(k * hw..(k + 1) * hw) };
                let gy = &gy[k * hw..][..hw];
                self.isa.run(Gradient { plane, gy, gx, blur: blur_at_once })
            })
            .collect();
        // SAFETY: the planes cover the buffer, and `Gradient` writes all of its plane.
        let mut gx = unsafe { out.finish() };
        let gnoise = with_noise.then(|| self.noise_gradient(&gx, noise.len() / hw, n, hw));
        if self.blur && with_noise {
            gx.par_chunks_exact_mut(hw).for_each(|g| self.isa.run(blur::InPlace { plane: g, w }));
        }
        let mut gs = vec![0.0; s.len()];
        for (k, [factor, shift]) in styles.into_iter().enumerate() {
            let at = k / c * 2 * c + k % c;
            (gs[at], gs[at + c]) = (factor, shift);
        }
        EpilogueGradients { gx, gs, gnoise }
    }

    fn channels(&self) -> usize {
        self.bias.len()
    }

    /// Plane `k` of all images' planes.
    fn plane<'a>(
        &self,
        k: usize,
        x: &'a [f32],
        s: &[f32],
        noise: &'a [f32],
        [_, h, w]: [usize; 3],
    ) -> Plane<'a> {
        let (c, hw) = (self.channels(), h * w);
        let (image, channel) = (k / c, k % c);
        let own = if noise.len() == hw { 0 } else { image };
        let style = image * 2 * c + channel;
        Plane {
            x: &x[k * hw..][..hw],
            noise: &noise[own * hw..][..hw],
            w,
            layer: Layer {
                bias: self.bias[channel],
                strength: self.strength[channel],
                factor: 1.0 + s[style],
                shift: s[style + c],
                epsilon: self.epsilon,
                blur: self.blur,
            },
        }
    }

    /// `sum over channels of strength * g`, and over images where they share the noise; in order.
    fn noise_gradient(&self, g: &[f32], own: usize, n: usize, hw: usize) -> Vec<f32> {
        const TILE: usize = 1024;
        let c = self.channels();
        let out = Filling::new(own * hw);
        let tiles = hw.div_ceil(TILE);
        (0..own * tiles).into_par_iter().for_each(|k| {
            let (map, start) = (k / tiles, k % tiles * TILE);
            let len = TILE.min(hw - start);
            let images = if own == n { map..map + 1 } else { 0..n };
            let mut sum = [0.0f32; TILE];
            for image in images {
                for (channel, strength) in self.strength.iter().enumerate() {
                    let g = &g[(image * c + channel) * hw + start..][..len];
                    sum.iter_mut().zip(g).for_each(|(sum, g)| *sum += strength * g);
                }
            }
            // SAFETY: the tiles of different k do not overlap.
            let target = unsafe { out.part(map * hw + start..map * hw + start + len) };
            fill_with(target, |i| sum[i]);
        });
        // SAFETY: the tiles cover the buffer.
        unsafe { out.finish() }
    }

    fn check(&self, x: &[f32], s: &[f32], noise: &[f32], [n, h, w]: [usize; 3]) {
        let (c, hw) = (self.channels(), h * w);
        assert!(hw > 0, "the epilogue normalises over pixels, so there must be some");
        assert_eq!(x.len(), n * c * hw, "input of the epilogue");
        assert_eq!(s.len(), n * 2 * c, "style of the epilogue");
        assert!(noise.len() == hw || noise.len() == n * hw, "noise of the epilogue");
    }
}
