//! Tiles in reading order: a page of samples.

use super::layout::{Layout, Tile, TileRect};
use super::raster::Picture;
use super::theme::Theme;
use crate::error::{Error, Result};

/// Equally sized tiles, filled row by row.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The size of every tile.
    pub tile: Tile,
    /// Tiles a row; `None` picks the squarest page, wider rather than higher.
    pub columns: Option<usize>,
    /// The pictures, any size, in reading order.
    pub tiles: Vec<Picture>,
    /// Written above the tiles, such as seeds; may be empty or shorter.
    pub captions: Vec<String>,
    /// The colours around the tiles.
    pub theme: Theme,
}

impl Grid {
    /// The squarest grid of `tiles`, without captions, on white.
    pub fn new(tile: Tile, tiles: Vec<Picture>) -> Self {
        Self { tile, columns: None, tiles, captions: Vec::new(), theme: Theme::LIGHT }
    }

    /// Where tile `k`, counted from 0, lies in the result.
    pub fn tile_rect(&self, k: usize) -> TileRect {
        self.layout().rect(k / self.columns(), k % self.columns())
    }

    /// Draws the grid.
    ///
    /// # Errors  `Error::Shape` if there is no picture, a side of the tile is 0, or
    /// the result would be too large
    pub fn compose(&self) -> Result<Picture> {
        if self.tiles.is_empty() {
            return Err(Error::shape("grid", "at least one picture", "none"));
        }
        let layout = self.layout();
        let mut page = layout.page(self.theme)?;
        for (k, picture) in self.tiles.iter().enumerate() {
            let at = self.tile_rect(k);
            layout.place(&mut page, at, Some(picture), self.theme)?;
            if let Some(words) = self.captions.get(k) {
                layout.caption(&mut page, at, words, self.theme);
            }
        }
        Ok(page)
    }

    fn columns(&self) -> usize {
        let count = self.tiles.len().max(1);
        let squarest = || count.isqrt() + usize::from(count.isqrt().pow(2) < count);
        self.columns.unwrap_or_else(squarest).clamp(1, count)
    }

    fn layout(&self) -> Layout {
        let columns = self.columns();
        let layout = Layout::new(self.tile, self.tiles.len().div_ceil(columns), columns);
        if self.captions.is_empty() { layout } else { layout.with_captions(true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(count: u8) -> Grid {
        let tiles = (0..count).map(|k| Picture::filled(16, 16, [100 + k, 0, k]).unwrap()).collect();
        Grid::new(Tile::square(16), tiles)
    }

    #[test]
    fn the_squarest_page_is_chosen() {
        for (count, columns) in [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)] {
            assert_eq!(grid(count).columns(), columns, "{count}");
        }
    }

    #[test]
    fn tiles_come_in_reading_order() {
        let mut grid = grid(7);
        grid.columns = Some(3);
        grid.captions = (0..7).map(|k| format!("seed {k}")).collect();
        let page = grid.compose().unwrap();
        for k in 0..7_u8 {
            let r = grid.tile_rect(k.into());
            assert_eq!(page.pixel(r.x, r.y), Some([100 + k, 0, k]));
            assert_eq!(page.pixel(r.x + 15, r.y + 15), Some([100 + k, 0, k]));
        }
        assert!(grid.tile_rect(3).y > grid.tile_rect(2).y);
        assert_eq!(grid.tile_rect(3).x, grid.tile_rect(0).x);
    }

    #[test]
    fn no_picture_is_an_error_and_any_column_count_works() {
        assert!(grid(0).compose().is_err());
        for columns in [0, 1, 100, usize::MAX] {
            let mut grid = grid(3);
            grid.columns = Some(columns);
            assert!(grid.compose().is_ok());
        }
    }
}
