//! Which generator to work with: one of the catalogue, or a file of one's own.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use burn::tensor::Device;
use reelgan_models::{Kind, Store, catalog};
use reelgan_nets::generators::Network;

use super::{DEFAULT_GENERATOR, FileGenerator, Generator, open};
use crate::{Error, Result};

/// A generator by name or by file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// One of the catalogue.
    Catalogue(String),
    /// A checkpoint of any layout that [`reelgan_nets::generators::layout`] knows.
    File {
        /// Where it is.
        path: PathBuf,
        /// Side of its images in pixels, for a layout that does not record it.
        resolution: Option<usize>,
    },
}

impl Default for Choice {
    fn default() -> Self {
        Self::Catalogue(DEFAULT_GENERATOR.into())
    }
}

/// A name of the catalogue; anything else is a file, with `@SIDE` behind it where the
/// file does not record the size of its images.
impl FromStr for Choice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if catalog::find(text).is_some() {
            return Ok(Self::Catalogue(text.into()));
        }
        let whole = || Self::File { path: text.into(), resolution: None };
        let Some((path, side)) = text.rsplit_once('@') else { return Ok(whole()) };
        // A file may have an @ in its own name.
        Ok(match side.parse() {
            Ok(side) if !Path::new(text).exists() => {
                Self::File { path: path.into(), resolution: Some(side) }
            }
            _ => whole(),
        })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalogue(name) => f.write_str(name),
            Self::File { path, resolution: None } => write!(f, "{}", path.display()),
            Self::File { path, resolution: Some(side) } => write!(f, "{}@{side}", path.display()),
        }
    }
}

impl Choice {
    /// The same wherever the program is started next.
    fn absolute(&self) -> Result<Self> {
        match self {
            Self::Catalogue(_) => Ok(self.clone()),
            Self::File { path, resolution } => {
                let absolute = std::path::absolute(path);
                let path = absolute.map_err(|e| Error::file(path, e.to_string()))?;
                Ok(Self::File { path, resolution: *resolution })
            }
        }
    }
}

/// Loads any generator.
///
/// A file that has no mean code gets one computed, and one without noise maps gets maps
/// drawn from a constant seed; [`Generator::provenance`] says so.
///
/// # Errors
/// A model of the catalogue that was not fetched (the error says how) or has changed; a
/// file that is missing, damaged, or of no known layout.
pub fn load(store: &Store, choice: &Choice, device: &Device) -> Result<Box<dyn Generator>> {
    match choice {
        Choice::Catalogue(name) => Ok(Box::new(open(store, name, device)?)),
        Choice::File { path, resolution } => {
            if !path.exists() {
                let names: Vec<&str> = catalog::names_of(Kind::Generator).collect();
                return Err(Error::setting(
                    format!("generator {choice}"),
                    format!(
                        "there is no such file, and none of that name in the catalogue, which has {}",
                        names.join(", ")
                    ),
                ));
            }
            let sha256 = reelgan_run::manifest::Input::of(path)?.sha256;
            let opened = Network::open(path, *resolution, device);
            let (network, layout) = opened.map_err(|error| match error {
                // These name the file already.
                reelgan_nets::Error::Checkpoint(error) => Error::Checkpoint(error),
                other => Error::file(path, other.to_string()),
            })?;
            let name = format!("{layout}-{}", network.resolution());
            let identity = super::Identity { name, sha256 };
            let place = choice.absolute()?.to_string();
            Ok(Box::new(FileGenerator::new(network, identity, Some(place), device.clone())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_choices_and_come_back() {
        let file = |path: &str, resolution| Choice::File { path: path.into(), resolution };
        for (text, want) in [
            (DEFAULT_GENERATOR, Choice::default()),
            ("a/b.pkl", file("a/b.pkl", None)),
            ("a/b.model@256", file("a/b.model", Some(256))),
            ("me@home/b.pt", file("me@home/b.pt", None)),
        ] {
            assert_eq!(text.parse::<Choice>(), Ok(want.clone()));
            assert_eq!(want.to_string(), text);
        }
    }
}
