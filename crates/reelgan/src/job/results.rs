//! What an inversion leaves in numbers and frames.

use std::fs;

use reelgan_run::manifest::{Measurements, Metric as Measured};
use reelgan_run::media::{self, Origin};
use reelgan_run::picture::{HeatMap, Picture, evenly_spaced};
use reelgan_run::report::csv;
use reelgan_run::{Images, RunFolder, atomic};

use super::Kit;
use super::begun::Begun;
use super::noise::Noises;
use super::pictures::{Movie, playback, tile_side};
use super::watch::{Halt, Teller};
use crate::codes::{CodeFile, Codes, write_npy};
use crate::generator::{Generator, Noise, render_each};
use crate::invert::{Inversion, StepRecord};
use crate::metric::{LpipsAt, LpipsSize, Metric, Mse, Psnr};
use crate::objective::Terms;
use crate::{Error, Result};

/// The most frames that the report shows pictures of.
const SHOWN: usize = 24;

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
    pub codes: Codes,
    pub noises: Noises,
    pub measurements: Measurements,
    pub shown: Vec<Shown>,
}

/// Writes codes and loss curve; returns the codes that the file holds.
pub(super) fn write_codes(
    kit: &Kit,
    folder: &RunFolder,
    begun: &Begun,
    inversion: &Inversion,
    teller: &mut Teller<'_>,
) -> Result<Codes> {
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
    Ok(codes)
}

/// Writes codes as `.npy` into a folder, which is made.
pub(super) fn save_npy(codes: &Codes, place: &std::path::Path) -> Result<()> {
    fs::create_dir_all(place)
        .map_err(|source| reelgan_run::Error::Write { path: place.to_owned(), source })?;
    write_npy(codes, place)
}

/// Renders every code; writes frames, video and measurements.
///
/// What is measured are the frames as they stand in the files, 8 bits a channel.
pub(super) fn render(
    kit: &Kit,
    folder: &RunFolder,
    inputs: &Images,
    codes: &Codes,
    begun: &Begun,
    teller: &mut Teller<'_>,
) -> Result<Rendered, Halt> {
    teller.stage("render")?;
    let generator = kit.generator.as_ref();
    let count = codes.count();
    let frames: Vec<usize> = (0..count).collect();
    let noises = Noises::of_run(generator, folder, begun.invert.space, &frames);
    let metrics = metrics(kit);
    let mut values = vec![Vec::with_capacity(count); metrics.len()];
    let shown_frames = evenly_spaced(count, SHOWN);
    let mut shown = Vec::with_capacity(shown_frames.len());
    let size = (2 * inputs.width(), inputs.height());
    let mut movie = match count {
        1 => Movie::none(),
        _ => Movie::begin(kit, &folder.video(), size, playback(count, begun.fps), teller)?,
    };
    for k in 0..count {
        let input = inputs.select(&[k])?;
        let recon = one(generator, codes, k, &noises.get(generator, k)?)?;
        media::write_png(&folder.recon(k + 1), &recon, 0, Origin::Synthetic)?;
        teller.wrote(folder.recon(k + 1));
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
        let measured = Measured::new(info.unit, info.better, values)?;
        measurements.metrics.insert(info.name.to_string(), measured);
    }
    measurements.write(&folder.measurements())?;
    teller.wrote(folder.measurements());
    Ok(Rendered { codes: codes.clone(), noises, measurements, shown })
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
    vec![Box::new(Mse), Box::new(Psnr), Box::new(lpips)]
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
    let mut columns = vec!["step", "rate"];
    columns.extend(Terms::default().named().map(|(name, _)| name));
    let rows: Vec<Vec<f64>> = history
        .iter()
        .map(|r| {
            let mut row = vec![(r.step + 1) as f64, r.rate];
            // By its shortest form, so that 0.9 is not written as 0.89999998.
            row.extend(r.terms.named().map(|(_, v)| shortest(v)));
            row
        })
        .collect();
    csv::from_records(&columns, rows.iter().map(Vec::as_slice))
}

/// The `f64` whose shortest decimal form is that of `v`.
pub(super) fn shortest(v: f32) -> f64 {
    v.to_string().parse().unwrap_or(f64::from(v))
}
