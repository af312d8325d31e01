//! Codes on disk: trajectory and codes together, with the generator they belong to.

use std::path::Path;

use reelgan_run::{Array, ArrayFile, npy};

use super::{Codes, OffsetSpace, Trajectory};
use crate::generator::Identity;
use crate::{Error, Result};

/// What `codes.safetensors` of a run holds.
///
/// Arrays: `codes [N,L,D]`, `base [1,L,D]`, `offsets [N-1, 1 or L, D]` (absent for
/// one frame). Metadata: generator name and hash, space of the steps.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeFile {
    /// The generator.
    pub generator: Identity,
    /// Base and steps; the codes follow from them.
    pub trajectory: Trajectory,
}

impl CodeFile {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn save(&self, path: &Path) -> Result<()> {
        let t = &self.trajectory;
        let codes = t.codes();
        let (n, l, d) = (codes.count(), t.rows(), t.dim());
        let mut file = ArrayFile::default();
        file.arrays.insert("codes".into(), Array::new([n, l, d], codes.data().to_vec())?);
        file.arrays.insert("base".into(), Array::new([1, l, d], t.base().to_vec())?);
        if n > 1 {
            let rows = t.offsets().len() / (n - 1) / d;
            let offsets = Array::new([n - 1, rows, d], t.offsets().to_vec())?;
            file.arrays.insert("offsets".into(), offsets);
        }
        let space = match t.space() {
            OffsetSpace::W => "w",
            OffsetSpace::WPlus => "w+",
        };
        for (key, value) in [
            ("generator", self.generator.name.as_str()),
            ("generator_sha256", self.generator.sha256.as_str()),
            ("offset_space", space),
            ("notice", crate::NOTICE),
        ] {
            file.metadata.insert(key.into(), value.into());
        }
        Ok(file.write(path)?)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A file that is missing, damaged, or not one of ours.
    pub fn open(path: &Path) -> Result<Self> {
        let file = ArrayFile::read(path)?;
        let meta = |key: &str| {
            file.metadata.get(key).cloned().ok_or_else(|| {
                Error::file(path, format!("has no `{key}` in its header; it is no file of codes"))
            })
        };
        let space = match meta("offset_space")?.as_str() {
            "w" => OffsetSpace::W,
            "w+" => OffsetSpace::WPlus,
            other => return Err(Error::file(path, format!("names an unknown space `{other}`"))),
        };
        let base = file.get("base")?;
        let [1, l, d] = *base.shape.as_slice() else {
            return Err(Error::file(path, format!("base has shape {:?}, not [1,L,D]", base.shape)));
        };
        let offsets = file.arrays.get("offsets").map(|a| a.data.clone()).unwrap_or_default();
        let trajectory = Trajectory::new(l, d, space, base.data.clone(), offsets)
            .map_err(|e| Error::file(path, e.to_string()))?;
        let generator = Identity { name: meta("generator")?, sha256: meta("generator_sha256")? };
        Ok(Self { generator, trajectory })
    }
}

/// Writes one `.npy` of shape `(1,L,D)` for each code, as the authors' code does:
/// `0001.npy`, `0002.npy`, ... in `folder`.
///
/// # Errors
/// A disk that does not take it.
pub fn write_npy(codes: &Codes, folder: &Path) -> Result<()> {
    for k in 0..codes.count() {
        let path = folder.join(format!("{:04}.npy", k + 1));
        npy::write(&path, &Array::new([1, codes.rows(), codes.dim()], codes.code(k).to_vec())?)?;
    }
    Ok(())
}
