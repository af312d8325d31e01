//! `reelgan measure`: how good pictures are.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{ArgGroup, Args, ValueEnum};
use reelgan::evaluate::{self, Evaluation, Measured, NAMES, Networks, Panel, Scope, Set};
use reelgan::flow::DenseFlow;
use reelgan::metric::fid::{FidInput, FidNetwork, Statistics};
use reelgan::perceptual;
use reelgan::prelude::Store;
use reelgan_run::manifest::Better;
use reelgan_run::{Clip, atomic};

use crate::console::Console;
use crate::failure::{Ending, Usage};
use crate::interrupt;
use crate::quantity::{counted, number};
use crate::spelling::nearest;
use crate::tools::Programs;
use crate::watcher::Watcher;

const EXAMPLES: &str = "\
Examples:
  reelgan measure run                           reconstructions against inputs
  reelgan measure --pairs original edited       two folders, or videos, frame by frame
  reelgan measure --pairs a.png b.png --metrics psnr,lpips_alex_native
  reelgan measure --set photos generated        Frechet inception distance of two sets
  reelgan measure --set photos.npz generated    the first one by its statistics file
  reelgan measure run --csv run.csv --html run.html

Networks: vgg16 comes with `reelgan models fetch`; lpips_alex_* and --set need
`reelgan models fetch alexnet inception-fid-2015`.";

/// Measure a run, pairs of pictures, or a set of pictures against a set
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("what").required(true).args(["run", "pairs", "set"]))]
pub struct Arguments {
    /// The folder that `reelgan invert` wrote
    run: Option<PathBuf>,
    /// Two folders, videos or pictures of one size: the reference, and what is judged
    #[arg(long, num_args = 2, value_names = ["REFERENCE", "JUDGED"])]
    pairs: Option<Vec<PathBuf>>,
    /// Two folders or videos, or statistics files (.npz): the reference, and what is judged
    #[arg(long, num_args = 2, value_names = ["REFERENCE", "JUDGED"])]
    set: Option<Vec<PathBuf>>,
    /// Metrics to take, separated by commas, or all [default: those whose networks are here]
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "set")]
    metrics: Vec<String>,
    /// The pictures are no sequence: nothing is measured between neighbours
    #[arg(long, conflicts_with = "set")]
    unordered: bool,
    /// A checkpoint of torchvision's squeezenet1_1, for lpips_squeeze_*
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    squeezenet: Option<PathBuf>,
    /// The network of FID from a file [default: inception-fid-2015 of the model cache]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "pairs"])]
    inception: Option<PathBuf>,
    /// How pictures are brought to the network of FID
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["run", "pairs"], value_name = "WAY")]
    fid_input: Way,
    /// Write the statistics of the reference set as .npz
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "pairs"])]
    save_reference: Option<PathBuf>,
    /// Write the statistics of the judged set as .npz
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "pairs"])]
    save_judged: Option<PathBuf>,
    /// Also write the values as CSV, one line a frame
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also write a page with curves
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    programs: Programs,
}

/// [`FidInput`] by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Way {
    /// as pytorch-fid: comparable with its statistics files
    #[default]
    Pytorchfid,
    /// as the TensorFlow graph that FID was defined with
    Tf,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    check_names(&arguments.metrics)?;
    let store = Store::standard()?;
    interrupt::listen(console.meter.voice())?;
    let evaluation = match &arguments.set {
        Some(sets) => of_sets(arguments, sets, &store, console)?,
        None => of_frames(arguments, &store, console)?,
    };
    let Some(evaluation) = evaluation else {
        console.tell("interrupted: nothing was written");
        return Ok(Ending::Interrupted);
    };
    for warning in &evaluation.warnings {
        console.warn(warning);
    }
    if let Some(path) = &arguments.csv {
        atomic::write(path, evaluate::csv(&evaluation).as_bytes())?;
    }
    if let Some(path) = &arguments.html {
        atomic::write(path, evaluate::html(&evaluation).as_bytes())?;
    }
    console.answer(&evaluation, || words(&evaluation))?;
    Ok(Ending::Complete)
}

/// A name that is none is a mistake of the command line: told before anything is loaded.
fn check_names(names: &[String]) -> Result<()> {
    let known = || NAMES.iter().map(|(name, ..)| *name);
    for name in names.iter().filter(|name| *name != "all") {
        if known().any(|k| k == name) {
            continue;
        }
        let advice = match nearest(name, known()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
        };
        return Err(Usage(format!("--metrics: `{name}` is no metric; {advice}")).into());
    }
    Ok(())
}

