//! VGG16 with LPIPS heads: Flax names and layouts -> our own.

use std::path::Path;

use reelgan_checkpoint::{Array, DType, NamedArrays};

use super::{numbers, unreadable};
use crate::catalog::Entry;
use crate::error::{Error, Result};

/// Names of the thirteen convolutions in order, with their output channels.
const CONVOLUTIONS: [(&str, usize); 13] = [
    ("conv1_1", 64),
    ("conv1_2", 64),
    ("conv2_1", 128),
    ("conv2_2", 128),
    ("conv3_1", 256),
    ("conv3_2", 256),
    ("conv3_3", 256),
    ("conv4_1", 512),
    ("conv4_2", 512),
    ("conv4_3", 512),
    ("conv5_1", 512),
    ("conv5_2", 512),
    ("conv5_3", 512),
];
/// Channels of the five places where LPIPS looks.
const HEADS: [usize; 5] = [64, 128, 256, 512, 512];

/// Reads the pickle and renames: `convB_K.weight` (OIHW), `convB_K.bias`,
/// `lpips.headN` (C).
pub(super) fn arrays(entry: &Entry, archive: &Path, members: &[Vec<u8>]) -> Result<NamedArrays> {
    let [pickle] = members else { panic!("{} has one member", entry.name) };
    let flax = reelgan_checkpoint::read(pickle).map_err(|e| unreadable(entry, archive, e))?.arrays;
    let wanted = 2 * CONVOLUTIONS.len() + HEADS.len();
    if flax.len() != wanted {
        let detail = format!("{} arrays, expected {wanted}", flax.len());
        return Err(Error::WrongWeights { name: entry.name.into(), detail });
    }
    let mut ours = NamedArrays::new();
    let mut channels = 3;
    for (k, (name, out)) in CONVOLUTIONS.into_iter().enumerate() {
        let from = format!("VGG16_0/Conv_{k}/kernel");
        let (shape, kernel) = numbers::<4>(entry, &flax, &from)?;
        expect(entry, &from, shape, [3, 3, channels, out])?;
        ours.insert(format!("{name}.weight"), array(&[out, channels, 3, 3], &oihw(&kernel, shape)));
        let from = format!("VGG16_0/Conv_{k}/bias");
        let (shape, bias) = numbers::<1>(entry, &flax, &from)?;
        expect(entry, &from, shape, [out])?;
        ours.insert(format!("{name}.bias"), array(&[out], &bias));
        channels = out;
    }
    for (k, c) in HEADS.into_iter().enumerate() {
        let from = format!("NetLinLayer_{k}/Conv_0/kernel");
        let (shape, head) = numbers::<4>(entry, &flax, &from)?;
        expect(entry, &from, shape, [1, 1, c, 1])?;
        ours.insert(format!("lpips.head{k}"), array(&[c], &head));
    }
    Ok(ours)
}

pub(super) fn expect<const N: usize>(
    entry: &Entry,
    from: &str,
    got: [usize; N],
    want: [usize; N],
) -> Result<()> {
    if got == want {
        return Ok(());
    }
    let detail = format!("`{from}` has shape {got:?}, expected {want:?}");
    Err(Error::WrongWeights { name: entry.name.into(), detail })
}

/// Kernel height, width, in, out -> out, in, kernel height, width.
pub(super) fn oihw(kernel: &[f32], [h, w, i, o]: [usize; 4]) -> Vec<f32> {
    let mut out = vec![0.0; kernel.len()];
    for (place, inputs) in kernel.chunks_exact(i * o).enumerate() {
        for (channel, outputs) in inputs.chunks_exact(o).enumerate() {
            for (k, &value) in outputs.iter().enumerate() {
                out[(k * i + channel) * h * w + place] = value;
            }
        }
    }
    out
}

pub(super) fn array(shape: &[usize], data: &[f32]) -> Array {
    Array {
        shape: shape.to_vec(),
        dtype: DType::F32,
        bytes: data.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_axes_are_moved() {
        let shape @ [h, w, i, o] = [2, 3, 4, 5];
        // Each number spells its own index.
        let hwio: Vec<f32> = (0..h * w * i * o)
            .map(|n| {
                let (b, a) = (n % o, n / o % i);
                let (x, y) = (n / (o * i) % w, n / (o * i * w));
                (y * 1000 + x * 100 + a * 10 + b) as f32
            })
            .collect();
        let moved = oihw(&hwio, shape);
        for (n, value) in moved.into_iter().enumerate() {
            let (x, y, a, b) = (n % w, n / w % h, n / (w * h) % i, n / (w * h * i));
            assert_eq!(value, (y * 1000 + x * 100 + a * 10 + b) as f32);
        }
    }
}
