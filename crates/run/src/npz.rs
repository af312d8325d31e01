//! Arrays of `f64` as `.npz`, such as the statistics files of FID.

use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::atomic;
use crate::error::{Error, Result};
use crate::npy::header;

/// An array to be written: its name without `.npy`, its shape, its values in C order.
pub type Named<'a> = (&'a str, &'a [usize], &'a [f64]);

/// Writes arrays as an `.npz` that numpy opens, whole or not at all; the same arrays
/// give the same bytes.
///
/// # Errors  `Error::Shape` if a shape does not fit its values; `Error::Write`
pub fn write(path: &Path, arrays: &[Named<'_>]) -> Result<()> {
    atomic::write(path, &to_bytes(arrays)?)
}

/// The bytes of an `.npz` file; members are deflated.
///
/// # Errors  `Error::Shape` if a shape does not fit its values; `Error::Value` if a
/// name comes twice or the archive cannot hold them
pub fn to_bytes(arrays: &[Named<'_>]) -> Result<Vec<u8>> {
    let refused = |e: zip::result::ZipError| Error::value(".npz", e.to_string());
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, shape, values) in arrays {
        let count = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        if count != Some(values.len()) {
            let expected = format!("the values of {shape:?}");
            return Err(Error::shape(".npz array", expected, values.len()));
        }
        zip.start_file(format!("{name}.npy"), options).map_err(refused)?;
        let mut bytes = header("<f8", shape)?;
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        zip.write_all(&bytes).map_err(|e| Error::value(".npz", e.to_string()))?;
    }
    Ok(zip.finish().map_err(refused)?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn members_are_npy_files_of_doubles() {
        let values = [1.0, -2.5, f64::MAX];
        let bytes = to_bytes(&[("mu", &[3], &values), ("sigma", &[1, 1], &[0.25])]).unwrap();
        assert_eq!(bytes, to_bytes(&[("mu", &[3], &values), ("sigma", &[1, 1], &[0.25])]).unwrap());
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut mu = Vec::new();
        zip.by_name("mu.npy").unwrap().read_to_end(&mut mu).unwrap();
        assert!(mu.starts_with(b"\x93NUMPY\x01\x00"));
        let text = String::from_utf8_lossy(&mu[10..mu.len() - 24]);
        assert!(text.contains("'descr': '<f8'") && text.contains("'shape': (3,)"), "{text}");
        assert_eq!((mu.len() - 24) % 64, 0);
        assert_eq!(mu[mu.len() - 8..], f64::MAX.to_le_bytes());
        assert!(zip.by_name("sigma.npy").is_ok());
    }

    #[test]
    fn shapes_must_fit_and_names_must_differ() {
        assert!(to_bytes(&[("a", &[2, 2], &[1.0])]).is_err());
        assert!(to_bytes(&[("a", &[usize::MAX, 2], &[1.0])]).is_err());
        assert!(to_bytes(&[("a", &[1], &[1.0]), ("a", &[1], &[1.0])]).is_err());
    }
}
