//! The way from one frame of a run to another.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::watch::Watch;
use super::{Kit, MorphRequest};
use crate::Result;
use crate::codes::Trajectory;
use crate::edit;

/// Renders the straight way between the codes of two frames into `RUN/morphs/FROM-TO`.
///
/// # Errors
/// A folder that is no run, frames it does not have, fewer than 2 steps, a folder
/// that holds another morph.
pub fn morph(kit: &Kit, run: &Path, request: &MorphRequest, watch: &mut dyn Watch) -> Result<Made> {
    let &MorphRequest { from, to, steps, fps, .. } = request;
    made::make(kit, run, request.out.as_deref(), watch, |source| {
        let ends = source.chosen(Some(&[from, to]))?;
        let codes = edit::morph(&source.codes, ends[0], ends[1], steps)?;
        Ok(Plan {
            kind: "morph",
            title: format!("Morph from frame {from} to frame {to}"),
            label: "morph".into(),
            place: made::place(&source.folder, "morphs", &format!("{from}-{to}"))?,
            request: json!({ "from": from, "to": to, "steps": steps, "fps": fps }),
            trajectory: Trajectory::through(&codes),
            noise: source.noises(kit, &ends).between(kit.generator.as_ref(), steps)?,
            frames: None,
            with_recon: false,
            fps,
            npy: false,
        })
    })
}
