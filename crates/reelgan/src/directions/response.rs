//! What directions do to faces they were not learned from.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use rayon::prelude::*;
use reelgan_run::{Array, ArrayFile};
use sha2::{Digest, Sha256};

use super::survey::ABREAST;
use crate::codes::Direction;
use crate::face::{Descriptor, FaceReader, Reading};
use crate::generator::{self, Generator, SampleConfig};
use crate::{Error, Result};

/// Which faces are moved, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseConfig {
    /// How many faces.
    pub count: usize,
    /// Their seed; another than that of the survey.
    pub seed: u64,
    /// Their truncation.
    pub truncation: f32,
    /// Strengths, rising; 0 is taken once for all directions and need not be there.
    pub strengths: Vec<f32>,
}

impl Default for ResponseConfig {
    fn default() -> Self {
        Self { count: 200, seed: 2, truncation: 0.7, strengths: vec![-3.0, -1.5, 1.5, 3.0] }
    }
}

/// A face as it was read, and who it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What was read.
    pub reading: Reading,
    /// Who it is.
    pub identity: Descriptor,
}

/// What each direction did to each face.
#[derive(Debug, Clone)]
pub struct Responses {
    /// What was asked.
    pub config: ResponseConfig,
    /// Names of the directions.
    pub names: Vec<String>,
    /// For each face: itself, then each direction at each strength; `None` where no face
    /// was found.
    pub(super) faces: Vec<Vec<Option<Seen>>>,
}

/// Name of the array in a file.
const SEEN: &str = "seen";

impl Responses {
    /// Renders and reads every face at every strength of every direction; a file a face
    /// lies in `folder`, and those that are there already are not taken again.
    ///
    /// `progress` hears how many of how many pictures are done; `None` if it asks to end.
    ///
    /// # Errors
    /// Directions of another generator or with several rows; no strengths, or ones that
    /// do not rise; a folder that holds other faces.
    pub fn take(
        generator: &dyn Generator,
        reader: &FaceReader,
        directions: &[Direction],
        config: &ResponseConfig,
        folder: &Path,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Self>> {
        check(generator, directions, config)?;
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e.to_string()))?;
        let ResponseConfig { count, seed, truncation, .. } = *config;
        let sample = SampleConfig { count, seed, truncation, truncated_rows: None };
        let codes = generator::sample_w(generator, &sample)?;
        let each = 1 + directions.len() * config.strengths.len();
        let mut faces = Vec::with_capacity(count);
        for (k, code) in codes.chunks_exact(generator.dim()).enumerate() {
            let path = folder.join(format!("face_{k:04}.safetensors"));
            let metadata = metadata(generator, reader, directions, config, k);
            if let Some(stored) = stored(&path, &metadata, each)? {
                faces.push(stored);
                continue;
            }
            let moved =
                std::iter::once(code.to_vec()).chain(directions.iter().flat_map(|direction| {
                    config.strengths.iter().map(|strength| {
                        code.iter().zip(direction.row(0)).map(|(w, n)| w + strength * n).collect()
                    })
                }));
            let mut seen = Vec::with_capacity(each);
            for codes in moved.collect::<Vec<Vec<f32>>>().chunks(ABREAST) {
                if progress(k * each + seen.len(), count * each).is_break() {
                    return Ok(None);
                }
                let see = |w: &Vec<f32>| see(generator, reader, w);
                seen.extend(codes.par_iter().map(see).collect::<Result<Vec<_>>>()?);
            }
            store(&path, metadata, &seen)?;
            faces.push(seen);
        }
        let names = directions.iter().map(|d| d.name.clone()).collect();
        Ok(Some(Self { config: config.clone(), names, faces }))
    }
}

fn check(
    generator: &dyn Generator,
    directions: &[Direction],
    config: &ResponseConfig,
) -> Result<()> {
    for direction in directions {
        direction.check(generator.identity(), generator.rows(), generator.dim())?;
        if direction.rows() != 1 {
            let problem = "has a vector for every row; responses are measured in W";
            return Err(Error::setting(format!("direction `{}`", direction.name), problem));
        }
    }
    let strengths = &config.strengths;
    let rising = strengths.windows(2).all(|pair| pair[0] < pair[1]);
    if strengths.is_empty() || !rising || strengths.iter().any(|s| !s.is_finite() || *s == 0.0) {
        return Err(Error::setting(
            "strengths",
            "give rising numbers other than 0, such as -3,-1,1,3",
        ));
    }
    Ok(())
}

fn see(generator: &dyn Generator, reader: &FaceReader, w: &[f32]) -> Result<Option<Seen>> {
    let code = crate::codes::Codes::broadcast(w, generator.rows(), 1);
    let image = generator::render(generator, &code)?;
    let seen = reader.read_and_describe(&image, 0)?;
    Ok(seen.and_then(|(reading, identity)| Some(Seen { reading: reading.as_stored()?, identity })))
}

fn metadata(
    generator: &dyn Generator,
    reader: &FaceReader,
    directions: &[Direction],
    config: &ResponseConfig,
    k: usize,
) -> BTreeMap<String, String> {
    let mut hash = Sha256::new();
    for direction in directions {
        direction.vectors().iter().for_each(|v| hash.update(v.to_le_bytes()));
    }
    let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let pairs = [
        ("directions_sha256", digest),
        ("generator_sha256", generator.identity().sha256.clone()),
        ("networks_sha256", reader.weights().sha256.clone()),
        ("seed", config.seed.to_string()),
        ("truncation", config.truncation.to_string()),
        ("strengths", format!("{:?}", config.strengths)),
        ("face", k.to_string()),
    ];
    pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

fn store(path: &Path, metadata: BTreeMap<String, String>, seen: &[Option<Seen>]) -> Result<()> {
    let row = |seen: &Option<Seen>| match seen {
        None => vec![f32::NAN; ROW],
        Some(seen) => [seen.reading.to_row(), seen.identity.values().to_vec()].concat(),
    };
    let array = Array::new([seen.len(), ROW], seen.iter().flat_map(row).collect())?;
    let mut file = ArrayFile { metadata, ..ArrayFile::default() };
    file.arrays.insert(SEEN.into(), array);
    Ok(file.write(path)?)
}

/// Numbers of a face in a file.
const ROW: usize = Reading::LENGTH + Descriptor::LENGTH;

fn stored(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    each: usize,
) -> Result<Option<Vec<Option<Seen>>>> {
    if !path.exists() {
        return Ok(None);
    }
    let file = ArrayFile::read(path)?;
    if file.metadata != *metadata {
        let problem = "holds other faces or directions; take another folder, or remove this one";
        return Err(Error::file(path, problem));
    }
    let array = file.get(SEEN)?;
    if array.shape != [each, ROW] {
        let problem = format!("has shape {:?}, not [{each},{ROW}]", array.shape);
        return Err(Error::file(path, problem));
    }
    let seen = |row: &[f32]| {
        let (reading, identity) = row.split_at(Reading::LENGTH);
        let identity = Descriptor::new(identity.try_into().ok()?);
        Some(Seen { reading: Reading::of_row(reading)?, identity })
    };
    Ok(Some(array.data.chunks_exact(ROW).map(seen).collect()))
}
