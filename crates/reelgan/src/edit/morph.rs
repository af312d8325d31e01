//! Morphing: the straight way between two codes, and mixing their rows.

use std::fmt;
use std::str::FromStr;

use crate::codes::{Codes, Rows};
use crate::{Error, Result};

/// How a way is divided into steps: from time to place, both `[0,1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Easing {
    /// Even steps.
    #[default]
    Linear,
    /// Slow at both ends: `3t^2 - 2t^3`.
    Smooth,
    /// Slow at the beginning: `t^2`.
    In,
    /// Slow at the end: `1 - (1-t)^2`.
    Out,
}

impl Easing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Smooth, Self::In, Self::Out];

    /// Where one is at time `t`.
    pub fn at(self, t: f32) -> f32 {
        match self {
            Self::Linear => t,
            Self::Smooth => t * t * (3.0 - 2.0 * t),
            Self::In => t * t,
            Self::Out => 1.0 - (1.0 - t) * (1.0 - t),
        }
    }
}

impl fmt::Display for Easing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Smooth => "smooth",
            Self::In => "in",
            Self::Out => "out",
        })
    }
}

impl FromStr for Easing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|easing| easing.to_string() == text).ok_or_else(|| {
            Error::setting(format!("easing `{text}`"), "there are linear, smooth, in and out")
        })
    }
}

/// `steps` codes from code `from` to code `to` (counted from 0), both ends included.
///
/// # Errors
/// Fewer than 2 steps, or a frame that is not there.
/// # Source   paper 4.4.2: linear interpolation of codes
pub fn morph(codes: &Codes, from: usize, to: usize, steps: usize) -> Result<Codes> {
    let (from, to) = (codes.select(&[from])?, codes.select(&[to])?);
    morph_eased(&from, &to, steps, Easing::Linear, Rows::ALL)
}

/// `steps` codes from the first code of `from` to the first of `to`, both ends included;
/// rows outside `rows` stay those of `from`, so the last one is a style mix.
///
/// # Errors
/// Fewer than 2 steps; codes of different shapes; rows that do not exist.
pub fn morph_eased(
    from: &Codes,
    to: &Codes,
    steps: usize,
    easing: Easing,
    rows: Rows,
) -> Result<Codes> {
    if steps < 2 {
        return Err(Error::setting("steps of a morph", "must be at least 2: both ends count"));
    }
    let end = mixed(from, to, rows)?;
    let (a, b) = (from.code(0), end.code(0));
    let mut data = Vec::with_capacity(steps * a.len());
    for step in 0..steps {
        let t = easing.at(step as f32 / (steps - 1) as f32);
        data.extend(a.iter().zip(b).map(|(a, b)| (1.0 - t) * a + t * b));
    }
    Codes::new(from.rows(), from.dim(), data)
}

/// Every code of `from` on its way to the code of `to` at the same place, or the last one
/// there is: the first stays, the last arrives. Rows outside `rows` stay.
///
/// # Errors
/// Fewer than 2 codes to morph, none to go to; codes of different shapes; rows that do not
/// exist.
pub fn morph_clip(from: &Codes, to: &Codes, easing: Easing, rows: Rows) -> Result<Codes> {
    let (count, there) = (from.count(), to.count());
    if count < 2 || there == 0 {
        return Err(Error::setting(
            "morph of a clip",
            format!("{count} frames into {there}: it takes 2 or more, and 1 or more to go to"),
        ));
    }
    let mut data = Vec::with_capacity(from.data().len());
    for k in 0..count {
        let own = from.select(&[k])?;
        let end = mixed(&own, &to.select(&[k.min(there - 1)])?, rows)?;
        let t = easing.at(k as f32 / (count - 1) as f32);
        data.extend(own.code(0).iter().zip(end.code(0)).map(|(a, b)| (1.0 - t) * a + t * b));
    }
    Codes::new(from.rows(), from.dim(), data)
}

