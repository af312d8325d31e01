//! Sha256 of bytes and files, as lower-case hex.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{IoContext, Result};

/// Size and sha256 of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    pub bytes: u64,
    pub sha256: String,
}

/// Sum of bytes in memory.
pub(crate) fn of_bytes(bytes: &[u8]) -> Sum {
    Sum { bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
}

/// Sum of a file, read in pieces.
pub(crate) fn of_file(path: &Path) -> Result<Sum> {
    let mut file = File::open(path).context("open", path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0u8; 1 << 20];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut piece).context("read", path)?;
        if n == 0 {
            return Ok(Sum { bytes, sha256: hex(&hash.finalize()) });
        }
        hash.update(&piece[..n]);
        bytes += n as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vector "abc" of FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn published_vector() {
        assert_eq!(of_bytes(b"abc"), Sum { bytes: 3, sha256: ABC.into() });
    }

    #[test]
    fn file_equals_bytes_across_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let data: Vec<u8> = (0..(1 << 20) + 12_345u32).map(|i| ((i * 31) >> 3) as u8).collect();
        std::fs::write(&path, &data).unwrap();
        assert_eq!(of_file(&path).unwrap(), of_bytes(&data));
    }
}
