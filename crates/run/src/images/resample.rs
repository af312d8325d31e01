//! Cutting a square out of pictures and bringing it to another size.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;

use super::{Images, turned, volume};
use crate::error::{Error, Result};

/// The half width of the Lanczos kernel, in samples of the coarser grid.
pub(super) const LOBES: f64 = 3.0;
/// How many times longer than the picture's longer side a crop may be.
const MAX_OVERHANG: f64 = 3.0;

/// A square in a picture, in its pixels; pixel `(i, j)` covers `[i, i+1) x [j, j+1)`.
///
/// It may hang over the border, where the picture is continued by reflection, and
/// it may be turned about its centre, for a head that is not upright.
/// Text form: `x,y,size` or `x,y,size,angle`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Crop {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// The length of a side.
    pub size: f64,
    /// How far it is turned about its centre, in degrees, clockwise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub angle: f64,
}

fn is_zero(angle: &f64) -> bool {
    *angle == 0.0
}

impl Crop {
    /// A square that is not turned.
    pub fn upright(x: f64, y: f64, size: f64) -> Self {
        Self { x, y, size, angle: 0.0 }
    }

    /// The largest square in the middle of a picture, on whole pixels.
    pub fn centre(height: usize, width: usize) -> Self {
        let size = height.min(width);
        Self::upright(((width - size) / 2) as f64, ((height - size) / 2) as f64, size as f64)
    }

    /// Checks that the square is usable on pictures of this size.
    ///
    /// # Errors  `Error::Value` if a number is not finite, the size is not
    /// positive or more than three times the longer side, or the square and the
    /// picture share no point
    pub fn check(&self, height: usize, width: usize) -> Result<()> {
        let (h, w) = (height as f64, width as f64);
        let finite = [self.x, self.y, self.size, self.angle].iter().all(|v| v.is_finite());
        let problem = if !finite || self.size <= 0.0 {
            "x, y and angle must be finite numbers and size a positive one".into()
        } else if self.size > MAX_OVERHANG * h.max(w) {
            format!(
                "the square is more than {MAX_OVERHANG} times as long as the picture of {width}x{height}"
            )
        } else if self.x >= w
            || self.y >= h
            || self.x + self.size <= 0.0
            || self.y + self.size <= 0.0
        {
            format!("the square lies outside the picture of {width}x{height}")
        } else {
            return Ok(());
        };
        Err(Error::value("crop", format!("{self}: {problem}")))
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.x, self.y, self.size)?;
        if self.angle != 0.0 { write!(f, ",{}", self.angle) } else { Ok(()) }
    }
}

impl FromStr for Crop {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: std::result::Result<Vec<f64>, _> =
            text.split(',').map(|v| v.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[x, y, size, ref angle @ ..])
                if angle.len() <= 1
                    && [x, y, size].iter().chain(angle).all(|v| v.is_finite())
                    && size > 0.0 =>
            {
                Ok(Self { x, y, size, angle: angle.first().copied().unwrap_or(0.0) })
            }
            _ => Err(Error::value(
                "crop",
                format!(
                    "`{text}` is not x,y,size: three numbers in pixels of the input, such as \
                     280,20,400, and an angle in degrees where the head is not upright"
                ),
            )),
        }
    }
}

impl Images {
    /// Brings a square of every picture to `out_size x out_size` pixels.
    ///
    /// A Lanczos kernel of three lobes, widened by the scale when shrinking, so
    /// that fine detail is averaged and not aliased; missing border by reflection
    /// about the outermost pixels. A square on whole pixels that keeps its size
    /// is copied exactly. The result is clamped to `[0,1]` (the kernel overshoots
    /// at edges) and not rounded to 8 bits.
    ///
    /// # Shapes  `[N,3,H,W]` to `[N,3,out_size,out_size]`
    /// # Errors  `Error::Value` if the crop is unusable (see [`Crop::check`]),
    /// `Error::Shape` if `out_size` is 0 or too large
    pub fn fit(&self, crop: Crop, out_size: usize) -> Result<Self> {
        crop.check(self.height, self.width)?;
        let values = volume(self.count, out_size, out_size)?;
        if crop.angle != 0.0 {
            return Ok(turned::fit(self, crop, out_size));
        }
        let columns = Taps::new(crop.x, crop.size, self.width, out_size);
        let rows = Taps::new(crop.y, crop.size, self.height, out_size);

        let mut data = vec![0.0f32; values];
        let source = self.data.par_chunks_exact(self.height * self.width);
        data.par_chunks_exact_mut(out_size * out_size)
            .zip(source)
            .for_each(|(out, plane)| resample_plane(plane, self.width, &rows, &columns, out));
        Ok(Self { count: self.count, height: out_size, width: out_size, data })
    }
}

