//! The mean of w: the mapping network over many random z.
//!
//! `x = z / sqrt(mean(z^2) + 1e-8)`, then for each layer
//! `x = gain * lrelu(W x + b, 0.2)`.

use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rayon::prelude::*;

const SLOPE: f32 = 0.2;
/// Codes that go through the network side by side: two vector registers of
/// the smallest x86-64, and 16 KiB of numbers for 512 inputs.
const LANES: usize = 8;
/// Rows of a weight that are multiplied at once, for register reuse.
const ROWS: usize = 4;

/// One fully connected layer.
pub(super) struct Layer {
    inputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
    gain: f32,
}

impl Layer {
    /// `weight` is row-major, `[bias.len(), inputs]`.
    pub fn new(inputs: usize, weight: Vec<f32>, bias: Vec<f32>, gain: f32) -> Self {
        assert_eq!(weight.len(), inputs * bias.len(), "a weight must fill its shape");
        Self { inputs, weight, bias, gain }
    }

    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Maps `LANES` codes; `x[i]` has element i of every code.
    fn apply(&self, x: &[[f32; LANES]]) -> Vec<[f32; LANES]> {
        let mut y = vec![[0.0; LANES]; self.outputs()];
        let blocks = self.weight.chunks(ROWS * self.inputs).zip(self.bias.chunks(ROWS));
        for (out, (rows, bias)) in y.chunks_mut(ROWS).zip(blocks) {
            if let Some(out) = out.as_mut_array::<ROWS>() {
                multiply_rows(out, rows, x);
            } else {
                for (out, row) in out.iter_mut().zip(rows.chunks(self.inputs)) {
                    multiply_rows(std::array::from_mut(out), row, x);
                }
            }
            for (out, &bias) in out.iter_mut().zip(bias) {
                for v in out {
                    let sum = *v + bias;
                    *v = self.gain * if sum < 0.0 { SLOPE * sum } else { sum };
                }
            }
        }
        y
    }
}

/// `out[r] = rows[r] . x` for R rows that lie one behind the other.
fn multiply_rows<const R: usize>(out: &mut [[f32; LANES]; R], rows: &[f32], x: &[[f32; LANES]]) {
    let mut sums = [[0.0; LANES]; R];
    let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[r * x.len()..(r + 1) * x.len()]);
    for (i, x) in x.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            for (sum, x) in sum.iter_mut().zip(x) {
                *sum += row[i] * x;
            }
        }
    }
    *out = sums;
}

/// The mapping network: at least one layer, each fitting the one before.
pub(super) struct Mapping {
    pub layers: Vec<Layer>,
}

impl Mapping {
    /// Sum over `LANES` codes of w, for z drawn from the stream of number `k`.
    fn sum_of_lanes(&self, seed: u64, k: usize) -> Vec<f64> {
        let mut random = Pcg64::new(u128::from(seed), k as u128);
        let mut x = vec![[0.0f32; LANES]; self.layers[0].inputs];
        for lane in 0..LANES {
            let z: Vec<f32> = x.iter().map(|_| StandardNormal.sample(&mut random)).collect();
            let square = z.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
            let scale = 1.0 / (square / z.len() as f64 + 1e-8).sqrt();
            for (x, z) in x.iter_mut().zip(z) {
                x[lane] = (f64::from(z) * scale) as f32;
            }
        }
        for layer in &self.layers {
            x = layer.apply(&x);
        }
        x.iter().map(|lanes| lanes.iter().map(|&v| f64::from(v)).sum()).collect()
    }
}

/// Mean of w over `samples` standard normal z, which must be a positive
/// multiple of eight. The result does not depend on the number of threads.
pub(super) fn mean_code(mapping: &Mapping, samples: usize, seed: u64) -> Vec<f32> {
    assert!(samples > 0 && samples.is_multiple_of(LANES), "samples come in groups of {LANES}");
    let groups: Vec<Vec<f64>> =
        (0..samples / LANES).into_par_iter().map(|k| mapping.sum_of_lanes(seed, k)).collect();
    let mut total = vec![0.0f64; groups[0].len()];
    for group in &groups {
        for (total, value) in total.iter_mut().zip(group) {
            *total += value;
        }
    }
    total.into_iter().map(|sum| (sum / samples as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(n: usize, bias: f32) -> Mapping {
        let weight = (0..n * n).map(|i| f32::from(i / n == i % n)).collect();
        Mapping { layers: vec![Layer::new(n, weight, vec![bias; n], 1.0)] }
    }

    /// Numbers without a pattern that the network could share.
    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut random = Pcg64::new(u128::from(seed), 99);
        (0..n).map(|_| StandardNormal.sample(&mut random)).collect()
    }

    #[test]
    fn layer_equals_the_plain_sum() {
        // 7 outputs: one block of four rows and three single ones.
        let (inputs, outputs, gain) = (5, 7, std::f32::consts::SQRT_2);
        let (weight, bias) = (noise(inputs * outputs, 1), noise(outputs, 2));
        let x: Vec<[f32; LANES]> =
            (0..inputs as u64).map(|i| noise(LANES, 10 + i).try_into().unwrap()).collect();
        let y = Layer::new(inputs, weight.clone(), bias.clone(), gain).apply(&x);
        for (o, lane) in (0..outputs).flat_map(|o| (0..LANES).map(move |lane| (o, lane))) {
            let sum: f64 = (0..inputs)
                .map(|i| f64::from(weight[o * inputs + i]) * f64::from(x[i][lane]))
                .sum::<f64>()
                + f64::from(bias[o]);
            let want = f64::from(gain) * if sum < 0.0 { 0.2 * sum } else { sum };
            // Seven roundings of numbers below 10.
            assert!((f64::from(y[o][lane]) - want).abs() < 1e-5, "{o} {lane}");
        }
    }

    #[test]
    fn the_mean_of_a_rectified_sphere_is_known() {
        // For x on the sphere of radius sqrt(n), E|x_1| = sqrt(n) G(n/2) / (sqrt(pi) G((n+1)/2));
        // n = 4: 2 * 1 / (1.7724539 * 1.3293404) = 0.8488264, and E lrelu = 0.4 E|x_1|.
        let samples = 65_536;
        let mean = mean_code(&identity(4, 0.0), samples, 3);
        // Standard deviation of lrelu(x_1) is below 0.7: five of its errors.
        let error = 5.0 * 0.7 / (samples as f64).sqrt();
        for value in mean {
            assert!((f64::from(value) - 0.4 * 0.848_826_4).abs() < error, "{value}");
        }
        // Far from the kink the mean is the bias itself; the deviation of x_1 is 1.
        for value in mean_code(&identity(4, 100.0), samples, 4) {
            assert!((f64::from(value) - 100.0).abs() < 5.0 / (samples as f64).sqrt(), "{value}");
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let mapping = Mapping { layers: vec![Layer::new(16, noise(160, 5), noise(10, 6), 1.0)] };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mean_code(&mapping, 4096, 7))
        };
        assert_eq!(with(1), with(3));
        assert_ne!(with(1), mean_code(&mapping, 4096, 8));
    }
}
