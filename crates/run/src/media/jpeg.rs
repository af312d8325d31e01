//! What the segments of a JPEG file tell before it is decoded.
//!
//! The decoder fills a file that is cut short with grey instead of failing, and
//! guesses the colours of four-component files; both are found out here.

/// The outline of a JPEG file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// The number of colour components, if a frame header was met.
    pub(super) components: Option<u8>,
    /// Whether the image data reaches its end marker.
    pub(super) complete: bool,
}

const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;

impl Survey {
    /// Walks from marker to marker.
    ///
    /// # Source  ITU-T T.81, annex B
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut survey = Self { components: None, complete: false };
        // After the start-of-image marker.
        let mut at = 2;
        while let Some(marker) = next_marker(bytes, &mut at) {
            match marker {
                END_OF_IMAGE => {
                    survey.complete = survey.components.is_some();
                    break;
                }
                // Markers without content.
                0x01 | 0xD0..=0xD8 => continue,
                _ => {}
            }
            let Some(&[high, low]) = bytes.get(at..at + 2) else { break };
            let length = usize::from(high) << 8 | usize::from(low);
            if is_frame(marker) {
                // Length, precision, height, width: seven bytes before the count.
                survey.components = bytes.get(at + 7).copied();
            }
            at += length.max(2);
            if marker == START_OF_SCAN {
                skip_scan(bytes, &mut at);
            }
        }
        survey
    }
}

/// Start-of-frame markers; C4, C8 and CC among them mean other things.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// Moves behind the next marker and returns its code; bytes before it are
/// passed over, as decoders do.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let found = bytes.get(*at..)?.iter().position(|&b| b == 0xFF)?;
        *at += found + 1;
        // Any number of fill bytes may stand before the code.
        while *bytes.get(*at)? == 0xFF {
            *at += 1;
        }
        let code = bytes[*at];
        *at += 1;
        if code != 0 {
            return Some(code);
        }
    }
}

/// Moves to the marker that ends the compressed data of a scan.
fn skip_scan(bytes: &[u8], at: &mut usize) {
    while let Some(&[first, second]) = bytes.get(*at..*at + 2) {
        // A stuffed zero or a restart marker belongs to the data.
        if first == 0xFF && !matches!(second, 0x00 | 0xD0..=0xD7 | 0xFF) {
            return;
        }
        *at += 1;
    }
    *at = bytes.len();
}
