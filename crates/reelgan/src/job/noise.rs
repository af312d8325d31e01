//! The second stage in a run folder: every frame's noise in a file of its own.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::{Tensor, TensorData};
use reelgan_run::report::csv;
use reelgan_run::{Array, ArrayFile, RunFolder, atomic};

use super::inputs::Kept;
use super::invert::Run;
use super::watch::{Halt, Notice, Teller};
use super::{Kit, results, sealed, windows};
use crate::codes::CodeReader;
use crate::generator::{Generator, Identity, Noise};
use crate::invert::{
    Event, InvertConfig, Inverter, NoiseStage, Observer, Space, State, StopReason, losses,
};
use crate::objective::Terms;
use crate::{Error, Result};

/// How much work a killed process may lose, apart from the step it was at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Optimises the noise of every frame that has none yet.
pub(super) fn optimise(
    kit: &Kit,
    run: &Run,
    codes: &mut CodeReader,
    teller: &mut Teller<'_>,
) -> Result<(), Halt> {
    let Run { folder, begun, flow, manifest } = run;
    if begun.invert.space != Space::CodesThenNoise {
        return Ok(());
    }
    teller.stage("noise")?;
    let place = folder.noise_folder();
    fs::create_dir_all(&place)
        .map_err(|source| reelgan_run::Error::Write { path: place.clone(), source })?;
    for window in begun.windows(manifest.frames) {
        let missing: Vec<usize> =
            window.keeps.clone().filter(|k| !folder.noise(k + 1).exists()).collect();
        if missing.is_empty() {
            continue;
        }
        let config = begun.invert.clone();
        let flow = windows::within(begun, &window, flow.as_ref());
        let inverter = Inverter::new(kit.generator.as_ref(), &kit.nets, flow.get(), config)?
            .with_room(super::invert::room(folder));
        let frames = Kept::new(folder, manifest.generator.resolution, window.all());
        let mut flows = Flows(&mut *teller);
        let ControlFlow::Continue(stage) = inverter.noise_stage(&frames, &mut flows)? else {
            return Err(Halt::Interrupted);
        };
        for k in missing {
            let code = codes.select(&[k])?;
            frame(kit, folder, &stage, code.data(), [k, window.all().start], teller)?;
        }
    }
    let losses = folder.noise_losses();
    atomic::write(&losses, table(folder, manifest.frames, &begun.invert)?.as_bytes())?;
    teller.wrote(losses);
    Ok(())
}

/// One frame, from its state on the disk if there is one: frame `k` of the clip, whose
/// window begins at frame `first`.
fn frame(
    kit: &Kit,
    folder: &RunFolder,
    stage: &NoiseStage<'_>,
    code: &[f32],
    [k, first]: [usize; 2],
    teller: &mut Teller<'_>,
) -> Result<(), Halt> {
    let path = folder.noise_state(k + 1);
    let mut state = stage.fresh();
    if path.exists() {
        state = sealed::load(state, stage.config(), &path)?;
    }
    let mut keeper = Keeper {
        teller: &mut *teller,
        path: &path,
        config: stage.config(),
        saved: None,
        failed: None,
    };
    let (state, stop) = stage.run(k - first, code, state, &mut keeper)?;
    if let Some(error) = keeper.failed {
        return Err(error.into());
    }
    match stop {
        StopReason::Interrupted => {
            sealed::save(&state, stage.config(), &path)?;
            return Err(Halt::Interrupted);
        }
        StopReason::NotFinite { .. } => teller.warn(format!(
            "the noise of frame {} ended early: {stop}; it is the best before that (a lower \
             --noise-lr may help)",
            k + 1
        )),
        _ => {}
    }
    save(kit.generator.identity(), &stage.noise(&state), &state, &folder.noise(k + 1))?;
    teller.wrote(folder.noise(k + 1));
    // The frame has its noise: what it was on the way is of no more use.
    match fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(&path, e.to_string()).into())
        }
        _ => Ok(()),
    }
}

fn save(generator: &Identity, noise: &Noise, state: &State, path: &Path) -> Result<()> {
    let mut file = ArrayFile::default();
    for (k, plane) in noise.planes.iter().enumerate() {
        let data = plane.clone().into_data().try_into_vec::<f32>().expect("noise is f32");
        file.arrays.insert(plane_name(k), Array::new(plane.dims().to_vec(), data)?);
    }
    losses::put(&mut file, &state.history)?;
    for (key, value) in [
        ("generator", generator.name.as_str()),
        ("generator_sha256", generator.sha256.as_str()),
        ("notice", crate::NOTICE),
    ] {
        file.metadata.insert(key.into(), value.into());
    }
    Ok(file.write(path)?)
}

fn plane_name(k: usize) -> String {
    format!("plane.{k:02}")
}

