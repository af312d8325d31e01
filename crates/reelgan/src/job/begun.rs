//! What is written down before the first step, so that a folder is enough to go on.

use std::ops::Range;
use std::path::PathBuf;

use burn::tensor::Device;
use reelgan_run::RunFolder;
use reelgan_run::manifest::{self, Manifest, State};
use serde::{Deserialize, Serialize};

use super::asked::Wish;
use super::inputs::Inputs;
use super::{FlowSource, InvertRequest, Kit, Selection, request};
use crate::generator::{Identity, Provenance};
use crate::invert::{Inversion, InvertConfig, Window, windows};
use crate::{Error, Result};

/// The settings of a run; the `config` of its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Settings of the inversion.
    pub invert: InvertConfig,
    /// Where flows come from.
    pub flow: FlowSource,
    /// Whether codes are also written as `.npy`.
    pub npy: bool,
    /// Frames a second of the input, if it is a video that says so.
    pub fps: Option<f64>,
    /// What each frame was called where it came from.
    pub frame_names: Vec<String>,
    /// SHA-256 over the pixels of all fitted frames.
    pub frames_sha256: String,
    /// What there was to say about the input.
    pub warnings: Vec<String>,
    /// Which frames of the input they are.
    #[serde(default, with = "selection")]
    pub selection: Selection,
    /// The first frame of every shot, counted from 1.
    #[serde(default)]
    pub shots: Vec<usize>,
    /// Frames in which the face was not found, counted from 1.
    #[serde(default)]
    pub without_face: Vec<usize>,
    /// How unsteady the squares are before and after they were averaged over time, in
    /// pixels of the generator's pictures; for consecutive frames that were aligned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_px: Option<[f64; 2]>,
}

/// A selection on the disk.
mod selection {
    use serde::{Deserializer, Serializer};

    use super::{Selection, request};

