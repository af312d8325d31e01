//! A run's frames with directions added.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::noise::Noises;
use super::pictures::playback;
use super::source::Source;
use super::watch::Watch;
use super::{EditNoise, EditRequest, Kit};
use crate::codes::Trajectory;
use crate::edit::{EditSpec, check_conflicts, edited_clip};
use crate::invert::Space;
use crate::{Error, Result};

/// Adds directions to the codes of a run and renders the result into `RUN/edits/NAME`.
///
/// # Errors
/// A folder that is no run, directions that do not exist or belong to another
/// generator, a folder that holds another edit.
pub fn edit(kit: &Kit, run: &Path, request: &EditRequest, watch: &mut dyn Watch) -> Result<Made> {
    if request.edits.is_empty() {
        return Err(Error::setting("edits", "name at least one, such as motion=1.5"));
    }
    made::make(kit, run, request.out.as_deref(), watch, |source| plan(kit, source, request))
}

fn plan(kit: &Kit, source: &Source, request: &EditRequest) -> Result<Plan> {
    let frames = source.chosen(request.frames.as_deref())?;
    let words: Vec<String> = request.edits.iter().map(ToString::to_string).collect();
    // Where a run has no noise of its own, there is only one kind.
    let without = source.space() == Space::CodesThenNoise && request.noise == EditNoise::Fixed;
    let name = match &request.name {
        Some(name) => name.clone(),
        None if without => format!("{}+fixed-noise", name_of(&request.edits)),
        None => name_of(&request.edits),
    };
    let place = made::place(&source.folder, "edits", &name)?;
    Ok(Plan {
        kind: "edit",
        title: format!("Edit: {}", words.join(", ")),
        label: "edit".into(),
        place,
        request: json!({
            "edits": words,
            "frames": frames.iter().map(|k| k + 1).collect::<Vec<_>>(),
            "noise": if without { "fixed" } else { "original" },
        }),
        trajectory: moved(kit, source, &request.edits, &frames)?,
        noise: match request.noise {
            EditNoise::Original => source.noises(kit, &frames),
            EditNoise::Fixed => Noises::Same(kit.generator.fixed_noise()),
        },
        fps: playback(frames.len(), source.fps()),
        frames: Some(frames),
        with_recon: true,
        npy: request.npy,
    })
}

/// The chosen frames of the trajectory with the edits added.
///
/// Linear edits add the same to every frame, so the base code moves and the steps stay.
fn moved(kit: &Kit, source: &Source, specs: &[EditSpec], frames: &[usize]) -> Result<Trajectory> {
    let all = &source.file.trajectory;
    check_conflicts(specs)?;
    let identity = kit.generator.identity();
    let edits: Result<Vec<_>> = specs.iter().map(|spec| spec.resolve(all, identity)).collect();
    let moved = edited_clip(kit.generator.as_ref(), all, &edits?)?;
    if frames.iter().copied().eq(0..all.count()) {
        return Ok(moved);
    }
    Ok(Trajectory::through(&moved.codes().select(frames)?))
}

/// A folder name that says what the edits are: `motion=1.5`, `age[4..8]=2+motion=1`.
fn name_of(edits: &[EditSpec]) -> String {
    edits.iter().map(EditSpec::short).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_the_edits_are() {
        let specs = ["motion=1.5", "dir/age.npy:4..8=-2"].map(|s| s.parse::<EditSpec>().unwrap());
        assert_eq!(name_of(&specs), "motion=1.5+age[4..8]=-2");
        assert_eq!(specs[1].to_string(), "dir/age.npy:4..8=-2");
    }
}
