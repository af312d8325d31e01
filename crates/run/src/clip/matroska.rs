//! Pictures with times as ffmpeg reads them from a pipe: uncompressed Matroska.
//!
//! Raw video alone has no times, and a constant rate cannot tell those of a phone.

/// The identifiers of the elements that are written.
mod id {
    pub const EBML: &[u8] = &[0x1A, 0x45, 0xDF, 0xA3];
    pub const EBML_VERSION: &[u8] = &[0x42, 0x86];
    pub const EBML_READ_VERSION: &[u8] = &[0x42, 0xF7];
    pub const EBML_MAX_ID: &[u8] = &[0x42, 0xF2];
    pub const EBML_MAX_SIZE: &[u8] = &[0x42, 0xF3];
    pub const DOC_TYPE: &[u8] = &[0x42, 0x82];
    pub const DOC_VERSION: &[u8] = &[0x42, 0x87];
    pub const DOC_READ_VERSION: &[u8] = &[0x42, 0x85];
    pub const SEGMENT: &[u8] = &[0x18, 0x53, 0x80, 0x67];
    pub const INFO: &[u8] = &[0x15, 0x49, 0xA9, 0x66];
    pub const TIMESTAMP_SCALE: &[u8] = &[0x2A, 0xD7, 0xB1];
    pub const MUXING_APP: &[u8] = &[0x4D, 0x80];
    pub const WRITING_APP: &[u8] = &[0x57, 0x41];
    pub const TRACKS: &[u8] = &[0x16, 0x54, 0xAE, 0x6B];
    pub const TRACK: &[u8] = &[0xAE];
    pub const TRACK_NUMBER: &[u8] = &[0xD7];
    pub const TRACK_UID: &[u8] = &[0x73, 0xC5];
    pub const TRACK_TYPE: &[u8] = &[0x83];
    pub const CODEC: &[u8] = &[0x86];
    pub const VIDEO: &[u8] = &[0xE0];
    pub const WIDTH: &[u8] = &[0xB0];
    pub const HEIGHT: &[u8] = &[0xBA];
    pub const COLOUR_SPACE: &[u8] = &[0x2E, 0xB5, 0x24];
    pub const CLUSTER: &[u8] = &[0x1F, 0x43, 0xB6, 0x75];
    pub const TIMESTAMP: &[u8] = &[0xE7];
    pub const SIMPLE_BLOCK: &[u8] = &[0xA3];
}

/// The beginning of a stream of RGBA pictures, 8 bits each.
pub(super) fn beginning(width: usize, height: usize) -> Vec<u8> {
    let ebml = [
        number(id::EBML_VERSION, 1),
        number(id::EBML_READ_VERSION, 1),
        number(id::EBML_MAX_ID, 4),
        number(id::EBML_MAX_SIZE, 8),
        element(id::DOC_TYPE, b"matroska"),
        number(id::DOC_VERSION, 4),
        number(id::DOC_READ_VERSION, 2),
    ];
    let info = [
        // Times in nanoseconds.
        number(id::TIMESTAMP_SCALE, 1),
        element(id::MUXING_APP, b"reelgan"),
        element(id::WRITING_APP, b"reelgan"),
    ];
    let video = [
        number(id::WIDTH, width as u64),
        number(id::HEIGHT, height as u64),
        element(id::COLOUR_SPACE, b"RGBA"),
    ];
    let track = [
        number(id::TRACK_NUMBER, 1),
        number(id::TRACK_UID, 1),
        number(id::TRACK_TYPE, 1),
        element(id::CODEC, b"V_UNCOMPRESSED"),
        element(id::VIDEO, &video.concat()),
    ];
    [
        element(id::EBML, &ebml.concat()),
        id::SEGMENT.to_vec(),
        // Of unknown length: to the end of the stream.
        vec![0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        element(id::INFO, &info.concat()),
        element(id::TRACKS, &element(id::TRACK, &track.concat())),
    ]
    .concat()
}

/// What comes before the `bytes` bytes of a picture at this time.
pub(super) fn before_picture(nanoseconds: u64, bytes: usize) -> Vec<u8> {
    // Track 1, at the time of its cluster, a picture that needs no other.
    const BLOCK: &[u8] = &[0x81, 0, 0, 0x80];
    let time = number(id::TIMESTAMP, nanoseconds);
    let block = [id::SIMPLE_BLOCK, &length(BLOCK.len() + bytes), BLOCK].concat();
    let inside = time.len() + block.len() + bytes;
    [id::CLUSTER, &length(inside), &time, &block].concat()
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    [id, &length(content.len()), content].concat()
}

fn number(id: &[u8], value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// A length in eight bytes, which is as good as in fewer.
fn length(bytes: usize) -> [u8; 8] {
    (bytes as u64 | 1 << 56).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_are_as_the_format_has_them() {
        // RFC 8794, section 4: the marker bit, then the value.
        assert_eq!(length(2), [0x01, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(number(&[0xE7], 258), [0xE7, 1, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2]);
        let whole = [before_picture(7, 3), vec![1, 2, 3]].concat();
        assert_eq!(whole.len(), 4 + 8 + 17 + 1 + 8 + 4 + 3);
        assert_eq!(whole[..12], [0x1F, 0x43, 0xB6, 0x75, 1, 0, 0, 0, 0, 0, 0, 33]);
    }
}
