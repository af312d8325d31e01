//! The motion of one clip on another face.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::morph::face;
use super::noise::Noises;
use super::pictures::playback;
use super::watch::Watch;
use super::{Kit, TransferRequest};
use crate::Result;
use crate::codes::Trajectory;
use crate::edit::{self, Motion};

/// Moves another face as the frames of a run move and renders it into
/// `RUN/transfers/TARGET`, the run's frames above it in strip and video.
///
/// # Errors
/// A folder that is no run, a run of one frame, codes of another generator, rows that do
/// not exist, a folder that holds another transfer.
pub fn transfer(
    kit: &Kit,
    driver: &Path,
    request: &TransferRequest,
    watch: &mut dyn Watch,
) -> Result<Made> {
    let TransferRequest { target, frame, config, .. } = request;
    made::make(kit, driver, request.out.as_deref(), watch, |source| {
        let codes = edit::transfer(&source.codes, &face(kit, target, *frame)?, config)?;
        let motion = match config.motion {
            Motion::Whole => "whole",
            Motion::Principal => "principal",
        };
        let stem = target.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{stem}-{frame}-{motion}-{}[{}]", config.strength, config.rows);
        let frames: Vec<usize> = (0..codes.count()).collect();
        Ok(Plan {
            kind: "transfer",
            title: format!("Motion carried over to {}", target.display()),
            label: "transfer".into(),
            place: made::place(&source.folder, "transfers", &name)?,
            request: json!({
                "target": target, "frame": frame, "motion": motion,
                "strength": config.strength, "rows": config.rows.to_string(),
            }),
            trajectory: Trajectory::through(&codes),
            // Noise that a run optimised belongs to its own face.
            noise: Noises::Same(kit.generator.fixed_noise()),
            fps: playback(frames.len(), source.fps()),
            frames: Some(frames),
            with_recon: true,
            npy: false,
        })
    })
}
