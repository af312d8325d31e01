//! A fitted map on disk, and the one that comes with the program.

use std::path::Path;

use reelgan_run::{Array, ArrayFile};

use super::StartMap;
use super::features::COUNT;
use crate::generator::Identity;
use crate::{Error, NOTICE, Result};

/// Made by `reelgan train encoder`; `docs/MODELS.md` says with which numbers.
const SHIPPED: &[u8] = include_bytes!("mobilestylegan-ffhq-1024.safetensors");

/// Where the facts stand in the file's table of strings.
const REPORT: &str = "report";

impl StartMap {
    /// The map that was fitted for exactly this generator, if one ships.
    ///
    /// # Panics
    /// If a file of this program is damaged.
    pub fn shipped(generator: &Identity) -> Option<Self> {
        let map = Self::from_bytes(SHIPPED).expect("files of the program itself are whole");
        (map.generator == *generator).then_some(map)
    }

    /// Writes the map, whole or not at all.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(self.file()?.write(path)?)
    }

    /// Reads a map.
    ///
    /// # Errors
    /// [`Error::File`] if it is none.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of_file(&ArrayFile::read(path)?).map_err(|problem| Error::file(path, problem))
    }

    fn file(&self) -> Result<ArrayFile> {
        let rank = self.bias.len();
        let mut file = ArrayFile::default();
        let mut put = |name: &str, shape: Vec<usize>, values: &[f32]| -> Result<()> {
            file.arrays.insert(name.into(), Array::new(shape, values.to_vec())?);
            Ok(())
        };
        put("weight", vec![COUNT, rank], &self.weight)?;
        put("bias", vec![rank], &self.bias)?;
        put("basis", vec![rank, self.dim], &self.basis)?;
        put("mean", vec![self.dim], &self.mean)?;
        let report = serde_json::to_string(&self.report).expect("facts are plain");
        for (key, value) in [
            ("generator", self.generator.name.as_str()),
            ("generator_sha256", self.generator.sha256.as_str()),
            (REPORT, report.as_str()),
            ("notice", NOTICE),
        ] {
            file.metadata.insert(key.into(), value.into());
        }
        Ok(file)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        Self::of_file(&ArrayFile::from_bytes(bytes).map_err(|e| e.to_string())?)
    }

    /// The map in a file, or what is wrong with it.
    fn of_file(file: &ArrayFile) -> Result<Self, String> {
        let bad = |problem: &str| {
            format!("is no learned start: {problem}; make one with `reelgan train encoder`")
        };
        let fact = |key: &str| {
            let missing = || bad(&format!("its header has no `{key}`"));
            file.metadata.get(key).cloned().ok_or_else(missing)
        };
        let report = serde_json::from_str(&fact(REPORT)?).map_err(|e| bad(&e.to_string()))?;
        let generator = Identity { name: fact("generator")?, sha256: fact("generator_sha256")? };
        let array = |name: &str| {
            let array = file.get(name).map_err(|e| bad(&e.to_string()))?;
            match array.data.iter().all(|v| v.is_finite()) {
                true => Ok(array),
                false => Err(bad(&format!("`{name}` holds a number that is not finite"))),
            }
        };
        let [weight, bias, basis, mean] = ["weight", "bias", "basis", "mean"].map(array);
        let (weight, bias, basis, mean) = (weight?, bias?, basis?, mean?);
        let (rank, dim) = (bias.data.len(), mean.data.len());
        let fits = weight.shape == [COUNT, rank]
            && bias.shape == [rank]
            && basis.shape == [rank, dim]
            && mean.shape == [dim]
            && rank > 0
            && dim > 0;
        if !fits {
            return Err(bad("the sizes of its arrays do not belong together"));
        }
        let [weight, bias, basis, mean] =
            [weight, bias, basis, mean].map(|array| array.data.clone());
        Ok(Self { dim, weight, bias, basis, mean, generator, report })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FitConfig, FitReport};
    use super::*;

    fn map() -> StartMap {
        StartMap {
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
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.safetensors");
        map().save(&path).unwrap();
        assert_eq!(StartMap::open(&path).unwrap(), map());
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.safetensors");
        let said = |change: fn(&mut ArrayFile)| {
            let mut file = map().file().unwrap();
            change(&mut file);
            file.write(&path).unwrap();
            StartMap::open(&path).unwrap_err().to_string()
        };
        let missing = said(|file| drop(file.arrays.remove("basis")));
        assert!(missing.contains("basis") && missing.contains("reelgan train encoder"));
        let sizes = said(|file| file.arrays.get_mut("bias").unwrap().shape = vec![2, 1]);
        assert!(sizes.contains("sizes"), "{sizes}");
        let number = said(|file| file.arrays.get_mut("mean").unwrap().data[0] = f32::NAN);
        assert!(number.contains("finite"), "{number}");
        assert!(said(|file| drop(file.metadata.remove(REPORT))).contains(REPORT));
        std::fs::write(&path, "no map").unwrap();
        assert!(StartMap::open(&path).is_err());
    }

    #[test]
    fn apply_is_the_formula() {
        let mut features = vec![0.0; COUNT];
        (features[0], features[1]) = (2.0, 4.0);
        // weight rows: (0, 1/4), (2/4, 3/4): inner = (0.5 + 2, -1 + 0.5 + 3).
        assert_eq!(map().apply(&features), [0.25 + 2.5, 0.5 + 2.5, 0.75]);
    }

    #[test]
    fn the_shipped_map_is_whole_and_does_better_than_the_mean() {
        let map = StartMap::from_bytes(SHIPPED).unwrap();
        assert!(map.report().explained > 0.4, "{:?}", map.report());
        assert_eq!(StartMap::shipped(map.generator()), Some(map));
        let other = Identity { name: "other".into(), sha256: "0".repeat(64) };
        assert_eq!(StartMap::shipped(&other), None);
    }
}
