//! The reconstructions of a run again.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::noise::Noises;
use super::pictures::playback;
use super::watch::Watch;
use super::{Kit, RenderRequest};
use crate::Result;
use crate::codes::Trajectory;

/// Renders frames of a run from their codes into `RUN/renders/...`, with the noise
/// inputs asked for.
///
/// # Errors
/// A folder that is no run, frames it does not have, a folder that holds another render.
pub fn render(
    kit: &Kit,
    run: &Path,
    request: &RenderRequest,
    watch: &mut dyn Watch,
) -> Result<Made> {
    made::make(kit, run, request.out.as_deref(), watch, |source| {
        let frames = source.chosen(request.frames.as_deref())?;
        let all = request.frames.is_none();
        let trajectory = if all {
            source.file.trajectory.clone()
        } else {
            Trajectory::through(&source.codes.select(&frames)?)
        };
        let numbers: Vec<usize> = frames.iter().map(|k| k + 1).collect();
        Ok(Plan {
            kind: "recon",
            title: "Reconstruction".into(),
            label: "reconstruction".into(),
            place: made::place(&source.folder, "renders", &name(request))?,
            request: json!({ "frames": numbers, "noise_seed": request.noise_seed }),
            trajectory,
            noise: match request.noise_seed {
                None => source.noises(kit, &frames),
                Some(seed) => Noises::Same(kit.generator.fresh_noise(seed)),
            },
            fps: playback(frames.len(), source.fps()),
            frames: Some(frames),
            with_recon: false,
            npy: false,
        })
    })
}

/// `all`, `frames-1-3`, `all-noise-7`.
fn name(request: &RenderRequest) -> String {
    /// Beyond this many numbers a name says how many there are instead.
    const NAMED: usize = 8;
    let frames = match request.frames.as_deref() {
        None => "all".to_string(),
        Some(frames) if frames.len() <= NAMED => {
            let numbers: Vec<String> = frames.iter().map(usize::to_string).collect();
            format!("frames-{}", numbers.join("-"))
        }
        Some(frames) => format!("{}-frames", frames.len()),
    };
    match request.noise_seed {
        None => frames,
        Some(seed) => format!("{frames}-noise-{seed}"),
    }
}
