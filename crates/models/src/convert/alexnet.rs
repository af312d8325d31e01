//! AlexNet with LPIPS heads: Flax names and layouts -> torchvision's names, our heads.

use std::path::Path;

use reelgan_checkpoint::NamedArrays;

use super::vgg::{array, expect, oihw};
use super::{numbers, unreadable};
use crate::catalog::Entry;
use crate::error::{Error, Result};

/// torchvision's index, side of the kernel, output channels, which LPIPS looks at.
const CONVOLUTIONS: [(usize, usize, usize); 5] =
    [(0, 11, 64), (3, 5, 192), (6, 3, 384), (8, 3, 256), (10, 3, 256)];

/// Reads the pickle and renames: `features.K.weight` (OIHW), `features.K.bias`,
/// `lpips.headN` (C).
pub(super) fn arrays(entry: &Entry, archive: &Path, members: &[Vec<u8>]) -> Result<NamedArrays> {
    let [pickle] = members else { panic!("{} has one member", entry.name) };
    let flax = reelgan_checkpoint::read(pickle).map_err(|e| unreadable(entry, archive, e))?.arrays;
    let wanted = 3 * CONVOLUTIONS.len();
    if flax.len() != wanted {
        let detail = format!("{} arrays, expected {wanted}", flax.len());
        return Err(Error::WrongWeights { name: entry.name.into(), detail });
    }
    let mut ours = NamedArrays::new();
    let mut channels = 3;
    for (k, (index, side, out)) in CONVOLUTIONS.into_iter().enumerate() {
        let from = format!("AlexNet_0/Conv_{k}/kernel");
        let (shape, kernel) = numbers::<4>(entry, &flax, &from)?;
        expect(entry, &from, shape, [side, side, channels, out])?;
        let moved = array(&[out, channels, side, side], &oihw(&kernel, shape));
        ours.insert(format!("features.{index}.weight"), moved);
        let from = format!("AlexNet_0/Conv_{k}/bias");
        let (shape, bias) = numbers::<1>(entry, &flax, &from)?;
        expect(entry, &from, shape, [out])?;
        ours.insert(format!("features.{index}.bias"), array(&[out], &bias));
        let from = format!("NetLinLayer_{k}/Conv_0/kernel");
        let (shape, head) = numbers::<4>(entry, &flax, &from)?;
        expect(entry, &from, shape, [1, 1, out, 1])?;
        ours.insert(format!("lpips.head{k}"), array(&[out], &head));
        channels = out;
    }
    Ok(ours)
}