    pub fn serialize<S: Serializer>(selection: &Selection, to: S) -> Result<S::Ok, S::Error> {
        request::Chosen::serialize(selection, to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Selection, D::Error> {
        request::Chosen::deserialize(from)
    }
}

impl Begun {
    pub fn new(wish: Wish<'_>, inputs: &Inputs, warnings: &[String]) -> Result<Self> {
        let request = wish.request;
        // The run may be continued from another working folder.
        let absolute = |path: &PathBuf| {
            let path = &wish.path(path);
            std::path::absolute(path).map_err(|e| Error::file(path, e.to_string()))
        };
        let flow = match &request.flow {
            FlowSource::Dense => FlowSource::Dense,
            FlowSource::FloFolder(path) => FlowSource::FloFolder(absolute(path)?),
            FlowSource::FlowNet2(path) => FlowSource::FlowNet2(absolute(path)?),
        };
        Ok(Self {
            invert: request.config.clone(),
            flow,
            npy: request.npy,
            fps: inputs.fps,
            frame_names: inputs.names.clone(),
            frames_sha256: inputs.sha256.clone(),
            warnings: warnings.to_vec(),
            selection: request.selection,
            shots: inputs.shots.iter().map(|shot| shot.start + 1).collect(),
            without_face: inputs.without_face.iter().map(|k| k + 1).collect(),
            jitter_px: inputs.jitter,
        })
    }

    /// The shots as ranges of frames counted from 0.
    pub fn shots(&self, frames: usize) -> Vec<Range<usize>> {
        let starts: Vec<usize> = self.shots.iter().map(|number| number - 1).collect();
        let ends = starts.iter().skip(1).copied().chain([frames]);
        let shots: Vec<Range<usize>> = starts.iter().zip(ends).map(|(a, b)| *a..b).collect();
        // A run that an earlier version began knows of no shots.
        if shots.is_empty() { std::iter::once(0..frames).collect() } else { shots }
    }

    /// The windows that so many frames are found in.
    pub fn windows(&self, frames: usize) -> Vec<Window> {
        windows(&self.shots(frames), &self.invert.windows)
    }

    /// The shot that frame `k` belongs to, and the frames on each side that its code is averaged
    /// with: none in a shot of one window, or among pictures that are no frames of a clip.
    pub fn blur(&self, shots: &[Range<usize>], k: usize) -> (Range<usize>, usize) {
        let shot = shots[shots.partition_point(|shot| shot.end <= k)].clone();
        let windows = &self.invert.windows;
        let one_after_another = self.fps.is_some() && shot.len() > windows.size;
        (shot, if one_after_another { windows.blur } else { 0 })
    }

    /// Steps of the optimiser over all windows.
    pub fn steps(&self, frames: usize) -> usize {
        self.windows(frames).iter().map(|window| self.invert.of_window(window).steps).sum()
    }

    /// Reads the settings of a run that this program began.
    ///
    /// # Errors
    /// A manifest whose settings are not ours.
    pub fn of(folder: &RunFolder, manifest: &Manifest) -> Result<Self> {
        let wrong = |problem: String| {
            Error::file(folder.manifest(), format!("holds settings that cannot be read: {problem}"))
        };
        let begun: Self =
            serde_json::from_value(manifest.config.clone()).map_err(|e| wrong(e.to_string()))?;
        let shots = &begun.shots;
        let ordered = shots.first().is_none_or(|first| *first == 1)
            && shots.windows(2).all(|pair| pair[0] < pair[1])
            && shots.last().is_none_or(|last| *last <= manifest.frames);
        if ordered { Ok(begun) } else { Err(wrong(format!("shots that begin at {shots:?}"))) }
    }

    /// As JSON with numbers as people write them: 0.9 and not the nearest `f32` in full.
    fn to_value(&self) -> serde_json::Value {
        let text = serde_json::to_string(self).expect("settings are plain data");
        serde_json::from_str(&text).expect("what was just written")
    }
}

/// The manifest of a run before its first step.
///
/// # Errors
/// A file of flow weights that cannot be read.
pub(super) fn manifest(
    kit: &Kit,
    request: &InvertRequest,
    inputs: &Inputs,
    begun: &Begun,
) -> Result<Manifest> {
    let generator = kit.generator.as_ref();
    let Provenance { file, mean_code, noise } = generator.provenance();
    Ok(Manifest {
        format: manifest::FORMAT,
        reelgan: env!("CARGO_PKG_VERSION").into(),
        command: request.command.clone(),
        inputs: inputs.files.clone(),
        crops: inputs.crops.clone(),
        frames: inputs.names.len(),
        preset: request.config.preset.to_string(),
        config: begun.to_value(),
        generator: manifest::Generator {
            name: generator.identity().name.clone(),
            sha256: generator.identity().sha256.clone(),
            resolution: generator.resolution(),
            rows: generator.rows(),
            dim: generator.dim(),
            file,
            mean_code,
            noise,
        },
        perceptual: Some(network(kit.nets.identity())),
        flow: flow_network(&begun.flow)?,
        seed: request.config.seed,
        device: device(generator.device()),
        state: State::Running,
        stop_reason: None,
        steps_done: 0,
        best_step: None,
        losses: Default::default(),
        notice: Manifest::notice(),
    })
}

/// The network that estimates the flows, if one does, known by its content.
fn flow_network(flow: &FlowSource) -> Result<Option<manifest::Network>> {
    let FlowSource::FlowNet2(path) = flow else { return Ok(None) };
    let sha256 = manifest::Input::of(path)?.sha256;
    Ok(Some(manifest::Network { name: "flownet2".into(), sha256 }))
}

/// Refuses to continue a run with other flow weights than it began with.
///
/// # Errors
/// Weights that changed, or cannot be read.
pub(super) fn check_same_flow(manifest: &Manifest, begun: &Begun) -> Result<()> {
    let now = Manifest { flow: flow_network(&begun.flow)?, ..manifest.clone() };
    Ok(manifest.check_continues(&now)?)
}

/// The back end's name of a device, such as `Flex(Cpu)`.
fn device(device: &Device) -> String {
    let text = format!("{device:?}");
    match text.strip_prefix("Device<").and_then(|inner| inner.strip_suffix('>')) {
        Some(inner) => inner.into(),
        None => text,
    }
}

/// Notes in the manifest how far the inversion came.
pub(super) fn note_progress(manifest: &mut Manifest, inversion: &Inversion) {
    manifest.steps_done = inversion.history.len() as u64;
    manifest.best_step = inversion.best.as_ref().map(|best| best.step as u64);
    let record = inversion.best.as_ref().and_then(|best| inversion.history.get(best.step));
    manifest.losses = record
        .map(|r| r.terms.named().map(|(name, v)| (name.to_string(), f64::from(v))).into())
        .unwrap_or_default();
}

/// The content of `config.toml`: the settings, to be given to another run.
///
/// # Errors
/// A seed beyond what TOML can hold.
pub(super) fn toml(config: &InvertConfig) -> Result<String> {
    if i64::try_from(config.seed).is_err() {
        return Err(Error::setting(
            "seed",
            format!("{} is too large; stay below 2^63", config.seed),
        ));
    }
    toml::to_string(config)
        .map_err(|e| Error::setting("settings", format!("cannot be written as TOML: {e}")))
}

/// Refuses to continue a run with other models, or another version, than it began with.
///
/// # Errors
/// [`Error::OtherGenerator`]; the first other thing that differs.
pub(super) fn check_same(kit: &Kit, folder: &RunFolder, manifest: &Manifest) -> Result<()> {
    let theirs = Identity {
        name: manifest.generator.name.clone(),
        sha256: manifest.generator.sha256.clone(),
    };
    if theirs != *kit.generator.identity() {
        return Err(Error::OtherGenerator {
            what: format!("the run {}", folder.path().display()),
            theirs: theirs.to_string(),
            ours: kit.generator.identity().to_string(),
        });
    }
    let mut now = manifest.clone();
    now.reelgan = env!("CARGO_PKG_VERSION").into();
    now.perceptual = Some(network(kit.nets.identity()));
    Ok(manifest.check_continues(&now)?)
}

fn network(identity: &Identity) -> manifest::Network {
    manifest::Network { name: identity.name.clone(), sha256: identity.sha256.clone() }
}