/// One channel: first along rows, then down columns.
fn resample_plane(plane: &[f32], width: usize, rows: &Taps, columns: &Taps, out: &mut [f32]) {
    let side = columns.len();
    let used = rows.used();
    let mut narrow = vec![0.0f32; used.len() * side];
    for (line, y) in narrow.chunks_exact_mut(side).zip(used.clone()) {
        let source = &plane[y * width..(y + 1) * width];
        for (j, v) in line.iter_mut().enumerate() {
            *v = columns.at(j).map(|(x, weight)| weight * source[x]).sum();
        }
    }
    for (i, line) in out.chunks_exact_mut(side).enumerate() {
        for (y, weight) in rows.at(i) {
            let source = &narrow[(y - used.start) * side..][..side];
            for (v, s) in line.iter_mut().zip(source) {
                *v += weight * s;
            }
        }
        for v in line {
            *v = v.clamp(0.0, 1.0);
        }
    }
}

/// For every output position of one axis, the source positions and their weights.
struct Taps {
    index: Vec<usize>,
    weight: Vec<f32>,
    /// Where the taps of each output position begin; one more entry at the end.
    start: Vec<usize>,
}

impl Taps {
    /// Maps `[from, from + length)` of an axis with `source` pixels to `out` pixels.
    fn new(from: f64, length: f64, source: usize, out: usize) -> Self {
        let scale = length / out as f64;
        let stretch = scale.max(1.0);
        let mut taps = Self { index: Vec::new(), weight: Vec::new(), start: vec![0] };
        for i in 0..out {
            // The centre of output pixel i, on a grid whose integers are the
            // centres of source pixels.
            let centre = from + (i as f64 + 0.5) * scale - 0.5;
            let first = (centre - LOBES * stretch).ceil() as i64;
            let last = (centre + LOBES * stretch).floor() as i64;
            let weights: Vec<f64> =
                (first..=last).map(|p| lanczos((p as f64 - centre) / stretch)).collect();
            let sum: f64 = weights.iter().sum();
            for (p, weight) in (first..=last).zip(weights) {
                if weight != 0.0 {
                    taps.index.push(reflect(p, source));
                    taps.weight.push((weight / sum) as f32);
                }
            }
            taps.start.push(taps.index.len());
        }
        taps
    }

    fn len(&self) -> usize {
        self.start.len() - 1
    }

    fn at(&self, i: usize) -> impl Iterator<Item = (usize, f32)> {
        let range = self.start[i]..self.start[i + 1];
        self.index[range.clone()].iter().copied().zip(self.weight[range].iter().copied())
    }

    /// The span of source positions that any output needs.
    fn used(&self) -> std::ops::Range<usize> {
        let first = self.index.iter().min().copied().unwrap_or(0);
        let last = self.index.iter().max().copied().unwrap_or(0);
        first..last + 1
    }
}

/// `sinc(x) sinc(x / 3)` for `|x| < 3`, exactly 1 at 0 and 0 at other integers.
pub(super) fn lanczos(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else if x.abs() >= LOBES || x.fract() == 0.0 {
        0.0
    } else {
        let px = std::f64::consts::PI * x;
        LOBES * px.sin() * (px / LOBES).sin() / (px * px)
    }
}

/// Position `p` of an axis continued by reflection: `.. 2 1 0 1 2 .. n-2 n-1 n-2 ..`.
pub(super) fn reflect(p: i64, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let n = n as i64;
    let p = p.rem_euclid(2 * (n - 1));
    p.min(2 * (n - 1) - p) as usize
}
