//! Linear edits.

use crate::codes::{Codes, Direction, Rows, Trajectory};
use crate::generator::{self, Generator, SampleConfig};
use crate::{Error, Result};

/// What a strength counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Measure {
    /// From where the code is: `w' = w + a n`.
    #[default]
    By,
    /// From the boundary: `w' = w + (a - w.n - bias) n`, so that every row comes to lie
    /// at distance `a`. For vectors of length 1.
    To,
}

/// A direction, how far along it, and on which rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What to add.
    pub direction: Direction,
    /// How much of it; negative goes the other way.
    pub strength: f32,
    /// On which rows of the code.
    pub rows: Rows,
    /// What the strength counts from.
    pub measure: Measure,
}

impl Edit {
    /// `strength` times the direction on all rows.
    pub fn by(direction: Direction, strength: f32) -> Self {
        Self { direction, strength, rows: Rows::ALL, measure: Measure::By }
    }

    /// The same on these rows.
    pub fn on(self, rows: Rows) -> Self {
        Self { rows, ..self }
    }

    /// The edit that takes this one back; `None` for one to a distance, which forgets
    /// where it came from.
    pub fn inverse(&self) -> Option<Self> {
        let back = || Self { strength: -self.strength, ..self.clone() };
        (self.measure == Measure::By).then(back)
    }
}

/// A shift of so many times the usual distance of codes from their mean leads out of
/// anything the generator knows.
const FARTHEST: f64 = 10.0;
/// Shifts below this are not looked at more closely.
const NEAR: f64 = 10.0;

/// `w' = w + strength * n` on the rows of each edit, one edit after the other.
///
/// # Shapes   codes `[N,L,D]` of `generator`; result the same
/// # Errors
/// A direction of another generator, row count or width; rows that do not exist;
/// a strength that is not finite, or leads ten times as far as codes lie apart.
/// # Source   paper eq. 1; to a distance: InterFaceGAN, Shen et al. 2020
pub fn edited(generator: &dyn Generator, codes: &Codes, edits: &[Edit]) -> Result<Codes> {
    let (rows, dim) = (codes.rows(), codes.dim());
    let mut out = codes.clone();
    for edit in edits {
        edit.direction.check(generator.identity(), rows, dim)?;
        check_strength(generator, edit)?;
        let range = edit.rows.resolve(rows)?;
        for (k, row) in out.data_mut().chunks_exact_mut(dim).enumerate() {
            if range.contains(&(k % rows)) {
                move_row(row, edit, k % rows);
            }
        }
    }
    Ok(out)
}

/// A whole clip edited: the base code moves, and the steps between frames stay.
///
/// An edit to a distance brings the first frame there; the others keep their motion.
///
/// # Errors
/// As [`edited`].
pub fn edited_clip(
    generator: &dyn Generator,
    clip: &Trajectory,
    edits: &[Edit],
) -> Result<Trajectory> {
    let base = Codes::new(clip.rows(), clip.dim(), clip.base().to_vec())?;
    let base = edited(generator, &base, edits)?;
    let (base, steps) = (base.data().to_vec(), clip.offsets().to_vec());
    Trajectory::new(clip.rows(), clip.dim(), clip.space(), base, steps)
}

fn move_row(row: &mut [f32], edit: &Edit, k: usize) {
    let step = edit.direction.row(k);
    let amount = match edit.measure {
        Measure::By => edit.strength,
        Measure::To => {
            let dot: f64 = row.iter().zip(step).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let square: f64 = step.iter().map(|&v| f64::from(v).powi(2)).sum();
            // A row that the direction leaves alone has no distance.
            if square == 0.0 {
                return;
            }
            let bias = edit.direction.learned.as_ref().map_or(0.0, |l| l.bias);
            (f64::from(edit.strength) - dot - bias) as f32
        }
    };
    for (value, step) in row.iter_mut().zip(step) {
        *value += amount * step;
    }
}

fn check_strength(generator: &dyn Generator, edit: &Edit) -> Result<()> {
    let Edit { direction, strength, .. } = edit;
    let wrong =
        |problem: String| Err(Error::setting(format!("strength of `{}`", direction.name), problem));
    if !strength.is_finite() {
        return wrong("must be a finite number".into());
    }
    let (length, rows) = (direction.length(), direction.rows() as f64);
    let of_row = |k| direction.row(k).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    let odd = (0..direction.rows()).map(of_row).find(|l| *l > 0.0 && (l - 1.0).abs() > 0.01);
    if edit.measure == Measure::To
        && let Some(odd) = odd
    {
        return wrong(format!(
            "a distance needs vectors of length 1, and here is one of {odd:.3}; give a plain strength"
        ));
    }
    // Root mean square over the rows.
    let shift = f64::from(strength.abs()) * length / rows.sqrt();
    if shift <= NEAR {
        return Ok(());
    }
    let usual = spread(generator)?;
    if shift <= FARTHEST * usual {
        return Ok(());
    }
    wrong(format!(
        "{strength} moves a code by {shift:.1}, and codes of this generator lie {usual:.1} from their \
         mean; give at most {:.3}",
        FARTHEST * usual / (length / rows.sqrt())
    ))
}

/// Usual distance of codes of W from their mean, over a few of them.
fn spread(generator: &dyn Generator) -> Result<f64> {
    let few = SampleConfig { count: 64, seed: 0, truncation: 1.0, truncated_rows: None };
    let codes = generator::sample_w(generator, &few)?;
    let mean = generator.mean_code().iter().cycle();
    let square: f64 = codes.iter().zip(mean).map(|(w, m)| f64::from(w - m).powi(2)).sum();
    Ok((square / few.count as f64).sqrt())
}
