//! How well inverted codes can be edited, where the truth is known (paper 4.2, tables 2, 3).

use reelgan_run::Images;
use serde::{Deserialize, Serialize};

use crate::codes::Codes;
use crate::directions::CodePrior;
use crate::edit::{Edit, edited};
use crate::face::{Attribute, FaceReader};
use crate::generator::{self, Generator};
use crate::metric::Metric;
use crate::{Error, Result};

/// What codes are judged with.
pub struct EditJudge<'a> {
    /// The generator of codes and truth.
    pub generator: &'a dyn Generator,
    /// LPIPS.
    pub lpips: &'a dyn Metric,
    /// Mean squared error.
    pub mse: &'a dyn Metric,
    /// Reads attributes and identity.
    pub reader: &'a FaceReader,
    /// Tells unusual codes.
    pub prior: &'a CodePrior,
}

/// The judgement of one sequence: means over its frames; what faces are read for is `None`
/// where in no frame one was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Editability {
    /// Mean squared error of the reconstruction.
    pub mse: f64,
    /// LPIPS of the reconstruction.
    pub lpips: f64,
    /// Mean squared error of the edit against the true code with the same edit.
    pub edit_mse: f64,
    /// LPIPS of that.
    pub edit_lpips: f64,
    /// What the edit did to its attribute, in the attribute's unit.
    pub response: Option<f64>,
    /// What it did to the true codes.
    pub true_response: Option<f64>,
    /// Distance of the descriptors of edit and reconstruction: who stays.
    pub identity: Option<f64>,
    /// The same for the true codes.
    pub true_identity: Option<f64>,
    /// Root mean square distance of the rows of the codes from the mean, in standard
    /// deviations; about 1 for codes that the generator draws itself.
    pub domain: f64,
}

/// Judges the inverted codes of a sequence by its true ones and an edit.
///
/// # Errors
/// Numbers of codes that differ; as [`edited`].
pub fn editability(
    judge: &EditJudge<'_>,
    truth: &Codes,
    inverted: &Codes,
    edit: &Edit,
    attribute: Option<Attribute>,
) -> Result<Editability> {
    let count = truth.count();
    if inverted.count() != count {
        return Err(Error::Shape {
            what: "inverted codes".into(),
            expected: format!("{count}, as true ones"),
            got: inverted.count().to_string(),
        });
    }
    let moved = |codes: &Codes| edited(judge.generator, codes, std::slice::from_ref(edit));
    let (true_moved, our_moved) = (moved(truth)?, moved(inverted)?);
    let mut pictures = [0.0; 4];
    let (mut changes, mut distances) = ([vec![], vec![]], [vec![], vec![]]);
    for k in 0..count {
        let show = |codes: &Codes| generator::render(judge.generator, &codes.select(&[k])?);
        let [before, after] = [show(truth)?, show(&true_moved)?];
        let [ours, our_edit] = [show(inverted)?, show(&our_moved)?];
        for (i, [a, b]) in [[&before, &ours], [&after, &our_edit]].into_iter().enumerate() {
            pictures[2 * i] += judge.mse.measure(a, b, 0)? / count as f64;
            pictures[2 * i + 1] += judge.lpips.measure(a, b, 0)? / count as f64;
        }
        for (i, [a, b]) in [[&ours, &our_edit], [&before, &after]].into_iter().enumerate() {
            if let Some((change, apart)) = change(judge, a, b, attribute)? {
                changes[i].extend(change);
                distances[i].push(apart);
            }
        }
    }
    let rows: Vec<f64> = inverted
        .data()
        .chunks_exact(inverted.dim())
        .map(|row| judge.prior.distance(row).powi(2))
        .collect();
    let mean = |values: &[f64]| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let [mse, lpips, edit_mse, edit_lpips] = pictures;
    Ok(Editability {
        mse,
        lpips,
        edit_mse,
        edit_lpips,
        response: mean(&changes[0]),
        true_response: mean(&changes[1]),
        identity: mean(&distances[0]),
        true_identity: mean(&distances[1]),
        domain: (rows.iter().sum::<f64>() / rows.len() as f64).sqrt(),
    })
}

/// What an edit did to an attribute, and how far it led from the person; `None` where no
/// face was found.
fn change(
    judge: &EditJudge<'_>,
    before: &Images,
    after: &Images,
    attribute: Option<Attribute>,
) -> Result<Option<(Option<f64>, f64)>> {
    let read = |image| judge.reader.read_and_describe(image, 0);
    let (Some((a, who)), Some((b, still))) = (read(before)?, read(after)?) else {
        return Ok(None);
    };
    let change = attribute
        .map(|attribute| b.value(attribute) - a.value(attribute))
        .filter(|change| change.is_finite());
    Ok(Some((change, who.distance(&still))))
}
