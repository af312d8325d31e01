//! How well inverted codes can be edited, where the truth is known (paper 4.2, tables 2, 3).

use reelgan_run::Images;
use serde::{Deserialize, Serialize};

use crate::codes::Codes;
use crate::directions::CodePrior;
use crate::edit::{Edit, edited};
use crate::face::{Attribute, FaceReader, Reading};
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

/// The judgement of one sequence: means over its frames. NaN where no face was found.
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
    pub response: f64,
    /// What it did to the true codes.
    pub true_response: f64,
    /// Distance of the descriptors of edit and reconstruction: who stays.
    pub identity: f64,
    /// The same for the true codes.
    pub true_identity: f64,
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
    let mut sum = Sums::default();
    for k in 0..count {
        let show = |codes: &Codes| generator::render(judge.generator, &codes.select(&[k])?);
        let [before, after] = [show(truth)?, show(&true_moved)?];
        let [ours, our_edit] = [show(inverted)?, show(&our_moved)?];
        sum.add(0, judge.mse.measure(&before, &ours, 0)?);
        sum.add(1, judge.lpips.measure(&before, &ours, 0)?);
        sum.add(2, judge.mse.measure(&after, &our_edit, 0)?);
        sum.add(3, judge.lpips.measure(&after, &our_edit, 0)?);
        let [ours, theirs] = [
            change(judge, &ours, &our_edit, attribute)?,
            change(judge, &before, &after, attribute)?,
        ];
        [ours.0, theirs.0, ours.1, theirs.1]
            .into_iter()
            .enumerate()
            .for_each(|(i, v)| sum.add(4 + i, v));
    }
    let rows: Vec<f64> = inverted
        .data()
        .chunks_exact(inverted.dim())
        .map(|row| judge.prior.distance(row).powi(2))
        .collect();
    let mean = |k: usize| sum.mean(k);
    Ok(Editability {
        mse: mean(0),
        lpips: mean(1),
        edit_mse: mean(2),
        edit_lpips: mean(3),
        response: mean(4),
        true_response: mean(5),
        identity: mean(6),
        true_identity: mean(7),
        domain: (rows.iter().sum::<f64>() / rows.len() as f64).sqrt(),
    })
}

/// What an edit did to an attribute, and how far it led from the person; NaN where no
/// face was found.
fn change(
    judge: &EditJudge<'_>,
    before: &Images,
    after: &Images,
    attribute: Option<Attribute>,
) -> Result<(f64, f64)> {
    let read = |image| judge.reader.read_and_describe(image, 0);
    let (Some((a, who)), Some((b, still))) = (read(before)?, read(after)?) else {
        return Ok((f64::NAN, f64::NAN));
    };
    let value = |r: &Reading| attribute.map_or(f64::NAN, |attribute| r.value(attribute));
    Ok((value(&b) - value(&a), who.distance(&still)))
}

/// Sums of numbers that are numbers.
#[derive(Default)]
struct Sums([(f64, usize); 8]);

impl Sums {
    fn add(&mut self, k: usize, value: f64) {
        if value.is_finite() {
            self.0[k].0 += value;
            self.0[k].1 += 1;
        }
    }

    fn mean(&self, k: usize) -> f64 {
        self.0[k].0 / self.0[k].1 as f64
    }
}
