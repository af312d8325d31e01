//! The work on one plane: activation, statistics, style, and back.

use std::mem::MaybeUninit;

use super::super::simd::{Kernel, Simd};
use super::SLOPE;
use super::blur::{PaddedRow, blur_in_place};

/// Numbers whose sum is formed in `f32` lanes before it goes on in `f64`.
const RUN: usize = 4096;

/// What one channel of one image is done to with.
#[derive(Clone, Copy)]
pub struct Layer {
    /// Added to every pixel.
    pub bias: f32,
    /// Of the noise.
    pub strength: f32,
    /// After the normalisation.
    pub factor: f32,
    /// After the factor.
    pub shift: f32,
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether the input is blurred.
    pub blur: bool,
}

/// One channel of one image.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    /// What the convolution gave.
    pub x: &'a [f32],
    /// The noise.
    pub noise: &'a [f32],
    /// Numbers of a row.
    pub w: usize,
    /// Its numbers.
    pub layer: Layer,
}

/// Mean and reciprocal deviation of an activated plane.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    scale: f32,
}

impl Plane<'_> {
    /// Writes the activated plane, run by run, and returns its moments.
    #[inline(always)]
    fn activate<S: Simd>(&self, simd: S, target: &mut [MaybeUninit<f32>]) -> Moments {
        let mut sums = Sums::default();
        if self.layer.blur {
            let mut row = PaddedRow::new(self.w);
            let rows = self.x.len() / self.w;
            let x = |r: usize| &self.x[r * self.w..][..self.w];
            for (r, target) in target.chunks_exact_mut(self.w).enumerate() {
                let above = (r > 0).then(|| x(r - 1));
                row.down(above, x(r), (r + 1 < rows).then(|| x(r + 1)));
                let noise = &self.noise[r * self.w..][..self.w];
                row.across(|i, value| {
                    target[i].write(self.activated(value, noise[i]));
                });
                // SAFETY: every place was written just now.
                sums.add(simd, unsafe { target.assume_init_mut() });
            }
        } else {
            let pieces = self.x.chunks(RUN).zip(self.noise.chunks(RUN));
            for ((x, noise), target) in pieces.zip(target.chunks_mut(RUN)) {
                let len = target.len();
                let (x, noise) = (&x[..len], &noise[..len]);
                for i in 0..len {
                    target[i].write(self.activated(x[i], noise[i]));
                }
                // SAFETY: as above.
                sums.add(simd, unsafe { target.assume_init_mut() });
            }
        }
        sums.moments(self.layer.epsilon)
    }

    #[inline(always)]
    fn activated(&self, x: f32, noise: f32) -> f32 {
        let value = x + self.layer.bias + self.layer.strength * noise;
        if value > 0.0 { value } else { SLOPE * value }
    }
}

/// Count, mean and sum of squared differences from the mean, of pieces put together.
///
/// # Source
/// Chan, Golub and LeVeque 1983: no cancellation however far the mean is from zero.
#[derive(Default)]
struct Sums {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Sums {
    /// Takes a piece, which is in cache.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, piece: &[f32]) {
        let count = piece.len() as f64;
        let mean = sum(simd, piece, |v| v) / count;
        let middle = simd.splat(mean as f32);
        let squares = sum(simd, piece, |v| {
            let v = simd.sub(v, middle);
            simd.mul(v, v)
        });
        // Differences were taken from the rounded mean.
        let off = mean - f64::from(mean as f32);
        let squares = squares - count * off * off;
        let total = self.count + count;
        let apart = mean - self.mean;
        self.mean += apart * (count / total);
        self.squares += squares + apart * apart * (self.count * count / total);
        self.count = total;
    }

    fn moments(&self, epsilon: f32) -> Moments {
        let variance = self.squares.max(0.0) / self.count;
        let scale = (variance + f64::from(epsilon)).sqrt().recip() as f32;
        Moments { mean: self.mean as f32, scale }
    }
}

