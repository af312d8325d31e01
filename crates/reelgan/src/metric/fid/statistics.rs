//! Mean and covariance of features.

use std::path::Path;

use rayon::prelude::*;
use reelgan_checkpoint::{Array, DType};
use reelgan_run::npz;

use crate::{Error, Result};

/// Mean and covariance of the features of a set of pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    mean: Vec<f64>,
    /// `[D,D]`, symmetric.
    covariance: Vec<f64>,
}

/// The largest `D` accepted, so that a file cannot ask for any memory.
const MOST_FEATURES: usize = 1 << 13;

impl Statistics {
    /// Takes a mean `[D]` and a covariance `[D,D]`; what is not symmetric in the last bits
    /// is made so.
    ///
    /// # Errors
    /// [`Error::Shape`] if they do not fit or hold no features; [`Error::Setting`] if a
    /// number is not finite.
    pub fn new(mean: Vec<f64>, mut covariance: Vec<f64>) -> Result<Self> {
        let d = mean.len();
        if d == 0 || d > MOST_FEATURES || covariance.len() != d * d {
            return Err(Error::Shape {
                what: "statistics".into(),
                expected: format!("1 to {MOST_FEATURES} means and the square of that"),
                got: format!("{d} means and {} covariances", covariance.len()),
            });
        }
        if mean.iter().chain(&covariance).any(|v| !v.is_finite()) {
            return Err(Error::setting("statistics", "a number in them is not finite"));
        }
        for i in 0..d {
            for j in 0..i {
                let both = (covariance[i * d + j] + covariance[j * d + i]) / 2.0;
                covariance[i * d + j] = both;
                covariance[j * d + i] = both;
            }
        }
        Ok(Self { mean, covariance })
    }

    /// The mean, `[D]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance, `[D,D]`.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// Reads a statistics file: an `.npz` with `mu` and `sigma`, as pytorch-fid and the
    /// authors of FID write it.
    ///
    /// # Errors
    /// A file that is none; [`Error::File`] if it holds other arrays.
    pub fn read(path: &Path) -> Result<Self> {
        let file = reelgan_checkpoint::open(path)?;
        let array = |name: &str| {
            let missing = || {
                let names: Vec<&str> = file.arrays.keys().map(String::as_str).collect();
                let problem = format!(
                    "has no array `{name}` (it has {}); give an .npz with mu and sigma",
                    names.join(", ")
                );
                Error::file(path, problem)
            };
            let array = file.arrays.get(name).ok_or_else(missing)?;
            doubles(array).ok_or_else(|| {
                Error::file(path, format!("`{name}` holds {:?}, expected f64 or f32", array.dtype))
            })
        };
        Self::new(array("mu")?, array("sigma")?)
            .map_err(|e| Error::file(path, format!("holds no {e}")))
    }

    /// Writes a statistics file, whole or not at all.
    ///
    /// # Errors
    /// A place that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let d = self.mean.len();
        Ok(npz::write(path, &[("mu", &[d], &self.mean), ("sigma", &[d, d], &self.covariance)])?)
    }
}

fn doubles(array: &Array) -> Option<Vec<f64>> {
    match array.dtype {
        DType::F64 => {
            Some(array.bytes.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect())
        }
        DType::F32 => Some(array.to_f32().into_iter().map(f64::from).collect()),
        _ => None,
    }
}

/// Features gathered one picture at a time; memory does not grow with their number.
///
/// Sums are taken of differences to the first picture's features, which keeps a small
/// variance around a large mean exact.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    first: Vec<f64>,
    count: usize,
    sum: Vec<f64>,
    /// `[D,D]`, lower triangle.
    products: Vec<f64>,
}

impl Gathered {
    /// Adds the features of one picture.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer than before, or none.
    pub fn add(&mut self, features: &[f32]) -> Result<()> {
        let d = features.len();
        if self.count == 0 && (1..=MOST_FEATURES).contains(&d) {
            self.first = features.iter().copied().map(f64::from).collect();
            self.sum = vec![0.0; d];
            self.products = vec![0.0; d * d];
        } else if self.first.len() != d {
            return Err(Error::Shape {
                what: "features of a picture".into(),
                expected: match self.count {
                    0 => format!("1 to {MOST_FEATURES} numbers"),
                    _ => format!("{} numbers", self.first.len()),
                },
                got: d.to_string(),
            });
        }
        let shifted: Vec<f64> =
            features.iter().zip(&self.first).map(|(v, first)| f64::from(*v) - first).collect();
        self.sum.iter_mut().zip(&shifted).for_each(|(sum, v)| *sum += v);
        self.products.par_chunks_exact_mut(d).zip(&shifted).enumerate().for_each(
            |(i, (row, v))| {
                row[..=i].iter_mut().zip(&shifted).for_each(|(p, w)| *p += v * w);
            },
        );
        self.count += 1;
        Ok(())
    }

    /// Pictures gathered.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Mean and covariance (with N - 1).
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than two pictures; a feature that was not finite.
    pub fn statistics(&self) -> Result<Statistics> {
        if self.count < 2 {
            return Err(Error::setting(
                "set of pictures",
                format!("a covariance needs two at least, here are {}", self.count),
            ));
        }
        let (d, n) = (self.first.len(), self.count as f64);
        let mean = self.first.iter().zip(&self.sum).map(|(first, sum)| first + sum / n).collect();
        let mut covariance = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..=i {
                let products = self.products[i * d + j];
                let value = (products - self.sum[i] * self.sum[j] / n) / (n - 1.0);
                covariance[i * d + j] = value;
                covariance[j * d + i] = value;
            }
        }
        Statistics::new(mean, covariance)
    }
}
