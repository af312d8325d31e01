//! Two clips, frame by frame.

use std::path::{Path, PathBuf};

use reelgan_run::clip::{Frame, Selection};
use reelgan_run::manifest::Manifest;
use reelgan_run::{Clip, Flow, Images, RunFolder};

use super::panel::Panel;
use super::result::{Evaluation, Measured, Scope};
use crate::flow::FlowEstimator;
use crate::job::{FfmpegSearch, Notice, Watch};
use crate::metric::Step;
use crate::{Error, Result};

/// Measures `judged` against `reference`, frame by frame; `None` if the watcher asked to
/// end. Flows of the reference are estimated only if a metric needs them.
///
/// # Errors
/// Frames that cannot be read, that differ in size or number, or that a metric refuses.
pub fn measure_pairs(
    reference: &Clip,
    judged: &Clip,
    panel: &Panel,
    flow: &dyn FlowEstimator,
    watch: &mut dyn Watch,
) -> Result<Option<Evaluation>> {
    let names = [reference, judged].map(name_of);
    let mut gathered = Values::new(panel);
    let mut warnings: Vec<String> =
        reference.warnings().iter().chain(judged.warnings()).map(ToString::to_string).collect();
    let mut pairs = [reference.frames(Selection::default())?, judged.frames(Selection::default())?];
    let total = if judged.video().is_some() { 0 } else { judged.files().len() };
    let _ = watch.on(&Notice::Stage { name: "measure" });
    let (mut frames, mut before) = (Vec::new(), None);
    loop {
        let (a, b) = match (pairs[0].next().transpose()?, pairs[1].next().transpose()?) {
            (Some(a), Some(b)) => (a, b),
            (None, None) => break,
            (more, _) => return Err(other_count(&names, more.is_some(), frames.len())),
        };
        gathered.frame(panel, &a.images, &b.images)?;
        if let Some((a0, b0)) = &before {
            gathered.step(panel, flow, [a0, &a.images], [b0, &b.images])?;
        }
        let Frame { images, name } = b;
        before = (!panel.motions.is_empty()).then_some((a.images, images));
        frames.push(name);
        let notice = Notice::Progress { stage: "measure", done: frames.len(), total };
        if watch.on(&notice).is_break() {
            return Ok(None);
        }
    }
    for warning in pairs.iter().flat_map(|p| p.warnings()).map(ToString::to_string) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    let metrics = gathered.summed_up(panel, &mut warnings)?;
    let [reference, judged] = names;
    Ok(Some(Evaluation { reference, judged, frames, metrics, warnings }))
}

/// Measures the reconstructions of a run against its inputs.
///
/// # Errors
/// A folder that is no complete run; as [`measure_pairs`].
pub fn measure_run(
    run: &Path,
    panel: &Panel,
    flow: &dyn FlowEstimator,
    watch: &mut dyn Watch,
) -> Result<Option<Evaluation>> {
    let [inputs, recons] = clips_of(run)?;
    let measured = measure_pairs(&inputs, &recons, panel, flow, watch)?;
    Ok(measured.map(|evaluation| Evaluation {
        reference: format!("inputs of {}", run.display()),
        judged: format!("reconstructions of {}", run.display()),
        ..evaluation
    }))
}

/// Inputs and reconstructions of a run.
fn clips_of(run: &Path) -> Result<[Clip; 2]> {
    let folder = RunFolder::open(run)?;
    let frames = Manifest::read(&folder.manifest())?.frames;
    let recons: Vec<PathBuf> = (1..=frames).map(|k| folder.recon(k)).collect();
    if let Some(missing) = recons.iter().find(|path| !path.exists()) {
        let problem = "is missing; finish the run with `reelgan invert --resume -o RUN`";
        return Err(Error::file(missing, problem));
    }
    let inputs: Vec<PathBuf> = (1..=frames).map(|k| folder.input(k)).collect();
    let none = FfmpegSearch::default();
    Ok([Clip::from_paths(&inputs, &none)?, Clip::from_paths(&recons, &none)?])
}

/// The path that was given: a file, or the folder of several.
fn name_of(clip: &Clip) -> String {
    match clip.files() {
        [one] => one.display().to_string(),
        [first, ..] => first.parent().unwrap_or(first).display().to_string(),
        [] => String::new(),
    }
}

fn other_count(names: &[String; 2], reference_goes_on: bool, count: usize) -> Error {
    let [longer, shorter] = if reference_goes_on { [0, 1] } else { [1, 0] };
    Error::Shape {
        what: "frames to compare".into(),
        expected: format!("as many in {} as in {}", names[shorter], names[longer]),
        got: format!("{count}, and more in the other"),
    }
}

/// Values by metric, in the order of the panel.
struct Values {
    metrics: Vec<Vec<f64>>,
    qualities: Vec<Vec<f64>>,
    motions: Vec<Vec<f64>>,
}

impl Values {
    fn new(panel: &Panel) -> Self {
        Self {
            metrics: vec![Vec::new(); panel.metrics.len()],
            qualities: vec![Vec::new(); panel.qualities.len()],
            motions: vec![Vec::new(); panel.motions.len()],
        }
    }

    fn frame(&mut self, panel: &Panel, reference: &Images, judged: &Images) -> Result<()> {
        for (metric, values) in panel.metrics.iter().zip(&mut self.metrics) {
            values.push(metric.measure(reference, judged, 0)?);
        }
        for (quality, values) in panel.qualities.iter().zip(&mut self.qualities) {
            values.push(quality.measure(judged, 0)?);
        }
        Ok(())
    }

    fn step(
        &mut self,
        panel: &Panel,
        flow: &dyn FlowEstimator,
        reference: [&Images; 2],
        other: [&Images; 2],
    ) -> Result<()> {
        let flows: Option<[Flow; 2]> = match panel.motions.iter().any(|m| m.needs_flows()) {
            false => None,
            true => {
                let failed = |e| Error::Flow(Box::new(e));
                let both = Images::from_frames(reference.map(Clone::clone).into())?;
                let there = flow.estimate(&both, 0, 1).map_err(failed)?;
                Some([there, flow.estimate(&both, 1, 0).map_err(failed)?])
            }
        };
        let flows = flows.as_ref().map(|[there, back]| [there, back]);
        let step = Step { reference, other, flows };
        for (motion, values) in panel.motions.iter().zip(&mut self.motions) {
            values.push(motion.measure(&step)?);
        }
        Ok(())
    }

    fn summed_up(self, panel: &Panel, warnings: &mut Vec<String>) -> Result<Vec<Measured>> {
        let of_frames = panel.metrics.iter().map(|m| m.info());
        let of_frames = of_frames.chain(panel.qualities.iter().map(|q| q.info()));
        let of_steps = panel.motions.iter().map(|m| (m.info(), Scope::Step));
        let infos = of_frames.map(|info| (info, Scope::Frame)).chain(of_steps);
        let values = self.metrics.into_iter().chain(self.qualities).chain(self.motions);
        let mut measured = Vec::new();
        for ((info, scope), values) in infos.zip(values) {
            // A single frame has no step.
            if values.is_empty() {
                warnings.push(format!("{} is left out: it needs two frames or more", info.name));
                continue;
            }
            measured.push(Measured::new(&info, scope, values)?);
        }
        Ok(measured)
    }
}
