//! A run's frames with directions added.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::noise::Noises;
use super::pictures::playback;
use super::source::Source;
use super::watch::Watch;
use super::{EditNoise, EditRequest, Kit, Selection};
use crate::codes::Trajectory;
use crate::edit::{Along, Edit, Timed, Timeline, edited_clip, edited_over_time};
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

pub(super) fn plan(kit: &Kit, source: &Source, request: &EditRequest) -> Result<Plan> {
    plan_at(kit, source, request, times(source))
}

/// The plan of an edit of frames that are shown at these times.
pub(super) fn plan_at(
    kit: &Kit,
    source: &Source,
    request: &EditRequest,
    times: Timeline,
) -> Result<Plan> {
    let times = times.cut(source.cuts());
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
        trajectory: moved(kit, source, &request.edits, (&frames, &times))?,
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

/// When the frames of a run are shown, as far as its folder tells: at a constant rate.
fn times(source: &Source) -> Timeline {
    let count = source.codes.count();
    let Some(fps) = source.fps().filter(|fps| *fps > 0.0) else {
        return Timeline::unknown(count);
    };
    let Selection { start, stride, .. } = source.selection();
    Timeline::new((0..count).map(|k| (start + k * stride) as f64 / fps).collect())
}

/// The chosen frames of the trajectory with the edits added.
fn moved(
    kit: &Kit,
    source: &Source,
    alongs: &[Along],
    (frames, times): (&[usize], &Timeline),
) -> Result<Trajectory> {
    let all = &source.file.trajectory;
    Along::check_conflicts(alongs)?;
    let identity = kit.generator.identity();
    let timed: Result<Vec<Timed>> =
        alongs.iter().map(|along| along.resolve(all, identity, times)).collect();
    let timed = timed?;
    let generator = kit.generator.as_ref();
    if !alongs.iter().all(Along::is_constant) {
        let codes = edited_over_time(generator, &all.codes(), &timed)?;
        return Ok(Trajectory::through(&codes.select(frames)?));
    }
    let edits: Vec<Edit> = timed.into_iter().map(|timed| timed.edit).collect();
    let moved = edited_clip(generator, all, &edits)?;
    if frames.iter().copied().eq(0..all.count()) {
        return Ok(moved);
    }
    Ok(Trajectory::through(&moved.codes().select(frames)?))
}

/// A folder name that says what the edits are: `motion=1.5`, `age[4..8]=2+motion=1`.
fn name_of(edits: &[Along]) -> String {
    edits.iter().map(Along::short).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_the_edits_are() {
        let edits = ["motion=1.5", "dir/age.npy:4..8=-2"].map(|s| s.parse::<Along>().unwrap());
        assert_eq!(name_of(&edits), "motion=1.5+age[4..8]=-2");
        assert_eq!(edits[1].to_string(), "dir/age.npy:4..8=-2");
        let keyed: Along = "dir/age.npy:4..8=0@0s,2@1s,smooth".parse().unwrap();
        assert_eq!(name_of(std::slice::from_ref(&keyed)), "age[4..8]=0@0s,2@1s,smooth");
        assert_eq!(keyed.to_string(), "dir/age.npy:4..8=0@0s,2@1s,smooth");
    }
}
