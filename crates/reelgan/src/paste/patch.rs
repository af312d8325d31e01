//! One frame: the crop brought back, matched in colour and blended.

use reelgan_run::Images;
use reelgan_run::images::Window;

use super::colour;
use super::mask::{Mask, Region};
use super::places::Place;
use crate::{Error, Result};

/// How a crop is put back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchConfig {
    /// Which part of the crop.
    pub region: Region,
    /// Width of the soft edge, in parts of the side of the crop, at most 0.5.
    pub feather: f64,
    /// Whether the low-frequency colour of the crop is made that of the source along
    /// the edge.
    pub match_colour: bool,
}

impl Default for PatchConfig {
    fn default() -> Self {
        Self { region: Region::Face, feather: 0.08, match_colour: true }
    }
}

/// The deviation of the colour difference, in parts of the side of the crop: about the
/// width of an eye.
const COLOUR_SIGMA: f64 = 0.1;
/// Pixels of the source kept around the mask, lest anything else bleed into it where
/// colours are stored for several pixels at once.
const MARGIN: usize = 8;

/// The pixels of a frame that change.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Width and height of the frame.
    frame: (usize, usize),
    window: Window,
    /// RGBA of the window; A is 255 where the frame changes, else 0 and RGB that of
    /// the source.
    rgba: Vec<u8>,
}

/// Puts the edited crop of a frame back; `None` where the frame stays as it is.
///
/// # Shapes   source `[1,3,H,W]`, edited `[1,3,S,S]`
/// # Range    images `[0,1]`
/// # Errors
/// [`Error::Shape`] for a frame of another size than the transforms are for, or an
/// edited crop that is no square; those of [`Mask::of`].
pub fn patch(
    source: &Images,
    edited: &Images,
    place: &Place,
    config: &PatchConfig,
) -> Result<Option<Patch>> {
    let (width, height) = (source.width(), source.height());
    if let Some((w, h)) = place.size.filter(|size| *size != (width, height)) {
        return Err(Error::Shape {
            what: format!("frame {}", place.frame + 1),
            expected: format!("{w}x{h} pixels, which its transform is for"),
            got: format!("{width}x{height}"),
        });
    }
    let mask = Mask::of(place, config.region, config.feather)?;
    let Some(window) = mask.window(width, height).map(|w| widened(w, width, height)) else {
        return Ok(None);
    };
    let alpha = values(&mask, window);
    let before = source.crop(window.x, window.y, window.width, window.height)?;
    let mut after = edited.unfit(place.crop, window)?.into_data();
    if config.match_colour {
        let sigma = COLOUR_SIGMA * place.crop.size;
        let light = colour::difference(before.data(), &after, &alpha, window.width, sigma);
        after.iter_mut().zip(light).for_each(|(v, d)| *v += d);
    }
    for (i, v) in after.iter_mut().enumerate() {
        let (a, s) = (alpha[i % alpha.len()], before.data()[i]);
        *v = s + a * (v.clamp(0.0, 1.0) - s);
    }
    let after = Images::new(1, window.height, window.width, after)?;
    Ok(Some(Patch { frame: (width, height), window, rgba: joined(&before, &after, &alpha) }))
}

fn widened(window: Window, width: usize, height: usize) -> Window {
    let (x, y) = (window.x.saturating_sub(MARGIN), window.y.saturating_sub(MARGIN));
    let end_x = (window.x + window.width + MARGIN).min(width);
    let end_y = (window.y + window.height + MARGIN).min(height);
    Window { x, y, width: end_x - x, height: end_y - y }
}

/// The mask at the centres of the pixels of a window.
fn values(mask: &Mask, window: Window) -> Vec<f32> {
    let pixels = (0..window.height).flat_map(|i| (0..window.width).map(move |j| (j, i)));
    let centre =
        |(j, i): (usize, usize)| [(window.x + j) as f64 + 0.5, (window.y + i) as f64 + 0.5];
    pixels.map(|pixel| mask.at(centre(pixel)) as f32).collect()
}

fn joined(before: &Images, after: &Images, alpha: &[f32]) -> Vec<u8> {
    let (before, after) = (before.to_rgb8(0), after.to_rgb8(0));
    let pixels = before.chunks_exact(3).zip(after.chunks_exact(3)).zip(alpha);
    pixels
        .flat_map(|((before, after), a)| match *a > 0.0 {
            true => [after[0], after[1], after[2], 255],
            false => [before[0], before[1], before[2], 0],
        })
        .collect()
}

impl Patch {
    /// Width and height of the frame.
    pub fn frame(&self) -> (usize, usize) {
        self.frame
    }

    /// The part of the frame that the mask lies in.
    pub fn window(&self) -> Window {
        self.window
    }

    /// RGBA of the whole frame; A is 255 where it changes and 0 elsewhere.
    pub fn rgba(&self) -> Vec<u8> {
        let (width, height) = self.frame;
        let mut all = vec![0; 4 * width * height];
        for (i, row) in self.rgba.chunks_exact(4 * self.window.width).enumerate() {
            let at = 4 * ((self.window.y + i) * width + self.window.x);
            all[at..at + row.len()].copy_from_slice(row);
        }
        all
    }

    /// The frame with the patch: every other pixel as it was.
    ///
    /// # Errors
    /// [`Error::Shape`] for a frame of another size.
    pub fn over(&self, source: &Images) -> Result<Images> {
        let (width, height) = self.frame;
        if (source.width(), source.height()) != self.frame {
            return Err(Error::Shape {
                what: "frame under a patch".into(),
                expected: format!("{width}x{height}"),
                got: format!("{}x{}", source.width(), source.height()),
            });
        }
        let mut rgb = source.to_rgb8(0);
        for (i, row) in self.rgba.chunks_exact(4 * self.window.width).enumerate() {
            for (j, pixel) in row.chunks_exact(4).enumerate().filter(|(_, p)| p[3] > 0) {
                let at = 3 * ((self.window.y + i) * width + self.window.x + j);
                rgb[at..at + 3].copy_from_slice(&pixel[..3]);
            }
        }
        Ok(Images::from_rgb8(height, width, &rgb)?)
    }
}
