//! Squared distances of an image and its warps to constants, as quadratic forms.
//!
//! Each pixel of a warped image `W x` blends a 2x2 block of `x`. So `W^T M W` (with `M` a weight for
//! each pixel) couples a pixel with its eight neighbours only, whatever the flow, and so does a sum
//! of such matrices over any number of flows: five numbers a pixel hold it. With `d = x - image`
//!
//! ```text
//! sum_i |W_i x - t_i|^2_Mi  =  d.A d + 2 d.r + c        gradient  2 (A d + r)
//! A = sum W_i^T M_i W_i     r = sum W_i^T M_i (W_i image - t_i)     c = sum |W_i image - t_i|^2_Mi
//! ```
//!
//! which is exact: value and gradient of all warps cost one pass over the image, however many warps
//! there are. Where every `t_i` is `W_i image`, `r` and `c` are zero and not kept. Written around
//! `image` rather than around 0, nothing large cancels near the optimum.

mod evaluate;
mod form;
#[cfg(test)]
mod tests;

pub use form::{Form, FormSum, WarpedTarget};

use std::io;

use super::simd::Isa;
use crate::ops::arrays::{Arrays, Visitor};

/// Channels of an image.
const CHANNELS: usize = 3;

/// A weighted sum of squared distances of one image.
#[derive(Debug, Clone)]
pub struct QuadraticPlan {
    h: usize,
    w: usize,
    image: Vec<f32>,
    parts: Vec<Part>,
    isa: Isa,
}

/// One summand.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its factor in the total.
    pub weight: f32,
    /// The distance; `None` is `mean (x - image)^2`.
    pub form: Option<Form>,
}

/// Values and gradient at one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The weighted sum of the parts.
    pub total: f32,
    /// The value of each part.
    pub parts: Vec<f32>,
    /// Gradient of the total, `[3,H,W]`.
    pub gradient: Vec<f32>,
}

impl QuadraticPlan {
    /// Takes the image `[3,H,W]` that all forms were made around.
    ///
    /// # Panics
    /// If sizes do not fit.
    pub fn new(image: &[f32], [h, w]: [usize; 2], parts: Vec<Part>) -> Self {
        assert_eq!(image.len(), CHANNELS * h * w, "the image must be [3,{h},{w}]");
        let fits = |part: &Part| part.form.as_ref().is_none_or(|form| form.size() == [h, w]);
        assert!(parts.iter().all(fits), "a form of another size than {h}x{w}");
        Self { h, w, image: image.to_vec(), parts, isa: Isa::active() }
    }

    /// The same plan on a given instruction set.
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// Values and gradient at `x [3,H,W]`.
    ///
    /// # Panics
    /// If `x` has another size.
    pub fn evaluate(&self, x: &[f32]) -> Evaluation {
        assert_eq!(x.len(), self.image.len(), "an image of [3,{},{}]", self.h, self.w);
        evaluate::evaluate(self, x)
    }
}

impl Arrays for QuadraticPlan {
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        visitor(&mut self.image)?;
        for form in self.parts.iter_mut().filter_map(|part| part.form.as_mut()) {
            visitor(&mut form.rows)?;
            form.linear.as_mut().map_or(Ok(()), &mut *visitor)?;
        }
        Ok(())
    }
}
