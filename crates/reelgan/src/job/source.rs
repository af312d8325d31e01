//! A run that something is made from.

use std::path::Path;

use reelgan_run::manifest::Manifest;
use reelgan_run::media;
use reelgan_run::{ArrayFile, Images, RunFolder};

use super::noise::Noises;
use super::results;
use super::{Kit, Selection};
use crate::codes::{CodeFile, Codes};
use crate::invert::Space;
use crate::{Error, Result};

/// The folder of a run with its codes.
pub(super) struct Source {
    pub folder: RunFolder,
    pub manifest: Manifest,
    pub file: CodeFile,
    pub codes: Codes,
}

impl Source {
    /// Opens a run; `writing` keeps other processes from writing it meanwhile.
    ///
    /// # Errors
    /// A folder that is no run, codes that are damaged or of another generator.
    pub fn open(kit: &Kit, run: &Path, writing: bool) -> Result<Self> {
        let folder = if writing { RunFolder::open_to_write(run)? } else { RunFolder::open(run)? };
        let manifest = Manifest::read(&folder.manifest())?;
        let file = intact(&folder.codes())?;
        let ours = kit.generator.identity();
        if file.generator != *ours {
            return Err(Error::OtherGenerator {
                what: format!("{}", folder.codes().display()),
                theirs: file.generator.to_string(),
                ours: ours.to_string(),
            });
        }
        let codes = file.trajectory.codes();
        if codes.count() != manifest.frames {
            return Err(Error::file(
                folder.codes(),
                format!(
                    "holds {} codes, but the run has {} frames; put the original file back",
                    codes.count(),
                    manifest.frames
                ),
            ));
        }
        Ok(Self { folder, manifest, file, codes })
    }

    /// Frames asked for by numbers from 1, as numbers from 0; all if none are named.
    ///
    /// # Errors
    /// [`Error::Frame`]; [`Error::Setting`] for an empty choice.
    pub fn chosen(&self, frames: Option<&[usize]>) -> Result<Vec<usize>> {
        let count = self.codes.count();
        let Some(frames) = frames else { return Ok((0..count).collect()) };
        if frames.is_empty() {
            return Err(Error::setting("frames", format!("name at least one of 1 to {count}")));
        }
        let index = |&asked: &usize| match asked {
            1.. if asked <= count => Ok(asked - 1),
            _ => Err(Error::Frame { asked, count }),
        };
        frames.iter().map(index).collect()
    }

    /// Frames a second of the input, if it was a video that said so.
    pub fn fps(&self) -> Option<f64> {
        self.manifest.config.get("fps").and_then(serde_json::Value::as_f64)
    }

    /// Which frames of its input the run has; runs that do not say have all, from the first.
    pub fn selection(&self) -> Selection {
        let said = |name| self.manifest.config.pointer(&format!("/selection/{name}"));
        let number = |name| said(name).and_then(serde_json::Value::as_u64);
        let number = |name, none| number(name).map_or(none, |n| usize::try_from(n).unwrap_or(none));
        Selection { start: number("start", 0), stride: number("stride", 1).max(1), count: None }
    }

    /// The first frames of all shots but the first, counted from 0; runs that do not say
    /// have one shot.
    pub fn cuts(&self) -> Vec<usize> {
        let starts = self.manifest.config.get("shots").and_then(serde_json::Value::as_array);
        let starts = starts.into_iter().flatten().filter_map(serde_json::Value::as_u64);
        starts.skip(1).filter_map(|number| usize::try_from(number.checked_sub(1)?).ok()).collect()
    }

    /// What the run optimised.
    pub fn space(&self) -> Space {
        let space = self.manifest.config.pointer("/invert/space").cloned();
        space.and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default()
    }

    /// The noise of these frames, counted from 0: their own where the run has it.
    pub fn noises(&self, kit: &Kit, frames: &[usize]) -> Noises {
        Noises::of_run(kit.generator.as_ref(), &self.folder, self.space(), frames)
    }

    /// Input frame `k`, counted from 0.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn input(&self, k: usize) -> Result<Images> {
        self.picture(&self.folder.input(k + 1))
    }

    /// Reconstruction `k`, counted from 0; rendered again where an interrupted run
    /// did not come to it.
    ///
    /// # Errors
    /// A file that is damaged.
    pub fn recon(&self, kit: &Kit, k: usize) -> Result<Images> {
        let path = self.folder.recon(k + 1);
        if path.exists() {
            return self.picture(&path);
        }
        let generator = kit.generator.as_ref();
        let noise = self.noises(kit, &[k]).get(generator, 0)?;
        results::one(generator, &self.codes, k, &noise)
    }

    fn picture(&self, path: &Path) -> Result<Images> {
        let images = media::read(path)?.images;
        let side = self.manifest.generator.resolution;
        if (images.height(), images.width()) == (side, side) {
            return Ok(images);
        }
        let (w, h) = (images.width(), images.height());
        Err(Error::file(path, format!("is {w}x{h} pixels, expected {side}x{side}")))
    }
}

/// Reads a file of codes and checks that its codes follow from its base and steps,
/// as they do in every file this program wrote.
fn intact(path: &Path) -> Result<CodeFile> {
    let file = CodeFile::open(path)?;
    let stored = ArrayFile::read(path)?;
    let stored = &stored.get("codes")?.data;
    let codes = file.trajectory.codes();
    let same = stored.len() == codes.data().len()
        && stored.iter().zip(codes.data()).all(|(a, b)| a.to_bits() == b.to_bits());
    if !same || stored.iter().any(|v| !v.is_finite()) {
        return Err(Error::file(
            path,
            "is damaged: its codes do not follow from its base and steps; put the original back, or invert again",
        ));
    }
    Ok(file)
}
