//! How much memory one file may make the reader take.

use crate::error::{Error, Result};

/// Every file may unpack to this much, however small it is.
const FLOOR: u64 = 64 << 20;
/// Beyond the floor, this many bytes for each byte of the file.
const PER_BYTE: u64 = 16;

/// Bytes that may still be allocated for arrays, members and decoded blobs.
///
/// Views with stride 0, blobs referred to many times and compressed members all let a few bytes ask for
/// gigabytes. Everything copied out of the input is charged here before memory is taken, so the total
/// is bounded by `64 MiB + 16 x` the size of the file.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
    limit: u64,
}

impl Budget {
    /// The allowance of a file of `len` bytes.
    pub(crate) fn for_input(len: u64) -> Budget {
        Budget::new(FLOOR.saturating_add(PER_BYTE.saturating_mul(len)))
    }

    /// An allowance of exactly `limit` bytes.
    pub(crate) fn new(limit: u64) -> Budget {
        Budget { left: limit, limit }
    }

    /// Charges `bytes`, or refuses without changing anything.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let got = bytes.saturating_add(self.limit - self.left);
                Err(Error::Limit {
                    what: "the memory this file asks for (bytes)",
                    got,
                    limit: self.limit,
                })
            }
        }
    }
}
