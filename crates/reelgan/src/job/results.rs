//! What an inversion leaves in numbers and frames.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use reelgan_run::manifest::{Manifest, Measurements, Metric as Measured};
use reelgan_run::media::{self, Origin};
use reelgan_run::picture::{HeatMap, Picture, evenly_spaced};
use reelgan_run::report::csv;
use reelgan_run::{Images, RunFolder, atomic};

use super::begun::Begun;
use super::invert::{Optimised, Run};
use super::noise::Noises;
use super::pictures::{Movie, playback, tile_side};
use super::watch::{Halt, Teller};
use super::windows::Found;
use super::{Kit, inputs, windows};
use crate::codes::{CodeFile, CodeReader, Codes, blurred, write_npy, write_npy_of};
use crate::generator::{Generator, Noise, render_each};
use crate::invert::{Inversion, StepRecord, StopReason, Window};
use crate::metric::{Comparison, Identity, LpipsAt, LpipsSize, Metric, MetricInfo, Mse, Psnr};
use crate::objective::Terms;
use crate::{Error, Result};

/// The most frames that the report shows pictures of.
const SHOWN: usize = 24;

/// Frames that came out worst, as the report shows them.
const WORST: usize = 6;
/// The metric that says which these are.
const RANKED_BY: &str = "lpips_vgg_256";

/// One frame as the report shows it.
pub(super) struct Shown {
    /// Its number, counted from 0.
    pub frame: usize,
    /// The input, small.
    pub input: Picture,
    /// The reconstruction, small.
    pub recon: Picture,
    /// How far they are apart.
    pub difference: HeatMap,
}

/// The reconstructions: measured, and some of them at hand.
pub(super) struct Rendered {
    pub noises: Noises,
    pub measurements: Measurements,
    /// Frames spread evenly over the clip.
    pub shown: Vec<Shown>,
    /// The frames that came out worst, the worst first; none of a clip that is shown whole.
    pub worst: Vec<Shown>,
}

/// Writes codes and loss curve of frames that were found at once.
pub(super) fn write_codes(
    kit: &Kit,
    folder: &RunFolder,
    begun: &Begun,
    inversion: &Inversion,
    teller: &mut Teller<'_>,
) -> Result<()> {
    let trajectory = inversion.trajectory.clone();
    let codes = trajectory.codes();
    CodeFile { generator: kit.generator.identity().clone(), trajectory }.save(&folder.codes())?;
    teller.wrote(folder.codes());
    if begun.npy {
        let place = folder.path().join("npy");
        save_npy(&codes, &place)?;
        teller.wrote(place);
    }
    atomic::write(&folder.losses(), losses(&inversion.history).as_bytes())?;
    teller.wrote(folder.losses());
    Ok(())
}

/// Joins what the windows found: codes, loss curves, and the manifest's summary of them.
pub(super) fn join(
    kit: &Kit,
    run: &mut Run,
    windows: &[Window],
    teller: &mut Teller<'_>,
) -> Result<Optimised> {
    let Run { folder, begun, manifest, .. } = run;
    let generator = kit.generator.as_ref();
    let size = [manifest.frames, generator.rows(), generator.dim()];
    // The window that was read last, since its frames are asked for one after the other.
    let mut at_hand: Option<(usize, Found)> = None;
    let mut code = |k: usize| -> Result<Vec<f32>> {
        let number = windows.partition_point(|window| window.keeps.end <= k);
        if at_hand.as_ref().is_none_or(|(n, _)| *n != number) {
            at_hand = Some((number, windows::read(folder, manifest, begun, windows, number)?));
        }
        let (_, found) = at_hand.as_ref().expect("it was just read");
        Ok(found.codes.code(k - windows[number].frames.start).to_vec())
    };
    let shots = begun.shots(manifest.frames);
    let mut kept = |k: usize| {
        let (shot, reach) = begun.blur(&shots, k);
        blurred(k, &shot, reach, &mut code)
    };
    CodeFile::save_each(&folder.codes(), generator.identity(), size, &mut kept)?;
    teller.wrote(folder.codes());
    if begun.npy {
        let place = folder.path().join("npy");
        let mut codes = CodeReader::open(&folder.codes(), size[1], size[2])?;
        made(&place)?;
        for k in 0..manifest.frames {
            write_npy_of(&codes.select(&[k])?, 0, k + 1, &place)?;
        }
        teller.wrote(place);
    }
    let (optimised, summary) = gathered(folder, manifest, begun, windows)?;
    atomic::write(&folder.losses(), summary.csv.as_bytes())?;
    teller.wrote(folder.losses());
    manifest.steps_done = optimised.history.len() as u64;
    manifest.losses = summary.losses;
    Ok(optimised)
}

