//! Conditional directions: move one attribute and leave others alone.

use crate::codes::{Direction, Learned};
use crate::{Error, Result};

/// Less than this part of a direction is rounding.
const NOTHING: f64 = 1e-3;

/// The part of a direction at right angles to all of `others`, as long as it was:
/// `b - C' (C C')^-1 C b`, renormalised.
///
/// In W+ each row is projected on its own. The units that a strength brings shrink with
/// the angle between the direction and what is left of it.
///
/// # Errors
/// Directions of other generators or widths; nothing left.
/// # Source   InterFaceGAN, Shen et al. 2020, section 3.2 (conditional manipulation)
pub fn conditional(direction: &Direction, others: &[Direction]) -> Result<Direction> {
    let dim = direction.dim();
    let rows = others.iter().map(Direction::rows).fold(direction.rows(), usize::max);
    for part in others.iter().chain([direction]) {
        let fits = part.dim() == dim && (part.rows() == 1 || part.rows() == rows);
        if !fits {
            return Err(Error::Shape {
                what: format!("direction `{}`", part.name),
                expected: format!("(1,{dim}) or ({rows},{dim}), as the others"),
                got: format!("({},{})", part.rows(), part.dim()),
            });
        }
        if let (Some(ours), Some(theirs)) = (&direction.generator, &part.generator)
            && ours != theirs
        {
            return Err(Error::OtherGenerator {
                what: format!("direction `{}`", part.name),
                theirs: theirs.to_string(),
                ours: ours.to_string(),
            });
        }
    }
    let mut left = Vec::with_capacity(rows * dim);
    for k in 0..rows {
        let basis = orthonormal(others.iter().map(|other| other.row(k)));
        left.extend(without(direction.row(k), &basis));
    }
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let before = direction.length() * ((rows / direction.rows()) as f64).sqrt();
    let after = norm(&left);
    if after < NOTHING * before {
        let names: Vec<_> = others.iter().map(|o| o.name.as_str()).collect();
        return Err(Error::setting(
            format!("direction `{}` without {}", direction.name, names.join(" and ")),
            "nothing is left of it; leave one of them out",
        ));
    }
    let scale = before / after;
    let vectors = left.iter().map(|v| (v * scale) as f32).collect();
    let names: Vec<_> = others.iter().map(|o| o.name.as_str()).collect();
    let mut made = Direction::new(
        std::iter::once(direction.name.as_str())
            .chain(names.iter().copied())
            .collect::<Vec<_>>()
            .join("~"),
        vectors,
        rows,
        direction.generator.clone(),
        format!("{}; without {}", direction.provenance, names.join(", ")),
    )?;
    let kept = after / before;
    made.learned =
        direction.learned.clone().map(|l| Learned { per_strength: l.per_strength * kept, ..l });
    Ok(made)
}

/// An orthonormal basis of what the vectors span; those that add nothing are left out.
fn orthonormal<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for vector in vectors {
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let whole = norm(&vector.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
        let rest = without(vector, &basis);
        let length = norm(&rest);
        if length > NOTHING * whole {
            basis.push(rest.into_iter().map(|v| v / length).collect());
        }
    }
    basis
}

/// What is left of a vector outside a basis; twice, since once leaves rounding behind.
fn without(vector: &[f32], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut rest: Vec<f64> = vector.iter().map(|&v| f64::from(v)).collect();
    for _ in 0..2 {
        for axis in basis {
            let dot: f64 = rest.iter().zip(axis).map(|(a, b)| a * b).sum();
            rest.iter_mut().zip(axis).for_each(|(v, b)| *v -= dot * b);
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direction(name: &str, vectors: &[f32], rows: usize) -> Direction {
        Direction::new(name, vectors.to_vec(), rows, None, "test").unwrap()
    }

    #[test]
    fn closed_form_of_two_conditions() {
        // C spans x and x + y, so only z is left, as long as before.
        let b = direction("b", &[1.0, 2.0, 2.0, 0.0], 1);
        let c =
            [direction("x", &[2.0, 0.0, 0.0, 0.0], 1), direction("y", &[1.0, 1.0, 0.0, 0.0], 1)];
        let got = conditional(&b, &c).unwrap();
        assert_eq!(got.vectors(), [0.0, 0.0, 3.0, 0.0]);
        assert_eq!(got.name, "b~x~y");
    }

    #[test]
    fn rows_are_projected_one_by_one() {
        let b = direction("b", &[1.0, 1.0], 1);
        let c = direction("c", &[1.0, 0.0, 0.0, 1.0], 2);
        // Row 0 keeps y, row 1 keeps x; the length over both rows stays 2.
        let got = conditional(&b, &[c]).unwrap();
        let want = 2f32.sqrt();
        let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
        let v = got.vectors();
        assert!(v[0] == 0.0 && near(v[1], want) && near(v[2], want) && v[3] == 0.0, "{v:?}");
    }

    #[test]
    fn nothing_left_is_an_error() {
        let b = direction("b", &[1.0, 2.0], 1);
        let error = conditional(&b, &[direction("c", &[-2.0, -4.0], 1)]).unwrap_err().to_string();
        assert!(error.contains("nothing is left"), "{error}");
        assert!(conditional(&b, &[direction("c", &[1.0; 3], 1)]).is_err());
    }
}
