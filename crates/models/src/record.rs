//! The record beside every file in the cache.

use serde::{Deserialize, Serialize};

use crate::catalog::Entry;
use crate::digest::Sum;

/// Raised whenever a conversion writes other bytes than before; files of
/// another version are converted anew.
pub const CONVERTER: u32 = 1;

/// What a file in the cache is and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Name in the catalogue.
    pub model: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Sha256 of the file.
    pub sha256: String,
    /// Version of the conversion.
    pub converter: u32,
    /// Package it came from, with version.
    pub package: String,
    /// Sha256 of that package's archive.
    pub archive_sha256: String,
}

impl Record {
    pub(crate) fn new(entry: &Entry, sum: &Sum) -> Self {
        Self {
            model: entry.name.into(),
            bytes: sum.bytes,
            sha256: sum.sha256.clone(),
            converter: CONVERTER,
            package: format!("{} {}", entry.package.name, entry.package.version),
            archive_sha256: entry.package.sha256.into(),
        }
    }

    /// Whether this version of the program would make the same file of the
    /// same package.
    pub fn is_current(&self, entry: &Entry) -> bool {
        self.model == entry.name
            && self.converter == CONVERTER
            && self.archive_sha256 == entry.package.sha256
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a record is plain data");
        json.push(b'\n');
        json
    }
}