/// What the windows say together.
struct Summary {
    csv: String,
    losses: BTreeMap<String, f64>,
}

fn gathered(
    folder: &RunFolder,
    manifest: &Manifest,
    begun: &Begun,
    windows: &[Window],
) -> Result<(Optimised, Summary)> {
    let mut history: Vec<StepRecord> = Vec::new();
    let mut frames = Vec::with_capacity(manifest.frames);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    let (mut stop, mut passes) = (StopReason::Finished, 0);
    for (k, window) in windows.iter().enumerate() {
        let found = windows::read(folder, manifest, begun, windows, k)?;
        let kept = window.keeps.len();
        frames.extend_from_slice(&found.losses[..kept]);
        if let Some(best) = found.best_step.and_then(|step| found.history.get(step)) {
            // A window's terms are shares of all its frames, the held one included.
            let scale = window.all().len() as f64 / window.frames.len() as f64;
            for (name, value) in best.terms.named() {
                let part = scale * f64::from(value) * kept as f64 / manifest.frames as f64;
                *sums.entry(name.to_string()).or_default() += part;
            }
        }
        if let Some(reason) = found.early() {
            stop = reason;
        }
        for record in &found.history {
            let mut row = vec![(k + 1) as f64];
            row.extend(numbers(record));
            rows.push(row);
        }
        let settings = begun.invert.of_window(window);
        passes += settings.passes(found.history.len(), window.frames.len());
        let before = history.len();
        history.extend(found.history.iter().map(|r| StepRecord { step: before + r.step, ..*r }));
    }
    let mut columns = vec!["window"];
    columns.extend(loss_columns());
    let csv = csv::from_records(&columns, rows.iter().map(Vec::as_slice));
    let optimised = Optimised { stop, history, losses: frames, passes, trajectory: None };
    Ok((optimised, Summary { csv, losses: sums }))
}

/// Writes codes as `.npy` into a folder, which is made.
pub(super) fn save_npy(codes: &Codes, place: &Path) -> Result<()> {
    made(place)?;
    write_npy(codes, place)
}

fn made(place: &Path) -> Result<()> {
    fs::create_dir_all(place)
        .map_err(|source| reelgan_run::Error::Write { path: place.to_owned(), source })?;
    Ok(())
}

/// Renders every code; writes frames, video and measurements.
///
/// What is measured are the frames as they stand in the files, 8 bits a channel. A frame
/// whose file is there already, since the run was interrupted here, is not rendered again.
pub(super) fn render(
    kit: &Kit,
    run: &Run,
    codes: &mut CodeReader,
    teller: &mut Teller<'_>,
) -> Result<Rendered, Halt> {
    teller.stage("render")?;
    let Run { folder, begun, manifest, .. } = run;
    let generator = kit.generator.as_ref();
    let (count, side) = (manifest.frames, manifest.generator.resolution);
    let frames: Vec<usize> = (0..count).collect();
    let noises = Noises::of_run(generator, folder, begun.invert.space, &frames);
    let metrics = metrics(kit);
    let mut values = vec![Vec::with_capacity(count); metrics.len()];
    let shown_frames = evenly_spaced(count, SHOWN);
    let mut shown = Vec::with_capacity(shown_frames.len());
    let mut movie = match count {
        1 => Movie::none(),
        _ => {
            let rate = playback(count, begun.fps);
            Movie::begin(kit, &folder.video(), (2 * side, side), rate, teller)?
        }
    };
    for k in 0..count {
        let input = inputs::one(folder, side, k)?;
        let path = folder.recon(k + 1);
        let recon = match path.exists() {
            true => media::read(&path)?.images,
            false => {
                let code = codes.select(&[k])?;
                let recon = one(generator, &code, 0, &noises.get(generator, k)?)?;
                media::write_png(&path, &recon, 0, Origin::Synthetic)?;
                recon
            }
        };
        teller.wrote(path);
        for (metric, values) in metrics.iter().zip(&mut values) {
            values.push(metric.measure(&input, &recon, 0)?);
        }
        movie.push(&[&input, &recon], teller)?;
        if shown_frames.contains(&k) {
            shown.push(shown_frame(k, count, &input, &recon)?);
        }
        teller.progress(k + 1, count)?;
    }
    movie.finish(teller)?;
    let mut measurements = Measurements::default();
    for (metric, values) in metrics.iter().zip(values) {
        let info = metric.info();
        measurements.metrics.insert(info.name.to_string(), measured(&info, values)?);
    }
    measurements.write(&folder.measurements())?;
    teller.wrote(folder.measurements());
    let worst = worst(folder, side, &measurements, &shown_frames)?;
    Ok(Rendered { noises, measurements, shown, worst })
}

