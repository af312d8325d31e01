//! The way from one face to another.

use std::path::Path;

use serde_json::json;

use super::made::{self, Made, Plan};
use super::noise::Noises;
use super::watch::Watch;
use super::{Kit, MorphRequest};
use crate::codes::{Codes, Rows, Trajectory, read_codes};
use crate::edit::{self, Easing};
use crate::{Error, Result};

/// Renders the straight way between two codes into `RUN/morphs/FROM-TO`: both frames of
/// the run, or its frame `from` and another face.
///
/// # Errors
/// A folder that is no run, frames it does not have, fewer than 2 steps, codes of another
/// generator, rows that do not exist, a folder that holds another morph.
pub fn morph(kit: &Kit, run: &Path, request: &MorphRequest, watch: &mut dyn Watch) -> Result<Made> {
    let &MorphRequest { from, to, steps, fps, easing, rows, .. } = request;
    made::make(kit, run, request.out.as_deref(), watch, |source| {
        let begin = source.codes.select(&source.chosen(Some(&[from]))?)?;
        let (end, noise) = match &request.into {
            None => {
                let ends = source.chosen(Some(&[from, to]))?;
                let noise = source.noises(kit, &ends).between(kit.generator.as_ref(), steps)?;
                (source.codes.select(&ends[1..])?, noise)
            }
            // Another face has noise of its own, or none: the way has the generator's.
            Some(path) => (face(kit, path, to)?, Noises::Same(kit.generator.fixed_noise())),
        };
        let codes = edit::morph_eased(&begin, &end, steps, easing, rows)?;
        let mut name = match &request.into {
            None => format!("{from}-{to}"),
            Some(path) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                format!("{from}-{stem}-{to}")
            }
        };
        if easing != Easing::Linear {
            name = format!("{name}-{easing}");
        }
        if rows != Rows::ALL {
            name = format!("{name}[{rows}]");
        }
        Ok(Plan {
            kind: "morph",
            title: match &request.into {
                None => format!("Morph from frame {from} to frame {to}"),
                Some(path) => format!("Morph from frame {from} to {}", path.display()),
            },
            label: "morph".into(),
            place: made::place(&source.folder, "morphs", &name)?,
            request: json!({
                "from": from, "to": to, "into": request.into, "steps": steps, "fps": fps,
                "easing": easing.to_string(), "rows": rows.to_string(),
            }),
            trajectory: Trajectory::through(&codes),
            noise,
            frames: None,
            with_recon: false,
            fps,
            npy: false,
        })
    })
}

/// Frame `number`, counted from 1, of a run or a file of codes.
///
/// # Errors
/// As [`read_codes`]; codes of another generator; a frame that is not there.
pub(super) fn face(kit: &Kit, path: &Path, number: usize) -> Result<Codes> {
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
    let index = number.checked_sub(1).filter(|&k| k < codes.count());
    let index = index.ok_or(Error::Frame { asked: number, count: codes.count() })?;
    codes.select(&[index])
}
