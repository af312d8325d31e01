//! How far two pictures are apart, pixel by pixel, as colours.

use super::colormap::heat_colour;
use super::raster::Picture;
use super::text::{self, Align, Pen};
use super::theme::Theme;
use crate::error::{Error, Result};

/// The full scales that are offered: round shares of the whole range.
const SCALES: [f32; 7] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0];

/// The mean absolute difference of the three channels at every pixel.
///
/// # Shapes  `width * height` values, rows from the top left
/// # Range   `[0,1]`: 1 where black meets white
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl HeatMap {
    /// `|a - b|` of two pictures of one size.
    ///
    /// # Errors  `Error::Shape` if their sizes differ
    pub fn difference(a: &Picture, b: &Picture) -> Result<Self> {
        if (a.width(), a.height()) != (b.width(), b.height()) {
            return Err(Error::shape(
                "difference of two pictures",
                format!("the size of the first, {}x{}", a.width(), a.height()),
                format!("{}x{}", b.width(), b.height()),
            ));
        }
        let pixels = a.rgb().chunks_exact(3).zip(b.rgb().chunks_exact(3));
        let mean = |(a, b): (&[u8], &[u8])| {
            let sum: u16 = a.iter().zip(b).map(|(&a, &b)| u16::from(a.abs_diff(b))).sum();
            f32::from(sum) / 765.0
        };
        Ok(Self { width: a.width(), height: a.height(), values: pixels.map(mean).collect() })
    }

    /// The values, rows from the top left.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The map in colours ([`heat_colour`]); `full_scale` and more is the brightest.
    pub fn paint(&self, full_scale: f32) -> Picture {
        // Differences of bytes take 766 values, so every colour is worked out once.
        let scale = if full_scale > 0.0 { full_scale } else { 1.0 };
        let colours: Vec<[u8; 3]> =
            (0..=765).map(|i| heat_colour(i as f32 / 765.0 / scale)).collect();
        let colour = |v: &f32| colours[(v * 765.0).round() as usize];
        Picture::new(self.width, self.height, self.values.iter().flat_map(colour).collect())
            .expect("a heat map has the size of the pictures it was made from")
    }
}

/// One full scale for several maps, so that their colours can be compared: the
/// smallest round number (0.02 to 1) that all but the largest 0.5 % of the values keep to.
pub fn shared_full_scale(maps: &[HeatMap]) -> f32 {
    let total: usize = maps.iter().map(|m| m.values.len()).sum();
    let allowed = total / 200;
    let over = |scale: f32| {
        let above = |m: &HeatMap| m.values.iter().filter(|&&v| v > scale).count();
        maps.iter().map(above).sum::<usize>()
    };
    SCALES.into_iter().find(|&s| over(s) <= allowed).unwrap_or(1.0)
}

impl Picture {
    /// A bar of all heat colours with the numbers 0 to `full_scale` below it and
    /// `label` after it: the scale to show beside painted heat maps.
    ///
    /// # Errors  `Error::Shape` if `width` is 0 or too large
    pub fn heat_scale(full_scale: f32, label: &str, width: usize, theme: Theme) -> Result<Picture> {
        const BAR: usize = 14;
        let size = (width as f32 / 36.0).clamp(13.0, 18.0);
        let bar = (width / 3).clamp(1, 260);
        let mut page = Picture::filled(width, BAR + 24, theme.background)?;
        for x in 0..bar {
            let colour = heat_colour((x as f32 + 0.5) / bar as f32);
            page.paste(&Picture::filled(1, BAR, colour)?, x, 0);
        }
        let pen = Pen { size: 0.9 * size, colour: theme.muted };
        let y = BAR as f32 + 13.0;
        let end = bar as f32;
        text::write(&mut page, "0", (0.0, y), Align::Start, pen);
        text::write(&mut page, &short(0.5 * full_scale), (0.5 * end, y), Align::Centre, pen);
        text::write(&mut page, &short(full_scale), (end, y), Align::End, pen);
        let room = width as f32 - end - size;
        let label = text::shortened(label, size, room.max(0.0));
        let pen = Pen { size, colour: theme.muted };
        text::write(&mut page, &label, (end + size, 0.5 * BAR as f32), Align::Start, pen);
        Ok(page)
    }
}

/// A number of the scale, without needless zeros.
fn short(v: f32) -> String {
    let text = format!("{v:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_the_mean_over_the_channels() {
        let a = Picture::new(2, 1, vec![0, 0, 0, 10, 20, 30]).unwrap();
        let b = Picture::new(2, 1, vec![255, 255, 255, 40, 20, 0]).unwrap();
        let map = HeatMap::difference(&a, &b).unwrap();
        assert_eq!(map.values(), [1.0, 60.0 / 765.0]);
        assert_eq!(map, HeatMap::difference(&b, &a).unwrap());
        let other = Picture::filled(1, 2, [0; 3]).unwrap();
        assert!(HeatMap::difference(&a, &other).is_err());
    }

    #[test]
    fn colours_follow_the_scale() {
        let a = Picture::filled(3, 1, [0; 3]).unwrap();
        let b = Picture::new(3, 1, vec![0, 0, 0, 51, 51, 51, 255, 255, 255]).unwrap();
        let painted = HeatMap::difference(&a, &b).unwrap().paint(0.2);
        assert_eq!(painted.pixel(0, 0), Some(heat_colour(0.0)));
        assert_eq!(painted.pixel(1, 0), Some(heat_colour(1.0)));
        assert_eq!(painted.pixel(2, 0), Some(heat_colour(1.0)));
    }

    #[test]
    fn the_shared_scale_ignores_a_few_outliers() {
        let black = Picture::filled(20, 50, [0; 3]).unwrap();
        let map = |bright: usize| {
            let rgb = (0..1000).flat_map(|i| [if i < bright { 200 } else { 20 }; 3]).collect();
            HeatMap::difference(&black, &Picture::new(20, 50, rgb).unwrap()).unwrap()
        };
        // 20 / 255 = 0.078; 200 / 255 = 0.78; 0.5 % of 1000 are 5.
        assert_eq!(shared_full_scale(&[map(5)]), 0.1);
        assert_eq!(shared_full_scale(&[map(6)]), 1.0);
        assert_eq!(shared_full_scale(&[map(10), map(0)]), 0.1);
        assert_eq!(shared_full_scale(&[]), 0.02);
    }

    #[test]
    fn the_scale_bar_runs_from_dark_to_bright() {
        let bar = Picture::heat_scale(0.2, "mean |difference|", 300, Theme::LIGHT).unwrap();
        let light = |x| bar.pixel(x, 5).unwrap().iter().map(|&v| u32::from(v)).sum::<u32>();
        assert!(light(0) < 60 && light(99) > 600);
        assert_eq!(bar.pixel(100, 5), Some([255; 3]));
        assert!(Picture::heat_scale(0.2, "", 0, Theme::LIGHT).is_err());
        assert!(Picture::heat_scale(f32::NAN, "", 3, Theme::LIGHT).is_ok());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(0.2), "0.2");
        assert_eq!(short(0.025), "0.025");
        assert_eq!(short(1.0), "1");
        assert_eq!(short(0.0), "0");
    }
}
