//! A set of sequences on disk.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use reelgan_run::media::{self, Origin};
use reelgan_run::{Array, ArrayFile, Images, atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Change, Sequence, SynthConfig, sequence};
use crate::codes::{Codes, Direction};
use crate::edit::Edit;
use crate::generator::{self, Generator, Identity, SampleConfig};
use crate::{Error, Result};

/// Sequences in one file.
const SHARD: usize = 100;
/// The table of contents.
const CONTENTS: &str = "set.json";
/// The largest file of specifications read.
const MAX_FILE: u64 = 256 << 20;

/// `set.json`: what a set is, and the SHA-256 of its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetFile {
    /// What was asked for.
    pub config: SynthConfig,
    /// The generator of the codes.
    pub generator: Identity,
    /// Name of every direction to the file that holds it.
    pub directions: BTreeMap<String, String>,
    /// File name to SHA-256.
    pub files: BTreeMap<String, String>,
    /// What every exported file says about itself.
    pub notice: String,
}

/// What is said of a sequence beside its codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Specification {
    changes: Vec<Vec<Change>>,
    test: Change,
}

/// A set of sequences in a folder.
#[derive(Debug, Clone)]
pub struct Set {
    folder: PathBuf,
    contents: SetFile,
    dim: usize,
    sequences: Vec<Sequence>,
    directions: Vec<Direction>,
}

impl Set {
    /// Synthesises a set into `folder`; what is there already and whole is kept, so that
    /// the same call goes on where it was interrupted.
    ///
    /// # Errors
    /// As [`SynthConfig::check`]; directions of another generator or with several rows, or
    /// two of one name; a folder that holds another set, or a file of it that was changed.
    pub fn create(
        generator: &dyn Generator,
        directions: &[Direction],
        config: &SynthConfig,
        folder: &Path,
    ) -> Result<Self> {
        config.check(directions.len())?;
        let mut contents = SetFile {
            config: config.clone(),
            generator: generator.identity().clone(),
            directions: BTreeMap::new(),
            files: BTreeMap::new(),
            notice: crate::NOTICE.into(),
        };
        for (direction, file) in directions.iter().zip(direction_files()) {
            direction.check(generator.identity(), generator.rows(), generator.dim())?;
            contents.files.insert(file.clone(), sha256(&direction.to_bytes()?));
            let named =
                |problem: &str| Error::setting(format!("direction `{}`", direction.name), problem);
            if direction.rows() != 1 {
                return Err(named("has a vector for every row; sets are made in W"));
            }
            if contents.directions.insert(direction.name.clone(), file).is_some() {
                return Err(named("is given twice"));
            }
        }
        std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e.to_string()))?;
        let before = known(folder, &contents)?;
        let sample = SampleConfig {
            count: config.count,
            seed: config.seed,
            truncation: config.truncation,
            truncated_rows: None,
        };
        let codes = generator::sample_w(generator, &sample)?;
        let dim = generator.dim();
        let make = |(k, code)| sequence(code, directions, config, k);
        let sequences: Vec<Sequence> = codes.chunks_exact(dim).enumerate().map(make).collect();
        let mut keep = |name: String, bytes: Vec<u8>| -> Result<()> {
            let digest = sha256(&bytes);
            let path = folder.join(&name);
            if before.get(&name) != Some(&digest) || !path.exists() {
                atomic::write(&path, &bytes)?;
            }
            contents.files.insert(name, digest);
            Ok(())
        };
        for (direction, file) in directions.iter().zip(direction_files()) {
            keep(file, direction.to_bytes()?)?;
        }
        for (shard, part) in sequences.chunks(SHARD).enumerate() {
            for (name, bytes) in files(shard, part, dim, config.frames)? {
                keep(name, bytes)?;
            }
        }
        let text = serde_json::to_string_pretty(&contents).expect("plain data");
        atomic::write(&folder.join(CONTENTS), format!("{text}\n").as_bytes())?;
        let directions = directions.to_vec();
        Ok(Self { folder: folder.to_owned(), contents, dim, sequences, directions })
    }

    /// Opens a set and checks every file against its checksum.
    ///
    /// # Errors
    /// A folder that holds no set, a file that is missing or was changed.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(CONTENTS);
        let contents = read_contents(&path)?;
        let mut sequences = Vec::new();
        let mut dim = 0;
        for shard in 0..contents.config.count.div_ceil(SHARD) {
            let [codes, specs] = names(shard);
            let bytes = |name: &str| whole(folder, &contents, name);
            let codes = ArrayFile::from_bytes(&bytes(&codes)?)?;
            let specs: Vec<Specification> = serde_json::from_slice(&bytes(&specs)?)
                .map_err(|e| Error::file(folder.join(&specs), e.to_string()))?;
            let (original, frames) = (codes.get("original")?, codes.get("frames")?);
            let [count, width] = *original.shape.as_slice() else {
                return Err(Error::file(folder, "holds codes of an unknown shape"));
            };
            let n = contents.config.frames;
            if frames.shape != [count, n, width] || specs.len() != count || width == 0 {
                return Err(Error::file(folder, "holds codes that do not fit its specifications"));
            }
            dim = width;
            let rows = original.data.chunks_exact(width).zip(frames.data.chunks_exact(n * width));
            sequences.extend(rows.zip(specs).map(|((original, frames), spec)| Sequence {
                original: original.to_vec(),
                frames: frames.to_vec(),
                changes: spec.changes,
                test: spec.test,
            }));
        }
        let direction = |(name, file): (&String, &String)| {
            Direction::from_bytes(&whole(folder, &contents, file)?, name)
        };
        let directions = contents.directions.iter().map(direction).collect::<Result<Vec<_>>>()?;
        Ok(Self { folder: folder.to_owned(), contents, dim, sequences, directions })
    }

    /// What it is.
    pub fn contents(&self) -> &SetFile {
        &self.contents
    }

    /// The sequences.
    pub fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }

    /// The edit that sequence `k` (from 0) is to be tested with.
    ///
    /// # Errors
    /// [`Error::Frame`] if there is no such sequence; a direction that the set has not.
    pub fn test_edit(&self, k: usize) -> Result<Edit> {
        let Change { direction, strength } = &self.sequence(k)?.test;
        let found = self.directions.iter().find(|d| d.name == *direction).ok_or_else(|| {
            let problem =
                format!("holds no direction `{direction}`, which sequence {} names", k + 1);
            Error::file(&self.folder, problem)
        })?;
        Ok(Edit::by(found.clone(), *strength))
    }

    fn sequence(&self, k: usize) -> Result<&Sequence> {
        self.sequences.get(k).ok_or(Error::Frame { asked: k + 1, count: self.sequences.len() })
    }

    /// Renders sequence `k` (from 0): the frames, as codes of `rows` equal rows.
    ///
    /// # Errors
    /// [`Error::Frame`] if there is no such sequence; a set of another generator.
    pub fn codes(&self, generator: &dyn Generator, k: usize) -> Result<Codes> {
        let theirs = &self.contents.generator;
        if theirs != generator.identity() {
            return Err(Error::OtherGenerator {
                what: format!("the set {}", self.folder.display()),
                theirs: theirs.to_string(),
                ours: generator.identity().to_string(),
            });
        }
        let sequence = self.sequence(k)?;
        let rows = generator.rows();
        let data = sequence.frames.chunks_exact(self.dim).flat_map(|w| w.repeat(rows)).collect();
        Codes::new(rows, self.dim, data)
    }

    /// Writes the pictures of some sequences (from 0): `images/0001/frame_1.png`, ...;
    /// those that are there are kept. `progress` hears how many sequences are done.
    ///
    /// # Errors
    /// As [`Set::codes`]; a disk that does not take them.
    pub fn write_images(
        &self,
        generator: &dyn Generator,
        which: &[usize],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<bool> {
        for (done, &k) in which.iter().enumerate() {
            let codes = self.codes(generator, k)?;
            let place = self.folder.join("images").join(format!("{:04}", k + 1));
            std::fs::create_dir_all(&place).map_err(|e| Error::file(&place, e.to_string()))?;
            for frame in 0..codes.count() {
                if progress(done, which.len()).is_break() {
                    return Ok(false);
                }
                let path = place.join(format!("frame_{}.png", frame + 1));
                if !path.exists() {
                    let image: Images = generator::render(generator, &codes.select(&[frame])?)?;
                    media::write_png(&path, &image, 0, Origin::Synthetic)?;
                }
            }
        }
        let _ = progress(which.len(), which.len());
        Ok(true)
    }
}

