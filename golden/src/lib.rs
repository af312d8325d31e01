//! Reference data for tests: numbers other implementations computed, kept beside
//! how they were made (`golden/README.md`), and the reproducible pseudo-random
//! weights for networks too big to store.

use std::path::{Path, PathBuf};

use reelgan_checkpoint::NamedArrays;

mod detw;
mod keys;

pub use detw::{Detw, detw};
pub use keys::{Key, keys};

/// Path of a file in `golden/data`.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// Arrays of one reference file.
#[derive(Debug)]
pub struct Golden {
    file: PathBuf,
    arrays: NamedArrays,
}

impl Golden {
    /// Reads `golden/data/NAME`.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn open(name: &str) -> Self {
        let file = path(name);
        let checkpoint = reelgan_checkpoint::open(&file).expect("reference file can be read");
        Self { file, arrays: checkpoint.arrays }
    }

    /// Shape of an array.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.array(name).shape.clone()
    }

    /// Numbers of an array, row-major.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.array(name).to_f32()
    }

    /// Numbers of an array of f64, row-major.
    ///
    /// # Panics
    /// If there is none of that name, or it holds other numbers.
    pub fn doubles(&self, name: &str) -> Vec<f64> {
        let array = self.array(name);
        assert_eq!(array.dtype, reelgan_checkpoint::DType::F64, "`{name}`");
        array.bytes.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect()
    }

    fn array(&self, name: &str) -> &reelgan_checkpoint::Array {
        self.arrays
            .get(name)
            .unwrap_or_else(|| panic!("{} has no array `{name}`", self.file.display()))
    }
}

/// Largest absolute difference.
///
/// # Panics
/// If the lengths differ.
pub fn max_abs(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len(), "as many numbers as the reference");
    got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Root of the sum of squared differences, relative to the reference.
///
/// # Panics
/// If the lengths differ.
pub fn relative(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len(), "as many numbers as the reference");
    let square = |x: f32| f64::from(x) * f64::from(x);
    let difference: f64 = got.iter().zip(want).map(|(a, b)| square(a - b)).sum();
    let size: f64 = want.iter().map(|b| square(*b)).sum();
    (difference / size).sqrt()
}
