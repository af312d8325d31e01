//! `reelgan sample`: faces out of nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};
use reelgan::codes::{CodeFile, Trajectory};
use reelgan::generator::{self, SampleConfig};
use reelgan::prelude::{Images, Store, media};
use reelgan_run::picture::{Grid, Picture, Tile};
use serde_json::json;

use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::duration;
use crate::tools::Chosen;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan sample -o faces.png                   eight faces in one picture
  reelgan sample -o faces.png --count 24 --columns 6 --tile 256 --seed 5
  reelgan sample -o one.png --count 1 --truncation 1 --tile 1024
  reelgan sample -o faces.png --each faces      each face at full size, too
  reelgan sample -o faces.png --codes faces.safetensors    for edits, morphs, transfers
  reelgan sample -o faces.png --generator ffhq.pkl --truncated-rows 8";

/// Draw faces from a seed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The picture to write, .png
    #[arg(short, long, value_name = "FILE.png")]
    output: PathBuf,
    /// How many faces, 1 to 4096
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u16).range(1..=4096))]
    count: u16,
    /// Seed; the first face of a seed is the same whatever the count
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Truncation: 1 is the full variety, 0 the mean face
    #[arg(long, value_name = "PSI", default_value_t = 0.7, allow_negative_numbers = true)]
    truncation: f32,
    /// Truncate this many rows only, from the first on [default: all]
    #[arg(long, value_name = "N")]
    truncated_rows: Option<u16>,
    /// Faces in a row [default: the squarest picture]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    columns: Option<u16>,
    /// Side of a face in the picture, in pixels, 16 to 4096
    #[arg(long, value_name = "PX", default_value_t = 384, value_parser = value_parser!(u16).range(16..=4096))]
    tile: u16,
    /// A new folder for each face at full size: face_0001.png, ...
    #[arg(long, value_name = "DIR")]
    each: Option<PathBuf>,
    /// The codes of the faces, a file that `morph --into`, `transfer` and `sweep --of` take
    #[arg(long, value_name = "FILE.safetensors")]
    codes: Option<PathBuf>,
    #[command(flatten)]
    generator: Chosen,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    check(arguments)?;
    let choice = arguments.generator.choice();
    let generator = generator::load(&Store::standard()?, &choice, &console.device()?)?;
    let generator = generator.as_ref();
    for remark in generator.provenance().remarks() {
        console.note(&remark);
    }
    let count = usize::from(arguments.count);
    let config = SampleConfig {
        count,
        seed: arguments.seed,
        truncation: arguments.truncation,
        truncated_rows: arguments.truncated_rows.map(usize::from),
    };
    interrupt::listen(console.meter.voice())?;
    let codes = generator::sample(generator, &config)?;
    let mut faces = Faces::new(arguments)?;
    let mut pace = Pace::new();
    for k in 0..count {
        if interrupt::asked() {
            console.tell("interrupted: the same command does it again");
            return Ok(Ending::Interrupted);
        }
        faces.add(k, &generator::render(generator, &codes.select(&[k])?)?)?;
        pace.mark(k + 1);
        let left = pace.left(k + 1, count).map(|t| format!(", {} left", duration(t)));
        let text = format!("face {}/{count}{}", k + 1, left.unwrap_or_default());
        let gauge = Gauge { label: "Rendering", done: k as u64 + 1, total: count as u64 };
        console.meter.update(gauge, &text);
    }
    faces.finish()?;
    if let Some(path) = &arguments.codes {
        let file = CodeFile {
            generator: generator.identity().clone(),
            trajectory: Trajectory::through(&codes),
        };
        file.save(path)?;
    }
    let data = json!({
        "file": arguments.output,
        "each": faces.files,
        "codes": arguments.codes,
        "count": count,
        "seed": config.seed,
        "truncation": config.truncation,
        "truncated_rows": config.truncated_rows,
        "generator": generator.identity(),
        "notice": reelgan::NOTICE,
    });
    console.outcome(&data, || {
        let mut text = arguments.output.display().to_string();
        if let Some(folder) = &arguments.each {
            text = format!("{text}\n{}: {count} pictures", folder.display());
        }
        if let Some(file) = &arguments.codes {
            text = format!("{text}\n{}: {count} codes", file.display());
        }
        text
    })?;
    Ok(Ending::Complete)
}

/// Refuses what would only fail after the work.
fn check(arguments: &Arguments) -> Result<()> {
    let output = &arguments.output;
    let codes = arguments.codes.as_deref();
    if let Some(codes) = codes.filter(|path| path.extension().is_none_or(|e| e != "safetensors")) {
        let problem = "give a name that ends in .safetensors";
        return Err(Usage(format!("--codes {}: {problem}", codes.display())).into());
    }
    if !output.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
        return Err(
            Usage(format!("--output {}: give a name that ends in .png", output.display())).into()
        );
    }
    if !arguments.truncation.is_finite() {
        return Err(Usage("--truncation must be a number, usually from 0 to 1".into()).into());
    }
    let parent = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        bail!(
            "cannot write {}: there is no folder {}; create it first",
            output.display(),
            parent.display()
        );
    }
    if output.is_dir() {
        bail!("cannot write {}: it is a folder; choose another name", output.display());
    }
    Ok(())
}

/// The pictures as they come.
struct Faces<'a> {
    arguments: &'a Arguments,
    tiles: Vec<Picture>,
    files: Vec<PathBuf>,
}

impl<'a> Faces<'a> {
    fn new(arguments: &'a Arguments) -> Result<Self> {
        if let Some(folder) = &arguments.each {
            let failed = || format!("cannot write {}", folder.display());
            fs::create_dir_all(folder).with_context(failed)?;
            if fs::read_dir(folder).with_context(failed)?.next().is_some() {
                bail!("{} is not empty; choose another folder for --each", folder.display());
            }
        }
        Ok(Self { arguments, tiles: Vec::new(), files: Vec::new() })
    }

    fn add(&mut self, k: usize, image: &Images) -> Result<()> {
        if let Some(folder) = &self.arguments.each {
            let path = folder.join(format!("face_{:04}.png", k + 1));
            media::write_png(&path, image, 0, media::Origin::Synthetic)?;
            self.files.push(path);
        }
        let side = self.arguments.tile.into();
        self.tiles.push(Picture::from_frame(image, 0)?.thumbnail(side)?);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let tiles = std::mem::take(&mut self.tiles);
        let grid = Grid {
            columns: self.arguments.columns.map(usize::from),
            ..Grid::new(Tile::square(self.arguments.tile.into()), tiles)
        };
        let page = grid.compose()?;
        let page = Images::from_rgb8(page.height(), page.width(), page.rgb())?;
        Ok(media::write_png(&self.arguments.output, &page, 0, media::Origin::Synthetic)?)
    }
}
