//! Morphing: the straight way between two codes.

use crate::codes::Codes;
use crate::{Error, Result};

/// `steps` codes from code `from` to code `to` (counted from 0), both ends included.
///
/// # Errors
/// Fewer than 2 steps, or a frame that is not there.
/// # Source   paper 4.4.2: linear interpolation of codes
pub fn morph(codes: &Codes, from: usize, to: usize, steps: usize) -> Result<Codes> {
    if steps < 2 {
        return Err(Error::setting("steps of a morph", "must be at least 2: both ends count"));
    }
    let ends = codes.select(&[from, to])?;
    let (a, b) = (ends.code(0), ends.code(1));
    let mut data = Vec::with_capacity(steps * a.len());
    for step in 0..steps {
        let t = step as f32 / (steps - 1) as f32;
        data.extend(a.iter().zip(b).map(|(a, b)| (1.0 - t) * a + t * b));
    }
    Codes::new(codes.rows(), codes.dim(), data)
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
}
