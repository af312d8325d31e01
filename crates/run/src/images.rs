//! Pictures of one size, as everything in this project passes them around.

use crate::error::{Error, Result};

mod back;
mod frames;
mod resample;
mod turned;

pub use back::Window;
pub use frames::Frames;
pub use resample::Crop;

/// The most values one [`Images`] may hold: 8 GiB of `f32`.
pub(crate) const MAX_VALUES: usize = 1 << 31;

/// `N` RGB pictures of one size.
///
/// # Shapes  `[N,3,H,W]`, planar: all red values of a picture, then green, then
/// blue, each row by row from the top left; `N`, `H`, `W` are at least 1
/// # Range   `f32`, nominally `[0,1]` and always finite; a generator may overshoot
/// the range a little, and only [`Images::to_rgb8`] clamps it away
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    count: usize,
    height: usize,
    width: usize,
    data: Vec<f32>,
}

impl Images {
    /// Takes planar values as pictures.
    ///
    /// # Errors  `Error::Shape` if a size is 0 or `data` does not hold
    /// `count * 3 * height * width` values; `Error::Value` if one is not finite
    pub fn new(count: usize, height: usize, width: usize, data: Vec<f32>) -> Result<Self> {
        let values = volume(count, height, width)?;
        if data.len() != values {
            return Err(Error::shape(
                "images",
                format!("{values} values for [{count},3,{height},{width}]"),
                data.len(),
            ));
        }
        if let Some(at) = data.iter().position(|v| !v.is_finite()) {
            let frame = at / (3 * height * width) + 1;
            return Err(Error::value(
                "images",
                format!(
                    "frame {frame} holds {}, but every value must be a finite number",
                    data[at]
                ),
            ));
        }
        Ok(Self { count, height, width, data })
    }

    /// Takes one interleaved 8-bit picture (`RGBRGB...`, rows from the top).
    ///
    /// # Errors  `Error::Shape` if `rgb` does not hold `height * width * 3` bytes
    pub fn from_rgb8(height: usize, width: usize, rgb: &[u8]) -> Result<Self> {
        let values = volume(1, height, width)?;
        if rgb.len() != values {
            return Err(Error::shape(
                "picture",
                format!("{values} bytes for {width}x{height} RGB"),
                rgb.len(),
            ));
        }
        let plane = height * width;
        let mut data = vec![0.0; values];
        for (p, pixel) in rgb.chunks_exact(3).enumerate() {
            for (c, &v) in pixel.iter().enumerate() {
                data[c * plane + p] = f32::from(v) / 255.0;
            }
        }
        Ok(Self { count: 1, height, width, data })
    }

    /// Joins pictures of one size, in order.
    ///
    /// # Errors  `Error::Shape` if there are none, or their sizes differ
    pub fn from_frames(frames: Vec<Images>) -> Result<Self> {
        let mut frames = frames.into_iter();
        let Some(mut all) = frames.next() else {
            return Err(Error::shape("images", "at least one picture", "none"));
        };
        let more = frames.as_slice().iter().map(|f| f.data.len()).sum();
        all.data.reserve_exact(more);
        for (k, next) in frames.enumerate() {
            if (next.height, next.width) != (all.height, all.width) {
                return Err(Error::shape(
                    "images of one size",
                    format!("{}x{} as the first", all.width, all.height),
                    format!("{}x{} at position {}", next.width, next.height, k + 2),
                ));
            }
            volume(all.count + next.count, all.height, all.width)?;
            all.count += next.count;
            all.data.extend_from_slice(&next.data);
        }
        Ok(all)
    }

    /// The number of pictures, `N`.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The height of every picture in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The width of every picture in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, `[N,3,H,W]`.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Gives up the values, `[N,3,H,W]`.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// The values of picture `k`, counted from 0: `[3,H,W]`.
    ///
    /// # Panics  if `k >= count()`, as indexing a slice does
    pub fn frame(&self, k: usize) -> &[f32] {
        let size = 3 * self.height * self.width;
        &self.data[k * size..(k + 1) * size]
    }

    /// The pictures with these numbers, counted from 0, in this order; a number
    /// may come more than once.
    ///
    /// # Errors  `Error::Value` if a number is too large, `Error::Shape` if none is given
    pub fn select(&self, frames: &[usize]) -> Result<Self> {
        if let Some(&k) = frames.iter().find(|&&k| k >= self.count) {
            return Err(Error::value(
                "choice of frames",
                format!("there is no frame {} among {}", k + 1, self.count),
            ));
        }
        let values = volume(frames.len(), self.height, self.width)?;
        let mut data = Vec::with_capacity(values);
        for &k in frames {
            data.extend_from_slice(self.frame(k));
        }
        Ok(Self { count: frames.len(), height: self.height, width: self.width, data })
    }

    /// Picture `k`, counted from 0, as interleaved 8-bit RGB:
    /// `floor(clamp(x, 0, 1) * 255 + 0.5)`.
    ///
    /// # Panics  if `k >= count()`, as indexing a slice does
    pub fn to_rgb8(&self, k: usize) -> Vec<u8> {
        let plane = self.height * self.width;
        let frame = self.frame(k);
        let mut rgb = vec![0; 3 * plane];
        for (p, pixel) in rgb.chunks_exact_mut(3).enumerate() {
            for (c, v) in pixel.iter_mut().enumerate() {
                *v = eight_bits(frame[c * plane + p]);
            }
        }
        rgb
    }

    /// The same pictures with every value rounded to the nearest of the 256 that
    /// a PNG can hold, so that a picture and its file agree to the bit.
    pub fn quantised(mut self) -> Self {
        for v in &mut self.data {
            *v = f32::from(eight_bits(*v)) / 255.0;
        }
        self
    }

    /// Cuts the window with top left corner `(x, y)` out of every picture.
    ///
    /// # Errors  `Error::Shape` if the window is empty or not inside the pictures
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Result<Self> {
        let inside = |from: usize, len: usize, all: usize| {
            len > 0 && from.checked_add(len).is_some_and(|end| end <= all)
        };
        if !inside(x, width, self.width) || !inside(y, height, self.height) {
            return Err(Error::shape(
                "crop",
                format!("a window inside {}x{} pixels", self.width, self.height),
                format!("{width}x{height} at {x},{y}"),
            ));
        }
        let mut data = Vec::with_capacity(self.count * 3 * height * width);
        for plane in self.data.chunks_exact(self.height * self.width) {
            for row in plane.chunks_exact(self.width).skip(y).take(height) {
                data.extend_from_slice(&row[x..x + width]);
            }
        }
        Ok(Self { count: self.count, height, width, data })
    }
}

fn eight_bits(v: f32) -> u8 {
    // The cast truncates, which is `floor` for values that are not negative.
    (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

/// The number of values in `[count,3,height,width]`, checked.
fn volume(count: usize, height: usize, width: usize) -> Result<usize> {
    let got = || format!("[{count},3,{height},{width}]");
    if count == 0 || height == 0 || width == 0 {
        return Err(Error::shape("images", "sizes of at least 1", got()));
    }
    [3, height, width]
        .iter()
        .try_fold(count, |n, &size| n.checked_mul(size))
        .filter(|&n| n <= MAX_VALUES)
        .ok_or_else(|| Error::shape("images", format!("at most {MAX_VALUES} values"), got()))
}

#[cfg(test)]
mod tests;
