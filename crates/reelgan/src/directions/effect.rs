//! What responses say of directions: effect, monotony, identity.

use super::{Responses, Seen};
use crate::face::Attribute;

impl Responses {
    /// How many faces were found before they were moved.
    pub fn faces(&self) -> usize {
        self.faces.iter().filter(|seen| seen[0].is_some()).count()
    }

    /// Strengths with 0 among them, rising.
    pub fn strengths(&self) -> Vec<f32> {
        let mut all = self.config.strengths.clone();
        all.push(0.0);
        all.sort_by(f32::total_cmp);
        all
    }

    /// Face `k` moved along direction `d`, by strength, as in [`Responses::strengths`].
    fn along(&self, k: usize, d: usize) -> Vec<(f32, Option<&Seen>)> {
        let first = 1 + d * self.config.strengths.len();
        let moved = self.config.strengths.iter().zip(&self.faces[k][first..]);
        let mut all: Vec<_> = moved.map(|(s, seen)| (*s, seen.as_ref())).collect();
        all.push((0.0, self.faces[k][0].as_ref()));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }

    /// Units of an attribute that a strength of 1 along direction `d` brings: the mean over
    /// faces of the slope of a straight line through the face itself.
    pub fn slope(&self, d: usize, attribute: Attribute) -> f64 {
        let of_face = |k: usize| {
            let own = self.faces[k][0].as_ref()?.reading.value(attribute);
            let (mut product, mut square) = (0.0, 0.0);
            for (strength, seen) in self.along(k, d) {
                let Some(seen) = seen else { continue };
                let strength = f64::from(strength);
                product += strength * (seen.reading.value(attribute) - own);
                square += strength * strength;
            }
            (square > 0.0 && product.is_finite()).then(|| product / square)
        };
        mean((0..self.faces.len()).filter_map(of_face))
    }

    /// Mean of an attribute at each of [`Responses::strengths`].
    pub fn curve(&self, d: usize, attribute: Attribute) -> Vec<f64> {
        let at = |s: usize| {
            let value = |k| Some(self.along(k, d)[s].1?.reading.value(attribute));
            mean((0..self.faces.len()).filter_map(value).filter(|v| v.is_finite()))
        };
        (0..=self.config.strengths.len()).map(at).collect()
    }

    /// Part of the steps between neighbouring strengths, over all faces, that move an
    /// attribute the way of the direction, `[0,1]`.
    pub fn rising(&self, d: usize, attribute: Attribute) -> f64 {
        let step = |pair: &[(f32, Option<&Seen>)]| {
            let (a, b) = (pair[0].1?, pair[1].1?);
            let rise = b.reading.rank(attribute) - a.reading.rank(attribute);
            Some(if rise > 0.0 { 1.0 } else { 0.0 })
        };
        let steps = (0..self.faces.len()).flat_map(|k| {
            let along = self.along(k, d);
            along.windows(2).filter_map(step).collect::<Vec<_>>()
        });
        mean(steps)
    }

    /// Part of the faces whose attribute rises over every strength, `[0,1]`.
    pub fn monotone(&self, d: usize, attribute: Attribute) -> f64 {
        let of_face = |k| {
            let along = self.along(k, d);
            let ranks: Option<Vec<f64>> = along
                .iter()
                .map(|(_, seen)| Some(seen.as_ref()?.reading.rank(attribute)))
                .collect();
            Some(if ranks?.windows(2).all(|p| p[1] > p[0]) { 1.0 } else { 0.0 })
        };
        mean((0..self.faces.len()).filter_map(of_face))
    }

    /// Mean distance of the descriptors of a face and of itself moved, at each of
    /// [`Responses::strengths`].
    pub fn identity(&self, d: usize) -> Vec<f64> {
        let at = |s: usize| {
            let apart = |k: usize| {
                let own = self.faces[k][0].as_ref()?;
                Some(self.along(k, d)[s].1?.identity.distance(&own.identity))
            };
            mean((0..self.faces.len()).filter_map(apart))
        };
        (0..=self.config.strengths.len()).map(at).collect()
    }

    /// Part of the moved pictures in which a face was found, `[0,1]`.
    pub fn found(&self, d: usize) -> f64 {
        let seen = (0..self.faces.len()).filter(|k| self.faces[*k][0].is_some()).flat_map(|k| {
            self.along(k, d).into_iter().map(|(_, seen)| f64::from(seen.is_some() as u8))
        });
        mean(seen)
    }

    /// Standard deviation of an attribute over the faces before they are moved.
    pub fn spread(&self, attribute: Attribute) -> f64 {
        let own =
            self.faces.iter().filter_map(|seen| Some(seen[0].as_ref()?.reading.value(attribute)));
        let values: Vec<f64> = own.filter(|v| v.is_finite()).collect();
        let middle = mean(values.iter().copied());
        mean(values.iter().map(|v| (v - middle).powi(2))).sqrt()
    }

    /// Mean distance of the descriptors where the mean of an attribute has changed by
    /// `change` along direction `d`, either way: who a face stays when it is edited so far.
    /// `None` if neither end changes it so much.
    pub fn identity_at(&self, d: usize, attribute: Attribute, change: f64) -> Option<f64> {
        let (curve, identity, strengths) =
            (self.curve(d, attribute), self.identity(d), self.strengths());
        let own = strengths.iter().position(|s| *s == 0.0)?;
        let moved = |k: usize| ((curve[k] - curve[own]).abs(), identity[k]);
        let ends = [
            crossing((own..strengths.len()).map(moved), change),
            crossing((0..=own).rev().map(moved), change),
        ];
        let ends: Vec<f64> = ends.into_iter().flatten().collect();
        (!ends.is_empty()).then(|| mean(ends.into_iter()))
    }
}

/// Of points `(x, y)` with x from 0 on, y where x first reaches `at`, by straight lines.
fn crossing(points: impl Iterator<Item = (f64, f64)>, at: f64) -> Option<f64> {
    let points: Vec<_> = points.collect();
    let pair = points.windows(2).find(|pair| pair[1].0 >= at)?;
    let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
    Some(y0 + (y1 - y0) * (at - x0) / (x1 - x0))
}

/// NaN of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), v| (sum + v, count + 1));
    sum / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_lies_on_the_line_that_first_reaches_it() {
        let points = [(0.0, 0.0), (2.0, 1.0), (1.0, 5.0), (4.0, 2.0)];
        assert_eq!(crossing(points.into_iter(), 1.0), Some(0.5));
        assert_eq!(crossing(points.into_iter(), 2.5), Some(3.5));
        assert_eq!(crossing(points.into_iter(), 4.5), None);
        assert_eq!(crossing([(0.0, f64::NAN)].into_iter(), 1.0), None);
    }
}
