//! Codes as `.npy`, in the layout that the method's authors exchange them in.

use std::path::Path;

use crate::arrays::Array;
use crate::atomic;
use crate::error::Result;

/// Writes an array as `.npy` version 1.0: little-endian `f32`, C order; the
/// file appears whole or not at all.
///
/// The authors keep one file a frame with the shape `(1, L, 512)`.
///
/// # Errors  `Error::Shape` if the array's shape does not fit its values; `Error::Write`
pub fn write(path: &Path, array: &Array) -> Result<()> {
    atomic::write(path, &to_bytes(array)?)
}

/// The bytes of an `.npy` file.
///
/// # Errors  `Error::Shape` if the array's shape does not fit its values
/// # Source  NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays"
pub fn to_bytes(array: &Array) -> Result<Vec<u8>> {
    // Checked again, since the fields of an `Array` are open.
    let array = Array::new(array.shape.clone(), array.data.clone())?;
    let mut bytes = header("<f4", &array.shape)?;
    bytes.extend(array.data.iter().flat_map(|v| v.to_le_bytes()));
    Ok(bytes)
}

/// Everything before the values of an array in C order.
pub(crate) fn header(descr: &str, shape: &[usize]) -> Result<Vec<u8>> {
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {}, }}", tuple(shape));
    // Magic, version and length take 10 bytes; the values begin on a multiple
    // of 64, and the header ends with a line feed.
    let filled = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', filled - 1 - header.len()));
    header.push('\n');
    let length = u16::try_from(header.len())
        .map_err(|_| crate::Error::shape(".npy header", "at most 65535 bytes", header.len()))?;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.bytes());
    Ok(bytes)
}
/// A shape as Python writes a tuple: `()`, `(3,)`, `(1, 16, 512)`.
fn tuple(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    match sizes.as_slice() {
        [one] => format!("({one},)"),
        many => format!("({})", many.join(", ")),
    }
}

#[cfg(test)]
mod tests;
