//! What is known of every frame, in one table.

use reelgan_run::atomic;
use reelgan_run::manifest::Measurements;
use reelgan_run::report::csv;

use super::invert::{Optimised, Run};
use super::results::shortest;
use super::watch::Teller;
use crate::Result;

/// A frame beside its metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FrameFacts {
    /// Its number in the input, counted from 1.
    pub source: usize,
    /// Its shot, counted from 1.
    pub shot: usize,
    /// The window that found its code, counted from 1.
    pub window: usize,
    /// Whether its square is that of a face of its own.
    pub face: bool,
    /// Its loss.
    pub loss: f64,
    /// Mean square of the step that leads from the frame before to it; NaN for the first
    /// frame of a shot.
    pub step: f64,
}

/// Writes `frames.csv`; returns what is in it beside the metrics.
pub(super) fn write(
    run: &Run,
    optimised: &Optimised,
    measurements: &Measurements,
    teller: &mut Teller<'_>,
) -> Result<Vec<FrameFacts>> {
    let Run { folder, begun, manifest, .. } = run;
    let windows = begun.windows(manifest.frames);
    let (steps, shots) = (steps(run)?, begun.shots(manifest.frames));
    let mut facts = Vec::with_capacity(manifest.frames);
    for (k, step) in steps.iter().enumerate() {
        let window = windows.partition_point(|window| window.keeps.end <= k);
        let shot = windows[window].shot;
        let first = shots[shot].start == k;
        facts.push(FrameFacts {
            source: begun.selection.start + k * begun.selection.stride + 1,
            shot: shot + 1,
            window: window + 1,
            face: begun.without_face.binary_search(&(k + 1)).is_err(),
            loss: optimised.losses.get(k).map_or(f64::NAN, |v| shortest(*v)),
            step: if first { f64::NAN } else { *step },
        });
    }
    let mut columns = vec!["frame", "source_frame", "shot", "window", "face_found", "loss", "step"];
    columns.extend(measurements.metrics.keys().map(String::as_str));
    let row = |(k, f): (usize, &FrameFacts)| {
        let counts = [k + 1, f.source, f.shot, f.window, usize::from(f.face)];
        let mut row: Vec<f64> = counts.iter().map(|n| *n as f64).collect();
        row.extend([f.loss, f.step]);
        row.extend(measurements.metrics.values().map(|m| m.frames[k]));
        row
    };
    let rows: Vec<Vec<f64>> = facts.iter().enumerate().map(row).collect();
    let text = csv::from_records(&columns, rows.iter().map(Vec::as_slice));
    atomic::write(&folder.frame_table(), text.as_bytes())?;
    teller.wrote(folder.frame_table());
    Ok(facts)
}

/// The mean square of the step to every frame; that of the first is of no use.
fn steps(run: &Run) -> Result<Vec<f64>> {
    let generator = &run.manifest.generator;
    let path = run.folder.codes();
    let mut codes = crate::codes::CodeReader::open(&path, generator.rows, generator.dim)?;
    let mut before: Option<Vec<f32>> = None;
    let mut steps = Vec::with_capacity(codes.count());
    for k in 0..codes.count() {
        let code = codes.select(&[k])?.data().to_vec();
        let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
        let sum = |last: &Vec<f32>| last.iter().zip(&code).map(square).sum::<f64>();
        steps.push(before.as_ref().map_or(f64::NAN, |last| sum(last) / code.len() as f64));
        before = Some(code);
    }
    Ok(steps)
}
