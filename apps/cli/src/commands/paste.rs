//! `reelgan paste`: edited crops back into the clip that they were cut out of.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, value_parser};
use reelgan::paste::{self, Crops, PasteConfig, Pasted, PatchConfig, Places, Region};
use reelgan::prelude::{Clip, Store};
use reelgan_run::clip::{Codec, Encoding, Layout};
use reelgan_run::media;
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::{counted, duration};
use crate::tools::Programs;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan align talk.mp4 -o faces               crops, landmarks and transforms
  reelgan paste talk.mp4 --faces faces --crops edited -o edited.mp4
  reelgan paste talk.mp4 --faces faces --crops edited -o edited.mkv --codec ffv1
  reelgan paste photos/ --faces faces --crops edited -o pasted
  reelgan paste talk.mp4 --faces faces --crops edited --recon plain --compare -o both.mp4

Sound, frame times, rotation and colours are those of the clip; pixels outside the mask stay as they are
up to the encoder. A run's edits go back without a folder of crops: reelgan edit RUN --along ... --paste";

/// Put edited crops back into the frames that `reelgan align` cut them out of
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The clip that was aligned: a video, pictures, or a folder of pictures
    #[arg(required = true, value_name = "CLIP")]
    clip: Vec<PathBuf>,
    /// The folder that `reelgan align` wrote: transforms.json and landmarks.json of it are read
    #[arg(long, value_name = "DIR")]
    faces: PathBuf,
    /// The folder of edited crops, one a frame in the order of their names; square, of any size
    #[arg(long, value_name = "DIR")]
    crops: PathBuf,
    /// With --compare: the folder of crops before the edit
    #[arg(long, value_name = "DIR", requires = "compare")]
    recon: Option<PathBuf>,
    /// The video to write (.mp4, .mov, .mkv), or the folder where the clip is pictures
    #[arg(short, long, value_name = "VIDEO|DIR")]
    output: PathBuf,
    #[command(flatten)]
    pasting: Pasting,
    #[command(flatten)]
    programs: Programs,
}

/// The heading of these flags.
pub const HEADING: &str = "Paste";

/// How crops go back.
#[derive(Debug, Clone, Args)]
pub struct Pasting {
    /// What goes back: `face` (jaw to forehead; hair and neck stay) or `crop` (all of it, for edits of
    /// hair or pose) [default: face]
    #[arg(long, value_name = "REGION", help_heading = HEADING)]
    region: Option<Region>,
    /// Width of the soft edge, in parts of the side of the crop, up to 0.5 [default: 0.08]
    #[arg(long, value_name = "PART", help_heading = HEADING)]
    feather: Option<f64>,
    /// `match` takes the colour of the clip along the edge, `keep` that of the crop [default: match]
    #[arg(long, value_name = "HOW", value_parser = ["match", "keep"], help_heading = HEADING)]
    colour: Option<String>,
    /// h264 plays everywhere, h265 is smaller, ffv1 keeps every bit (.mkv) [default: h264]
    #[arg(long, value_name = "CODEC", help_heading = HEADING)]
    codec: Option<Codec>,
    /// Constant rate factor of the encoder, 0 (largest) to 51 (worst) [default: 17; 20 of h265]
    #[arg(long, value_name = "CRF", value_parser = value_parser!(u8).range(0..=51), help_heading = HEADING)]
    quality: Option<u8>,
    /// Show the source, the reconstruction and the edit side by side
    #[arg(long, help_heading = HEADING)]
    compare: bool,
}

impl Pasting {
    /// Whether any of it was asked for.
    pub fn given(&self) -> bool {
        let Self { region, feather, colour, codec, quality, compare } = self;
        region.is_some()
            || feather.is_some()
            || colour.is_some()
            || codec.is_some()
            || quality.is_some()
            || *compare
    }

    /// As the library takes it.
    pub fn config(&self) -> PasteConfig {
        let standard = PatchConfig::default();
        PasteConfig {
            patch: PatchConfig {
                region: self.region.unwrap_or_default(),
                feather: self.feather.unwrap_or(standard.feather),
                match_colour: self.colour.as_deref() != Some("keep"),
            },
            layout: if self.compare { Layout::Compare } else { Layout::Plain },
            encoding: Encoding { codec: self.codec, quality: self.quality },
        }
    }
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    if arguments.pasting.compare && arguments.recon.is_none() {
        return Err(Usage("--compare needs the crops before the edit: --recon DIR".into()).into());
    }
    let store = Store::standard()?;
    let clip = Clip::from_paths(&arguments.clip, &arguments.programs.ffmpeg(&store))?;
    let places = Places::open(&arguments.faces)?;
    let edited = Folder::open(&arguments.crops, places.places.len())?;
    let recon = arguments.recon.as_deref().map(|dir| Folder::open(dir, places.places.len()));
    let recon = recon.transpose()?;
    interrupt::listen(console.meter.voice())?;
    let config = arguments.pasting.config();
    let mut crops = |k: usize| {
        Ok(Crops {
            edited: edited.read(k)?,
            recon: recon.as_ref().map(|folder| folder.read(k)).transpose()?,
        })
    };
    let mut pace = Pace::new();
    let meter = &mut console.meter;
    let mut tell = |progress: paste::Progress| {
        let paste::Progress { done, total } = progress;
        pace.mark(done);
        let left = pace.left(done, total);
        let left = left.map_or(String::new(), |left| format!(", {} left", duration(left)));
        let gauge = Gauge { label: "Pasting", done: done as u64, total: total as u64 };
        meter.update(gauge, &format!("frame {done}/{total}{left}"));
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let how = (arguments.output.as_path(), &config);
    let pasted = paste::paste(&clip, &places, &mut crops, how, &mut tell)?;
    if let Some(pasted) = &pasted {
        pasted.warnings.iter().for_each(|text| console.warn(text));
    }
    show(pasted.as_ref(), console)
}

/// A folder with one picture a frame.
struct Folder {
    files: Vec<PathBuf>,
}

impl Folder {
    fn open(folder: &std::path::Path, count: usize) -> Result<Self> {
        let clip = Clip::open(folder)?;
        let files = clip.files().to_vec();
        // A video of crops has one file, too, and would pass for a single frame.
        if clip.video().is_some() || files.len() != count {
            let there = if clip.video().is_some() {
                "a video".into()
            } else {
                counted(files.len(), "picture")
            };
            anyhow::bail!(
                "{}: it is {there}, but transforms.json is for {}; give a folder with one crop a frame",
                folder.display(),
                counted(count, "frame")
            );
        }
        Ok(Self { files })
    }

    fn read(&self, k: usize) -> reelgan::Result<reelgan_run::Images> {
        Ok(media::read(&self.files[k])?.images)
    }
}

/// Shows what was pasted; `None` was interrupted.
///
/// # Errors
/// Standard output that cannot be written.
pub fn show(pasted: Option<&Pasted>, console: &mut Console) -> Result<Ending> {
    let Some(pasted) = pasted else {
        console.tell("interrupted, and no video was written: the same command does it again");
        return Ok(Ending::Interrupted);
    };
    console.outcome(&data(pasted), || {
        let (frames, changed) = (counted(pasted.frames, "frame"), pasted.changed);
        let changed =
            if changed == pasted.frames { String::new() } else { format!(", {changed} changed") };
        format!("{}: {frames}{changed}", pasted.out.display())
    })?;
    Ok(Ending::Complete)
}

fn data(pasted: &Pasted) -> Value {
    json!({
        "output": pasted.out,
        "frames": pasted.frames,
        "changed": pasted.changed,
        "warnings": pasted.warnings,
    })
}