/// A metric over all frames; where it is not defined, such as identity without a face, it
/// does not count in the mean.
fn measured(info: &MetricInfo, values: Vec<f64>) -> Result<Measured> {
    let known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let mut measured = Measured::new(info.unit, info.better, values)?;
    if !known.is_empty() {
        measured.mean = known.iter().sum::<f64>() / known.len() as f64;
    }
    Ok(measured)
}

/// The frames that came out worst by LPIPS, if not every frame is shown.
fn worst(
    folder: &RunFolder,
    side: usize,
    measurements: &Measurements,
    shown: &[usize],
) -> Result<Vec<Shown>> {
    let Some(metric) = measurements.metrics.get(RANKED_BY) else { return Ok(Vec::new()) };
    let count = metric.frames.len();
    if shown.len() == count {
        return Ok(Vec::new());
    }
    let mut order: Vec<usize> = (0..count).filter(|k| metric.frames[*k].is_finite()).collect();
    order.sort_by(|a, b| metric.frames[*b].total_cmp(&metric.frames[*a]));
    let picture = |k: &usize| {
        let recon = media::read(&folder.recon(k + 1))?.images;
        shown_frame(*k, count, &inputs::one(folder, side, *k)?, &recon)
    };
    order.iter().take(WORST).map(picture).collect()
}

/// Renders code `k`, rounded to 8 bits as its file will be.
pub(super) fn one(
    generator: &dyn Generator,
    codes: &Codes,
    k: usize,
    noise: &Noise,
) -> Result<Images> {
    let mut rendered = None;
    render_each(generator, &codes.select(&[k])?, noise, &mut |_, image| {
        rendered = Some(image.quantised());
        Ok(())
    })?;
    rendered.ok_or(Error::Frame { asked: k + 1, count: codes.count() })
}

fn metrics(kit: &Kit) -> Vec<Box<dyn Metric>> {
    let device = kit.generator.device().clone();
    let lpips = LpipsAt::new(kit.nets.lpips().clone(), LpipsSize::Side256, device);
    let mut all: Vec<Box<dyn Metric>> = vec![Box::new(Mse), Box::new(Psnr), Box::new(lpips)];
    if let Some(faces) = &kit.faces {
        all.push(Box::new(Identity::new(faces.clone(), Comparison::Cosine)));
    }
    all
}

fn shown_frame(frame: usize, count: usize, input: &Images, recon: &Images) -> Result<Shown> {
    let side = tile_side(count);
    let input = Picture::from_frame(input, 0)?.thumbnail(side)?;
    let recon = Picture::from_frame(recon, 0)?.thumbnail(side)?;
    let difference = HeatMap::difference(&input, &recon)?;
    Ok(Shown { frame, input, recon, difference })
}

/// The loss terms of every step as CSV; steps are counted from 1.
fn losses(history: &[StepRecord]) -> String {
    let rows: Vec<Vec<f64>> = history.iter().map(numbers).collect();
    csv::from_records(&loss_columns(), rows.iter().map(Vec::as_slice))
}

fn loss_columns() -> Vec<&'static str> {
    let terms = Terms::default().named().map(|(name, _)| name);
    ["step", "rate"].into_iter().chain(terms).collect()
}

/// A step in the order of [`loss_columns`].
fn numbers(record: &StepRecord) -> Vec<f64> {
    let mut row = vec![(record.step + 1) as f64, record.rate];
    // By its shortest form, so that 0.9 is not written as 0.89999998.
    row.extend(record.terms.named().map(|(_, v)| shortest(v)));
    row
}

/// The `f64` whose shortest decimal form is that of `v`.
pub(super) fn shortest(v: f32) -> f64 {
    v.to_string().parse().unwrap_or(f64::from(v))
}
