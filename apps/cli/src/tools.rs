//! Models and programs that a command needs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use reelgan::generator::{self, Choice, Generator};
use reelgan::job::{self, FfmpegSearch, Kit};
use reelgan::prelude::{Device, Store};
use reelgan_models::catalog::{ENTRIES, Entry, FFMPEG, Group};

/// Where to find the programs that a command starts.
#[derive(Debug, Clone, Default, Args)]
pub struct Programs {
    /// The ffmpeg program [default: REELGAN_FFMPEG, then the PATH, then the model cache]
    #[arg(long, value_name = "PATH", help_heading = "Programs")]
    pub ffmpeg: Option<PathBuf>,
}

impl Programs {
    /// The search for ffmpeg: what was named, what the system has, what was fetched.
    pub fn ffmpeg(&self, store: &Store) -> FfmpegSearch {
        let search = FfmpegSearch { explicit: self.ffmpeg.clone(), fallback: None };
        if search.explicit.is_some() || search.find().is_ok() {
            return search;
        }
        // Not fetched, or not for this machine: whoever needs it gets the error.
        FfmpegSearch { fallback: store.path(FFMPEG.name).ok(), ..search }
    }

    /// Loads the models.
    ///
    /// # Errors
    /// A model that was not fetched, or has changed; a file that holds no generator.
    pub fn kit(&self, store: &Store, generator: &Choice, device: &Device) -> Result<Kit> {
        let mut kit = Kit::with(store, generator, device)?;
        kit.ffmpeg = self.ffmpeg(store);
        Ok(kit)
    }

    /// Loads the models that a run was made with; `chosen` says where its generator is
    /// now, if not where it was.
    ///
    /// # Errors
    /// A folder that is no run; as [`Programs::kit`].
    pub fn kit_of(&self, run: &Path, chosen: &Chosen, device: &Device) -> Result<Kit> {
        let theirs = job::show(run)?.generator;
        let generator = match &chosen.generator {
            Some(choice) => choice.clone(),
            None => match &theirs.file {
                Some(file) => file.parse()?,
                None => Choice::Catalogue(theirs.name),
            },
        };
        self.kit(&Store::standard()?, &generator, device)
    }
}

/// The generator that a command works with.
#[derive(Debug, Clone, Default, Args)]
pub struct Chosen {
    /// A generator of the catalogue, or a checkpoint file: StyleGAN1 or StyleGAN2 in any published
    /// layout, with @SIDE where the file does not record the size of its images
    /// [default: that of the run, or mobilestylegan-ffhq-1024]
    #[arg(long, value_name = "NAME|FILE[@SIDE]", help_heading = "Models")]
    pub generator: Option<Choice>,
}

impl Chosen {
    /// The generator named, or the default.
    pub fn choice(&self) -> Choice {
        self.generator.clone().unwrap_or_default()
    }

    /// Loads it.
    ///
    /// # Errors
    /// A model that was not fetched, or has changed; a file that holds no generator.
    pub fn load(&self, device: &Device) -> Result<Box<dyn Generator>> {
        Ok(generator::load(&Store::standard()?, &self.choice(), device)?)
    }
}

/// What an inversion and the demo need; ffmpeg only where the machine has none.
pub fn needed() -> Vec<&'static str> {
    let missing =
        |entry: &Entry| entry.name != FFMPEG.name || FfmpegSearch::default().find().is_err();
    names(|entry| entry.group == Group::Base && missing(entry))
}

/// Everything in the catalogue that is for this kind of machine.
pub fn everything() -> Vec<&'static str> {
    names(|_| true)
}

fn names(chosen: impl Fn(&Entry) -> bool) -> Vec<&'static str> {
    let fits = |entry: &&Entry| entry.platform.is_none_or(|platform| platform.is_here());
    ENTRIES.iter().filter(fits).filter(|entry| chosen(entry)).map(|entry| entry.name).collect()
}
