//! Codes on disk: trajectory and codes together, with the generator they belong to.

use std::collections::BTreeMap;
use std::path::Path;

use reelgan_run::{Array, ArrayFile, ArrayRows, ArrayWriter, npy};

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
        file.metadata = metadata(&self.generator, t.space());
        Ok(file.write(path)?)
    }

    /// Writes a file of more codes than memory should hold, whole or not at all: `count`
    /// codes `[L,D]`, which `code` gives one at a time, twice in order. The steps are those
    /// of [`Trajectory::through`].
    ///
    /// # Errors
    /// A disk that does not take it; what `code` gives; [`Error::Shape`] if `code` gives
    /// anything but `rows * dim` numbers.
    pub fn save_each(
        path: &Path,
        generator: &Identity,
        [count, rows, dim]: [usize; 3],
        code: &mut dyn FnMut(usize) -> Result<Vec<f32>>,
    ) -> Result<()> {
        let mut shapes = BTreeMap::from([
            ("base".to_string(), vec![1, rows, dim]),
            ("codes".to_string(), vec![count, rows, dim]),
        ]);
        if count > 1 {
            shapes.insert("offsets".into(), vec![count - 1, rows, dim]);
        }
        let metadata = metadata(generator, OffsetSpace::WPlus);
        let mut file = ArrayWriter::begin(path, &shapes, &metadata)?;
        let mut checked = |k: usize| match code(k)? {
            found if found.len() == rows * dim => Ok(found),
            other => Err(Error::Shape {
                what: format!("code {}", k + 1),
                expected: format!("[{rows},{dim}]"),
                got: format!("{} numbers", other.len()),
            }),
        };
        let base = checked(0)?;
        file.push(&base)?;
        for steps in [false, true] {
            let mut at = base.clone();
            if !steps {
                file.push(&at)?;
            }
            for k in 1..count {
                let step: Vec<f32> = checked(k)?.iter().zip(&at).map(|(w, at)| w - at).collect();
                at.iter_mut().zip(&step).for_each(|(at, step)| *at += step);
                file.push(if steps { &step } else { &at })?;
            }
        }
        Ok(file.finish()?)
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

/// The codes of a file, read one at a time.
#[derive(Debug)]
pub struct CodeReader {
    rows: usize,
    dim: usize,
    codes: ArrayRows,
}

impl CodeReader {
    /// Opens a file of codes of `[rows,dim]`.
    ///
    /// # Errors
    /// A file that is missing, damaged, or holds codes of another size.
    pub fn open(path: &Path, rows: usize, dim: usize) -> Result<Self> {
        let codes = ArrayRows::open(path, "codes")?;
        if codes.width() != rows * dim {
            let problem = format!("holds codes of {} numbers, not [{rows},{dim}]", codes.width());
            return Err(Error::file(path, problem));
        }
        Ok(Self { rows, dim, codes })
    }

    /// How many codes there are.
    pub fn count(&self) -> usize {
        self.codes.count()
    }

    /// Some of the codes, counted from 0, in the order asked for.
    ///
    /// # Errors
    /// A code that is not there; a file that cannot be read.
    pub fn select(&mut self, frames: &[usize]) -> Result<Codes> {
        let mut data = Vec::new();
        for &k in frames {
            data.extend(self.codes.read(k)?);
        }
        Codes::new(self.rows, self.dim, data)
    }
}

fn metadata(generator: &Identity, space: OffsetSpace) -> BTreeMap<String, String> {
    let space = match space {
        OffsetSpace::W => "w",
        OffsetSpace::WPlus => "w+",
    };
    [
        ("generator", generator.name.as_str()),
        ("generator_sha256", generator.sha256.as_str()),
        ("offset_space", space),
        ("notice", crate::NOTICE),
    ]
    .map(|(key, value)| (key.to_string(), value.to_string()))
    .into()
}

/// Writes one `.npy` of shape `(1,L,D)` for each code, as the authors' code does:
/// `0001.npy`, `0002.npy`, ... in `folder`.
///
/// # Errors
/// A disk that does not take it.
pub fn write_npy(codes: &Codes, folder: &Path) -> Result<()> {
    (0..codes.count()).try_for_each(|k| write_npy_of(codes, k, k + 1, folder))
}

/// Writes code `k` as frame `number` of [`write_npy`].
///
/// # Errors
/// A disk that does not take it.
pub fn write_npy_of(codes: &Codes, k: usize, number: usize, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{number:04}.npy"));
    let code = Array::new([1, codes.rows(), codes.dim()], codes.code(k).to_vec())?;
    Ok(npy::write(&path, &code)?)
}
