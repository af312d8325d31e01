//! Rows of tiles with labels: input above reconstruction above edit.

use super::layout::{Layout, Tile, TileRect};
use super::raster::Picture;
use super::theme::Theme;
use crate::error::{Error, Result};

/// One labelled row of a [`Strip`].
#[derive(Clone, Debug, Default)]
pub struct StripRow {
    /// Written left of the row; empty for none.
    pub label: String,
    /// One picture a column, any size; `None` leaves the place empty.
    pub tiles: Vec<Option<Picture>>,
}

impl StripRow {
    /// A row with a picture in every place.
    pub fn new(label: impl Into<String>, tiles: Vec<Picture>) -> Self {
        Self { label: label.into(), tiles: tiles.into_iter().map(Some).collect() }
    }
}

/// Rows of equally sized tiles, one column a frame.
///
/// Pictures are scaled into their tiles smoothly, their proportions kept. A row
/// may be shorter than the others. Scale large pictures down first
/// ([`Picture::thumbnail`]) where memory matters.
#[derive(Clone, Debug)]
pub struct Strip {
    /// The size of every tile.
    pub tile: Tile,
    /// From top to bottom.
    pub rows: Vec<StripRow>,
    /// Written above the columns, from left to right; may be empty or shorter.
    pub captions: Vec<String>,
    /// Shown below the tiles at its own size, such as a colour scale.
    pub footer: Option<Picture>,
    /// The colours around the tiles.
    pub theme: Theme,
}

impl Strip {
    /// A strip without captions or footer, on white.
    pub fn new(tile: Tile, rows: Vec<StripRow>) -> Self {
        Self { tile, rows, captions: Vec::new(), footer: None, theme: Theme::LIGHT }
    }

    /// Where the tile of `row` and `column`, counted from 0, lies in the result.
    pub fn tile_rect(&self, row: usize, column: usize) -> TileRect {
        self.layout().rect(row, column)
    }

    /// Draws the strip.
    ///
    /// # Errors  `Error::Shape` if there is no tile at all, a side of the tile is 0,
    /// or the result would be too large
    pub fn compose(&self) -> Result<Picture> {
        if self.columns() == 0 {
            return Err(Error::shape("strip", "at least one row with one picture", "none"));
        }
        let layout = self.layout();
        let mut page = layout.page(self.theme)?;
        for (row, content) in self.rows.iter().enumerate() {
            layout.label(&mut page, layout.rect(row, 0), &content.label, self.theme);
            for column in 0..self.columns() {
                let picture = content.tiles.get(column).and_then(Option::as_ref);
                layout.place(&mut page, layout.rect(row, column), picture, self.theme)?;
            }
        }
        for (column, words) in self.captions.iter().enumerate().take(self.columns()) {
            layout.caption(&mut page, layout.rect(0, column), words, self.theme);
        }
        if let Some(footer) = &self.footer {
            let (x, y) = layout.footer_corner();
            page.paste(footer, x, y);
        }
        Ok(page)
    }

    fn columns(&self) -> usize {
        self.rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0)
    }

    fn layout(&self) -> Layout {
        let labels = self.rows.iter().map(|row| row.label.as_str());
        let mut layout =
            Layout::new(self.tile, self.rows.len(), self.columns()).with_labels(labels);
        if !self.captions.is_empty() {
            layout = layout.with_captions(false);
        }
        match &self.footer {
            Some(footer) => layout.with_footer(footer.height()),
            None => layout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(colour: [u8; 3]) -> Picture {
        Picture::filled(64, 64, colour).unwrap()
    }

    fn example() -> Strip {
        let rows = vec![
            StripRow::new("input", vec![flat([250, 10, 10]), flat([10, 250, 10])]),
            StripRow { label: "edit".into(), tiles: vec![None, Some(flat([10, 10, 250]))] },
        ];
        let mut strip = Strip::new(Tile::square(40), rows);
        strip.captions = vec!["frame 1".into(), "frame 2".into()];
        strip.footer = Some(Picture::filled(30, 12, [1, 2, 3]).unwrap());
        strip
    }

    #[test]
    fn every_picture_lands_in_its_tile_and_nowhere_else() {
        let strip = example();
        let page = strip.compose().unwrap();
        let wanted = [
            ((0, 0), [250, 10, 10]),
            ((0, 1), [10, 250, 10]),
            ((1, 0), Theme::LIGHT.empty),
            ((1, 1), [10, 10, 250]),
        ];
        for ((row, column), colour) in wanted {
            let r = strip.tile_rect(row, column);
            let corners = [
                (r.x, r.y),
                (r.x + 39, r.y),
                (r.x, r.y + 39),
                (r.x + 39, r.y + 39),
                (r.x + 20, r.y + 20),
            ];
            for (x, y) in corners {
                assert_eq!(page.pixel(x, y), Some(colour), "tile {row},{column} at {x},{y}");
            }
            let area = page.rgb().chunks(3).filter(|p| *p == colour).count();
            assert_eq!(area, 40 * 40, "tile {row},{column}");
        }
        let scale = page.rgb().chunks(3).filter(|p| *p == [1, 2, 3]).count();
        assert_eq!(scale, 30 * 12);
    }

    #[test]
    fn proportions_are_kept_inside_a_tile() {
        let wide = Picture::filled(80, 40, [9, 90, 200]).unwrap();
        let strip = Strip::new(Tile::square(40), vec![StripRow::new("", vec![wide])]);
        let page = strip.compose().unwrap();
        let r = strip.tile_rect(0, 0);
        assert_eq!(page.pixel(r.x, r.y + 9), Some(Theme::LIGHT.empty));
        assert_eq!(page.pixel(r.x, r.y + 10), Some([9, 90, 200]));
        assert_eq!(page.pixel(r.x + 39, r.y + 29), Some([9, 90, 200]));
        assert_eq!(page.pixel(r.x, r.y + 30), Some(Theme::LIGHT.empty));
    }

    #[test]
    fn labels_are_written_left_and_captions_above() {
        let strip = example();
        let page = strip.compose().unwrap();
        let first = strip.tile_rect(0, 0);
        let ink = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            ys.flat_map(|y| xs.clone().map(move |x| (x, y)))
                .filter(|&(x, y)| page.pixel(x, y) != Some([255; 3]))
                .count()
        };
        assert!(ink(0..first.x, first.y..first.y + 40) > 50);
        assert!(ink(first.x..first.x + 40, 0..first.y) > 50);
    }

    #[test]
    fn nothing_to_show_and_too_much_are_errors() {
        assert!(Strip::new(Tile::square(8), vec![]).compose().is_err());
        assert!(Strip::new(Tile::square(8), vec![StripRow::new("x", vec![])]).compose().is_err());
        let row = |n| StripRow { label: String::new(), tiles: vec![None; n] };
        assert!(Strip::new(Tile::square(0), vec![row(1)]).compose().is_err());
        assert!(Strip::new(Tile::square(1024), vec![row(100)]).compose().is_err());
        assert!(Strip::new(Tile::square(usize::MAX), vec![row(3)]).compose().is_err());
    }

    #[test]
    fn the_same_strip_gives_the_same_bytes() {
        let png = || example().compose().unwrap().to_png().unwrap();
        assert_eq!(png(), png());
    }
}