fn of_frames(
    arguments: &Arguments,
    store: &Store,
    console: &mut Console,
) -> Result<Option<Evaluation>> {
    let clips = match &arguments.pairs {
        None => None,
        Some(paths) => {
            let ffmpeg = arguments.programs.ffmpeg(store);
            let open = |path: &PathBuf| Clip::from_paths(std::slice::from_ref(path), &ffmpeg);
            Some([open(&paths[0])?, open(&paths[1])?])
        }
    };
    let panel = panel(arguments, store, console)?;
    let (flow, watch) = (DenseFlow::default(), &mut Watcher::new(console));
    let evaluation = match (&clips, &arguments.run) {
        (Some([a, b]), _) => evaluate::measure_pairs(a, b, &panel, &flow, watch)?,
        (None, Some(run)) => evaluate::measure_run(run, &panel, &flow, watch)?,
        (None, None) => unreachable!("clap asks for one of them"),
    };
    Ok(evaluation)
}

fn panel(arguments: &Arguments, store: &Store, console: &mut Console) -> Result<Panel> {
    let squeezenet = arguments.squeezenet.clone();
    let networks = Networks { store, squeezenet, device: console.device()? };
    let sequence = !arguments.unordered;
    if arguments.metrics.is_empty() {
        let (panel, left_out) = Panel::available(&networks, sequence)?;
        left_out.iter().for_each(|text| console.note(text));
        return Ok(panel);
    }
    let names = match arguments.metrics.iter().any(|name| name == "all") {
        false => arguments.metrics.clone(),
        true => Panel::all(&networks, sequence),
    };
    Ok(Panel::of(&names, &networks)?)
}

fn of_sets(
    arguments: &Arguments,
    paths: &[PathBuf],
    store: &Store,
    console: &mut Console,
) -> Result<Option<Evaluation>> {
    let ffmpeg = arguments.programs.ffmpeg(store);
    let sets = [Set::open(&paths[0], &ffmpeg)?, Set::open(&paths[1], &ffmpeg)?];
    let input = match arguments.fid_input {
        Way::Pytorchfid => FidInput::PytorchFid,
        Way::Tf => FidInput::TensorFlow,
    };
    let device = console.device()?;
    let load = |input| {
        let network = perceptual::inception(store, arguments.inception.as_deref(), &device)?;
        Ok(FidNetwork::new(network, input, device.clone()))
    };
    let watch = &mut Watcher::new(console);
    let measured = evaluate::measure_sets(sets.each_ref(), input, load, watch)?;
    let Some((evaluation, statistics)) = measured else { return Ok(None) };
    let places = [&arguments.save_reference, &arguments.save_judged];
    for (place, statistics) in places.into_iter().zip(&statistics) {
        place.as_ref().map_or(Ok(()), |path| Statistics::write(statistics, path))?;
    }
    Ok(Some(evaluation))
}

/// A table for the screen.
fn words(evaluation: &Evaluation) -> String {
    let Evaluation { reference, judged, frames, metrics, .. } = evaluation;
    let mut text = format!("{judged}, measured against {reference}");
    if !frames.is_empty() {
        let _ = write!(text, ": {}", counted(frames.len(), "frame"));
    }
    let width = metrics.iter().map(|m| m.name.len()).max().unwrap_or(0);
    for measured in metrics {
        let _ = write!(text, "\n  {:<width$}  {}", measured.name, line(measured, frames));
    }
    text
}

fn line(measured: &Measured, frames: &[String]) -> String {
    let metric = &measured.metric;
    let better = match metric.better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
    };
    let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
    let mut text = format!("{:<12}  {better:<16}", format!("{}{unit}", number(metric.mean)));
    if metric.frames.len() > 1
        && let Some((k, worst)) = measured.worst()
        && let Some(name) = frames.get(k)
    {
        let from = if measured.scope == Scope::Step { "from " } else { "" };
        let _ = write!(text, "  worst {} ({from}{name})", number(worst));
    }
    let missing = metric.frames.len() - measured.defined;
    if missing > 0 {
        let _ = write!(text, "  not defined for {missing} of {}", metric.frames.len());
    }
    text.trim_end().to_string()
}
