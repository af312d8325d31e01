//! A fitted map on disk: safetensors, half precision, so that it is small enough to ship.

use std::collections::HashMap;
use std::path::Path;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::features::COUNT;
use super::fit::FitReport;
use super::StartMap;
use crate::generator::Identity;
use crate::{Error, Result};

/// The largest file read: more than any map that can be fitted.
const MAX_FILE: u64 = 256 << 20;
/// Where the facts stand in the file's table of strings.
const FACTS: &str = "reelgan.start";

#[derive(Serialize, Deserialize)]
struct Facts {
    generator: Identity,
    report: FitReport,
}

impl StartMap {
    /// Writes the map, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(reelgan_run::atomic::write(path, &self.to_bytes())?)
    }

    /// Reads a map.
    ///
    /// # Errors
    /// [`Error::File`] if it is none.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = reelgan_run::atomic::read(path, MAX_FILE)?;
        Self::from_bytes(&bytes).map_err(|problem| Error::file(path, problem))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let half = |values: &[f32]| -> Vec<u8> {
            values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect()
        };
        let rank = self.bias.len();
        let arrays = [
            ("basis", vec![rank, self.dim], half(&self.basis)),
            ("bias", vec![rank], half(&self.bias)),
            ("mean", vec![self.dim], half(&self.mean)),
            ("weight", vec![self.features, rank], half(&self.weight)),
        ];
        let views = arrays.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F16, shape.clone(), bytes);
            (*name, view.expect("shapes of what was fitted"))
        });
        let facts = Facts { generator: self.generator.clone(), report: self.report };
        let text = serde_json::to_string(&facts).expect("facts are plain");
        let table = HashMap::from([(FACTS.to_string(), text)]);
        safetensors::serialize(views, Some(table)).expect("four small arrays")
    }

    /// The map in the bytes of a file, or what is wrong with them.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let bad = |e: &dyn std::fmt::Display| {
            format!("is no learned start: {e}; make one with `reelgan train encoder`")
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| bad(&e))?;
        let text = header.metadata().as_ref().and_then(|table| table.get(FACTS));
        let text = text.ok_or_else(|| bad(&format!("it has no entry `{FACTS}`")))?;
        let facts: Facts = serde_json::from_str(text).map_err(|e| bad(&e))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| bad(&e))?;
        let array = |name: &str| -> Result<(Vec<usize>, Vec<f32>), String> {
            let view = file.tensor(name).map_err(|e| bad(&e))?;
            if view.dtype() != Dtype::F16 {
                return Err(bad(&format!("`{name}` is not in half precision")));
            }
            let halves = view.data().chunks_exact(2);
            let values: Vec<f32> =
                halves.map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
            if values.iter().any(|v| !v.is_finite()) {
                return Err(bad(&format!("`{name}` holds a value that is not finite")));
            }
            Ok((view.shape().to_vec(), values))
        };
        let ((shape, weight), (bias_shape, bias)) = (array("weight")?, array("bias")?);
        let ((basis_shape, basis), (mean_shape, mean)) = (array("basis")?, array("mean")?);
        let (rank, dim) = (bias.len(), mean.len());
        if shape != [COUNT, rank]
            || basis_shape != [rank, dim]
            || bias_shape != [rank]
            || mean_shape != [dim]
        {
            return Err(bad(&"the sizes of its arrays do not belong together"));
        }
        let Facts { generator, report } = facts;
        Ok(Self { features: COUNT, dim, weight, bias, basis, mean, generator, report })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::start::FitConfig;

    fn map() -> StartMap {
        StartMap {
            features: COUNT,
            dim: 3,
            weight: (0..COUNT * 2).map(|i| (i % 5) as f32 / 4.0).collect(),
            bias: vec![0.5, -1.0],
            basis: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            mean: vec![0.25, 0.5, 0.75],
            generator: Identity { name: "toy".into(), sha256: "00".into() },
            report: FitReport { config: FitConfig::default(), explained: 0.5 },
        }
    }

    #[test]
    fn a_map_comes_back() {
        // Every number of it is exact in half precision.
        assert_eq!(StartMap::from_bytes(&map().to_bytes()).unwrap(), map());
        assert_eq!(map().to_bytes(), map().to_bytes());
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let good = map().to_bytes();
        for cut in [0, 7, 100, good.len() - 1] {
            let said = StartMap::from_bytes(&good[..cut]).unwrap_err();
            assert!(said.contains("reelgan train encoder"), "{said}");
        }
        let mut other = map();
        other.bias.push(0.0);
        // The weights no longer have as many columns as there are biases.
        other.weight.extend(vec![0.0; COUNT]);
        assert!(StartMap::from_bytes(&other.to_bytes()).unwrap_err().contains("sizes"));
    }

    #[test]
    fn apply_is_the_formula() {
        let mut features = vec![0.0; COUNT];
        (features[0], features[1]) = (2.0, 4.0);
        // weight rows: (0, 1/4), (2/4, 3/4): inner = (0.5 + 2, -1 + 0.5 + 3).
        assert_eq!(map().apply(&features), [0.25 + 2.5, 0.5 + 2.5, 0.75]);
    }
}
