//! The Inception network of FID: a TorchScript archive -> its arrays as they are.

use std::path::Path;

use reelgan_checkpoint::{DType, NamedArrays};

use super::unreadable;
use crate::catalog::Entry;
use crate::error::{Error, Result};

/// Convolutions, each with a kernel and three arrays of batch normalisation.
const CONVOLUTIONS: usize = 94;
const PARTS: [&str; 4] = ["weight", "beta", "mean", "var"];
/// Numbers in all of them.
const NUMBERS: usize = 21_802_784;

/// Reads the archive; nothing of its code is run. Names stay, such as
/// `net.layers.mixed.tower.conv_1.weight` (OIHW).
pub(super) fn arrays(entry: &Entry, archive: &Path, members: &[Vec<u8>]) -> Result<NamedArrays> {
    let [script] = members else { panic!("{} has one member", entry.name) };
    let all = reelgan_checkpoint::read(script).map_err(|e| unreadable(entry, archive, e))?.arrays;
    let wanted = |name: &str| {
        let layer = name.strip_prefix("net.layers.");
        layer.and_then(|l| l.rsplit_once('.')).is_some_and(|(_, part)| PARTS.contains(&part))
    };
    let ours: NamedArrays = all.into_iter().filter(|(name, _)| wanted(name)).collect();
    let (count, numbers) = (ours.len(), ours.values().map(|a| a.len()).sum::<usize>());
    let floats = ours.values().all(|a| a.dtype == DType::F32);
    if count == CONVOLUTIONS * PARTS.len() && numbers == NUMBERS && floats {
        return Ok(ours);
    }
    let detail = format!(
        "{count} arrays with {numbers} numbers, expected {} with {NUMBERS}, all f32",
        CONVOLUTIONS * PARTS.len()
    );
    Err(Error::WrongWeights { name: entry.name.into(), detail })
}