/// The sum of `value` over a piece: of whole vectors, and of what is left in a masked one.
#[inline(always)]
fn sum<S: Simd>(simd: S, piece: &[f32], value: impl Fn(S::Vector) -> S::Vector) -> f64 {
    let mut total = 0.0;
    for run in piece.chunks(RUN) {
        let mut lanes = [simd.splat(0.0); 4];
        let whole = run.len() / (4 * S::LANES) * (4 * S::LANES);
        for vectors in run[..whole].chunks_exact(4 * S::LANES) {
            for (lanes, vector) in lanes.iter_mut().zip(vectors.chunks_exact(S::LANES)) {
                *lanes = simd.add(*lanes, value(simd.load(vector)));
            }
        }
        let [a, b, c, d] = lanes;
        total += f64::from(simd.sum(simd.add(simd.add(a, b), simd.add(c, d))));
        for rest in run[whole..].chunks(S::LANES) {
            // Lanes behind the end are taken off again: `value` of zero need not be zero.
            let mut numbers = [0.0; 16];
            simd.store(value(simd.load_part(rest)), &mut numbers);
            total += numbers[..rest.len()].iter().map(|v| f64::from(*v)).sum::<f64>();
        }
    }
    total
}

/// Writes the activated plane and, if asked for, normalises and styles it.
pub struct Activate<'a> {
    /// The plane.
    pub plane: Plane<'a>,
    /// Where the result goes.
    pub y: &'a mut [MaybeUninit<f32>],
    /// Whether to go on behind the activation.
    pub style: bool,
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Moments { mean, scale } = self.plane.activate(simd, self.y);
        // SAFETY: `activate` wrote all of it.
        let y = unsafe { self.y.assume_init_mut() };
        let (gain, shift) = (scale * self.plane.layer.factor, self.plane.layer.shift);
        for v in y {
            *v = (*v - mean) * gain + shift;
        }
    }
}

/// Writes the gradient of the input, or what it is before the blur, and returns those of the
/// style: of the factor and the shift.
pub struct Gradient<'a> {
    /// The plane.
    pub plane: Plane<'a>,
    /// Gradient of the result.
    pub gy: &'a [f32],
    /// Where the gradient of the input goes.
    pub gx: &'a mut [MaybeUninit<f32>],
    /// Whether to blur it.
    pub blur: bool,
}

impl Kernel for Gradient<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f32; 2] {
        let Gradient { plane, gy, gx, blur } = self;
        let Moments { mean, scale } = plane.activate(simd, gx);
        // SAFETY: `activate` wrote all of it.
        let a = unsafe { gx.assume_init_mut() };
        let (shift, product) = sums_with(simd, gy, a, mean);
        let factor = product * f64::from(scale);
        let count = a.len() as f64;
        // g - mean(g) - xhat mean(g xhat), times the gain; xhat = (a - mean) scale.
        let gain = scale * plane.layer.factor;
        let shift_share = (shift / count) as f32;
        let factor_share = (factor / count) as f32 * scale;
        let gy = &gy[..a.len()];
        for i in 0..a.len() {
            let d = gain * (gy[i] - shift_share - (a[i] - mean) * factor_share);
            a[i] = if a[i] > 0.0 { d } else { SLOPE * d };
        }
        if blur {
            blur_in_place(a, plane.w);
        }
        [factor as f32, shift as f32]
    }
}

/// `sum g` and `sum g (a - mean)`.
#[inline(always)]
fn sums_with<S: Simd>(simd: S, g: &[f32], a: &[f32], mean: f32) -> (f64, f64) {
    let middle = simd.splat(mean);
    let (mut plain, mut product) = (0.0, 0.0);
    for (g, a) in g.chunks(RUN).zip(a.chunks(RUN)) {
        let mut sums = [simd.splat(0.0); 4];
        let whole = g.len() / (2 * S::LANES) * (2 * S::LANES);
        for at in (0..whole).step_by(2 * S::LANES) {
            for half in 0..2 {
                let at = at + half * S::LANES;
                let (g, a) = (simd.load(&g[at..]), simd.load(&a[at..]));
                sums[half] = simd.add(sums[half], g);
                sums[2 + half] = simd.mul_add(g, simd.sub(a, middle), sums[2 + half]);
            }
        }
        plain += f64::from(simd.sum(simd.add(sums[0], sums[1])));
        product += f64::from(simd.sum(simd.add(sums[2], sums[3])));
        for (g, a) in g[whole..].iter().zip(&a[whole..]) {
            plain += f64::from(*g);
            product += f64::from(g * (a - mean));
        }
    }
    (plain, product)
}