/// Every code of `codes` with some rows of the first code of `style`.
///
/// # Errors
/// Codes of different shapes; rows that do not exist.
/// # Source   style mixing, Karras et al. 2019
pub fn mixed(codes: &Codes, style: &Codes, rows: Rows) -> Result<Codes> {
    let (count, dim) = (codes.rows(), codes.dim());
    if (style.rows(), style.dim()) != (count, dim) {
        return Err(Error::Shape {
            what: "codes to mix".into(),
            expected: format!("[N,{count},{dim}]"),
            got: format!("[{},{},{}]", style.count(), style.rows(), style.dim()),
        });
    }
    let range = rows.resolve(count)?;
    let mut out = codes.clone();
    for code in out.data_mut().chunks_exact_mut(count * dim) {
        let part = range.start * dim..range.end * dim;
        code[part.clone()].copy_from_slice(&style.code(0)[part]);
    }
    Ok(out)
}

/// Every code drawn towards the mean: `m + psi (w - m)` on some rows. It takes back what
/// an edit did too much, together with some of the person.
///
/// # Errors
/// A psi that is not finite; rows that do not exist.
pub fn truncated(codes: &Codes, mean: &[f32], psi: f32, rows: Rows) -> Result<Codes> {
    if !psi.is_finite() {
        return Err(Error::setting("truncation", "must be a number, usually between 0 and 1"));
    }
    let (count, dim) = (codes.rows(), codes.dim());
    let range = rows.resolve(count)?;
    let mut out = codes.clone();
    for (k, row) in out.data_mut().chunks_exact_mut(dim).enumerate() {
        if range.contains(&(k % count)) {
            row.iter_mut().zip(mean).for_each(|(w, m)| *w = m + psi * (*w - m));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_the_codes_and_the_middle_is_their_mean() {
        let codes = Codes::new(1, 2, vec![0.0, 4.0, 2.0, 8.0]).unwrap();
        let m = morph(&codes, 0, 1, 3).unwrap();
        assert_eq!(m.data(), &[0.0, 4.0, 1.0, 6.0, 2.0, 8.0]);
    }

    #[test]
    fn a_frame_that_is_not_there_is_named_from_one() {
        let codes = Codes::new(1, 2, vec![0.0; 4]).unwrap();
        let error = morph(&codes, 0, 2, 3).unwrap_err().to_string();
        assert!(error.contains("no frame 3") && error.contains("1 to 2"), "{error}");
    }

    #[test]
    fn easings_begin_and_end_where_they_should_and_rise() {
        for easing in Easing::ALL {
            assert_eq!((easing.at(0.0), easing.at(1.0)), (0.0, 1.0), "{easing}");
            let places: Vec<f32> = (0..=16).map(|k| easing.at(k as f32 / 16.0)).collect();
            assert!(places.windows(2).all(|p| p[1] > p[0]), "{easing}: {places:?}");
            assert_eq!(easing.to_string().parse::<Easing>().unwrap(), easing);
        }
        assert_eq!(Easing::Smooth.at(0.25), 0.15625);
    }

    #[test]
    fn a_clip_goes_over_while_it_plays() {
        let a = Codes::new(2, 1, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let b = Codes::new(2, 1, vec![10.0, 20.0, 30.0, 40.0]).unwrap();
        let m = morph_clip(&a, &b, Easing::Linear, Rows::ALL).unwrap();
        // The second of the other's two frames stays for the third.
        assert_eq!(m.data(), &[0.0, 1.0, 16.0, 21.5, 30.0, 40.0]);
        let m = morph_clip(&a, &b, Easing::In, Rows::range(0, 1)).unwrap();
        assert_eq!(m.data(), &[0.0, 1.0, 9.0, 3.0, 30.0, 5.0]);
        assert!(morph_clip(&a.select(&[0]).unwrap(), &b, Easing::In, Rows::ALL).is_err());
    }

    #[test]
    fn only_the_rows_asked_for_are_taken() {
        let a = Codes::new(2, 1, vec![0.0, 1.0]).unwrap();
        let b = Codes::new(2, 1, vec![4.0, 5.0]).unwrap();
        let m = morph_eased(&a, &b, 2, Easing::In, Rows::range(1, 2)).unwrap();
        assert_eq!(m.data(), &[0.0, 1.0, 0.0, 5.0]);
        assert_eq!(mixed(&a, &b, Rows::range(0, 1)).unwrap().data(), &[4.0, 1.0]);
        assert!(mixed(&a, &Codes::new(1, 1, vec![0.0]).unwrap(), Rows::ALL).is_err());
        let half = truncated(&b, &[2.0], 0.5, Rows::range(1, 2)).unwrap();
        assert_eq!(half.data(), &[4.0, 3.5]);
    }
}
