//! The styled 1x1 convolution `y = W (x * s) + b` with frozen weights.

use super::buffer::Filling;
use super::gemm::{Packed, STRIP, product};
use super::simd::{Isa, Kernel, Simd, prefetch};
use super::style::{self, STREAM_FROM};
use rayon::prelude::*;

/// Pixels of one piece of work; its strips stay in the second-level cache up to a few hundred
/// channels.
const TILE: usize = 16 * STRIP;

/// A 1x1 convolution, its weights packed for both directions.
#[derive(Clone, Debug)]
pub struct PointwisePlan {
    c_in: usize,
    c_out: usize,
    bias: Vec<f32>,
    forward: Packed,
    backward: Packed,
    isa: Isa,
}

impl PointwisePlan {
    /// Packs `weight [O,C]` and keeps `bias [O]`.
    ///
    /// # Panics
    /// If a slice has another length, or there is no channel.
    pub fn new(weight: &[f32], bias: &[f32], c_in: usize, c_out: usize) -> PointwisePlan {
        assert!(c_in > 0 && c_out > 0, "a 1x1 convolution has channels");
        assert_eq!(weight.len(), c_in * c_out, "weight of the 1x1 convolution");
        assert_eq!(bias.len(), c_out, "bias of the 1x1 convolution");
        PointwisePlan {
            c_in,
            c_out,
            bias: bias.to_vec(),
            forward: Packed::new(c_out, c_in, |o, c| weight[o * c_in + c]),
            backward: Packed::new(c_in, c_out, |c, o| weight[o * c_in + c]),
            isa: Isa::active(),
        }
    }

    /// The same plan on a given instruction set.
    pub fn with_isa(self, isa: Isa) -> PointwisePlan {
        PointwisePlan { isa, ..self }
    }

    /// Channels of the result.
    pub fn c_out(&self) -> usize {
        self.c_out
    }

    /// `W (x * s) + b`.
    ///
    /// # Shapes
    /// `x [N,C,H,W]`, `s [N,C]`, result `[N,O,H,W]`.
    /// # Panics
    /// If a slice has another length.
    pub fn forward(&self, x: &[f32], s: &[f32], n: usize, h: usize, w: usize) -> Vec<f32> {
        let hw = h * w;
        self.check(x, s, n, hw);
        let out = Filling::new(n * self.c_out * hw);
        let tiles = hw.div_ceil(TILE);
        (0..n * tiles).into_par_iter().for_each(|k| {
            let (image, start) = (k / tiles, k % tiles * TILE);
            let tile = Tile { start, pixels: TILE.min(hw - start), hw, image };
            self.isa.run(Forward { plan: self, x, s, out: &out, tile });
        });
        // SAFETY: the tiles cover every pixel of every image, and `Forward` writes all output
        // channels of its tile.
        unsafe { out.finish() }
    }

    /// Gradients `(gx, gs)`, given the gradient `gy` of the output.
    ///
    /// # Shapes
    /// As [`PointwisePlan::forward`]; `gy [N,O,H,W]`.
    /// # Panics
    /// If a slice has another length.
    pub fn backward(
        &self,
        x: &[f32],
        s: &[f32],
        gy: &[f32],
        n: usize,
        h: usize,
        w: usize,
    ) -> (Vec<f32>, Vec<f32>) {
        let hw = h * w;
        self.check(x, s, n, hw);
        assert_eq!(gy.len(), n * self.c_out * hw, "gradient of the 1x1 convolution");
        let gx = Filling::new(n * self.c_in * hw);
        let tiles = hw.div_ceil(TILE);
        let partial: Vec<Vec<f32>> = (0..n * tiles)
            .into_par_iter()
            .map(|k| {
                let (image, start) = (k / tiles, k % tiles * TILE);
                let tile = Tile { start, pixels: TILE.min(hw - start), hw, image };
                self.isa.run(Backward { plan: self, x, s, gy, gx: &gx, tile })
            })
            .collect();
        let gs = (0..n)
            .flat_map(|image| sum_in_order(&partial[image * tiles..][..tiles], self.c_in))
            .collect();
        // SAFETY: the tiles cover every pixel of every image, and `Backward` writes all input
        // channels of its tile.
        (unsafe { gx.finish() }, gs)
    }

    fn check(&self, x: &[f32], s: &[f32], n: usize, hw: usize) {
        assert_eq!(x.len(), n * self.c_in * hw, "input of the 1x1 convolution");
        assert_eq!(s.len(), n * self.c_in, "style of the 1x1 convolution");
    }
}

/// The sum of vectors of `len` numbers, first to last.
fn sum_in_order(parts: &[Vec<f32>], len: usize) -> Vec<f32> {
    (0..len).map(|i| parts.iter().map(|part| f64::from(part[i])).sum::<f64>() as f32).collect()
}

/// Consecutive pixels of one image.
#[derive(Clone, Copy)]
struct Tile {
    start: usize,
    pixels: usize,
    hw: usize,
    image: usize,
}

impl Tile {
    /// Place of pixel `pixel` of the tile in channel `channel` of a map of `channels`.
    #[inline(always)]
    fn place(&self, channel: usize, channels: usize, pixel: usize) -> usize {
        (self.image * channels + channel) * self.hw + self.start + pixel
    }

