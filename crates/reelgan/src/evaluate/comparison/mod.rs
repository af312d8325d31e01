//! Several methods on synthesised sequences, their edits against the truth.
//!
//! ```text
//! sequence -> frames -> each preset inverts them -> codes, edited -> judged against the truth
//!                                                     sequences/0001-i2s-40.safetensors, .json
//! all records -> editability.md, sheet.png
//! ```

mod record;
mod sheet;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use reelgan_run::{Images, atomic};

pub use self::record::{Record, table};
use super::{EditJudge, Pace, editability};
use crate::codes::CodeFile;
use crate::flow::FlowEstimator;
use crate::generator;
use crate::invert::{Event, InvertConfig, Inverter, Preset};
use crate::perceptual::PerceptualNets;
use crate::synth::Set;
use crate::{Error, Result};

/// What to compare, and where to write.
#[derive(Debug, Clone)]
pub struct CompareRequest {
    /// The methods.
    pub presets: Vec<Preset>,
    /// The preset whose losses, rates and start all of them take
    /// ([`InvertConfig::by_means_of`]); each its own if none.
    pub means: Option<Preset>,
    /// How long each inversion works.
    pub effort: Effort,
    /// Sequences, from the first on.
    pub count: usize,
    /// The folder to write.
    pub out: PathBuf,
}

/// How long an inversion works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effort {
    /// Steps, the same for all.
    Steps(usize),
    /// Seconds: as many steps as each method makes in that time on this machine. They are
    /// measured once and kept in `paces.json`, so that going on takes the same.
    Seconds(f64),
}

/// How far a comparison is.
#[derive(Debug, Clone, Copy)]
pub struct Stand<'a> {
    /// The sequence, counted from 1.
    pub sequence: usize,
    /// The method.
    pub preset: Preset,
    /// Inversions done, of how many.
    pub done: [usize; 2],
    /// What the present one does.
    pub event: &'a Event<'a>,
}

/// Hears how far it is; `Break` ends it at the next place where it can be taken up again.
pub type Progress<'a> = dyn FnMut(&Stand<'_>) -> ControlFlow<()> + 'a;

/// What came out.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// One for each sequence and method, as far as they are done.
    pub records: Vec<Record>,
    /// Whether that is all.
    pub finished: bool,
}

/// Everything a comparison needs that is loaded once.
pub struct CompareKit<'a> {
    /// What codes are judged with; its generator is inverted.
    pub judge: EditJudge<'a>,
    /// Networks of the losses.
    pub nets: &'a PerceptualNets,
    /// Flow between the frames.
    pub flow: &'a dyn FlowEstimator,
}

/// Inverts the sequences of a set with every preset and judges the results; records that
/// lie in the folder are not made again.
///
/// # Errors
/// Presets or sequences that are none; a time in which no step can be made; records that
/// cannot be read; as [`Inverter::run`] and [`editability`].
pub fn compare(
    kit: &CompareKit<'_>,
    set: &Set,
    request: &CompareRequest,
    progress: &mut Progress<'_>,
) -> Result<Comparison> {
    if request.presets.is_empty() || request.count == 0 {
        return Err(Error::setting("presets and count", "give at least one of each"));
    }
    let count = request.count.min(set.sequences().len());
    let total = count * request.presets.len();
    let Some(configs) = configs(kit, set, request, progress)? else {
        return Ok(Comparison { records: Vec::new(), finished: false });
    };
    let mut records = Vec::with_capacity(total);
    for k in 0..count {
        for config in &configs {
            let place = record::Place::of(request, k, config);
            let record = match place.stored()? {
                Some(record) => Some(record),
                None => {
                    let done = [records.len(), total];
                    one(kit, set, k, request, config, &place, &mut |event| {
                        progress(&Stand { sequence: k + 1, preset: config.preset, done, event })
                    })?
                }
            };
            let Some(record) = record else {
                return Ok(Comparison { records, finished: false });
            };
            records.push(record);
        }
    }
    let words = table(&request.presets, &records);
    atomic::write(&request.out.join("editability.md"), words.as_bytes())?;
    sheet::write(kit, set, request, &configs, count)?;
    Ok(Comparison { records, finished: true })
}

/// The settings of every method; `None` if asked to end.
fn configs(
    kit: &CompareKit<'_>,
    set: &Set,
    request: &CompareRequest,
    progress: &mut Progress<'_>,
) -> Result<Option<Vec<InvertConfig>>> {
    let plain = request.presets.iter().map(|preset| match request.means {
        None => preset.config(),
        Some(means) => preset.config().by_means_of(&means.config()),
    });
    let seconds = match request.effort {
        Effort::Steps(steps) => {
            return Ok(Some(plain.map(|config| InvertConfig { steps, ..config }).collect()));
        }
        Effort::Seconds(seconds) => seconds,
    };
    let mut paces = record::Paces::open(request)?;
    let frames = shown(kit, set, 0)?;
    let mut all = Vec::new();
    for (number, config) in plain.enumerate() {
        let pace = match paces.of(config.preset) {
            Some(pace) => pace,
            None => {
                let done = [number, request.presets.len()];
                let mut on = |event: &Event<'_>| {
                    progress(&Stand { sequence: 1, preset: config.preset, done, event })
                };
                let generator = kit.judge.generator;
                let pace = Pace::take(generator, kit.nets, kit.flow, &config, &frames, &mut on)?;
                let Some(pace) = pace else { return Ok(None) };
                paces.keep(config.preset, pace)?;
                pace
            }
        };
        let steps = pace.steps_within(seconds, &config, frames.count())?;
        all.push(InvertConfig { steps, ..config });
    }
    Ok(Some(all))
}

/// Inverts sequence `k` and judges it; `None` if asked to end.
fn one(
    kit: &CompareKit<'_>,
    set: &Set,
    k: usize,
    request: &CompareRequest,
    config: &InvertConfig,
    place: &record::Place,
    on: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
) -> Result<Option<Record>> {
    let generator = kit.judge.generator;
    let frames = shown(kit, set, k)?;
    let began = Instant::now();
    let inverter = Inverter::new(generator, kit.nets, kit.flow, config.clone())?;
    let mut ended = false;
    let inversion = inverter.run(&frames, &mut |event: &Event<'_>| {
        ended |= on(event).is_break();
        if ended { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if ended {
        return Ok(None);
    }
    let seconds = began.elapsed().as_secs_f64();
    let test = &set.sequences()[k].test;
    let edit = set.test_edit(k)?;
    let attribute = edit.direction.learned.as_ref().and_then(|l| l.attribute.parse().ok());
    let judged =
        editability(&kit.judge, &set.codes(generator, k)?, &inversion.codes(), &edit, attribute)?;
    let record = Record {
        sequence: k + 1,
        preset: config.preset,
        means: request.means,
        steps: config.steps,
        test: test.direction.clone(),
        strength: test.strength,
        seconds,
        editability: judged,
    };
    let codes =
        CodeFile { generator: generator.identity().clone(), trajectory: inversion.trajectory };
    place.keep(&record, &codes)?;
    Ok(Some(record))
}

/// The frames of sequence `k`, as a picture file would hold them.
fn shown(kit: &CompareKit<'_>, set: &Set, k: usize) -> Result<Images> {
    let generator = kit.judge.generator;
    let images = generator::render(generator, &set.codes(generator, k)?)?;
    let frames = (0..images.count())
        .map(|k| Images::from_rgb8(images.height(), images.width(), &images.to_rgb8(k)))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Images::from_frames(frames)?)
}
