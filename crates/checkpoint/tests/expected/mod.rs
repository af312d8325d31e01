//! Where the golden files are, and how arrays are compared with them.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::PathBuf;

use reelgan_checkpoint::{DType, NamedArrays};
use sha2::{Digest, Sha256};

/// Path of a golden file.
pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Contents of every golden file that a reader takes.
pub fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(golden("")).unwrap();
    let mut all: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let extension = path.extension().and_then(|e| e.to_str());
            path.is_file() && !["tsv", "json", "md"].contains(&extension.unwrap())
        })
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// `512x512` as a shape; nothing for a single number.
pub fn numbers(shape: &str) -> Vec<usize> {
    shape.split('x').filter(|d| !d.is_empty()).map(|d| d.parse().unwrap()).collect()
}

/// Compares names, shapes and digests with a table `name dtype shape sha256`; the sets must be equal.
pub fn assert_digests(arrays: &NamedArrays, table: &str) {
    let table = std::fs::read_to_string(golden(table)).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|l| l.split('\t').collect()).collect();
    assert!(!rows.is_empty());
    for row in &rows {
        let array =
            arrays.get(row[0]).unwrap_or_else(|| panic!("no `{}` in {:?}", row[0], arrays.keys()));
        assert_eq!((array.dtype, &array.shape), (DType::F32, &numbers(row[2])), "{}", row[0]);
        let digest: String =
            Sha256::digest(&array.bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest, row[3], "{}", row[0]);
    }
    assert_eq!(arrays.len(), rows.len(), "{:?}", arrays.keys());
}

/// Mean and population standard deviation, in f64.
pub fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Compares with a printed value of nine digits, some of whose sums were made in f32.
pub fn assert_close(got: f64, expected: &str, what: &str) {
    let expected: f64 = expected.parse().unwrap();
    assert!(
        (got - expected).abs() <= 2e-6 * expected.abs().max(1e-2),
        "{what}: {got}, expected {expected}"
    );
}
