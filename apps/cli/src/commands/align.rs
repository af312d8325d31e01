//! `reelgan align`: crops of one face, as the generator knows them.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, value_parser};
use reelgan::align::{
    self, AlignConfig, Alignment, ExportOptions, Exported, Progress, Smoothing, Survey, Template,
};
use reelgan::face::{FaceReader, Finding};
use reelgan::prelude::{Clip, Store};
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::meter::Gauge;
use crate::quantity::{counted, duration};
use crate::tools::Programs;
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan align talk.mp4 -o faces               crops of the face that is most there
  reelgan align portrait.jpg -o faces
  reelgan align photos/ -o faces --side 256     several photos of one person
  reelgan align frames/ -o faces --fps 25       a folder of consecutive frames
  reelgan align talk.mp4 -o faces --face 2      the second person
  reelgan align talk.mp4 -o faces --landmarks points.json";

/// Crop the face of a clip to where the generator expects it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A video, pictures, or a folder of pictures
    #[arg(required = true, value_name = "INPUT")]
    input: Vec<PathBuf>,
    /// The folder to write: crops, landmarks.json, transforms.json, an overlay to look at
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Side of the crops in pixels, 16 to 4096
    #[arg(long, value_name = "PX", default_value_t = 1024, value_parser = value_parser!(u16).range(16..=4096))]
    side: u16,
    /// Which person, the one most present first
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = value_parser!(u16).range(1..))]
    face: u16,
    /// Take pictures as consecutive frames, so many a second
    #[arg(long, value_name = "F")]
    fps: Option<f64>,
    /// Average the landmarks along the optical flow over so many seconds; 0 for none
    #[arg(long, value_name = "S", default_value_t = Smoothing::default().landmarks)]
    smooth_landmarks: f64,
    /// Average the place over so many seconds; 0 for none
    #[arg(long, value_name = "S", default_value_t = Smoothing::default().centre)]
    smooth_centre: f64,
    /// Average size and angle over so many seconds; 0 for none
    #[arg(long, value_name = "S", default_value_t = Smoothing::default().axes)]
    smooth_size: f64,
    /// Leave out faces the detector is less sure of, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.3)]
    threshold: f64,
    /// Longer side of a frame as the detector sees it: more finds smaller faces
    #[arg(long, value_name = "PX", default_value_t = Finding::default().side)]
    detector_side: usize,
    /// Landmarks of every frame instead of the networks': a landmarks.json as this command writes
    #[arg(long, value_name = "FILE")]
    landmarks: Option<PathBuf>,
    #[command(flatten)]
    programs: Programs,
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    align::check_folder(&arguments.output)?;
    let store = Store::standard()?;
    let ffmpeg = arguments.programs.ffmpeg(&store);
    let clip = Clip::from_paths(&arguments.input, &ffmpeg)?;
    let config = config(arguments)?;
    interrupt::listen(console.meter.voice())?;
    let Some(survey) = looked_at(arguments, &store, &clip, console)? else {
        return Ok(interrupted(console));
    };
    survey.warnings.iter().for_each(|text| console.warn(text));
    let alignment = align::plan(&survey, &config)?;
    if alignment.without_face() > 0 {
        let missing = alignment.without_face();
        console.warn(&format!(
            "{missing} of {} without the face: their crops come from the frames around them",
            counted(alignment.placements.len(), "frame")
        ));
    }
    let options = ExportOptions { ffmpeg };
    let total = survey.frames.len();
    let out = &arguments.output;
    let mut show = Show::new(console, total);
    let written = align::export(&clip, &survey, &alignment, out, &options, &mut |p| show.on(p))?;
    let Some(written) = written else { return Ok(interrupted(console)) };
    console.outcome(&data(arguments, &alignment, &written), || words(arguments, &alignment))?;
    Ok(Ending::Complete)
}

fn config(arguments: &Arguments) -> Result<AlignConfig> {
    Ok(AlignConfig {
        template: Template::ffhq(arguments.side.into())?,
        face: arguments.face.into(),
        smoothing: Smoothing {
            landmarks: arguments.smooth_landmarks,
            centre: arguments.smooth_centre,
            axes: arguments.smooth_size,
        },
        fps: arguments.fps,
    })
}

/// Every frame, with landmarks from the networks or from a file.
fn looked_at(
    arguments: &Arguments,
    store: &Store,
    clip: &Clip,
    console: &mut Console,
) -> Result<Option<Survey>> {
    if let Some(file) = &arguments.landmarks {
        let brought = align::read_landmarks(file)?;
        let mut show = Show::new(console, brought.len());
        return Ok(align::survey_with(clip, brought, &mut |p| show.on(p))?);
    }
    let finding = Finding { side: arguments.detector_side, threshold: arguments.threshold };
    let reader = FaceReader::with(store, finding, &console.device()?)?;
    let mut show = Show::new(console, 0);
    Ok(align::survey(clip, &reader, &mut |p| show.on(p))?)
}

fn interrupted(console: &mut Console) -> Ending {
    console.tell("interrupted: give another folder, or remove this one, and do it again");
    Ending::Interrupted
}

/// Progress on the meter.
struct Show<'a> {
    console: &'a mut Console,
    total: usize,
    pace: Pace,
}

impl<'a> Show<'a> {
    fn new(console: &'a mut Console, total: usize) -> Self {
        Self { console, total, pace: Pace::new() }
    }

    fn on(&mut self, progress: Progress) -> ControlFlow<()> {
        let label = if progress.stage == "faces" { "Finding faces" } else { "Writing crops" };
        let total = progress.total.max(self.total);
        self.pace.mark(progress.done);
        let left = self.pace.left(progress.done, total);
        let left = left.map_or(String::new(), |left| format!(", {} left", duration(left)));
        let text = format!("{}{left}", counted(progress.done, "frame"));
        let gauge = Gauge { label, done: progress.done as u64, total: total as u64 };
        self.console.meter.update(gauge, &text);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn data(arguments: &Arguments, alignment: &Alignment, written: &Exported) -> Value {
    json!({
        "folder": arguments.output,
        "frames": alignment.placements.len(),
        "without_face": alignment.without_face(),
        "people": alignment.people,
        "side": alignment.side,
        "fps": alignment.fps,
        "jitter_px": alignment.jitter.map(|[raw, smoothed]| json!({ "raw": raw, "smoothed": smoothed })),
        "crops": written.crops,
        "files": written.others,
    })
}

fn words(arguments: &Arguments, alignment: &Alignment) -> String {
    let out = &arguments.output;
    let people = match alignment.people {
        1 => "one person".into(),
        n => format!("{n} people, this is number {}", arguments.face),
    };
    let mut text = format!(
        "{}: {}, {people}\n  crops of {} px in {}",
        out.display(),
        counted(alignment.placements.len(), "frame"),
        alignment.side,
        out.join("crops").display()
    );
    if let Some([raw, smoothed]) = alignment.jitter {
        text = format!("{text}\n  jitter of the crop {raw:.2} px, smoothed to {smoothed:.2} px");
    }
    text
}
