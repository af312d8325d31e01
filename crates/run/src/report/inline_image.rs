//! Pictures inside the page itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::escape::escape;
use crate::error::Result;
use crate::picture::Picture;

/// An encoded picture that the page carries in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineImage {
    kind: &'static str,
    bytes: Vec<u8>,
    width: usize,
    height: usize,
}

impl InlineImage {
    /// As JPEG of `quality` 1 to 100: right for photographs.
    ///
    /// # Errors  `Error::Value` if the picture cannot be encoded
    pub fn jpeg(picture: &Picture, quality: u8) -> Result<Self> {
        Ok(Self::of("image/jpeg", picture.to_jpeg(quality)?, picture))
    }

    /// As PNG: right for heat maps and drawings.
    ///
    /// # Errors  `Error::Value` if the picture cannot be encoded
    pub fn png(picture: &Picture) -> Result<Self> {
        Ok(Self::of("image/png", picture.to_png()?, picture))
    }

    fn of(kind: &'static str, bytes: Vec<u8>, picture: &Picture) -> Self {
        Self { kind, bytes, width: picture.width(), height: picture.height() }
    }

    /// The `data:` address.
    pub(super) fn address(&self) -> String {
        format!("data:{};base64,{}", self.kind, STANDARD.encode(&self.bytes))
    }

    /// The element that shows it; `alt` says what is to be seen.
    pub(super) fn tag(&self, alt: &str) -> String {
        format!(
            "<img src=\"{}\" width=\"{}\" height=\"{}\" alt=\"{}\"/>",
            self.address(),
            self.width,
            self.height,
            escape(alt)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_holds_the_very_file() {
        let picture = Picture::new(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let image = InlineImage::png(&picture).unwrap();
        let address = image.address();
        let coded = address.strip_prefix("data:image/png;base64,").unwrap();
        assert_eq!(STANDARD.decode(coded).unwrap(), picture.to_png().unwrap());
        let tag = image.tag("a \"quoted\" <name>");
        assert!(tag.contains("alt=\"a &quot;quoted&quot; &lt;name&gt;\""), "{tag}");
        assert!(tag.contains("width=\"2\" height=\"1\""));
    }
}
