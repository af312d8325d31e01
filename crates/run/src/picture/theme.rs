//! The colours around the tiles.

/// Neutral colours of a composed picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Behind everything.
    pub background: [u8; 3],
    /// Where a tile is missing, or a picture does not fill its tile.
    pub empty: [u8; 3],
    /// Row labels.
    pub text: [u8; 3],
    /// Captions and scales.
    pub muted: [u8; 3],
}

impl Theme {
    /// Dark words on white: for papers and reports.
    pub const LIGHT: Theme = Theme {
        background: [255, 255, 255],
        empty: [240, 241, 243],
        text: [28, 31, 36],
        muted: [100, 106, 115],
    };

    /// Light words on near black: for screens and slides.
    pub const DARK: Theme = Theme {
        background: [22, 24, 28],
        empty: [36, 39, 45],
        text: [236, 238, 241],
        muted: [156, 163, 173],
    };
}

impl Default for Theme {
    fn default() -> Self {
        Theme::LIGHT
    }
}
