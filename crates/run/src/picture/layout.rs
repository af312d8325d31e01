//! Where tiles, labels and captions go.

use super::raster::{Picture, checked_pixels};
use super::text::{self, Align, Pen};
use super::theme::Theme;
use crate::error::Result;

/// The size of every tile in pixels, both sides at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

impl Tile {
    /// A square tile.
    pub const fn square(side: usize) -> Self {
        Self { width: side, height: side }
    }
}

/// The place of a tile in the composed picture, in pixels from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRect {
    /// The first column.
    pub x: usize,
    /// The first row.
    pub y: usize,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// Up to `limit` numbers from `0..count`, first and last among them, evenly spread
/// and rising: the frames to show of a long clip.
pub fn evenly_spaced(count: usize, limit: usize) -> Vec<usize> {
    match count.min(limit) {
        0 => Vec::new(),
        1 => vec![0],
        shown => {
            let (last, steps) = ((count - 1) as u128, (shown - 1) as u128);
            let at = |i: usize| ((2 * i as u128 * last + steps) / (2 * steps)) as usize;
            (0..shown).map(at).collect()
        }
    }
}

/// Rows and columns of tiles with room for words on the left and above.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    tile: Tile,
    rows: usize,
    columns: usize,
    margin: usize,
    gap: usize,
    /// Left of the first column.
    gutter: usize,
    /// Above the first row of tiles, or above every row.
    caption: usize,
    caption_each_row: bool,
    /// Below the last row.
    footer: usize,
    /// The line height of labels.
    pub text: f32,
}

impl Layout {
    pub fn new(tile: Tile, rows: usize, columns: usize) -> Self {
        let side = tile.width.min(tile.height);
        Self {
            tile,
            rows,
            columns,
            margin: (side / 10).clamp(8, 32),
            gap: (side / 32).clamp(2, 10),
            gutter: 0,
            caption: 0,
            caption_each_row: false,
            footer: 0,
            text: (side as f32 / 11.0).clamp(14.0, 28.0),
        }
    }

    /// Makes room on the left for the widest of `labels`, within reason.
    pub fn with_labels<'a>(mut self, labels: impl Iterator<Item = &'a str>) -> Self {
        let widest = labels.map(|l| text::width(l, self.text)).fold(0.0, f32::max);
        if widest > 0.0 {
            let limit = 1.25 * self.tile.width.max(120) as f32;
            self.gutter = (widest.min(limit) + self.text).ceil() as usize;
        }
        self
    }

    /// Makes room for captions above the first row of tiles, or above each.
    pub fn with_captions(mut self, each_row: bool) -> Self {
        self.caption = (1.5 * self.text).ceil() as usize;
        self.caption_each_row = each_row;
        self
    }

    /// Makes room below the tiles.
    pub fn with_footer(mut self, height: usize) -> Self {
        self.footer = height + 2 * self.gap;
        self
    }

    pub fn rect(&self, row: usize, column: usize) -> TileRect {
        let above = if self.caption_each_row { row + 1 } else { 1 };
        TileRect {
            x: self.margin + self.gutter + column * (self.tile.width + self.gap),
            y: self.margin + above * self.caption + row * (self.tile.height + self.gap),
            width: self.tile.width,
            height: self.tile.height,
        }
    }

    /// The empty page.
    ///
    /// # Errors  `Error::Shape` if the page would be too large
    pub fn page(&self, theme: Theme) -> Result<Picture> {
        let captions = if self.caption_each_row { self.rows } else { 1 };
        let span = |n: usize, tile: usize| {
            n.saturating_mul(tile.saturating_add(self.gap)).saturating_sub(self.gap)
        };
        let width =
            span(self.columns, self.tile.width).saturating_add(2 * self.margin + self.gutter);
        let height = span(self.rows, self.tile.height)
            .saturating_add(captions.saturating_mul(self.caption))
            .saturating_add(2 * self.margin + self.footer);
        checked_pixels(self.tile.width, self.tile.height)?;
        checked_pixels(width, height)?;
        Picture::filled(width, height, theme.background)
    }

    /// Puts `picture` into its tile, proportions kept, in the middle.
    pub fn place(
        &self,
        page: &mut Picture,
        at: TileRect,
        picture: Option<&Picture>,
        theme: Theme,
    ) -> Result<()> {
        let fitted = picture.map(|p| p.fitted(at.width, at.height)).transpose()?;
        let fills = |p: &Picture| (p.width(), p.height()) == (at.width, at.height);
        if !fitted.as_deref().is_some_and(fills) {
            page.paste(&Picture::filled(at.width, at.height, theme.empty)?, at.x, at.y);
        }
        if let Some(picture) = fitted {
            let (dx, dy) = (at.width - picture.width(), at.height - picture.height());
            page.paste(&picture, at.x + dx / 2, at.y + dy / 2);
        }
        Ok(())
    }

    /// Writes a label left of the tile `at`.
    pub fn label(&self, page: &mut Picture, at: TileRect, words: &str, theme: Theme) {
        let room = self.gutter as f32 - self.text;
        let words = text::shortened(words, self.text, room.max(0.0) + 0.5);
        let middle = at.y as f32 + 0.5 * at.height as f32;
        let pen = Pen { size: self.text, colour: theme.text };
        text::write(page, &words, (self.margin as f32, middle), Align::Start, pen);
    }

    /// Writes a caption above the tile `at`.
    pub fn caption(&self, page: &mut Picture, at: TileRect, words: &str, theme: Theme) {
        let size = 0.9 * self.text;
        let words = text::shortened(words, size, at.width as f32);
        let x = at.x as f32 + 0.5 * at.width as f32;
        let y = at.y as f32 - 0.85 * self.text;
        let pen = Pen { size, colour: theme.muted };
        text::write(page, &words, (x, y), Align::Centre, pen);
    }

    /// The top left corner of the room below the tiles.
    pub fn footer_corner(&self) -> (usize, usize) {
        let last = self.rect(self.rows.max(1) - 1, 0);
        (last.x, last.y + last.height + 2 * self.gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_evenly() {
        assert_eq!(evenly_spaced(5, 8), [0, 1, 2, 3, 4]);
        assert_eq!(evenly_spaced(9, 5), [0, 2, 4, 6, 8]);
        assert_eq!(evenly_spaced(100, 2), [0, 99]);
        assert_eq!(evenly_spaced(7, 1), [0]);
        assert!(evenly_spaced(0, 5).is_empty() && evenly_spaced(5, 0).is_empty());
    }

    #[test]
    fn tiles_never_overlap_and_stay_on_the_page() {
        let layout = Layout::new(Tile { width: 30, height: 20 }, 3, 4)
            .with_labels(["input"].into_iter())
            .with_captions(true);
        let page = layout.page(Theme::LIGHT).unwrap();
        for row in 0..3 {
            for column in 0..4 {
                let r = layout.rect(row, column);
                assert!(r.x + r.width <= page.width() && r.y + r.height <= page.height());
                if column > 0 {
                    assert!(layout.rect(row, column - 1).x + r.width < r.x);
                }
                if row > 0 {
                    assert!(layout.rect(row - 1, column).y + r.height < r.y);
                }
            }
        }
        // The same margin right and below as left and above.
        let last = layout.rect(2, 3);
        assert_eq!(page.width() - last.x - last.width, layout.margin);
        assert_eq!(page.height() - last.y - last.height, layout.margin);
    }
}
