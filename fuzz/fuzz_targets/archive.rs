//! Any bytes as a package, and as a file to be recognised.
#![no_main]

use reelgan_checkpoint::{detect, package};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = detect(bytes);
    if let Ok(content) = package::member_of(bytes, "a/b.bin", 1 << 20) {
        assert!(content.len() <= 1 << 20);
    }
});