    /// The strips of the tile of a map of `channels`, the pixels behind its end zero.
    #[inline(always)]
    fn strips<S: Simd>(
        &self,
        simd: S,
        map: &[f32],
        channels: usize,
        gain: impl Fn(usize) -> f32,
    ) -> Vec<[f32; STRIP]> {
        let mut strips = vec![[0.0; STRIP]; self.pixels.div_ceil(STRIP) * channels];
        for channel in 0..channels {
            let at = self.place(channel, channels, 0);
            if channel + 1 < channels {
                prefetch(&map[at + self.hw..][..self.pixels]);
            }
            let gain = simd.splat(gain(channel));
            let mut place = channel;
            for values in map[at..at + self.pixels].chunks(STRIP) {
                let strip = &mut strips[place];
                if values.len() == STRIP {
                    for i in (0..STRIP).step_by(S::LANES) {
                        simd.store(simd.mul(gain, simd.load(&values[i..])), &mut strip[i..]);
                    }
                } else {
                    for i in (0..values.len()).step_by(S::LANES) {
                        simd.store(simd.mul(gain, simd.load_part(&values[i..])), &mut strip[i..]);
                    }
                }
                place += channels;
            }
        }
        strips
    }
}

struct Forward<'a> {
    plan: &'a PointwisePlan,
    x: &'a [f32],
    s: &'a [f32],
    out: &'a Filling,
    tile: Tile,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Forward { plan, x, s, out, tile } = self;
        let strips = tile.strips(simd, x, plan.c_in, |c| s[tile.image * plan.c_in + c]);
        product(simd, &plan.forward, 0..plan.forward.panels(), &strips, |o, strip, values| {
            let at = tile.place(o, plan.c_out, strip * STRIP);
            let count = STRIP.min(tile.pixels - strip * STRIP);
            // SAFETY: every (channel, strip) of the tile is visited once, and tiles do not overlap.
            let target = unsafe { out.part(at..at + count) };
            for (target, value) in target.iter_mut().zip(values) {
                target.write(value + plan.bias[o]);
            }
        });
    }
}

struct Backward<'a> {
    plan: &'a PointwisePlan,
    x: &'a [f32],
    s: &'a [f32],
    gy: &'a [f32],
    gx: &'a Filling,
    tile: Tile,
}

impl Kernel for Backward<'_> {
    type Output = Vec<f32>;

    /// Writes the tile of `gx` and returns its share of `gs [C]`.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        let Backward { plan, x, s, gy, gx, tile } = self;
        let strips = tile.strips(simd, gy, plan.c_out, |_| 1.0);
        let pitch = tile.pixels.next_multiple_of(STRIP);
        let mut q = vec![0.0; plan.c_in * pitch];
        product(simd, &plan.backward, 0..plan.backward.panels(), &strips, |c, strip, values| {
            q[c * pitch + strip * STRIP..][..STRIP].copy_from_slice(values);
        });
        let row = |c: usize| tile.place(c, plan.c_in, 0)..tile.place(c, plan.c_in, tile.pixels);
        let mut gs = vec![0.0; plan.c_in];
        for (c, sum) in gs.iter_mut().enumerate() {
            if c + 1 < plan.c_in {
                prefetch(&x[row(c + 1)]);
            }
            // SAFETY: every channel of the tile is visited once, and tiles do not overlap.
            let gx = unsafe { gx.part(row(c)) };
            let v = &q[c * pitch..][..tile.pixels];
            *sum = style::gradients(
                simd,
                v,
                &x[row(c)],
                s[tile.image * plan.c_in + c],
                gx,
                x.len() >= STREAM_FROM,
            );
        }
        gs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Integers between -4 and 4: every sum below is exact in f32, whatever its order.
    fn integers(len: usize, factor: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * factor + seed) % 9) as f32 - 4.0).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn both_passes_equal_the_defining_sums(
            (n, c, o) in (1usize..3, 1usize..40, 1usize..20),
            (h, w) in (1usize..10, 1usize..80),
            seed in 0usize..100,
        ) {
            let hw = h * w;
            let (weight, bias) = (integers(o * c, 5, seed), integers(o, 7, seed));
            let (x, s) = (integers(n * c * hw, 11, seed), integers(n * c, 4, seed));
            let gy = integers(n * o * hw, 2, seed);
            let mut y: Vec<f32> = (0..n * o * hw).map(|i| bias[i / hw % o]).collect();
            let (mut gx, mut gs) = (vec![0.0; x.len()], vec![0.0; s.len()]);
            for (image, from, to) in (0..n * c * o).map(|i| (i / (c * o), i / o % c, i % o)) {
                for p in 0..hw {
                    let (i, k) = ((image * c + from) * hw + p, (image * o + to) * hw + p);
                    let (a, style) = (weight[to * c + from], s[image * c + from]);
                    y[k] += a * x[i] * style;
                    gx[i] += a * gy[k] * style;
                    gs[image * c + from] += a * gy[k] * x[i];
                }
            }
            for isa in Isa::available() {
                let plan = PointwisePlan::new(&weight, &bias, c, o).with_isa(isa);
                prop_assert_eq!(&plan.forward(&x, &s, n, h, w), &y);
                let (got_gx, got_gs) = plan.backward(&x, &s, &gy, n, h, w);
                prop_assert_eq!(&got_gx, &gx);
                prop_assert_eq!(&got_gs, &gs);
            }
        }
    }
}
