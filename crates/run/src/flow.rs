//! Dense motion between two pictures, and its Middlebury `.flo` files.

use std::path::Path;

use crate::atomic;
use crate::error::{Error, Result};

const KIND: &str = "Middlebury .flo file";
const MAGIC: f32 = 202_021.25;
/// Larger magnitudes mean "unknown" in the format.
const UNKNOWN: f32 = 1e9;
/// The largest width or height accepted, far above any picture.
const MAX_SIDE: usize = 1 << 16;
const HEADER: usize = 12;
/// The largest `.flo` file read: 16384 x 16384 pixels.
const MAX_FILE: u64 = HEADER as u64 + 8 * (1 << 28);

/// `N` flow fields of one size.
///
/// Backward sampling: `warp(src, f)(p) = src(p + f(p))`, so `flow(a -> b)`
/// stands on the pixels of `a` and points into `b`.
///
/// # Shapes  `[N,2,H,W]`, planar: channel 0 is `dx` (to the right), channel 1 is
/// `dy` (down), each row by row; `N`, `H`, `W` are at least 1
/// # Range   pixels, finite
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    count: usize,
    height: usize,
    width: usize,
    data: Vec<f32>,
}

impl Flow {
    /// Takes planar values as flow fields.
    ///
    /// # Errors  `Error::Shape` if a size is 0 or `data` does not hold
    /// `count * 2 * height * width` values; `Error::Value` if one is not finite
    pub fn new(count: usize, height: usize, width: usize, data: Vec<f32>) -> Result<Self> {
        let values = [2, height, width]
            .iter()
            .try_fold(count, |n, &size| n.checked_mul(size))
            .filter(|&n| n > 0);
        if values != Some(data.len()) {
            return Err(Error::shape(
                "flow",
                format!("the values of [{count},2,{height},{width}], no size 0"),
                format!("{} values", data.len()),
            ));
        }
        if let Some(v) = data.iter().find(|v| !v.is_finite()) {
            return Err(Error::value(
                "flow",
                format!("a vector holds {v}, but every value must be a finite number of pixels"),
            ));
        }
        Ok(Self { count, height, width, data })
    }

    /// Joins fields of one size, in order.
    ///
    /// # Errors  `Error::Shape` if there are none, or their sizes differ
    pub fn from_fields(fields: Vec<Flow>) -> Result<Self> {
        let mut fields = fields.into_iter();
        let Some(mut all) = fields.next() else {
            return Err(Error::shape("flow", "at least one field", "none"));
        };
        for next in fields {
            if (next.height, next.width) != (all.height, all.width) {
                return Err(Error::shape(
                    "flow fields of one size",
                    format!("{}x{} as the first", all.width, all.height),
                    format!("{}x{}", next.width, next.height),
                ));
            }
            all.count += next.count;
            all.data.extend_from_slice(&next.data);
        }
        Ok(all)
    }

    /// The number of fields, `N`.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The height of every field in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The width of every field in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, `[N,2,H,W]`.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Gives up the values, `[N,2,H,W]`.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// The values of field `k`, counted from 0: `[2,H,W]`.
    ///
    /// # Panics  if `k >= count()`, as indexing a slice does
    pub fn field(&self, k: usize) -> &[f32] {
        let size = 2 * self.height * self.width;
        &self.data[k * size..(k + 1) * size]
    }

    /// Reads one field (`N` = 1) from the bytes of a `.flo` file.
    ///
    /// # Errors  `Error::Content` if the magic number, the size or the length is
    /// wrong, or if the file marks vectors as unknown (NaN or above 1e9)
    /// # Source  S. Baker et al., "A Database and Evaluation Methodology for
    /// Optical Flow", the format of its `flow-code` archive
    pub fn from_flo(bytes: &[u8]) -> Result<Self> {
        let (height, width) = flo_size(bytes)?;
        let plane = height * width;
        let mut data = vec![0.0; 2 * plane];
        for (p, vector) in bytes[HEADER..].chunks_exact(8).enumerate() {
            for (c, v) in vector.chunks_exact(4).enumerate() {
                let v = f32::from_le_bytes([v[0], v[1], v[2], v[3]]);
                // Written so that NaN is refused as well.
                if !matches!(v.abs().partial_cmp(&UNKNOWN), Some(o) if o.is_le()) {
                    let (x, y) = (p % width, p / width);
                    return Err(Error::content(
                        KIND,
                        format!(
                            "the flow at column {x}, row {y} is marked unknown ({v}); a dense field without gaps is needed"
                        ),
                    ));
                }
                data[c * plane + p] = v;
            }
        }
        Ok(Self { count: 1, height, width, data })
    }

    /// Field `k`, counted from 0, as the bytes of a `.flo` file.
    ///
    /// # Panics  if `k >= count()`, as indexing a slice does
    pub fn to_flo(&self, k: usize) -> Vec<u8> {
        let plane = self.height * self.width;
        let (dx, dy) = self.field(k).split_at(plane);
        let mut bytes = Vec::with_capacity(HEADER + 8 * plane);
        bytes.extend(MAGIC.to_le_bytes());
        bytes.extend((self.width as i32).to_le_bytes());
        bytes.extend((self.height as i32).to_le_bytes());
        for (x, y) in dx.iter().zip(dy) {
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
        }
        bytes
    }

    /// Reads one field (`N` = 1) from a `.flo` file.
    ///
    /// # Errors  as [`Flow::from_flo`], with the path; `Error::Read`, `Error::TooLarge`
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_flo(&atomic::read(path, MAX_FILE)?).map_err(|e| e.at(path))
    }

    /// Writes field `k`, counted from 0, as a `.flo` file, whole or not at all.
    ///
    /// # Errors  `Error::Write`
    pub fn write(&self, k: usize, path: &Path) -> Result<()> {
        atomic::write(path, &self.to_flo(k))
    }
}

/// Height and width of a `.flo` file whose length fits them.
fn flo_size(bytes: &[u8]) -> Result<(usize, usize)> {
    let word = |at: usize| -> Option<[u8; 4]> { bytes.get(at..at + 4)?.try_into().ok() };
    let (Some(magic), Some(width), Some(height)) = (word(0), word(4), word(8)) else {
        return Err(Error::content(
            KIND,
            format!("it has {} bytes, fewer than its header of {HEADER}", bytes.len()),
        ));
    };
    let magic = f32::from_le_bytes(magic);
    if magic != MAGIC {
        return Err(Error::content(
            KIND,
            format!("it must begin with the number {MAGIC}, but begins with {magic:e}"),
        ));
    }
    let side = |v: [u8; 4]| {
        usize::try_from(i32::from_le_bytes(v)).ok().filter(|v| (1..=MAX_SIDE).contains(v))
    };
    let (Some(w), Some(h)) = (side(width), side(height)) else {
        return Err(Error::content(
            KIND,
            format!(
                "it declares {} x {} pixels; each side must be from 1 to {MAX_SIDE}",
                i32::from_le_bytes(width),
                i32::from_le_bytes(height)
            ),
        ));
    };
    // At most 2^16 * 2^16 * 8, which 64 bits hold.
    let expected = HEADER as u64 + 8 * w as u64 * h as u64;
    if bytes.len() as u64 != expected {
        return Err(Error::content(
            KIND,
            format!("{w} x {h} pixels need {expected} bytes, but it has {}", bytes.len()),
        ));
    }
    Ok((h, w))
}

#[cfg(test)]
mod tests;
