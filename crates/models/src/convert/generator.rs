//! MobileStyleGAN: the arrays under their names, and the mean code.

use std::path::Path;

use reelgan_checkpoint::{Array, DType, NamedArrays};

use super::mean_code::{Layer, Mapping, mean_code};
use super::{numbers, unreadable};
use crate::catalog::Entry;
use crate::error::{Error, Result};

/// Number of codes that the mean is taken over. The variances of w add up to
/// 99, so the sampling error has norm sqrt(99 / 16384) = 0.08; the mean has 4.1.
const SAMPLES: usize = 16_384;
/// Seed of those codes.
const SEED: u64 = 0x7265_656c_6761_6e00;

/// Reads both graphs.
pub(super) fn arrays(entry: &Entry, archive: &Path, members: &[Vec<u8>]) -> Result<NamedArrays> {
    let [mapping_xml, mapping_bin, synthesis_xml, synthesis_bin] = members else {
        panic!("{} has four members", entry.name)
    };
    reelgan_checkpoint::ir::mobilestylegan(mapping_xml, mapping_bin, synthesis_xml, synthesis_bin)
        .map_err(|e| unreadable(entry, archive, e))
}

/// Adds `w_avg` (one number per element of w); returns the number of samples.
pub(super) fn add_mean_code(entry: &Entry, arrays: &mut NamedArrays) -> Result<usize> {
    let mapping = mapping(entry, arrays)?;
    let mean = mean_code(&mapping, SAMPLES, SEED);
    let bytes = mean.iter().flat_map(|v| v.to_le_bytes()).collect();
    let array = Array { shape: vec![mean.len()], dtype: DType::F32, bytes };
    arrays.insert("w_avg".into(), array);
    Ok(SAMPLES)
}

/// The mapping network in its arrays: `mapping.N.{weight,bias,gain}`.
fn mapping(entry: &Entry, arrays: &NamedArrays) -> Result<Mapping> {
    let wrong = |detail| Error::WrongWeights { name: entry.name.into(), detail };
    let mut layers = Vec::new();
    while arrays.contains_key(&format!("mapping.{}.weight", layers.len())) {
        let part = |what| format!("mapping.{}.{what}", layers.len());
        let ([outputs, inputs], weight) = numbers::<2>(entry, arrays, &part("weight"))?;
        // Exporters disagree on axes of length one, which mean nothing here.
        let flat = |what| arrays.get(&part(what)).map(Array::to_f32).unwrap_or_default();
        let (bias, gain) = (flat("bias"), flat("gain"));
        let &[gain] = gain.as_slice() else {
            return Err(wrong(format!("`{}` is not one number", part("gain"))));
        };
        if bias.len() != outputs
            || layers.last().is_some_and(|last: &Layer| last.outputs() != inputs)
        {
            return Err(wrong(format!("`{}` does not fit its neighbours", part("weight"))));
        }
        layers.push(Layer::new(inputs, weight, bias, gain));
    }
    if layers.is_empty() {
        return Err(wrong("`mapping.0.weight` is missing".into()));
    }
    Ok(Mapping { layers })
}
