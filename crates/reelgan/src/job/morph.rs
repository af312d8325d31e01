//! The way from one face to another.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::noise::Noises;
use super::pictures::playback;
use super::source::Source;
use super::watch::Watch;
use super::{Kit, MorphRequest, MorphWay};
use crate::codes::{Codes, Rows, Trajectory, read_codes};
use crate::edit::{self, Easing};
use crate::{Error, Result};

/// Renders the straight way between codes into `RUN/morphs/NAME`: from a frame of the run
/// to another frame or face, or from the whole clip, while it plays, to another.
///
/// # Errors
/// A folder that is no run, frames it does not have, fewer than 2 steps, codes of another
/// generator, rows that do not exist, a folder that holds another morph.
pub fn morph(kit: &Kit, run: &Path, request: &MorphRequest, watch: &mut dyn Watch) -> Result<Made> {
    made::make(kit, run, request.out.as_deref(), watch, |source| {
        let MorphRequest { way, easing, rows, .. } = request;
        let Way { codes, noise, mut name, title, fps } = match way {
            MorphWay::Frames { from, to, into, steps, fps } => {
                let (begin, end, noise) = ends(kit, source, (*from, *to, into.as_deref()), *steps)?;
                let codes = edit::morph_eased(&begin, &end, *steps, *easing, *rows)?;
                let (name, title) = match into {
                    None => (format!("{from}-{to}"), format!("Morph from frame {from} to {to}")),
                    Some(path) => (
                        format!("{from}-{}-{to}", stem(path)),
                        format!("Morph from frame {from} to {}", path.display()),
                    ),
                };
                Way { codes, noise, name, title, fps: *fps }
            }
            MorphWay::Clip { into } => {
                let codes = edit::morph_clip(&source.codes, &faces(kit, into)?, *easing, *rows)?;
                let fps = playback(codes.count(), source.fps());
                let (name, title) = (stem(into), format!("Morph into {}", into.display()));
                // Two clips have noise of their own, or none: the way has the generator's.
                Way { codes, noise: Noises::Same(kit.generator.fixed_noise()), name, title, fps }
            }
        };
        if *easing != Easing::Linear {
            name = format!("{name}-{easing}");
        }
        if *rows != Rows::ALL {
            name = format!("{name}[{rows}]");
        }
        let mut asked = match way {
            MorphWay::Frames { from, to, into, steps, fps } => {
                json!({ "from": from, "to": to, "into": into, "steps": steps, "fps": fps })
            }
            MorphWay::Clip { into } => json!({ "into": into }),
        };
        asked["easing"] = easing.to_string().into();
        asked["rows"] = rows.to_string().into();
        Ok(Plan {
            kind: "morph",
            title,
            label: "morph".into(),
            place: made::place(&source.folder, "morphs", &name)?,
            request: asked,
            trajectory: Trajectory::through(&codes),
            noise,
            frames: None,
            with_recon: false,
            fps,
            npy: false,
        })
    })
}

/// What one kind of morph has that others have not.
struct Way {
    codes: Codes,
    noise: Noises,
    name: String,
    title: String,
    fps: f64,
}

/// Both ends of a way between frames, and the noise on the way.
fn ends(
    kit: &Kit,
    source: &Source,
    (from, to, into): (usize, usize, Option<&Path>),
    steps: usize,
) -> Result<(Codes, Codes, Noises)> {
    let begin = source.codes.select(&source.chosen(Some(&[from]))?)?;
    let (end, noise) = match into {
        None => {
            let ends = source.chosen(Some(&[from, to]))?;
            let noise = source.noises(kit, &ends).between(kit.generator.as_ref(), steps)?;
            (source.codes.select(&ends[1..])?, noise)
        }
        // Another face has noise of its own, or none: the way has the generator's.
        Some(path) => (face(kit, path, to)?, Noises::Same(kit.generator.fixed_noise())),
    };
    Ok((begin, end, noise))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Frame `number`, counted from 1, of a run or a file of codes.
///
/// # Errors
/// As [`faces`]; a frame that is not there.
pub(super) fn face(kit: &Kit, path: &Path, number: usize) -> Result<Codes> {
    let codes = faces(kit, path)?;
    let index = number.checked_sub(1).filter(|&k| k < codes.count());
    let index = index.ok_or(Error::Frame { asked: number, count: codes.count() })?;
    codes.select(&[index])
}

/// All codes of a run or a file of codes.
///
/// # Errors
/// As [`read_codes`]; codes of another generator.
fn faces(kit: &Kit, path: &Path) -> Result<Codes> {
    let generator = kit.generator.as_ref();
    let (codes, theirs) = read_codes(path, generator.rows(), generator.dim())?;
    if let Some(theirs) = theirs
        && theirs != *generator.identity()
    {
        return Err(Error::OtherGenerator {
            what: format!("{}", path.display()),
            theirs: theirs.to_string(),
            ours: generator.identity().to_string(),
        });
    }
    Ok(codes)
}
