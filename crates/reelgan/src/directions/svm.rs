//! A linear support vector machine.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

/// How the boundary is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SvmConfig {
    /// Price of a sample on the wrong side: the smaller, the smoother.
    pub cost: f64,
    /// The fit ends when no sample pulls more than this.
    pub tolerance: f64,
    /// At most so many rounds over all samples.
    pub rounds: usize,
}

impl Default for SvmConfig {
    fn default() -> Self {
        Self { cost: 1.0, tolerance: 1e-4, rounds: 10_000 }
    }
}

/// `w.x + b > 0` for one kind of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Boundary {
    /// `w`, of any length.
    pub normal: Vec<f64>,
    /// `b`.
    pub bias: f64,
}

impl Boundary {
    /// `w.x + b`.
    pub fn side(&self, x: &[f32]) -> f64 {
        self.normal.iter().zip(x).map(|(w, &x)| w * f64::from(x)).sum::<f64>() + self.bias
    }

    /// The same boundary with a normal of length 1; `side` is then a distance.
    pub fn unit(mut self) -> Self {
        let length = self.normal.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length > 0.0 {
            self.normal.iter_mut().for_each(|v| *v /= length);
            self.bias /= length;
        }
        self
    }
}

/// Minimises `|(w,b)|^2 / 2 + cost * sum max(0, 1 - y (w.x + b))` over the samples, of
/// which `above` have y = 1 and `below` y = -1.
///
/// The bias counts in the norm, as in liblinear, so samples should lie about the origin;
/// the caller shifts them.
/// # Shapes   every sample has the same length
/// # Source   Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear
/// SVM", algorithm 1 with the L1 loss and random order (liblinear's solver 3)
pub fn fit(above: &[&[f32]], below: &[&[f32]], config: &SvmConfig) -> Boundary {
    let sample =
        |y: f64| move |x: &&[f32]| (x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), y);
    let samples: Vec<(Vec<f64>, f64)> =
        above.iter().map(sample(1.0)).chain(below.iter().map(sample(-1.0))).collect();
    let dim = samples.first().map_or(0, |(x, _)| x.len());
    let (mut normal, mut bias) = (vec![0.0; dim], 0.0);
    let mut pull = vec![0.0; samples.len()];
    let squares: Vec<f64> = samples.iter().map(|(x, _)| dot(x, x) + 1.0).collect();
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut rng = Pcg64Mcg::seed_from_u64(0);
    for _ in 0..config.rounds {
        order.shuffle(&mut rng);
        let (mut highest, mut lowest) = (f64::NEG_INFINITY, f64::INFINITY);
        for &i in &order {
            let (x, y) = &samples[i];
            let gradient = y * (dot(&normal, x) + bias) - 1.0;
            // What the bounds 0 <= pull <= cost let it do.
            let free = match pull[i] {
                p if p <= 0.0 => gradient.min(0.0),
                p if p >= config.cost => gradient.max(0.0),
                _ => gradient,
            };
            (highest, lowest) = (highest.max(free), lowest.min(free));
            if free == 0.0 {
                continue;
            }
            let next = (pull[i] - gradient / squares[i]).clamp(0.0, config.cost);
            let change = (next - pull[i]) * y;
            pull[i] = next;
            normal.iter_mut().zip(x).for_each(|(w, x)| *w += change * x);
            bias += change;
        }
        if highest - lowest < config.tolerance {
            break;
        }
    }
    Boundary { normal, bias }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use reelgan_golden::Golden;

    use super::*;

    #[test]
    fn two_points_have_the_middle_between_them() {
        // Of w (x) with y = +-1 at +-2: w = 1/2 is enough, and dearer than the cost 1 allows.
        let got = fit(&[&[2.0]], &[&[-2.0]], &SvmConfig { tolerance: 1e-12, ..Default::default() });
        assert!((got.normal[0] - 0.5).abs() < 1e-12 && got.bias.abs() < 1e-12, "{got:?}");
        assert!((got.unit().side(&[3.0]) - 3.0).abs() < 1e-9, "a distance");
    }

    #[test]
    fn boundaries_are_those_of_liblinear() {
        let golden = Golden::open("linear_svm.safetensors");
        for case in ["apart", "mixed"] {
            let dim = golden.shape(&format!("{case}.above"))[1];
            let rows = |name: &str| golden.values(&format!("{case}.{name}"));
            let (above, below) = (rows("above"), rows("below"));
            let split = |v| <[f32]>::chunks_exact(v, dim).collect::<Vec<_>>();
            let cost = f64::from(rows("cost")[0]);
            let config = SvmConfig { cost, tolerance: 1e-9, rounds: 100_000 };
            let got = fit(&split(&above), &split(&below), &config);
            let want = rows("boundary");
            let flat: Vec<f32> = got.normal.iter().chain([&got.bias]).map(|&v| v as f32).collect();
            let off = reelgan_golden::relative(&flat, &want);
            // liblinear ends at a duality gap of 1e-10, both are then rounded to f32.
            assert!(off < 1e-5, "{case}: off by {off}");
        }
    }
}