/// Reads the noise of a frame.
///
/// # Errors
/// A file that is missing, damaged, or of another generator.
fn read(generator: &dyn Generator, path: &Path) -> Result<Noise> {
    if !path.exists() {
        return Err(Error::file(
            path,
            "is missing: the run ended before this frame had its noise; finish it with `reelgan \
             invert --resume`, or leave its noise out",
        ));
    }
    let file = ArrayFile::read(path)?;
    let said = |key: &str| file.metadata.get(key).cloned().unwrap_or_default();
    let theirs = Identity { name: said("generator"), sha256: said("generator_sha256") };
    if theirs != *generator.identity() {
        return Err(Error::OtherGenerator {
            what: path.display().to_string(),
            theirs: theirs.to_string(),
            ours: generator.identity().to_string(),
        });
    }
    let plane = |(k, fixed): (usize, &Tensor<4>)| {
        let array = file.get(&plane_name(k))?;
        let dims = fixed.dims();
        if array.shape != dims || array.data.iter().any(|v| !v.is_finite()) {
            let problem = format!("`{}` is no noise map of shape {dims:?}", plane_name(k));
            return Err(Error::file(path, format!("is damaged: {problem}; invert again")));
        }
        Ok(Tensor::from_data(TensorData::new(array.data.clone(), dims), generator.device()))
    };
    let fixed = generator.fixed_noise().planes;
    let planes = fixed.iter().enumerate().map(plane);
    Ok(Noise { planes: planes.collect::<Result<_>>()? })
}

/// The losses of all frames as CSV; frames and steps are counted from 1.
fn table(folder: &RunFolder, frames: usize, config: &InvertConfig) -> Result<String> {
    let mut columns = vec!["frame", "step", "rate"];
    columns.extend(Terms::default().named().map(|(name, _)| name));
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for k in 0..frames {
        let path = folder.noise(k + 1);
        for (step, terms) in losses::get(&ArrayFile::read(&path)?, &path)?.iter().enumerate() {
            let mut row = vec![(k + 1) as f64, (step + 1) as f64, config.noise_stage.rate];
            row.extend(terms.named().map(|(_, value)| results::shortest(value)));
            rows.push(row);
        }
    }
    Ok(csv::from_records(&columns, rows.iter().map(Vec::as_slice)))
}

/// The noise of each picture of a job.
pub(super) enum Noises {
    /// The same for all.
    Same(Noise),
    /// Its own for each, from these files.
    Own(Vec<PathBuf>),
    /// From that of one frame to that of another, in so many pictures.
    Between {
        /// At the first picture.
        from: Noise,
        /// At the last.
        to: Noise,
        /// Pictures.
        steps: usize,
    },
}

impl Noises {
    /// Those of a run's frames (counted from 0): their own where the run has them.
    pub fn of_run(
        generator: &dyn Generator,
        folder: &RunFolder,
        space: Space,
        frames: &[usize],
    ) -> Self {
        match space {
            Space::Codes => Self::Same(generator.fixed_noise()),
            Space::CodesThenNoise => {
                Self::Own(frames.iter().map(|k| folder.noise(k + 1)).collect())
            }
        }
    }

    /// On the way from one of a run's frames to another.
    ///
    /// # Errors
    /// As [`Noises::get`].
    pub fn between(self, generator: &dyn Generator, steps: usize) -> Result<Self> {
        Ok(match self {
            Self::Own(files) if files.len() == 2 => Self::Between {
                from: read(generator, &files[0])?,
                to: read(generator, &files[1])?,
                steps,
            },
            other => other,
        })
    }

    /// The noise of picture `k`.
    ///
    /// # Errors
    /// A file that is missing, damaged, or of another generator.
    pub fn get(&self, generator: &dyn Generator, k: usize) -> Result<Noise> {
        match self {
            Self::Same(noise) => Ok(noise.clone()),
            Self::Own(files) => read(generator, &files[k]),
            Self::Between { from, to, steps } => {
                let t = k as f32 / (steps.max(&2) - 1) as f32;
                let planes = from.planes.iter().zip(&to.planes);
                let blend = |(a, b): (&Tensor<4>, &Tensor<4>)| {
                    a.clone().mul_scalar(1.0 - t) + b.clone().mul_scalar(t)
                };
                Ok(Noise { planes: planes.map(blend).collect() })
            }
        }
    }
}

/// Tells of the flows as pieces of this stage.
struct Flows<'a, 'w>(&'a mut Teller<'w>);

impl Observer for Flows<'_, '_> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Flow { done, total } if self.0.progress(*done, *total).is_err() => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Passes steps on and writes the state of the present frame now and then.
struct Keeper<'a, 'w> {
    teller: &'a mut Teller<'w>,
    path: &'a Path,
    config: &'a InvertConfig,
    saved: Option<Instant>,
    failed: Option<Error>,
}

impl Observer for Keeper<'_, '_> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        if let Event::NoiseStep { state, .. } = event
            && self.saved.is_none_or(|saved| saved.elapsed() >= INTERVAL)
        {
            if let Err(error) = sealed::save(state, self.config, self.path) {
                self.failed = Some(error);
                return ControlFlow::Break(());
            }
            self.saved = Some(Instant::now());
        }
        self.teller.tell(&Notice::Invert(event))
    }
}
