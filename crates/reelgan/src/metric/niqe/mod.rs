//! The natural image quality evaluator.

mod aggd;
mod features;
mod pristine;
mod resample;

use rayon::prelude::*;
use reelgan_run::Images;
use reelgan_run::manifest::Better;

use super::{MetricInfo, Quality};
use crate::{Error, Result};
use pristine::{FEATURES, Model};

/// Side of a block at the first scale; half of it at the second.
pub(super) const BLOCK: usize = 96;

/// The grey image that NIQE judges, rounded to 256 levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NiqeLuma {
    /// MATLAB's `rgb2gray`, as the authors' release has it.
    #[default]
    Gray,
    /// Rec. 601 with head room, `16 + 65.481 R + 128.553 G + 24.966 B`, as in papers on
    /// super-resolution.
    Y,
}

/// NIQE: distance of an image's statistics from those of pristine photographs; lower is
/// more natural.
///
/// Two scales, blocks of 96 px, the authors' parameters (125 pristine images). The image
/// is cropped at the right and bottom to whole blocks. Flat areas make it unstable: signs
/// of rounding noise decide their features.
///
/// # Range    images `[0,1]`, quantised to 8 bits; result >= 0
/// # Source   Mittal, Soundararajan, Bovik 2013, "Making a completely blind image quality
/// analyzer", and the authors' release
#[derive(Debug, Clone, Copy, Default)]
pub struct Niqe {
    /// Which grey image.
    pub luma: NiqeLuma,
}

impl Quality for Niqe {
    fn info(&self) -> MetricInfo {
        let name = match self.luma {
            NiqeLuma::Gray => "niqe_gray",
            NiqeLuma::Y => "niqe_y",
        };
        MetricInfo::plain(name, Better::Lower)
    }

    /// # Errors
    /// [`Error::Shape`] for an image of fewer than two blocks.
    fn measure(&self, images: &Images, k: usize) -> Result<f64> {
        let (rows, columns) = (images.height() / BLOCK, images.width() / BLOCK);
        if rows * columns < 2 {
            return Err(Error::Shape {
                what: "image for NIQE".into(),
                expected: format!("at least {BLOCK}x{} pixels", 2 * BLOCK),
                got: format!("{}x{}", images.width(), images.height()),
            });
        }
        let grey = self.luma.of(images, k);
        let (first, second) = scales(&grey, images.width(), [rows, columns]);
        let blocks: Vec<[f64; FEATURES]> = first
            .into_iter()
            .zip(second)
            .map(|(a, b)| std::array::from_fn(|i| if i < 18 { a[i] } else { b[i - 18] }))
            .collect();
        let Some(seen) = Model::fitted(&blocks) else {
            // Nothing but flat blocks: no statistics to compare.
            return Ok(f64::NAN);
        };
        Ok(Model::pristine().distance(&seen))
    }
}

/// Features of every block, column by column, at both scales.
fn scales(
    grey: &[f64],
    width: usize,
    [rows, columns]: [usize; 2],
) -> (Vec<[f64; 18]>, Vec<[f64; 18]>) {
    let (h, w) = (rows * BLOCK, columns * BLOCK);
    let cropped: Vec<f64> =
        grey.chunks_exact(width).take(h).flat_map(|row| &row[..w]).copied().collect();
    let half = resample::half(&cropped, [h, w]);
    let of = |image: &[f64], width: usize, side: usize| {
        let normal = features::normalised(image, width);
        let places: Vec<[usize; 2]> =
            (0..columns).flat_map(|x| (0..rows).map(move |y| [y * side, x * side])).collect();
        places
            .into_par_iter()
            .map(|place| features::of_block(&normal, width, place, side))
            .collect()
    };
    (of(&cropped, w, BLOCK), of(&half, w / 2, BLOCK / 2))
}

impl NiqeLuma {
    /// Levels 0 to 255 of frame `k`.
    fn of(self, images: &Images, k: usize) -> Vec<f64> {
        let rgb = images.to_rgb8(k);
        let value = |p: &[u8]| {
            let [r, g, b] = [p[0], p[1], p[2]].map(f64::from);
            match self {
                Self::Gray => 0.298_936 * r + 0.587_043 * g + 0.114_021 * b,
                Self::Y => 16.0 + (65.481 * r + 128.553 * g + 24.966 * b) / 255.0,
            }
        };
        rgb.chunks_exact(3).map(|p| value(p).round_ties_even()).collect()
    }
}

#[cfg(test)]
mod tests {
    use reelgan_golden::{Golden, path};

    use super::*;

    fn grey(name: &str) -> (Vec<f64>, usize) {
        let images = reelgan_run::media::read(&path(&format!("images/{name}"))).unwrap().images;
        (NiqeLuma::Gray.of(&images, 0), images.width())
    }

    #[test]
    fn half_image_and_block_features_match_the_reference() {
        let golden = Golden::open("niqe_camera.safetensors");
        let (grey, width) = grey("camera.png");
        let cropped: Vec<f64> =
            grey.chunks_exact(width).take(480).flat_map(|row| &row[..480]).copied().collect();
        let half: Vec<f32> =
            resample::half(&cropped, [480, 480]).into_iter().map(|v| v as f32).collect();
        // The reference computes in f32, values up to 255.
        let worst = reelgan_golden::max_abs(&half, &golden.values("half_image"));
        assert!(worst < 1e-4, "half image differs by {worst}");
        let (first, second) = scales(&grey, width, [5, 5]);
        for (name, got) in [("features_scale1", first), ("features_scale2", second)] {
            for (got, want) in got.iter().flatten().zip(golden.doubles(name)) {
                // The grid of shapes has steps of 0.001: a last bit may decide for the next.
                assert!((got - want).abs() < 1.001e-3, "{name}: {got} instead of {want}");
            }
        }
    }

    #[test]
    fn what_cannot_be_judged() {
        let small = Images::new(1, 96, 191, vec![0.5; 3 * 96 * 191]).unwrap();
        let error = Niqe::default().measure(&small, 0).unwrap_err().to_string();
        assert!(error.contains("96x192") && error.contains("191x96"), "{error}");
        let flat = Images::new(1, 96, 192, vec![0.5; 3 * 96 * 192]).unwrap();
        assert!(Niqe::default().measure(&flat, 0).unwrap().is_nan());
    }
}
