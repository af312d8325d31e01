//! The face networks: five manifests with their numbers -> one file.

use std::path::Path;

use reelgan_checkpoint::{Array, NamedArrays, shards};

use super::unreadable;
use crate::catalog::Entry;
use crate::error::{Error, Result};

/// Our names of the networks, in the order of the members.
const NETWORKS: [&str; 5] = ["detector", "landmarks", "identity", "age_gender", "expression"];

/// Reads pairs of manifest and numbers. `conv0/filters` of the detector becomes
/// `detector.conv0.filters`; kernels become out, in, height, width (depthwise
/// ones channels, 1, height, width), matrices stay in, out.
pub(super) fn arrays(entry: &Entry, archive: &Path, members: &[Vec<u8>]) -> Result<NamedArrays> {
    let (pairs, rest) = members.as_chunks::<2>();
    assert!(pairs.len() == NETWORKS.len() && rest.is_empty(), "{} has ten members", entry.name);
    let mut ours = NamedArrays::new();
    for (network, [manifest, numbers]) in NETWORKS.into_iter().zip(pairs) {
        let arrays = shards::read(manifest, numbers).map_err(|e| unreadable(entry, archive, e))?;
        for (name, array) in arrays {
            let depthwise = name.ends_with("depthwise_filter");
            let array = match <[usize; 4]>::try_from(array.shape.as_slice()) {
                Ok(shape) => moved(&array, shape, depthwise),
                Err(_) if array.shape.len() <= 2 => array,
                Err(_) => {
                    let detail = format!("`{name}` has shape {:?}", array.shape);
                    return Err(Error::WrongWeights { name: entry.name.into(), detail });
                }
            };
            ours.insert(format!("{network}.{}", name.replace('/', ".")), array);
        }
    }
    Ok(ours)
}

/// Height, width, in, out -> out, in, height, width; a depthwise kernel has its
/// channels where others have the input: -> channels, 1, height, width.
fn moved(array: &Array, [h, w, i, o]: [usize; 4], depthwise: bool) -> Array {
    let size = array.dtype.size();
    let mut bytes = Vec::with_capacity(array.bytes.len());
    let (outer, inner) = if depthwise { (i, o) } else { (o, i) };
    for a in 0..outer {
        for b in 0..inner {
            let (input, output) = if depthwise { (a, b) } else { (b, a) };
            for place in 0..h * w {
                let at = ((place * i + input) * o + output) * size;
                bytes.extend_from_slice(&array.bytes[at..at + size]);
            }
        }
    }
    Array { shape: vec![outer, inner, h, w], dtype: array.dtype, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgan_checkpoint::DType;

    /// An array in which each number spells its own index: y, x, in, out.
    fn spelt(shape @ [h, w, i, o]: [usize; 4]) -> Array {
        let index = (0..h).flat_map(|y| (0..w).map(move |x| (y, x)));
        let index = index.flat_map(|(y, x)| (0..i).map(move |a| (y, x, a)));
        let numbers = index
            .flat_map(|(y, x, a)| (0..o).map(move |b| (y * 1000 + x * 100 + a * 10 + b) as f32));
        let bytes = numbers.flat_map(f32::to_le_bytes).collect();
        Array { shape: shape.to_vec(), dtype: DType::F32, bytes }
    }

    #[test]
    fn kernel_axes_are_moved() {
        let kernel = moved(&spelt([2, 3, 4, 5]), [2, 3, 4, 5], false);
        assert_eq!(kernel.shape, [5, 4, 2, 3]);
        // Out 3, in 2, row 1, column 2.
        assert_eq!(kernel.to_f32()[((3 * 4 + 2) * 2 + 1) * 3 + 2], 1223.0);
        let depthwise = moved(&spelt([2, 3, 4, 1]), [2, 3, 4, 1], true);
        assert_eq!(depthwise.shape, [4, 1, 2, 3]);
        assert_eq!(depthwise.to_f32()[(3 * 2 + 1) * 3 + 1], 1130.0);
    }
}