/// Names of the files of the directions, in their order.
fn direction_files() -> impl Iterator<Item = String> {
    (0..).map(|number| format!("direction_{number:02}.safetensors"))
}

/// Names of the files of a shard: codes, specifications.
fn names(shard: usize) -> [String; 2] {
    [format!("codes_{shard:04}.safetensors"), format!("specs_{shard:04}.json")]
}

/// The files of a shard.
fn files(
    shard: usize,
    part: &[Sequence],
    dim: usize,
    frames: usize,
) -> Result<Vec<(String, Vec<u8>)>> {
    let all = |of: fn(&Sequence) -> &Vec<f32>| part.iter().flat_map(|s| of(s).clone()).collect();
    let mut codes = ArrayFile::default();
    let array = |shape: Vec<usize>, data| Array::new(shape, data);
    codes.arrays.insert("original".into(), array(vec![part.len(), dim], all(|s| &s.original))?);
    codes.arrays.insert("frames".into(), array(vec![part.len(), frames, dim], all(|s| &s.frames))?);
    let spec = |s: &Sequence| Specification { changes: s.changes.clone(), test: s.test.clone() };
    let specs = serde_json::to_string_pretty(&part.iter().map(spec).collect::<Vec<_>>());
    let [first, second] = names(shard);
    let specs = format!("{}\n", specs.expect("plain data"));
    Ok(vec![(first, codes.to_bytes()?), (second, specs.into_bytes())])
}

/// Checksums of the set that is in a folder, if it is the same as `wanted` apart from
/// the count.
fn known(folder: &Path, wanted: &SetFile) -> Result<BTreeMap<String, String>> {
    let path = folder.join(CONTENTS);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let there = read_contents(&path)?;
    let directions = there.files.iter().filter(|(name, _)| wanted.files.contains_key(*name));
    let same = SetFile {
        files: directions.map(|(name, digest)| (name.clone(), digest.clone())).collect(),
        config: SynthConfig { count: wanted.config.count, ..there.config.clone() },
        ..there.clone()
    };
    if same != *wanted {
        return Err(Error::file(
            folder,
            "holds another set; take another folder, or remove this one",
        ));
    }
    // A file that was changed is told, not written over.
    for name in there.files.keys() {
        if folder.join(name).exists() {
            whole(folder, &there, name)?;
        }
    }
    Ok(there.files)
}

fn read_contents(path: &Path) -> Result<SetFile> {
    let bytes = atomic::read(path, MAX_FILE)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::file(path, format!("is no table of a set: {e}")))
}

/// The bytes of a file, checked.
fn whole(folder: &Path, contents: &SetFile, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    let bytes = atomic::read(&path, MAX_FILE)?;
    if contents.files.get(name) == Some(&sha256(&bytes)) {
        return Ok(bytes);
    }
    Err(Error::file(
        path,
        "was changed since it was written; remove it and run `reelgan synth` again",
    ))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
