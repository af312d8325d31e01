//! Which tiles of a batch lie in which lanes.

use super::super::Shape;
use super::super::transform::Transform;

/// The grid of tiles of a batch, numbered image by image, row by row.
#[derive(Clone, Copy)]
pub struct Tiles {
    n: usize,
    rows: usize,
    columns: usize,
}

/// Tiles side by side in one row of tiles, which lie in consecutive lanes of a vector.
#[derive(Clone, Copy, Default)]
pub struct Run {
    /// Lane of the first.
    pub lane: usize,
    /// Tiles.
    pub len: usize,
    /// Image they belong to.
    pub image: usize,
    /// Row of tiles in the image.
    pub row: usize,
    /// The first one's place in the row.
    pub column: usize,
}

impl Tiles {
    /// The tiles that cover a batch.
    pub fn new<T: Transform>(shape: Shape) -> Tiles {
        Tiles { n: shape.n, rows: shape.h.div_ceil(T::TILE), columns: shape.w.div_ceil(T::TILE) }
    }

    /// Tiles in all.
    pub fn count(&self) -> usize {
        self.n * self.rows * self.columns
    }

    /// The run that `lanes` tiles from `first` on are, if they lie in one row.
    #[inline(always)]
    pub fn whole_run(self, first: usize, lanes: usize) -> Option<Run> {
        self.runs(first, lanes).next().filter(|run| run.len == lanes)
    }

    /// The runs that `lanes` tiles from `first` on are made of; lanes behind the last tile are in none.
    #[inline(always)]
    pub fn runs(self, first: usize, lanes: usize) -> impl Iterator<Item = Run> {
        let end = (first + lanes).min(self.count());
        let mut tile = first;
        std::iter::from_fn(move || {
            (tile < end).then(|| {
                let (line, column) = (tile / self.columns, tile % self.columns);
                let len = (self.columns - column).min(end - tile);
                let lane = tile - first;
                tile += len;
                Run { lane, len, image: line / self.rows, row: line % self.rows, column }
            })
        })
    }
}
