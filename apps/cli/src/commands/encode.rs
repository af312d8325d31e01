//! `reelgan encode`: images become codes in one pass of an encoder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};
use reelgan::codes::{self, Codes};
use reelgan::encode::{Encoder, EncoderKind};
use reelgan::job::{Crop, Selection};
use reelgan::prelude::{Clip, Images, Store};
use reelgan_run::{Array, ArrayFile};
use serde_json::json;

use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::duration;
use crate::tools::Programs;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan encode faces/ --encoder psp_ffhq_encode.pt -o codes
  reelgan encode talk.mp4 --count 5 --crop 280,20,400 --encoder e4e_ffhq_encode.pt -o codes
  reelgan encode a.png --encoder styleganinv_ffhq256_encoder.pth -o codes

Codes belong to the generator that the encoder was trained with. Faces are found best where they
are cut out as in that training: eyes at 0.38 and 0.62 of the width, at 0.47 of the height.";

/// Turn images into codes with a trained encoder: pSp, e4e, or an in-domain encoder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// One video, one folder of images, or one or more images
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The weights of the encoder
    #[arg(long, value_name = "FILE")]
    encoder: PathBuf,
    /// What the encoder is [default: what its file says]
    #[arg(long, value_name = "KIND", value_parser = kind())]
    kind: Option<EncoderKind>,
    /// The folder to write, new or empty: codes.safetensors, and 0001.npy, ... of shape (1,L,D)
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Square of the images that shows the face, in pixels: left edge, upper edge, size, and an
    /// angle in degrees, clockwise [default: the largest square in the middle]
    #[arg(long, value_name = "X,Y,SIZE[,ANGLE]", allow_hyphen_values = true)]
    crop: Option<Crop>,
    /// Frames to leave out at the beginning
    #[arg(long, value_name = "N", default_value_t = 0)]
    start: usize,
    /// Take every Nth frame, 1 or more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    stride: u32,
    /// Frames to take, 1 or more [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    count: Option<u32>,
    #[command(flatten)]
    programs: Programs,
}

fn kind() -> impl TypedValueParser<Value = EncoderKind> {
    let find = |name: String| EncoderKind::ALL.into_iter().find(|kind| kind.name() == name);
    PossibleValuesParser::new(EncoderKind::ALL.map(EncoderKind::name))
        .map(move |name| find(name).expect("the parser lets names of kinds through only"))
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    // What would only fail after the work is said before it.
    let clip =
        Clip::from_paths(&arguments.inputs, &arguments.programs.ffmpeg(&Store::standard()?))?;
    let output = &arguments.output;
    vacant(output)?;
    let encoder = Encoder::open(&arguments.encoder, arguments.kind, &console.device()?)?;
    interrupt::listen(console.meter.voice())?;
    let Some((codes, names)) = encode(&encoder, &clip, arguments, console)? else {
        console.tell("interrupted: the same command does it again");
        return Ok(Ending::Interrupted);
    };
    write(&encoder, &codes, &names, output)?;
    let data = json!({
        "folder": output,
        "images": names,
        "codes": [codes.count(), codes.rows(), codes.dim()],
        "encoder": encoder.identity(),
        "kind": encoder.kind(),
    });
    console.outcome(&data, || {
        format!(
            "{}: {} codes of {} rows, {} wide",
            output.display(),
            codes.count(),
            codes.rows(),
            codes.dim()
        )
    })?;
    Ok(Ending::Complete)
}

/// The codes and the names of their images; none if somebody ended it.
fn encode(
    encoder: &Encoder,
    clip: &Clip,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<Option<(Codes, Vec<String>)>> {
    let selection = Selection {
        start: arguments.start,
        stride: arguments.stride as usize,
        count: arguments.count.map(|n| n as usize),
    };
    let total =
        if clip.video().is_some() { selection.count.unwrap_or(0) } else { clip.files().len() };
    let (mut data, mut names, mut pace) = (Vec::new(), Vec::new(), Pace::new());
    let mut frames = clip.frames(selection)?;
    for frame in &mut frames {
        if interrupt::asked() {
            return Ok(None);
        }
        let frame = frame?;
        let face = square(&frame.images, arguments.crop)?;
        data.extend_from_slice(encoder.encode(&face, &mut |_| ())?.data());
        names.push(frame.name);
        let done = names.len();
        pace.mark(done);
        let left = pace.left(done, total).map(|t| format!(", {} left", duration(t)));
        let gauge = Gauge { label: "Encoding", done: done as u64, total: total.max(done) as u64 };
        console.meter.update(gauge, &format!("image {done}{}", left.unwrap_or_default()));
    }
    for warning in frames.warnings() {
        console.warn(&warning.to_string());
    }
    Ok(Some((Codes::new(encoder.rows(), encoder.dim(), data)?, names)))
}

/// The face, at the size it has: how it is made smaller is up to the encoder.
fn square(images: &Images, crop: Option<Crop>) -> Result<Images> {
    let crop = crop.unwrap_or_else(|| Crop::centre(images.height(), images.width()));
    crop.check(images.height(), images.width())?;
    Ok(images.fit(crop, (crop.size.round() as usize).max(1))?)
}

/// Refuses a folder that holds something.
fn vacant(folder: &Path) -> Result<()> {
    let failed = || format!("cannot write {}", folder.display());
    if folder.exists() && fs::read_dir(folder).with_context(failed)?.next().is_some() {
        bail!("{} is not empty; choose another folder with -o", folder.display());
    }
    Ok(())
}

fn write(encoder: &Encoder, codes: &Codes, names: &[String], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
    codes::write_npy(codes, folder)?;
    let mut file = ArrayFile::default();
    let shape = [codes.count(), codes.rows(), codes.dim()];
    file.arrays.insert("codes".into(), Array::new(shape, codes.data().to_vec())?);
    let (identity, images) = (encoder.identity(), serde_json::to_string(names)?);
    for (key, value) in [
        ("encoder", identity.name.as_str()),
        ("encoder_sha256", identity.sha256.as_str()),
        ("encoder_kind", encoder.kind().name()),
        ("images", images.as_str()),
    ] {
        file.metadata.insert(key.into(), value.into());
    }
    Ok(file.write(&folder.join("codes.safetensors"))?)
}
