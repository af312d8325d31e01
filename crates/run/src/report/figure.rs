//! A picture with its caption.

use std::fmt::Write;

use super::escape::escape;
use super::inline_image::InlineImage;

/// A picture over the width of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The picture.
    pub image: InlineImage,
    /// The same on a dark background, shown where the reader's screen is dark.
    pub dark: Option<InlineImage>,
    /// What is to be seen, for readers who cannot see it.
    pub alt: String,
    /// Below the picture; empty for none.
    pub caption: String,
}

pub(super) fn render(figure: &Figure, out: &mut String) {
    out.push_str("<figure><div class=\"scroll\"><picture>");
    if let Some(dark) = &figure.dark {
        let media = "screen and (prefers-color-scheme: dark)";
        let _ = write!(out, "<source media=\"{media}\" srcset=\"{}\"/>", dark.address());
    }
    out.push_str(&figure.image.tag(&figure.alt));
    out.push_str("</picture></div>");
    if !figure.caption.is_empty() {
        let _ = write!(out, "<figcaption>{}</figcaption>", escape(&figure.caption));
    }
    out.push_str("</figure>\n");
}
