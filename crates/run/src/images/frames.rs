//! Pictures that are looked at one after the other.

use std::borrow::Cow;

use super::Images;
use crate::error::Result;

/// Pictures of one size in an order, of which only those that are being looked at need be in
/// memory. [`Images`] are some that all are.
///
/// # Shapes  `count` pictures `[3,H,W]`
/// # Range   as [`Images`]
pub trait Frames {
    /// The number of pictures, at least 1.
    fn count(&self) -> usize;

    /// The height of every picture in pixels.
    fn height(&self) -> usize;

    /// The width of every picture in pixels.
    fn width(&self) -> usize;

    /// The values of picture `k`, counted from 0: `[3,H,W]`.
    ///
    /// # Errors  what the place that they are read from can refuse
    /// # Panics  if `k >= count()`, as indexing a slice does
    fn values(&self, k: usize) -> Result<Cow<'_, [f32]>>;
}

impl Frames for Images {
    fn count(&self) -> usize {
        self.count
    }

    fn height(&self) -> usize {
        self.height
    }

    fn width(&self) -> usize {
        self.width
    }

    fn values(&self, k: usize) -> Result<Cow<'_, [f32]>> {
        Ok(Cow::Borrowed(self.frame(k)))
    }
}
