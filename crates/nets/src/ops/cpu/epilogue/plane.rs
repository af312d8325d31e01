//! The work on one plane: activation, statistics, style, and back.

use std::mem::MaybeUninit;

use super::super::simd::{Kernel, Simd};
use super::SLOPE;
use super::blur::{PaddedRow, blur_in_place};

/// Numbers whose sum is formed in `f32` lanes before it goes on in `f64`.
const RUN: usize = 4096;
/// Numbers of the widest vector.
const MAX_LANES: usize = 16;

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
        // About the middle, then exactly from the differences to it.
        let zero = simd.splat(0.0);
        let middle = (sums(simd, piece, piece, |v, _| [v, zero])[0] / count) as f32;
        let pivot = simd.splat(middle);
        let [off, squares] = sums(simd, piece, piece, |v, _| {
            let off = simd.sub(v, pivot);
            [off, simd.mul(off, off)]
        });
        let mean = f64::from(middle) + off / count;
        let squares = squares - off * off / count;
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

/// Writes the activated plane, normalised and styled.
pub struct Activate<'a> {
    /// The plane.
    pub plane: Plane<'a>,
    /// Where the result goes.
    pub y: &'a mut [MaybeUninit<f32>],
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
        let middle = simd.splat(mean);
        let [shift, product] = sums(simd, gy, a, |g, a| [g, simd.mul(g, simd.sub(a, middle))]);
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

/// The sums of two terms over the places of two slices of one length: in lanes, and every
/// [`RUN`] numbers on in `f64`.
#[inline(always)]
fn sums<S: Simd>(
    simd: S,
    a: &[f32],
    b: &[f32],
    terms: impl Fn(S::Vector, S::Vector) -> [S::Vector; 2],
) -> [f64; 2] {
    let mut totals = [0.0; 2];
    for (a, b) in a.chunks(RUN).zip(b.chunks(RUN)) {
        // Two sums of each term, for the adders not to wait.
        let mut lanes = [[simd.splat(0.0); 2]; 2];
        let whole = a.len() / (2 * S::LANES) * (2 * S::LANES);
        for at in (0..whole).step_by(2 * S::LANES) {
            for (half, lanes) in lanes.iter_mut().enumerate() {
                let at = at + half * S::LANES;
                let terms = terms(simd.load(&a[at..]), simd.load(&b[at..]));
                *lanes = [simd.add(lanes[0], terms[0]), simd.add(lanes[1], terms[1])];
            }
        }
        let [first, second] = lanes;
        for (k, total) in totals.iter_mut().enumerate() {
            *total += f64::from(simd.sum(simd.add(first[k], second[k])));
        }
        for (a, b) in a[whole..].chunks(S::LANES).zip(b[whole..].chunks(S::LANES)) {
            let terms = terms(simd.load_part(a), simd.load_part(b));
            for (total, term) in totals.iter_mut().zip(terms) {
                // Lanes behind the end are left out: a term of zeros need not be zero.
                let mut numbers = [0.0; MAX_LANES];
                simd.store(term, &mut numbers);
                *total += numbers[..a.len()].iter().map(|v| f64::from(*v)).sum::<f64>();
            }
        }
    }
    totals
}
